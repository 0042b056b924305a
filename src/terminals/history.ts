import type { Store } from '../call/ports.ts';
import type { AttemptRecord, CallRecord } from '../call/record.ts';
import { endReasons } from '../call/end.ts';
import type { EndReason } from '../call/end.ts';
import type { CallViewState, TargetView } from '../call/view.ts';
import type { Clock } from '../shared/clock.ts';
import { withDeadline } from '../shared/deadline.ts';
import type { Call, HistoryPage } from './events.ts';

/** Calls that came in the same millisecond stay on one page; more than this many are not expected. */
const together = 50;

export interface HistoryParts {
  store: Pick<Store, 'records'>;
  clock: Clock;
  /** Milliseconds that calls wait for an instruction. */
  decideWithin: number;
}

/**
 * One page of an account's calls, newest first: `limit` of them, and those that arrived in the same millisecond as the
 * last, so that `before` with its time loses none. `standing` are the live views, which know more than their records.
 */
export async function historyPage(
  { store, clock, decideWithin }: HistoryParts,
  account: string,
  standing: readonly Call[],
  wanted: { before?: string; limit: number },
): Promise<HistoryPage> {
  const before = wanted.before === undefined ? {} : { before: Date.parse(wanted.before) };
  const reading = store.records.list({ account, ...before, limit: wanted.limit + together });
  const records = await withDeadline(clock, 10_000, 'reading the records', reading);
  const last = records[wanted.limit - 1]?.arrivedAt;
  const page = records.filter(({ arrivedAt }, index) => index < wanted.limit || arrivedAt === last);
  const live = new Map(standing.map((call) => [call.id, call]));
  const calls = page.map((record) => (record.end ? undefined : live.get(record.id)) ?? viewOf(record, decideWithin));
  return { calls, more: records.length > page.length };
}

/** A record as a terminal sees it. */
export function viewOf(record: CallRecord, decideWithin: number): Call {
  const { id, caller, callerWithheld, firstCalled, secondCalled, arrivedAt, answeredAt, end } = record;
  // Of a call that was moved, the party that it was last connected with; the last try where it never was.
  const attempt = record.attempts.findLast(({ answeredAt }) => answeredAt !== undefined) ?? record.attempts.at(-1);
  return {
    id,
    state: stateOf(record),
    caller,
    callerWithheld,
    firstCalled: firstCalled ?? secondCalled ?? '',
    ...(secondCalled !== null && { secondCalled }),
    arrivedAt: time(arrivedAt),
    decideBefore: time(arrivedAt + decideWithin),
    ...(attempt && { target: targetOf(attempt) }),
    ...(answeredAt !== undefined && { connectedAt: time(answeredAt) }),
    ...(end && {
      end: {
        reason: end.reason,
        at: time(end.at),
        ...(end.status !== undefined && { status: end.status }),
        ...(end.q850 !== undefined && { q850: end.q850 }),
      },
    }),
  };
}

function stateOf({ end, answeredAt, attempts }: CallRecord): CallViewState {
  if (end) return 'ended';
  if (answeredAt !== undefined) return 'connected';
  const attempt = attempts.at(-1);
  if (!attempt || attempt.cause) return 'waiting';
  return attempt.ringingAt === undefined ? 'connecting' : 'ringing';
}

function targetOf({ to, by, mode, attempt, ringingAt, answeredAt, cause }: AttemptRecord): TargetView {
  const reached = answeredAt !== undefined ? 'connected' : ringingAt !== undefined ? 'ringing' : 'connecting';
  const reason = endReasons.find((known): known is EndReason => known === cause?.reason);
  return { to, by, mode, attempt, state: cause ? 'failed' : reached, ...(reason && { cause: reason }) };
}

function time(at: number): string {
  return new Date(at).toISOString();
}
