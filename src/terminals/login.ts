import type { Store } from '../call/ports.ts';
import type { Subscriber, SubscriberSecrets, TerminalLogin } from '../call/subscriber.ts';
import { parseDialled } from '../numbers/number.ts';
import type { NumberingSettings } from '../numbers/number.ts';
import type { Clock } from '../shared/clock.ts';
import { withDeadline } from '../shared/deadline.ts';
import { verifySecret } from '../shared/secret.ts';
import { lockKey } from './addresses.ts';
import type { PublicAddress } from './addresses.ts';
import type { LoginRefusal, LoginRefusalCode } from './events.ts';
import type { Guard } from './guard.ts';
import type { KeyedQueue } from './keyed-queue.ts';
import { explain, parseAuth } from './schemas.ts';
import type { ParsedTerminal, PasswordAuth, TokenAuth } from './schemas.ts';
import { credentialOf } from './tokens.ts';
import type { Tokens } from './tokens.ts';

/** A terminal whose password or token was right, and whose login is stored. */
export interface LoggedIn {
  account: string;
  ownerName: string | null;
  numbers: string[];
  terminal: ParsedTerminal;
  publicAddress: PublicAddress;
  /** Names the password that is valid now. */
  credential: string;
  token: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}
export type LoginOutcome = { ok: true; login: LoggedIn } | { ok: false; refusal: LoginRefusal };

export interface LoginParts {
  store: Pick<Store, 'subscribers' | 'logins'>;
  clock: Clock;
  numbering: NumberingSettings;
  guard: Guard;
  tokens: Tokens;
  /** One login or logout of a terminal after the other. */
  queue: KeyedQueue;
  /** Connected terminals of the account besides this one. */
  others: (account: string, terminalId: string) => number;
  maxPerAccount: number;
}

type Found = { subscriber: Subscriber; secrets: SubscriberSecrets };

const storeDeadline = 10_000;

/** Admits a terminal by its handshake's `auth`; rejects only when the store or the clock fails. */
export class Login {
  readonly #parts: LoginParts;

  constructor(parts: LoginParts) {
    this.#parts = parts;
  }

  async admit(auth: unknown, from: PublicAddress): Promise<LoginOutcome> {
    const parsed = parseAuth(auth);
    if (!parsed.success) return refused('malformed', `The login was not understood: ${explain(parsed.error)}.`);
    return 'token' in parsed.data ? this.#byToken(parsed.data, from) : this.#byPassword(parsed.data, from);
  }

  async #byPassword(auth: PasswordAuth, from: PublicAddress): Promise<LoginOutcome> {
    const { clock, guard, numbering, queue } = this.#parts;
    const name = auth.account.toLowerCase();
    const number = parseDialled(auth.account, numbering)?.number;
    // Both questions always: whether the first finds somebody must not show in the time.
    const [byName, byNumber] = await Promise.all([this.#credentials(name), this.#credentials(number ?? name)]);
    const found = byName ?? byNumber;

    const verdict = await guard.check(found?.subscriber.account ?? number ?? name, lockKey(from.ip), () =>
      verifySecret(found?.secrets.passwordHash, auth.password),
    );
    if (verdict.is === 'locked') return locked(verdict.retryAfter);
    if (!found || verdict.is === 'wrong') {
      return refused('bad-credentials', 'The account or the password is wrong. Check both and log in again.');
    }
    return queue.run(terminalKey(found.subscriber.account, auth.terminal.id), async () => {
      const before = await this.#stored(found.subscriber.account, auth.terminal.id);
      // Tokens name their login by its time: two logins of a terminal never have the same.
      const loggedInAt = Math.max(clock.now(), (before?.loggedInAt ?? 0) + 1);
      return this.#enter(found, auth.terminal, from, loggedInAt);
    });
  }

  async #byToken(auth: TokenAuth, from: PublicAddress): Promise<LoginOutcome> {
    const claims = await this.#parts.tokens.read(auth.token);
    if (claims === 'invalid') return refused('bad-credentials', 'The token is none of ours. Log in with the password.');
    if (claims === 'expired') return dead('The token has expired');
    if (claims.terminalId !== auth.terminal.id) return dead('The token belongs to another terminal');
    return this.#parts.queue.run(terminalKey(claims.account, claims.terminalId), async () => {
      const found = await this.#credentials(claims.account);
      if (found?.subscriber.account !== claims.account) return dead('The account was removed');
      if (credentialOf(found.secrets.passwordHash) !== claims.credential) return dead('The password was changed');
      const stored = await this.#stored(claims.account, claims.terminalId);
      if (!stored || stored.loggedInAt !== claims.loggedInAt) return dead('The terminal has logged in anew since');
      if (stored.loggedOutAt !== undefined) return dead('The terminal was logged out');
      return this.#enter(found, auth.terminal, from, claims.loggedInAt);
    });
  }

  async #enter(
    { subscriber, secrets }: Found,
    terminal: ParsedTerminal,
    publicAddress: PublicAddress,
    loggedInAt: number,
  ): Promise<LoginOutcome> {
    const { account } = subscriber;
    const { clock, store, tokens, maxPerAccount } = this.#parts;
    if (this.#parts.others(account, terminal.id) >= maxPerAccount) return tooMany(maxPerAccount);
    const credential = credentialOf(secrets.passwordHash);
    const { token, expiresAt } = await tokens.issue({ account, terminalId: terminal.id, loggedInAt, credential });
    const { id: terminalId, ...described } = terminal;
    await this.#soon(
      'saving the login',
      store.logins.save({ account, terminalId, ...described, publicAddress, loggedInAt, lastSeenAt: clock.now() }),
    );
    const numbers = subscriber.numbers.map(({ number }) => number);
    const ownerName = subscriber.ownerName ?? null;
    return {
      ok: true,
      login: { account, ownerName, numbers, terminal, publicAddress, credential, token, expiresAt },
    };
  }

  #credentials(accountOrNumber: string): Promise<Found | undefined> {
    return this.#soon('the search for the account', this.#parts.store.subscribers.credentials(accountOrNumber));
  }

  async #stored(account: string, terminalId: string): Promise<TerminalLogin | undefined> {
    const logins = await this.#soon('reading the logins', this.#parts.store.logins.of(account));
    return logins.find((login) => login.terminalId === terminalId);
  }

  #soon<T>(what: string, answer: Promise<T>): Promise<T> {
    return withDeadline(this.#parts.clock, storeDeadline, what, answer);
  }
}

/** The key under which logins and logouts of one terminal wait for each other. */
export function terminalKey(account: string, terminalId: string): string {
  return JSON.stringify([account, terminalId]);
}

function refused(code: LoginRefusalCode, message: string): LoginOutcome {
  return { ok: false, refusal: { code, message } };
}

function dead(why: string): LoginOutcome {
  return refused('token-expired', `${why}. Log in with the password.`);
}

function locked(retryAfter: number): LoginOutcome {
  const message = `Too many wrong passwords. Wait ${retryAfter} s and log in again; logged-in terminals are not affected.`;
  return { ok: false, refusal: { code: 'locked', message, retryAfter } };
}

function tooMany(most: number): LoginOutcome {
  return refused(
    'too-many-terminals',
    `The account has ${most} terminals connected, the most it may. Log one of them out and try again.`,
  );
}
