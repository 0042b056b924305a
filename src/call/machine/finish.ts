import type { EndedBy, EndReason } from '../end.ts';
import type { Cause } from '../ports.ts';
import type { Command, Live, Transition } from '../states.ts';
import { hasTalked, isAnswered, isParked, liveAttempts } from './live.ts';

/** ITU-T Q.850 causes that we give. */
export const q850 = {
  normalClearing: 16,
  busy: 17,
  noAnswer: 19,
  rejected: 21,
  normalUnspecified: 31,
  temporaryFailure: 41,
} as const;

/** What the caller's network is told with the end, where nobody else has said why. */
const causeOf: Partial<Record<EndReason, number>> = {
  completed: q850.normalClearing,
  transferred: q850.normalClearing,
  declined: q850.rejected,
  'not-instructed': q850.noAnswer,
  'target-busy': q850.busy,
  'target-refused': q850.rejected,
  'target-no-answer': q850.noAnswer,
  'limit-reached': q850.normalUnspecified,
  interrupted: q850.temporaryFailure,
  failed: q850.temporaryFailure,
};

/** Temporarily Unavailable (RFC 3261 21.4.18). */
const unavailable = 480;

interface Ending {
  /** Why, when the outside said it. */
  cause?: Cause;
  /** What a caller gets who has no final response yet, or got when they cancelled. */
  status?: number;
  /** The caller's leg is over already. */
  callerGone?: boolean;
}

/** The one way into `ended`: whatever stands is stopped, the caller's leg is ended as its state demands, then the call. */
export function finish(
  state: Live,
  now: number,
  reason: EndReason,
  by: EndedBy,
  { cause: given, status, callerGone }: Ending = {},
): Transition {
  const known = causeOf[reason];
  const cause = given ?? (known === undefined ? {} : { q850: known });
  const toTarget = given ?? { q850: isFault(reason) ? q850.temporaryFailure : q850.normalClearing };
  const commands: Command[] = liveAttempts(state)
    .filter((attempt) => attempt > 0)
    .map((attempt) => ({ do: 'stop-attempt', attempt, cause: toTarget }));
  if (isParked(state)) commands.push({ do: 'unpark-caller' });
  if (!callerGone) commands.push(...release(state, status ?? unavailable, cause));
  const got = statusOf(state, reason, callerGone) ?? status ?? (callerGone ? undefined : unavailable);
  const isup = cause.q850 ?? (hasTalked(state) ? q850.normalClearing : undefined);
  commands.push({
    do: 'end',
    end: { reason, by, at: now, ...(got !== undefined && { status: got }), ...(isup !== undefined && { q850: isup }) },
  });
  return { state: { at: 'ended', reason }, commands };
}

const isFault = (reason: EndReason) => reason === 'failed' || reason === 'interrupted';

/** Ends the caller's leg: exactly one final response, and a BYE only behind a 200. */
function release(state: Live, status: number, cause: Cause): Command[] {
  const open = state.at === 'arriving' || ('caller' in state && state.caller === 'ringing');
  return [open ? { do: 'reject-caller', status, cause } : { do: 'hang-up-caller', cause }];
}

/** The status that the caller got already, or is getting; undefined when it is still to come, or their CANCEL was faster. */
function statusOf(state: Live, reason: EndReason, callerGone = false): number | undefined {
  if ('caller' in state && state.caller === 'redirecting' && reason === 'transferred') return 302;
  const leaving = 'caller' in state && state.caller === 'connecting' && !callerGone;
  return isAnswered(state) || leaving ? 200 : undefined;
}
