import type { Store } from '../call/ports.ts';
import { viewOfRecord } from '../call/view-of.ts';
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
  const calls = page.map(
    (record) => (record.end ? undefined : live.get(record.id)) ?? viewOfRecord(record, decideWithin),
  );
  return { calls, more: records.length > page.length };
}
