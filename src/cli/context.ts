// What the commands need of the world: settings, store, standard input, and an output for people and programs.
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { Store } from '../call/ports.ts';
import { loadSettings, type Settings } from '../config.ts';
import { systemClock, type Clock } from '../shared/clock.ts';
import { silentLog } from '../shared/log.ts';
import { openStore } from '../store/open.ts';

export interface Context {
  /** Whether --json was given. */
  readonly json: boolean;
  /** What --config was given. */
  readonly configFile: string | undefined;
  readonly clock: Clock;
  /** @throws Failure `bad-setting` */
  settings(): Settings;
  /**
   * The store of the settings; opened at the first call, closed when the command is over.
   * @throws Failure `bad-setting`, `store-unavailable`
   */
  store(): Promise<Store>;
  /** Writes an answer: `value` as JSON with --json, otherwise what `forPeople` says. */
  print(value: unknown, forPeople: () => string): void;
  /** All of standard input, without the newline at its end. */
  readInput(): Promise<string>;
}

/**
 * Makes an action of a command: `.action(act(async (context, account: string, options: AddOptions) => …))`.
 * What it throws becomes one line and the exit code; what it opened is closed.
 */
export function act<Arguments extends unknown[]>(
  action: (context: Context, ...given: Arguments) => Promise<void> | void,
): (this: Command, ...given: Arguments) => Promise<void> {
  return async function (this: Command, ...given: Arguments) {
    const { context, close } = createContext(this.optsWithGlobals());
    try {
      await action(context, ...given);
    } finally {
      await close();
    }
  };
}

function createContext(options: { config?: string; json?: boolean }): { context: Context; close: () => Promise<void> } {
  const json = options.json === true;
  let settings: Settings | undefined;
  let store: Promise<Store> | undefined;
  const context: Context = {
    json,
    configFile: options.config,
    clock: systemClock,
    settings: () => (settings ??= loadSettings({ file: options.config })),
    store: () => (store ??= openStore(context.settings().store, { log: silentLog, clock: systemClock })),
    print: (value, forPeople) => {
      process.stdout.write(`${json ? JSON.stringify(value, undefined, 2) : forPeople()}\n`);
    },
    readInput: async () => (await text(process.stdin)).replace(/\r?\n$/, ''),
  };
  return { context, close: async () => (await store?.catch(() => undefined))?.close() };
}

/** Rows under headings, in columns as wide as they need to be. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [headings, ...rows]
    .map((row) =>
      widths
        .map((width, column) => (row[column] ?? '').padEnd(width))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
