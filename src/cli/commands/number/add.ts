import type { Command } from 'commander';
import { act } from '../../context.ts';
import { withIsoTimes } from '../../time.ts';
import { describeNumber, describeSubscriber } from '../subscriber/describe.ts';
import { readAccount, readNumbers } from '../subscriber/input.ts';

/** `ringaway number add`. */
export function registerAdd(parent: Command): void {
  parent
    .command('add')
    .argument('<account>', 'name of the account')
    .argument('<number>', 'number that callers dial')
    .description('Give a subscriber one more number.')
    .option('--second <number>', "the service's number that the network rings beside it")
    .action(
      act(async (context, name: string, text: string, options: { second?: string }) => {
        const account = readAccount(name);
        const seconds = options.second === undefined ? [] : [options.second];
        const { subscribers } = await context.store();
        for (const number of readNumbers([text], seconds, context.settings().numbering)) {
          const subscriber = await subscribers.addNumber(account, number);
          const done = () => `Added ${describeNumber(number)}.\n\n${describeSubscriber(subscriber)}`;
          context.print(withIsoTimes(subscriber), done);
        }
      }),
    );
}
