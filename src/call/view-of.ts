import type { Call } from './call.ts';
import type { CallEnd } from './end.ts';
import type { AttemptRecord, CallRecord } from './record.ts';
import { viewState } from './view-state.ts';
import type { CallView, TargetView } from './view.ts';

const iso = (milliseconds: number) => new Date(milliseconds).toISOString();

/** What the terminals may see of a call. A withheld caller stays withheld. */
export function viewOf(call: Call): CallView {
  const { state, tools } = call;
  const shown = viewState(state);
  const decideBefore =
    state.at === 'waiting'
      ? state.decideBefore
      : call.record.arrivedAt + Math.min(tools.settings.decideWithin, tools.settings.maxHold);
  const target = targetView(call.record.attempts.at(-1), shown);
  return {
    ...common(call.record),
    state: shown === 'arriving' ? 'waiting' : shown,
    decideBefore: iso(decideBefore),
    ...(target && { target }),
  };
}

/** A call of the past, out of its record. */
export function viewOfRecord(record: CallRecord): CallView {
  const target = targetView(record.attempts.at(-1), 'ended');
  return { ...common(record), state: 'ended', decideBefore: iso(record.arrivedAt), ...(target && { target }) };
}

function common(record: CallRecord): Omit<CallView, 'state' | 'decideBefore' | 'target'> {
  return {
    id: record.id,
    caller: record.callerWithheld ? null : record.caller,
    callerWithheld: record.callerWithheld,
    firstCalled: record.firstCalled ?? '',
    ...(record.secondCalled !== null && { secondCalled: record.secondCalled }),
    arrivedAt: iso(record.arrivedAt),
    ...(record.answeredAt !== undefined && { connectedAt: iso(record.answeredAt) }),
    ...(record.end && { end: endView(record.end) }),
  };
}

function endView(end: CallEnd): NonNullable<CallView['end']> {
  return {
    reason: end.reason,
    at: iso(end.at),
    ...(end.status !== undefined && { status: end.status }),
    ...(end.q850 !== undefined && { q850: end.q850 }),
  };
}

function targetView(attempt: AttemptRecord | undefined, shown: string): TargetView | undefined {
  if (!attempt) return undefined;
  const { to, by, mode } = attempt;
  return {
    to,
    by,
    mode,
    attempt: attempt.attempt,
    state: targetState(attempt, shown),
    ...(attempt.cause && { cause: attempt.cause.reason }),
  };
}

function targetState(attempt: AttemptRecord, shown: string): TargetView['state'] {
  if (attempt.cause) return 'failed';
  if (attempt.answeredAt !== undefined && shown !== 'ringing') return 'connected';
  return attempt.ringingAt === undefined ? 'connecting' : 'ringing';
}
