import type { Command } from 'commander';
import { act } from '../../context.ts';
import { withIsoTimes } from '../../time.ts';
import { describeSubscriber } from '../subscriber/describe.ts';
import { readAccount, readKnownNumber } from '../subscriber/input.ts';

/** `ringaway number remove`. */
export function registerRemove(parent: Command): void {
  parent
    .command('remove')
    .argument('<account>', 'name of the account')
    .argument('<number>', 'number that callers dial')
    .description('Take a number from a subscriber, and the service number beside it.')
    .action(
      act(async (context, name: string, text: string) => {
        const account = readAccount(name);
        const number = readKnownNumber(text, context.settings().numbering);
        const { subscribers } = await context.store();
        const subscriber = await subscribers.removeNumber(account, number);
        context.print(withIsoTimes(subscriber), () => `Removed ${number}.\n\n${describeSubscriber(subscriber)}`);
      }),
    );
}
