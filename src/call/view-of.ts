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
  return {
    ...common(call.record),
    state: shown === 'arriving' ? 'waiting' : shown,
    decideBefore: iso(decideBefore),
    ...parties(call.record, 'party' in state ? state.party : undefined),
  };
}

/** A call of the past, out of its record. */
export function viewOfRecord(record: CallRecord): CallView {
  return { ...common(record), state: 'ended', decideBefore: iso(record.arrivedAt), ...parties(record, undefined) };
}

function common(record: CallRecord): Omit<CallView, 'state' | 'decideBefore' | 'target' | 'move'> {
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

/** With whom the caller stands, and the move that came after that; or the last one whom they were to be connected with. */
function parties({ attempts }: CallRecord, standing: number | undefined): Pick<CallView, 'target' | 'move'> {
  const last = attempts.at(-1);
  const stands = standing === undefined ? undefined : attempts[standing - 1];
  const target = stands ?? last;
  return {
    ...(target && { target: targetView(target) }),
    ...(stands &&
      last?.move &&
      last !== stands && { move: { ...targetView(last), attended: last.move === 'attended' } }),
  };
}

function targetView(attempt: AttemptRecord): TargetView {
  const { to, by, mode, among, cause } = attempt;
  return {
    to,
    ...(among && { among }),
    by,
    mode,
    attempt: attempt.attempt,
    state: targetState(attempt),
    ...(cause && { cause: cause.reason }),
  };
}

function targetState({ cause, answeredAt, ringingAt }: AttemptRecord): TargetView['state'] {
  if (cause) return 'failed';
  if (answeredAt !== undefined) return 'connected';
  return ringingAt === undefined ? 'connecting' : 'ringing';
}
