import type { CallRecord } from '../call/record.ts';

/** One thing that had to be seen, and whether it was. */
export interface Check {
  what: string;
  ok: boolean;
  /** What was seen. */
  seen: string;
}

const seconds = (milliseconds: number) => `${(milliseconds / 1_000).toFixed(3)} s`;

/** The record as lines for people: what the operator charges by. */
export function recordLines(record: CallRecord): string[] {
  const since = (at: number | undefined) => (at === undefined ? '-' : `+${seconds(at - record.arrivedAt)}`);
  const rows: [string, string][] = [
    ['call', record.id],
    ['caller', record.callerWithheld ? `${record.caller ?? '?'} (withheld)` : (record.caller ?? 'unknown')],
    ['first called number', `${record.firstCalled ?? '?'} (read from ${record.firstCalledSource ?? 'nothing'})`],
    ['second called number', record.secondCalled ?? '-'],
    ['final called number', record.finalCalled ?? '-'],
    ['account, terminal', `${record.account ?? '-'}, ${record.instructedBy ?? '-'}`],
    ['arrived', new Date(record.arrivedAt).toISOString()],
    ['notified, instructed', `${since(record.notifiedAt)}, ${since(record.instructedAt)}`],
    ['rang, answered', `${since(record.ringingAt)}, ${since(record.answeredAt)}`],
    [
      'ended',
      `${since(record.end?.at)}: ${record.end?.reason ?? 'not ended'} (by ${record.end?.by ?? '-'}, SIP ${record.end?.status ?? '-'}, Q.850 ${record.end?.q850 ?? '-'})`,
    ],
    ['talked', record.answeredAt === undefined || !record.end ? '-' : seconds(record.end.at - record.answeredAt)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

export function checkLines(checks: readonly Check[]): string[] {
  return checks.map(({ what, ok, seen }) => `${ok ? '✔' : '✘'} ${what}: ${seen}`);
}
