// What comes from a terminal is parsed here, once. Unknown keys are ignored: additions to the protocol are welcome.
import { isIP } from 'node:net';
import { z } from 'zod';

/** No control characters: what a terminal calls itself is shown to people and stored. */
const label = (longest: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(longest)
    .regex(/^\P{Cc}*$/u, 'must not contain control characters');

const secret = z.string().min(1).max(1024);

const terminal = z.object({
  id: z.string().regex(/^[\w.:@+-]{1,128}$/, 'must be 1 to 128 of A-Z a-z 0-9 . _ : @ + -'),
  name: label(128).exactOptional(),
  platform: z.enum(['android', 'ios', 'pc', 'web', 'cli']).exactOptional(),
  version: label(64).exactOptional(),
  internalAddress: z
    .object({
      ip: z.string().refine((ip) => isIP(ip) !== 0, 'must be an IPv4 or IPv6 address'),
      port: z.int().min(1).max(65535).exactOptional(),
    })
    .exactOptional(),
});

const tokenAuth = z.object({ token: z.string().min(1).max(4096), terminal });
const passwordAuth = z.object({ account: z.string().trim().min(1).max(128), password: secret, terminal });
export type TokenAuth = z.infer<typeof tokenAuth>;
export type PasswordAuth = z.infer<typeof passwordAuth>;
export type ParsedTerminal = z.infer<typeof terminal>;

/** The handshake's `auth`; a token, where there is one, goes before a password. */
export function parseAuth(auth: unknown): z.ZodSafeParseResult<TokenAuth | PasswordAuth> {
  const byToken = typeof auth === 'object' && auth !== null && Object.hasOwn(auth, 'token');
  return byToken ? tokenAuth.safeParse(auth) : passwordAuth.safeParse(auth);
}

/** The acknowledgement of `call:incoming`. */
export const receipt = z.object({ received: z.literal(true) });

const callId = z.string().min(1).max(128);
const dialled = z.string().trim().min(1).max(256);

export const callRequest = z.object({ callId });

export const transferRequest = z.object({
  callId,
  to: z.union([dialled.transform((one) => [one]), z.array(dialled).min(1).max(20)]),
  order: z.enum(['together', 'in-turn']).default('together'),
  attended: z.boolean().default(false),
  password: secret.exactOptional(),
  pin: secret.exactOptional(),
  mode: z.enum(['auto', 'bridge', 'refer', 'redirect']).default('auto'),
  key: z.string().min(1).max(128).exactOptional(),
});
export type ParsedTransfer = z.infer<typeof transferRequest>;

export const digitsRequest = z.object({
  callId,
  digits: z.string().regex(/^[0-9*#A-Da-d]{1,32}$/, 'must be 1 to 32 of 0-9 * # A-D'),
});

export const historyRequest = z.object({
  before: z.iso.datetime({ offset: true }).exactOptional(),
  limit: z.int().min(1).max(100).default(20),
});
export type ParsedHistory = z.infer<typeof historyRequest>;

export const logoutRequest = z.object({});

/** What is wrong with a payload, in one line for the app's developer; never repeats the values (they may be secrets). */
export function explain(error: z.ZodError): string {
  const issues = error.issues.slice(0, 3).map((issue) => {
    const where = issue.path.length > 0 ? issue.path.map(String).join('.') : 'payload';
    return `${where}: ${issue.message}`;
  });
  return issues.join('; ');
}
