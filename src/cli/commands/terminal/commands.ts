// What a person types at a terminal, parsed.
import type { TransferRequest } from '../../../terminals/events.ts';

type Mode = NonNullable<TransferRequest['mode']>;

/** `call`: the number of the call on the screen, when one was named. */
export type TypedCommand =
  | { do: 'transfer'; call?: number; to: string; password?: string; pin?: string; mode?: Mode }
  | { do: 'decline' | 'hangup' | 'hold' | 'resume'; call?: number }
  | { do: 'digits'; call?: number; digits: string }
  | { do: 'history' | 'logout' | 'quit' | 'help' | 'nothing' }
  | { do: 'mistake'; message: string };

export const commandsInShort =
  'NUMBER = transfer · d = decline · h = hang up · hold · resume · k DIGITS · history · q = quit';

const words: Record<string, 'decline' | 'hangup' | 'hold' | 'resume' | 'history' | 'logout' | 'quit' | 'help'> = {
  d: 'decline',
  decline: 'decline',
  h: 'hangup',
  hangup: 'hangup',
  hold: 'hold',
  resume: 'resume',
  history: 'history',
  logout: 'logout',
  q: 'quit',
  quit: 'quit',
  '?': 'help',
  help: 'help',
};
const modes: readonly Mode[] = ['auto', 'bridge', 'refer', 'redirect'];

/**
 * Parses one line: `[#CALL] COMMAND` or `[#CALL] NUMBER [pin=…] [password=…] [mode=…]`. A number may have spaces; a
 * password may not.
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
  return transfer(text.replace(/^(?:t|transfer)\s+/, ''), call);
}

function transfer(text: string, call: { call?: number }): TypedCommand {
  const parts = text.split(/\s+/);
  const options = parts.filter((part) => /^(pin|password|mode)=/.test(part));
  const to = parts.filter((part) => !options.includes(part)).join(' ');
  if (!/^(\+?[\d(*]|sips?:|tel:|terminal$)/i.test(to)) {
    return mistake(`"${text}" is no number and no command. ${commandsInShort}`);
  }
  const command: TypedCommand = { do: 'transfer', ...call, to };
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

function mistake(message: string): TypedCommand {
  return { do: 'mistake', message };
}
