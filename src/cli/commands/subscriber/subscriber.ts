import type { Command } from 'commander';
import { registerAdd } from './add.ts';
import { registerList } from './list.ts';
import { registerRemove } from './remove.ts';
import { registerSet } from './set.ts';
import { registerShow } from './show.ts';

const examples = `
Examples:
  echo "$PASSWORD" | ringaway subscriber add shop1 --number +8675520000001 --owner "The shop" --password-stdin
  ringaway subscriber add shop2 --number 20000002 --second 86000002 --pin 4711 --password-stdin < password.txt
  ringaway subscriber set shop1 --address "Shennan Road 1"
  ringaway subscriber set shop1 --music /srv/music/shop.mp3 --connect refer,bridge
  ringaway subscriber show shop1`;

/** `ringaway subscriber add`, `show`, `list`, `set` and `remove`. */
export function registerSubscriber(program: Command): void {
  const subscriber = program
    .command('subscriber')
    .summary('add, show, change and remove subscribers')
    .description('Add, show, change and remove subscribers; a running service knows at once.')
    .addHelpText('after', examples);
  registerAdd(subscriber);
  registerShow(subscriber);
  registerList(subscriber);
  registerSet(subscriber);
  registerRemove(subscriber);
}
