import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Command } from 'commander';
import type { Clock } from '../../shared/clock.ts';
import { Failure } from '../../shared/errors.ts';
import { TerminalClient } from '../../terminals/client.ts';
import type { TerminalInfo } from '../../terminals/events.ts';
import { act } from '../context.ts';
import { commandsInFull, parseDestination } from './terminal/commands.ts';
import type { Destination } from './terminal/commands.ts';
import type { Standing, View } from './terminal/happenings.ts';
import { keyInput, pipedInput } from './terminal/input.ts';
import type { Input } from './terminal/input.ts';
import { TerminalRun } from './terminal/run.ts';
import { Screen } from './terminal/screen.ts';
import { readTokenFile, writeTokenFile } from './terminal/token-file.ts';
import { jsonView, linesView } from './terminal/views.ts';

interface TerminalOptions {
  server: string;
  account?: string;
  passwordStdin?: boolean;
  tokenFile?: string;
  name?: string;
  id?: string;
  ipPhone?: { ip: string; port?: number };
  autoTransfer?: Destination;
  once?: boolean;
}

const help = `
Typed lines (without a tty: lines of standard input, after the password):
${commandsInFull}

With --json each event is one line of JSON: session, call:incoming, call:changed, call:ended, answer, history,
session:ended, refused, unreachable, disconnected, mistake.

Examples:
  ringaway terminal --account shop1
  ringaway terminal --account shop1 --password-stdin --token-file ~/.ringaway-token < password
  ringaway terminal --token-file ~/.ringaway-token --auto-transfer 13800138000 --once
  ringaway terminal --account shop1 --auto-transfer "0755-20000009 > 13800138000"`;

/** `ringaway terminal`. */
export function registerTerminal(program: Command): void {
  program
    .command('terminal')
    .summary('be a terminal: see calls arrive and say where they go')
    .description('Log in as a terminal, see calls arrive live, and type the number that they are transferred to.')
    .option('--server <url>', 'address of the service', 'http://127.0.0.1:8080')
    .option('--account <account>', "the account's name, or one of its numbers")
    .option('--password-stdin', 'the password is the first line of standard input')
    .option('--token-file <file>', 'keeps the login: read at the start, written at each login')
    .option('--name <text>', 'what this terminal is called', hostname())
    .option('--id <id>', 'id of this terminal; a second connection with the same id replaces the first')
    .option('--ip-phone <address>', 'IP[:PORT] of its own IP phone', readAddress)
    .option('--auto-transfer <numbers>', 'transfers each call there at once', readDestination)
    .option('--once', 'ends when the first call is over')
    .addHelpText('after', help)
    .action(act((context, options: TerminalOptions) => runTerminal(options, context.json, context.clock)));
}

async function runTerminal(options: TerminalOptions, json: boolean, clock: Clock): Promise<void> {
  const server = readServer(options.server);
  const kept = options.tokenFile === undefined ? undefined : await readTokenFile(options.tokenFile);
  const account = options.account ?? kept?.account;
  if (account === undefined) {
    throw new Failure('bad-input', 'who logs in? Give --account, or the --token-file of an earlier login');
  }
  const { input, view } = openShell(json, clock, () => run?.quit());
  let run: TerminalRun | undefined;
  try {
    const usable = kept && (options.account === undefined || options.account === kept.account) ? kept : undefined;
    const password = await readPassword(options, usable !== undefined, account, input, view);
    const login = password === undefined ? undefined : { account, password };
    const first = usable ? { token: usable.token } : login;
    if (!first) throw new Failure('bad-input', 'the password is missing: it is the first line of standard input');
    const terminal: TerminalInfo = {
      id: options.id ?? usable?.terminalId ?? randomUUID(),
      platform: 'cli',
      ...(options.name && { name: options.name }),
      ...(options.ipPhone && { internalAddress: options.ipPhone }),
    };
    const client = new TerminalClient({ server, login: first, terminal }, (error) => run?.fail(error));
    const { tokenFile } = options;
    run = new TerminalRun(client, view, {
      clock,
      server,
      once: options.once ?? false,
      ...(options.autoTransfer && { autoTransfer: options.autoTransfer }),
      ...(login && { login }),
      ...(tokenFile !== undefined && {
        keep: ({ account, token, expiresAt }) =>
          writeTokenFile(tokenFile, { account, terminalId: terminal.id, token, expiresAt }),
      }),
    });
    const running = run;
    const stop = (): void => running.quit();
    process.once('SIGINT', stop).once('SIGTERM', stop);
    input.onLine((line) => running.line(line));
    await running.run();
  } finally {
    input.close();
    view.close();
    // A pipe that stays open must not keep a terminal that has ended.
    process.stdin.unref();
  }
}

/** The screen and the keys on a tty; elsewhere, and with --json, lines both ways. */
function openShell(json: boolean, clock: Clock, quit: () => void): { input: Input; view: View } {
  const { stdin, stdout } = process;
  const write = (text: string): void => void stdout.write(text);
  if (json || !stdin.isTTY || !stdout.isTTY) {
    return { input: pipedInput(stdin), view: json ? jsonView(write) : linesView(write, clock) };
  }
  const screen = new Screen({ write, size: () => ({ columns: stdout.columns, rows: stdout.rows }) }, clock);
  const input = keyInput(stdin, { typing: (text) => screen.typing(text), interrupted: quit });
  return { input, view: screen };
}

/** The password, when one was announced or can be asked for; a login that is kept needs none. */
async function readPassword(
  options: TerminalOptions,
  hasToken: boolean,
  account: string,
  input: Input,
  view: View,
): Promise<string | undefined> {
  if (hasToken && !options.passwordStdin) return undefined;
  if (!process.stdin.isTTY && !options.passwordStdin) {
    throw new Failure(
      'bad-input',
      'the password is missing: give it as first line of standard input, with --password-stdin',
    );
  }
  const asking: Standing = { connection: 'connecting', account, numbers: [], calls: [], asks: 'password' };
  view.show(asking);
  const line = await input.nextLine();
  return line === undefined || line === '' ? undefined : line;
}

function readServer(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.origin;
  throw new Failure('bad-input', `--server "${given}" is no address of a service; expected http://HOST:PORT`);
}

function readAddress(given: string): { ip: string; port?: number } {
  const [, v6, v4, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(given) ?? [];
  const ip = v6 ?? v4;
  if (ip === undefined) throw new Failure('bad-input', `--ip-phone "${given}" is no IP[:PORT]`);
  return { ip, ...(port !== undefined && { port: Number(port) }) };
}

function readDestination(given: string): Destination {
  const destination = parseDestination(given);
  if (typeof destination !== 'string') return destination;
  throw new Failure('bad-input', `--auto-transfer: ${destination.replace(' and no command', '')}`);
}
