import { isEmergency, parseDialled } from '../numbers/number.ts';
import type { Call, CallSettings } from './call.ts';
import type { AcceptedInstruction } from './machine.ts';
import type { Instruction, Refusal } from './ports.ts';
import type { ConnectMode } from './record.ts';

/** What a check of an instruction comes to. */
export type Checked = { ok: true; instruction: AcceptedInstruction } | { ok: false; error: Refusal };

const refuse = (error: Refusal): Checked => ({ ok: false, error });
const isRefusal = (checked: string | Refusal): checked is Refusal => typeof checked !== 'string';

/**
 * Checks where a subscriber wants the call, and chooses how it gets there: is each a number, may it be called, does a
 * route lead there? Who sent it, and with which password, was checked when it came in (terminals/).
 */
export function checkInstruction(call: Call, instruction: Instruction): Checked {
  const { order, terminalId: by } = instruction;
  const { maxNumbers } = call.tools.settings;
  if (instruction.to.length > maxNumbers) {
    return refuse({ code: 'not-allowed', message: `at most ${maxNumbers} numbers can be called for one instruction` });
  }
  const numbers: string[] = [];
  for (const wanted of instruction.to) {
    const number = checkNumber(call, wanted, by);
    if (isRefusal(number)) return refuse(number);
    if (!numbers.includes(number)) numbers.push(number);
  }
  const [first = '', ...others] = numbers;
  const to = [first, ...others] as const;
  const attended = instruction.attended && call.state.at === 'connected';
  if (attended && call.tools.media.mode === 'direct') return refuse(needsMedia('that one party waits with music'));
  const mode = chooseMode(call, instruction.mode, to.length);
  return typeof mode === 'string' ? { ok: true, instruction: { to, order, mode, attended, by } } : refuse(mode);
}

/** @returns the number in its stored form, or why it is not called */
function checkNumber(call: Call, wanted: string, terminalId: string): string | Refusal {
  const { numbering, settings, trunk } = call.tools;
  const to = wanted === 'terminal' ? ownPhone(call, terminalId) : numberOf(call, wanted);
  if (isRefusal(to)) return to;
  if (isEmergency(to, numbering)) {
    return { code: 'emergency-number', message: `${to} is an emergency number: dial it yourself, from a phone` };
  }
  if (!permitted(to, settings)) return { code: 'not-allowed', message: `calls to ${to} are not permitted here` };
  if (!trunk.reaches(to)) return { code: 'not-allowed', message: `no trunk leads to ${to}` };
  return to;
}

/**
 * How the call gets there: as the instruction says; `auto`: in the first way that is possible now of those that the
 * subscriber, or else the caller's trunk, prefers. A caller who cannot be redirected any more is bridged; that a trunk does
 * not transfer is found out by trying.
 */
function chooseMode(call: Call, wanted: Instruction['mode'], numbers: number): ConnectMode | Refusal {
  if (wanted !== 'auto') {
    const why = impossible(call, wanted, numbers);
    return why === undefined ? wanted : wanted === 'redirect' ? 'bridge' : why;
  }
  const preferred = call.wishes.connect ?? call.incoming.connect;
  return preferred.find((mode) => !impossible(call, mode, numbers)) ?? 'bridge';
}

/** Why it cannot be done in this way now. */
function impossible({ state, tools }: Call, mode: ConnectMode, numbers: number): Refusal | undefined {
  switch (mode) {
    case 'bridge':
      return undefined;
    case 'redirect':
      return state.at === 'waiting' && state.caller === 'ringing'
        ? undefined
        : { code: 'too-late', message: 'a caller who was answered cannot be redirected any more' };
    case 'refer':
      if (numbers > 1)
        return { code: 'not-allowed', message: 'a call is transferred to one number: send one, or bridge' };
      return state.at === 'waiting' && state.caller === 'ringing' && tools.media.mode === 'direct'
        ? needsMedia('that the caller is answered, and waits with music,')
        : undefined;
  }
}

function needsMedia(what: string): Refusal {
  return { code: 'no-media', message: `${what} needs rtpengine, and media.mode is direct here` };
}

function ownPhone(call: Call, terminalId: string): string | Refusal {
  const { account } = call.record;
  const terminal =
    account === undefined
      ? undefined
      : call.tools.terminals.present(account).find((present) => present.terminalId === terminalId);
  return (
    terminal?.ipPhone ?? {
      code: 'not-allowed',
      message: 'this terminal has no IP phone that may be called: log in with "internalAddress", or instruct a number',
    }
  );
}

function numberOf(call: Call, typed: string): string | Refusal {
  const number = parseDialled(typed, call.tools.numbering);
  return (
    number?.number ?? {
      code: 'bad-number',
      message: `"${typed}" is no number that can be called: say it as +CC…, or as you would dial it`,
    }
  );
}

/** Toll fraud begins here: a number must have an allowed prefix, a `sip:` address must be one of the permitted phones. */
function permitted(to: string, settings: CallSettings): boolean {
  if (/^sips?:/i.test(to)) return settings.mayCallPhone(to);
  return allowed(to, settings.allow, settings.deny);
}

/** The longest prefix that fits decides; what no prefix names is not permitted. */
function allowed(number: string, allow: readonly string[], deny: readonly string[]): boolean {
  const longest = (prefixes: readonly string[]) =>
    prefixes.reduce((best, prefix) => (number.startsWith(prefix) ? Math.max(best, prefix.length) : best), -1);
  return longest(allow) > longest(deny);
}
