// What a person gives on the command line about accounts, read into what is stored; each mistake is one clear line.
import path from 'node:path';
import { isEmergency, isPhoneNumber, parseDialled, type NumberingSettings } from '../../../numbers/number.ts';
import type { ConnectMode } from '../../../call/record.ts';
import type { InstructionProof, SubscriberNumber } from '../../../call/subscriber.ts';
import { faultOfSoundFile } from '../../../media/sound-file.ts';
import { Failure } from '../../../shared/errors.ts';
import { hashSecret } from '../../../shared/secret.ts';
import type { Context } from '../../context.ts';

export const proofs: InstructionProof[] = ['session', 'pin', 'password'];

const shortestPassword = 8;
const longestPassword = 256;

/** @throws Failure `bad-input` */
export function readAccount(text: string): string {
  if (/^[a-z0-9._@-]{1,64}$/.test(text)) return text;
  throw new Failure('bad-input', `"${text}" is no name of an account: it has 1 to 64 of a-z 0-9 . _ - @`);
}

/** The one form of a number. @throws Failure `bad-input` */
export function readNumber(text: string, numbering: NumberingSettings): string {
  const number = parseDialled(text, numbering)?.number;
  if (number === undefined) {
    const hint = numbering.areaCode ? '' : ' (local numbers need numbering.areaCode in the settings)';
    throw new Failure('bad-input', `"${text}" is no telephone number: give it as +8675520000001${hint}`);
  }
  if (isEmergency(number, numbering)) {
    throw new Failure('bad-input', `${number} is an emergency number, and nobody's own`);
  }
  return number;
}

/** A number to look for: also one in its stored form that today's settings would not let in. */
export function readKnownNumber(text: string, numbering: NumberingSettings): string {
  const number = parseDialled(text, numbering)?.number;
  return number ?? (isPhoneNumber(text) ? text : readNumber(text, numbering));
}

/** Text about the owner, on one line. @throws Failure `bad-input` */
export function readText(option: string, text: string): string {
  const trimmed = text.trim();
  if (trimmed.length <= 200 && !/\p{Cc}/u.test(trimmed)) return trimmed;
  throw new Failure('bad-input', `${option} takes one line of at most 200 characters`);
}

/** The numbers with their second called numbers: the first of these belongs to the first number, and so on. */
export function readNumbers(numbers: string[], seconds: string[], numbering: NumberingSettings): SubscriberNumber[] {
  if (seconds.length > numbers.length) {
    throw new Failure(
      'bad-input',
      `--second was given ${seconds.length} times and --number ${numbers.length} times: each --second belongs to a --number, in order`,
    );
  }
  return numbers.map((text, index) => {
    const number = readNumber(text, numbering);
    const second = seconds[index];
    return second === undefined ? { number } : { number, secondCalled: readNumber(second, numbering) };
  });
}

/** The absolute path of music for callers who wait. @throws Failure `bad-input` when there is no such wav or mp3 file */
export function readMusic(text: string): string {
  const file = path.resolve(text);
  const fault = faultOfSoundFile(file);
  if (fault !== undefined) throw new Failure('bad-input', `--music: ${fault}`);
  return file;
}

const modes: readonly ConnectMode[] = ['bridge', 'refer', 'redirect'];

/** Ways to connect, the preferred one first. @throws Failure `bad-input` */
export function readConnect(text: string): ConnectMode[] {
  const words = text.split(',').map((word) => word.trim());
  const ways = words.flatMap((word) => modes.find((mode) => mode === word) ?? []);
  if (ways.length === words.length && new Set(ways).size === ways.length) return ways;
  throw new Failure('bad-input', `--connect "${text}" is not valid: expected each at most once of ${modes.join(',')}`);
}

/** Hash of a PIN. @throws Failure `bad-input` */
export async function readPin(digits: string): Promise<string> {
  if (!/^\d{4,12}$/.test(digits)) throw new Failure('bad-input', 'a PIN has 4 to 12 digits');
  return hashSecret(digits);
}

/** Hash of the password on standard input. @throws Failure `bad-input` */
export async function readPassword(context: Context): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write('Type the password (it is shown), Enter, and Ctrl-D:\n');
  const password = await context.readInput();
  if (password.includes('\n'))
    throw new Failure('bad-input', 'standard input has more than one line: the password is one');
  const { length } = password;
  if (length < shortestPassword || length > longestPassword) {
    throw new Failure(
      'bad-input',
      `the password on standard input has ${length} characters: it must have ${shortestPassword} to ${longestPassword}`,
    );
  }
  return hashSecret(password);
}

/** For options that may come more than once. */
export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}
