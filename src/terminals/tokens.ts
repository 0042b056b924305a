import { createHash, randomBytes } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { Clock } from '../shared/clock.ts';

/** What a token stands for. It lives as long as its login does, and dies with the password it was given for. */
export interface TokenClaims {
  account: string;
  terminalId: string;
  /** Milliseconds since 1970 of the login with a password that it goes back to. */
  loggedInAt: number;
  /** `credentialOf` the password that was right then. */
  credential: string;
}

const issuer = 'ringaway';
const audience = 'terminal';
const payloadOf = z.object({ sub: z.string(), tid: z.string(), login: z.number(), cred: z.string() });

/** Names the version of a password without telling anything of it: its hash has a random salt. */
export function credentialOf(passwordHash: string): string {
  return createHash('sha256').update(passwordHash).digest('base64url').slice(0, 22);
}

/** A new key for signing: 256 random bits in base64url. */
export function makeTokenKey(): string {
  return randomBytes(32).toString('base64url');
}

/** Signs and reads tokens: JWT (RFC 7519) with HS256; `key` as made by makeTokenKey, `lifetime` in milliseconds. */
export class Tokens {
  readonly #key: () => Promise<string>;
  readonly #clock: Clock;
  readonly #lifetime: number;

  constructor(key: () => Promise<string>, clock: Clock, lifetime: number) {
    this.#key = key;
    this.#clock = clock;
    this.#lifetime = lifetime;
  }

  /** `expiresAt` in milliseconds since 1970, a whole second. */
  async issue(claims: TokenClaims): Promise<{ token: string; expiresAt: number }> {
    const issuedAt = Math.floor(this.#clock.now() / 1000);
    const expires = issuedAt + Math.max(1, Math.floor(this.#lifetime / 1000));
    const token = await new SignJWT({ tid: claims.terminalId, login: claims.loggedInAt, cred: claims.credential })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(claims.account)
      .setIssuedAt(issuedAt)
      .setExpirationTime(expires)
      .sign(Buffer.from(await this.#key(), 'base64url'));
    return { token, expiresAt: expires * 1000 };
  }

  /** The claims of a token of ours; `invalid` for anything else. Rejects only when the key cannot be had. */
  async read(token: string): Promise<TokenClaims | 'expired' | 'invalid'> {
    const key = Buffer.from(await this.#key(), 'base64url');
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: ['HS256'],
        issuer,
        audience,
        currentDate: new Date(this.#clock.now()),
      });
      const parsed = payloadOf.safeParse(payload);
      if (!parsed.success) return 'invalid';
      const { sub, tid, login, cred } = parsed.data;
      return { account: sub, terminalId: tid, loggedInAt: login, credential: cred };
    } catch (error) {
      return error instanceof errors.JWTExpired ? 'expired' : 'invalid';
    }
  }
}
