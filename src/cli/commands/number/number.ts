import type { Command } from 'commander';
import { registerAdd } from './add.ts';
import { registerList } from './list.ts';
import { registerRemove } from './remove.ts';

const examples = `
Examples:
  ringaway number add shop1 +8675520000003 --second +8675586000003
  ringaway number list shop1
  ringaway number remove shop1 +8675520000003`;

/** `ringaway number add`, `remove` and `list`. */
export function registerNumber(program: Command): void {
  const number = program
    .command('number')
    .summary('add, remove and list the numbers of subscribers')
    .description('Add, remove and list the numbers of subscribers; a running service knows at once.')
    .addHelpText('after', examples);
  registerAdd(number);
  registerRemove(number);
  registerList(number);
}
