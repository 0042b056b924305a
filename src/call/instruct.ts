import { isEmergency, parseDialled } from '../numbers/number.ts';
import type { Call, CallSettings } from './call.ts';
import type { AcceptedInstruction } from './machine.ts';
import type { Instruction, Refusal } from './ports.ts';

/** What a check of an instruction comes to. */
export type Checked = { ok: true; instruction: AcceptedInstruction } | { ok: false; error: Refusal };

const refuse = (error: Refusal): Checked => ({ ok: false, error });

/**
 * Checks where a subscriber wants the call: is it a number, may it be called, does a route lead there?
 * Who sent it, and with which password, was checked when it came in (terminals/).
 */
export function checkInstruction(call: Call, instruction: Instruction): Checked {
  const { tools } = call;
  if (instruction.mode === 'refer' || instruction.mode === 'redirect') {
    return refuse({
      code: 'not-allowed',
      message: `this service connects by bridge only, not by ${instruction.mode}; leave "mode" out`,
    });
  }
  const [wanted, ...more] = instruction.to;
  if (more.length > 0) {
    return refuse({ code: 'not-allowed', message: 'several numbers at once are not offered yet: send one' });
  }
  const to = wanted === 'terminal' ? ownPhone(call, instruction.terminalId) : numberOf(call, wanted);
  if (typeof to !== 'string') return refuse(to);
  if (isEmergency(to, tools.numbering)) {
    return refuse({
      code: 'emergency-number',
      message: `${to} is an emergency number: dial it yourself, from a phone`,
    });
  }
  if (!permitted(to, tools.settings)) {
    return refuse({ code: 'not-allowed', message: `calls to ${to} are not permitted here` });
  }
  if (!tools.trunk.reaches(to)) {
    return refuse({ code: 'not-allowed', message: `no trunk leads to ${to}` });
  }
  return { ok: true, instruction: { to, by: instruction.terminalId, mode: 'bridge' } };
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
