import type { Command } from 'commander';
import type { CallRecord } from '../../../call/record.ts';
import { Failure } from '../../../shared/errors.ts';
import { act, table } from '../../context.ts';
import { localTime, span, withIsoTimes } from '../../time.ts';
import { readAccount, readKnownNumber } from '../subscriber/input.ts';

interface ListOptions {
  account?: string;
  number?: string;
  before?: string;
  limit: string;
}

/** `ringaway call list`. */
export function registerList(parent: Command): void {
  parent
    .command('list')
    .description('List calls, the newest first.')
    .option('--account <account>', 'only calls of this subscriber')
    .option('--number <number>', 'only calls with this number as caller, first, second or final called number')
    .option('--before <time>', 'only calls that arrived before this time (ISO 8601)')
    .option('--limit <count>', 'at most so many: 1 to 10000', '50')
    .action(
      act(async (context, options: ListOptions) => {
        const filter = {
          ...(options.account !== undefined && { account: readAccount(options.account) }),
          ...(options.number !== undefined && {
            number: readKnownNumber(options.number, context.settings().numbering),
          }),
          ...(options.before !== undefined && { before: readTime(options.before) }),
          limit: readLimit(options.limit),
        };
        const { records } = await context.store();
        const found = await records.list(filter);
        context.print(withIsoTimes(found), () => {
          if (found.length === 0) return 'There is no such call.';
          return table(['ARRIVED', 'CALLER', 'CALLED', 'FINALLY', 'TALKED', 'END', 'ID'], found.map(row));
        });
      }),
    );
}

function row(record: CallRecord): string[] {
  const { answeredAt, end } = record;
  return [
    localTime(record.arrivedAt),
    record.caller ?? 'withheld',
    record.firstCalled ?? record.secondCalled ?? '-',
    record.finalCalled ?? '-',
    answeredAt !== undefined && end ? span(end.at - answeredAt) : '-',
    end?.reason ?? 'stands',
    record.id,
  ];
}

function readTime(text: string): number {
  const time = Date.parse(text);
  if (!Number.isNaN(time)) return time;
  throw new Failure('bad-input', `"${text}" is no time: give it as 2026-01-31 or 2026-01-31T08:15:00+08:00`);
}

function readLimit(text: string): number {
  const limit = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= 10_000) return limit;
  throw new Failure('bad-input', `--limit "${text}" is no number from 1 to 10000`);
}
