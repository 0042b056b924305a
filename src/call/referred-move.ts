import type { PhoneReferral, TargetFailure } from './ports.ts';
import type { CallEvent, CallState } from './states.ts';

/** The move that a phone has asked for: the phone is told how it goes on and what it came to. */
export class ReferredMove {
  readonly #referral: PhoneReferral;
  readonly #party: number;

  /** `party`: the attempt whose phone asked. */
  constructor(referral: PhoneReferral, party: number) {
    this.#referral = referral;
    this.#party = party;
  }

  /** Something happened, and this is the state after it. Called before what follows is done: a leg that is hung up for it is told first. */
  happened(event: CallEvent, state: CallState): boolean {
    if (event.is === 'target-hung-up' && event.attempt === this.#party) return true; // nobody is there to be told
    if (event.is === 'target-rings' && state.at === 'moving' && event.attempt === state.attempt) {
      this.#referral.progress(event.status);
    }
    return this.over(state, event);
  }

  /** Tells the outcome, when there is one. */
  over(state: CallState, event?: CallEvent): boolean {
    if (state.at === 'moving' && state.stage !== 'returning') return false;
    this.#referral.done(event ? outcomeOf(event) : 500);
    return true;
  }
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
