// Cases of an acceptance file: what must be read out of INVITEs, and out of single numbers.
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { normalise } from '../../../numbers/number.ts';
import { readInviteOctets, type TrunkReadingSettings } from '../../../numbers/read.ts';
import { Failure, messageOf } from '../../../shared/errors.ts';
import { factsOf, type Facts } from './facts.ts';

const numbers = z.record(z.string(), z.string());
const digits = z.union([z.string(), z.number().transform(String)]);
const numbering = {
  defaultCountry: z.string(),
  areaCode: digits.exactOptional(),
  outsidePrefix: digits.exactOptional(),
  internationalPrefix: digits.exactOptional(),
};
const calledFrom = z.enum(['request-uri', 'to', 'p-called-party-id', 'isup']);
const inviteCase = z.object({
  id: z.string(),
  /** The message, or its head when `body_base64` is there. */
  message: z.string().exactOptional(),
  body_base64: z.base64().exactOptional(),
  /** The whole message where it is no UTF-8. */
  message_base64: z.base64().exactOptional(),
  settings: z
    .object({
      ...numbering,
      defaultCountry: z.string().exactOptional(),
      trustIdentity: z.boolean().exactOptional(),
      callerPreference: z.enum(['pai', 'from']).exactOptional(),
      diversionOrder: z.enum(['standard', 'reversed']).exactOptional(),
      serviceNumbers: z.array(z.string()).exactOptional(),
      map: numbers.exactOptional(),
      accounts: numbers.exactOptional(),
      secondCalledFrom: z.union([z.array(calledFrom), calledFrom.transform((one) => [one])]).exactOptional(),
      firstCalledHeader: z.string().exactOptional(),
    })
    .default({}),
  expect: z.record(z.string(), z.unknown()),
});
const numberCase = z.object({
  input: z.string(),
  settings: z.object({ ...numbering, defaultCountry: z.string().exactOptional() }).default({}),
  hints: z
    .object({
      phoneContext: z.string().exactOptional(),
      nai: z.enum(['subscriber', 'unknown', 'national', 'international']).exactOptional(),
    })
    .default({}),
  want: z.string().nullable(),
  kind: z.string().nullable().optional(),
});

/** What the cases are read under; a case's own settings replace single keys. */
export const caseSettings: TrunkReadingSettings = { defaultCountry: 'CN', areaCode: '755' };

export interface InviteVerdict {
  id: string;
  /** The fields of `expect`. */
  got: Partial<Record<string, unknown>>;
  pass: boolean;
}

export interface NumberVerdict {
  input: string;
  got: string | null;
  kind: string | null;
  pass: boolean;
}

/** Each line of a file of INVITEs, judged. A line that is no case fails, and `complain` hears why; the others count. */
export function* judgeInvites(
  text: string,
  settings: TrunkReadingSettings,
  complain: (why: string) => void,
): Generator<InviteVerdict> {
  for (const [index, line] of withoutMark(text).split('\n').entries()) {
    if (line.trim() === '') continue;
    const where = `line ${index + 1}`;
    try {
      yield judgeInvite(parse(inviteCase, line, where), settings);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      complain(error.message);
      yield { id: where, got: {}, pass: false };
    }
  }
}

function judgeInvite(one: z.output<typeof inviteCase>, settings: TrunkReadingSettings): InviteVerdict {
  const { message = '', body_base64: body = '', message_base64: whole } = one;
  const octets =
    whole === undefined
      ? Buffer.concat([Buffer.from(message), Buffer.from(body, 'base64')])
      : Buffer.from(whole, 'base64');
  const facts = factsOf(readInviteOctets(octets, { ...settings, ...one.settings }));
  const all = new Map<string, unknown>(Object.entries(facts));
  const got = Object.fromEntries(Object.keys(one.expect).map((key) => [key, all.get(key) ?? null]));
  return { id: one.id, got, pass: isRight(facts, got, one.expect) };
}

/** Some editors put a byte order mark before the first line. */
function withoutMark(text: string): string {
  return text.startsWith('\u{feff}') ? text.slice(1) : text;
}

/** Of a refusal only the status counts. */
function isRight(facts: Facts, got: Record<string, unknown>, expected: Record<string, unknown>): boolean {
  const wanted = z.object({ status: z.number() }).nullish().safeParse(expected['error']);
  if (!wanted.success) return false;
  if (wanted.data || facts.error) return facts.error?.status === wanted.data?.status;
  return isDeepStrictEqual(got, expected);
}

/**
 * Each row of a file of numbers (a JSON array), judged.
 * @throws Failure `bad-input`
 */
export function* judgeNumbers(text: string, settings: TrunkReadingSettings): Generator<NumberVerdict> {
  for (const { input, settings: own, hints, want, kind } of parse(z.array(numberCase), withoutMark(text), 'the file')) {
    const found = normalise(input, { ...settings, ...own }, hints);
    const got = { got: found?.number ?? null, kind: found?.kind ?? null };
    yield { input, ...got, pass: got.got === want && (kind === undefined || got.kind === kind) };
  }
}

function parse<T>(schema: z.ZodType<T>, text: string, where: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Failure('bad-input', `${where} is no JSON: ${messageOf(error)}`, { cause: error });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Failure('bad-input', `${where} is no case: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
}

/** Writes one JSON line for each verdict; exit code 1 when one fails. */
export function report(verdicts: Iterable<{ pass: boolean }>): void {
  for (const verdict of verdicts) {
    process.stdout.write(`${JSON.stringify(verdict)}\n`);
    if (!verdict.pass) process.exitCode = 1;
  }
}
