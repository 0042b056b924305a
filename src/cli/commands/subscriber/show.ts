import type { Command } from 'commander';
import { unknownAccount } from '../../../store/failures.ts';
import { act } from '../../context.ts';
import { withIsoTimes } from '../../time.ts';
import { describeSubscriber } from './describe.ts';
import { readAccount } from './input.ts';

/** `ringaway subscriber show`. */
export function registerShow(parent: Command): void {
  parent
    .command('show')
    .argument('<account>', 'name of the account')
    .description('Show a subscriber, and where their terminals logged in.')
    .action(
      act(async (context, name: string) => {
        const account = readAccount(name);
        const store = await context.store();
        const subscriber = await store.subscribers.get(account);
        if (!subscriber) throw unknownAccount(account);
        const terminals = await store.logins.of(account);
        context.print(withIsoTimes({ ...subscriber, terminals }), () => describeSubscriber(subscriber, terminals));
      }),
    );
}
