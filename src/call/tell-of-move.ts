import type { PhoneReferral, TargetFailure } from './ports.ts';
import type { CallEvent, CallState } from './states.ts';

/**
 * Tells a phone how the move goes that it asked for, when something has happened and this is the state after it; before what
 * follows is done, as a leg that is hung up has to hear the outcome first. Returns whether that was all.
 */
export function tellOfMove(referral: PhoneReferral, event: CallEvent, state: CallState): boolean {
  if (state.at !== 'moving' || state.stage === 'returning') {
    referral.done(outcomeOf(event));
    return true;
  }
  if (event.is === 'target-rings') referral.progress(event.status);
  return false;
}

function outcomeOf(event: CallEvent): number {
  switch (event.is) {
    case 'joined':
    case 'transferred':
      return 200;
    case 'target-failed':
    case 'join-failed':
      return statusOf(event.failure);
    case 'target-hung-up':
    case 'media-failed':
    case 'interrupted':
      return 503;
    default:
      return 487; // taken back, or the call ended meanwhile: Request Terminated
  }
}

const statusOfReason: Record<TargetFailure['reason'], number> = {
  'target-busy': 486,
  'target-refused': 603,
  'target-no-answer': 408,
  'target-unreachable': 404,
  failed: 500,
};

function statusOf({ status = 0, reason }: TargetFailure): number {
  return status >= 300 ? status : statusOfReason[reason];
}
