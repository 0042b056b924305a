// What a person types at a terminal, parsed.
import type { Call, TransferRequest } from '../../../terminals/events.ts';

type Mode = NonNullable<TransferRequest['mode']>;
type Order = NonNullable<TransferRequest['order']>;

/** Where a call is to go. */
export interface Destination {
  to: readonly [string, ...string[]];
  /** When there are several numbers. */
  order?: Order;
}

/** A call is sent to a number; `move` of one that is connected, attended when its party talks to the new one first. */
export interface TypedTransfer extends Destination {
  do: 'transfer';
  call?: number;
  move?: 'blind' | 'attended';
  password?: string;
  pin?: string;
  mode?: Mode;
}

/** `call`: the number of the call on the screen, when one was named. */
export type TypedCommand =
  | TypedTransfer
  | { do: 'decline' | 'hangup' | 'hold' | 'resume' | 'complete'; call?: number }
  | { do: 'digits'; call?: number; digits: string }
  | { do: 'history' | 'logout' | 'quit' | 'help' | 'nothing' }
  | { do: 'mistake'; message: string };

/** What may be typed now, with calls in these states; in short. */
export function hintsFor(states: readonly Call['state'][]): string {
  const any = (...wanted: Call['state'][]): boolean => wanted.some((state) => states.includes(state));
  return [
    ...(any('waiting') ? ['NUMBER = transfer', 'd = decline'] : []),
    ...(any('moving') ? ['c = complete', 'resume = back'] : []),
    ...(any('connected', 'held') ? ['m NUMBER = move', 'a NUMBER = ask first'] : []),
    ...(any('connected') ? ['hold'] : []),
    ...(any('held') && !any('moving') ? ['resume'] : []),
    ...(states.length > 0 ? ['h = hang up'] : []),
    '? = all commands',
    'q = quit',
  ].join(' · ');
}

/** All that may be typed; in `?` and in --help. */
export const commandsInFull = `  13800138000           transfer the call that waits to this number; "terminal" is this terminal's own IP phone
  138…, 139…            to several phones of the same person, which ring together
  138… > 139…           to the first, then to the second if that is not answered
  m 13800138000         move the connected call there; its party talks on until it is answered ("move")
  a 13800138000         ask there first: the caller hears music while your phone talks to the new party ("ask")
  c                     complete that: connect the caller with the new party ("complete"); resume = back to the caller
  hold, resume          let the caller wait with music; go on
  k 12#                 send digits to the number called ("digits")
  d, h                  decline the call that waits; hang up ("decline", "hangup")
  history, logout, q    the last calls; log out; quit
  #2 …                  before any of these: for call #2. #2 13800138000 transfers or moves it, as it stands
  … mode=refer          after a number: how it is connected (auto, bridge, refer, redirect); also pin=…, password=…`;

type Word = 'decline' | 'hangup' | 'hold' | 'resume' | 'complete' | 'history' | 'logout' | 'quit' | 'help';

const words: Record<string, Word> = {
  d: 'decline',
  decline: 'decline',
  h: 'hangup',
  hangup: 'hangup',
  hold: 'hold',
  resume: 'resume',
  c: 'complete',
  complete: 'complete',
  history: 'history',
  logout: 'logout',
  q: 'quit',
  quit: 'quit',
  '?': 'help',
  help: 'help',
};
const modes: readonly Mode[] = ['auto', 'bridge', 'refer', 'redirect'];
/** What a number begins with, so that a comma or `>` before it parts it from another. */
const beginning = String.raw`\+?[\d(*]|sips?:|tel:|terminal(?![\w])`;
const numberPattern = new RegExp(`^(?:${beginning})`, 'i');
const parting = new RegExp(String.raw`\s*([,>])\s*(?=${beginning})`, 'i');

/**
 * Parses one line: `[#CALL] COMMAND` or `[#CALL] [m|a] NUMBER [, NUMBER | > NUMBER …] [pin=…] [password=…] [mode=…]`. A number may
 * have spaces; a password may not.
 */
export function parseCommand(line: string): TypedCommand {
  const [, named, rest = ''] = /^\s*(?:#(\d{1,6})(?:\s+|$))?(.*)$/s.exec(line) ?? [];
  const call = named === undefined ? {} : { call: Number(named) };
  const text = rest.trim();
  if (text === '') return named === undefined ? { do: 'nothing' } : mistake(`What is to be done with call #${named}?`);

  const word = Object.hasOwn(words, text.toLowerCase()) ? words[text.toLowerCase()] : undefined;
  switch (word) {
    case 'decline':
    case 'hangup':
    case 'hold':
    case 'resume':
    case 'complete':
      return { do: word, ...call };
    case 'history':
    case 'logout':
    case 'quit':
    case 'help':
      return { do: word };
    case undefined:
      break;
  }
  const digits = /^(?:k|digits)\s+([0-9*#A-Da-d]{1,32})$/.exec(text)?.[1];
  if (digits !== undefined) return { do: 'digits', ...call, digits };
  const [, verb = '', numbers = ''] = /^(?:(t|transfer|m|move|a|ask)\s+)?(.*)$/s.exec(text) ?? [];
  const move = verb.startsWith('m') ? 'blind' : verb.startsWith('a') ? 'attended' : undefined;
  return transfer(numbers, { ...call, ...(move && { move }) });
}

function transfer(text: string, about: Pick<TypedTransfer, 'call' | 'move'>): TypedCommand {
  const parts = text.split(/\s+/);
  const options = parts.filter((part) => /^(pin|password|mode)=/.test(part));
  const destination = parseDestination(parts.filter((part) => !options.includes(part)).join(' '));
  if (typeof destination === 'string') return mistake(`${destination} Type ? for all commands.`);
  const command: TypedTransfer = { do: 'transfer', ...about, ...destination };
  for (const option of options) {
    const value = option.slice(option.indexOf('=') + 1);
    if (option.startsWith('pin=')) command.pin = value;
    else if (option.startsWith('password=')) command.password = value;
    else {
      const mode = modes.find((known) => known === value);
      if (!mode) return mistake(`There is no mode "${value}": ${modes.join(', ')}.`);
      command.mode = mode;
    }
  }
  return command;
}

/** One number, several with commas (they ring together), or several with `>` (in turn); else what is wrong with it. */
export function parseDestination(text: string): Destination | string {
  // Numbers and what parts them, in turn.
  const parts = text.trim().split(parting);
  const [first = '', ...others] = parts.filter((_, index) => index % 2 === 0);
  const marks = new Set(parts.filter((_, index) => index % 2 === 1));
  const odd = [first, ...others].find((number) => !numberPattern.test(number));
  if (odd !== undefined) return `"${odd}" is no number and no command.`;
  if (marks.size > 1) return 'Numbers are parted by commas (they ring together) or by > (in turn), not by both.';
  const to: Destination['to'] = [first, ...others];
  return others.length === 0 ? { to } : { to, order: marks.has('>') ? 'in-turn' : 'together' };
}

function mistake(message: string): TypedCommand {
  return { do: 'mistake', message };
}
