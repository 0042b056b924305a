import type { Command } from 'commander';
import { act, table } from '../../context.ts';
import { withIsoTimes } from '../../time.ts';
import { allSubscribers } from './all.ts';

/** `ringaway subscriber list`. */
export function registerList(parent: Command): void {
  parent
    .command('list')
    .description('List the subscribers.')
    .action(
      act(async (context) => {
        const subscribers = await allSubscribers(await context.store());
        context.print(withIsoTimes(subscribers), () => {
          if (subscribers.length === 0) return 'There is no subscriber yet: see ringaway subscriber add --help.';
          const rows = subscribers.map(({ account, ownerName = '-', proof, numbers }) => [
            account,
            numbers.map(({ number }) => number).join(' '),
            proof,
            ownerName,
          ]);
          return table(['ACCOUNT', 'NUMBERS', 'PROOF', 'OWNER'], rows);
        });
      }),
    );
}
