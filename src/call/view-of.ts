import type { Call } from './call.ts';
import type { CallEnd } from './end.ts';
import type { AttemptRecord, CallRecord } from './record.ts';
import { viewState } from './view-state.ts';
import type { CallView, CallViewState, TargetView } from './view.ts';

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
    ...parties(call.record, state),
  };
}

/** A call out of its record: of the past, or of another node. `decideWithin` in milliseconds. */
export function viewOfRecord(record: CallRecord, decideWithin: number): CallView {
  const { attempts, finalCalled, arrivedAt } = record;
  // Of a call that was moved, whom the caller was last connected with
  const target = attempts.findLast(({ to }) => to === finalCalled) ?? attempts.at(-1);
  return {
    ...common(record),
    state: stateOf(record),
    decideBefore: iso(arrivedAt + decideWithin),
    ...(target && { target: targetView(target) }),
  };
}

/** As far as the record tells: who holds and who moves stands in none. */
function stateOf({ end, answeredAt, attempts }: CallRecord): CallViewState {
  if (end) return 'ended';
  if (answeredAt !== undefined) return 'connected';
  const attempt = attempts.at(-1);
  if (!attempt || attempt.cause) return 'waiting';
  return attempt.ringingAt === undefined ? 'connecting' : 'ringing';
}

function common(record: CallRecord): Omit<CallView, 'state' | 'decideBefore' | 'target' | 'move'> {
  return {
    id: record.id,
    caller: record.callerWithheld ? null : record.caller,
    callerWithheld: record.callerWithheld,
    firstCalled: record.firstCalled ?? record.secondCalled ?? '',
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

/**
 * With whom the caller stands, and the move that goes on or came to nothing after that; or the last one whom they were to be
 * connected with. A move that was taken back is not told of: whoever did so knows.
 */
function parties({ attempts }: CallRecord, state: Call['state']): Pick<CallView, 'target' | 'move'> {
  const last = attempts.at(-1);
  const stands = 'party' in state ? attempts[state.party - 1] : undefined;
  const target = stands ?? last;
  const moved = stands && last?.move && last !== stands && (state.at === 'moving' || last.cause) ? last : undefined;
  return {
    ...(target && { target: targetView(target) }),
    ...(moved && { move: { ...targetView(moved), attended: moved.move === 'attended' } }),
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
