import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { Failure } from '../../../shared/errors.ts';
import { unknownAccount } from '../../../store/failures.ts';
import { act } from '../../context.ts';
import { readAccount } from './input.ts';

/** `ringaway subscriber remove`. */
export function registerRemove(parent: Command): void {
  parent
    .command('remove')
    .argument('<account>', 'name of the account')
    .description('Remove a subscriber and their numbers; records of calls stay.')
    .option('--yes', 'do not ask (on a terminal; a script is never asked)')
    .action(
      act(async (context, name: string, options: { yes?: true }) => {
        const account = readAccount(name);
        const { subscribers } = await context.store();
        const subscriber = await subscribers.get(account);
        if (!subscriber) throw unknownAccount(account);
        const numbers = subscriber.numbers.map(({ number }) => number).join(', ');
        if (process.stdin.isTTY && !options.yes && !(await confirmed(`Remove ${account} with ${numbers}? [y/N] `))) {
          throw new Failure('bad-input', `${account} was not removed`);
        }
        if (!(await subscribers.remove(account))) throw unknownAccount(account);
        context.print({ removed: account }, () => `Removed ${account} with ${numbers}.`);
      }),
    );
}

async function confirmed(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(question)).trim());
  } finally {
    lines.close();
  }
}
