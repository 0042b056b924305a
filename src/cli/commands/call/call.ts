import type { Command } from 'commander';
import { registerList } from './list.ts';
import { registerShow } from './show.ts';

const examples = `
Examples:
  ringaway call list --account shop1
  ringaway call list --number +8675520000001 --limit 10 --json
  ringaway call show 0b8f6c9e`;

/** `ringaway call list` and `show`. */
export function registerCall(program: Command): void {
  const call = program
    .command('call')
    .summary('list and show the records of calls')
    .description('List and show the records of calls.')
    .addHelpText('after', examples);
  registerList(call);
  registerShow(call);
}
