import type { Command } from 'commander';
import type { Store } from '../../../call/ports.ts';
import type { Subscriber } from '../../../call/subscriber.ts';
import { unknownAccount } from '../../../store/failures.ts';
import { act, table } from '../../context.ts';
import { allSubscribers } from '../subscriber/all.ts';
import { readAccount } from '../subscriber/input.ts';

/** `ringaway number list`. */
export function registerList(parent: Command): void {
  parent
    .command('list')
    .argument('[account]', 'name of the account; all without it')
    .description('List the numbers, whose they are, and the service numbers beside them.')
    .action(
      act(async (context, name: string | undefined) => {
        const subscribers = await subscribersOf(await context.store(), name);
        const numbers = subscribers.flatMap(({ account, numbers }) => numbers.map((each) => ({ ...each, account })));
        context.print(numbers, () => {
          if (numbers.length === 0) return 'There is no number yet: see ringaway subscriber add --help.';
          const rows = numbers.map(({ number, secondCalled = '-', account }) => [number, secondCalled, account]);
          return table(['NUMBER', 'RINGS AS', 'ACCOUNT'], rows);
        });
      }),
    );
}

async function subscribersOf(store: Store, name: string | undefined): Promise<Subscriber[]> {
  if (name === undefined) return allSubscribers(store);
  const subscriber = await store.subscribers.get(readAccount(name));
  if (!subscriber) throw unknownAccount(name);
  return [subscriber];
}
