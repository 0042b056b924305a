import type { Clock } from '../shared/clock.ts';
import type { FailureLimits } from './settings.ts';

/** What came of a password: compared, or not even looked at. */
export type Verdict = { is: 'right' } | { is: 'wrong' } | { is: 'locked'; retryAfter: number };

/** An attempt that was let in; finished exactly once. */
interface Attempt {
  /** Milliseconds to wait before comparing. */
  delay: number;
  /** `unknown`: the comparison could not be made, so it counts neither way. */
  finish: (outcome: 'right' | 'wrong' | 'unknown') => void;
}
type Admission = { ok: true; attempt: Attempt } | { ok: false; retryAfter: number };

interface Tally {
  readonly limit: number;
  failures: number;
  inFlight: number;
  locks: number;
  /** When the failures are forgotten; monotonic milliseconds, as the two below. */
  windowEnds: number;
  lockedUntil: number;
  forgetAt: number;
  waiting: (() => void)[];
}

const most = 20_000;
const longestDelay = 4_000;
const firstDelay = 250;

/**
 * Slows and locks out who guesses passwords, by account and by address. Attempts in parallel are no way around it: no
 * more are let in at once than may still fail before the lock; the others wait for their outcome.
 * The field's libraries that do such counting take no clock and have no queue for attempts in flight.
 */
export class Guard {
  readonly #clock: Clock;
  readonly #limits: FailureLimits;
  readonly #tallies = new Map<string, Tally>();

  constructor(clock: Clock, limits: FailureLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /**
   * Has a password compared, now, later, or not at all (`retryAfter` in seconds). `account` may be one that does not
   * exist: it must cost the same time. Rejects when `compare` does.
   */
  async check(account: string, address: string, compare: () => Promise<boolean>): Promise<Verdict> {
    const admission = await this.#enter(account, address);
    if (!admission.ok) return { is: 'locked', retryAfter: admission.retryAfter };
    const { delay, finish } = admission.attempt;
    try {
      if (delay > 0) await new Promise<void>((resolve) => this.#clock.after(delay, resolve));
      const is = (await compare()) ? 'right' : 'wrong';
      finish(is);
      return { is };
    } finally {
      finish('unknown');
    }
  }

  async #enter(account: string, address: string): Promise<Admission> {
    for (;;) {
      const tallies = [
        this.#tally(`account ${account}`, this.#limits.perAccount),
        this.#tally(`address ${address}`, this.#limits.perAddress),
      ] as const;
      const now = this.#clock.monotonic();
      const lockedUntil = Math.max(...tallies.map((tally) => tally.lockedUntil));
      if (lockedUntil > now) return { ok: false, retryAfter: Math.ceil((lockedUntil - now) / 1000) };
      const full = tallies.find((tally) => tally.inFlight >= Math.max(1, tally.limit - tally.failures));
      if (!full) return { ok: true, attempt: this.#begin(...tallies) };
      await new Promise<void>((resolve) => full.waiting.push(resolve));
    }
  }

  #begin(account: Tally, address: Tally): Attempt {
    account.inFlight++;
    address.inFlight++;
    let finished = false;
    return {
      delay: delayAfter(Math.max(account.failures, Math.floor(address.failures / 5))),
      finish: (outcome) => {
        if (finished) return;
        finished = true;
        if (outcome === 'wrong') for (const tally of [account, address]) this.#failed(tally);
        // The owner's success clears the account, never the address: else a guesser with an account of their own
        // would clear it between two guesses.
        if (outcome === 'right') account.failures = account.locks = 0;
        for (const tally of [account, address]) {
          tally.inFlight--;
          for (const wake of tally.waiting.splice(0)) wake();
        }
      },
    };
  }

  #failed(tally: Tally): void {
    const now = this.#clock.monotonic();
    if (tally.failures === 0) tally.windowEnds = now + this.#limits.window;
    tally.failures++;
    tally.forgetAt = tally.windowEnds;
    if (tally.failures < tally.limit) return;
    tally.lockedUntil = now + this.#limits.lockFor * 2 ** Math.min(tally.locks, 3);
    tally.locks++;
    tally.failures = 0;
    tally.forgetAt = tally.lockedUntil + this.#limits.window;
  }

  #tally(key: string, limit: number): Tally {
    const now = this.#clock.monotonic();
    const known = this.#tallies.get(key);
    if (known) {
      if (known.failures > 0 && known.windowEnds <= now) known.failures = 0;
      if (known.forgetAt <= now) known.locks = 0;
      return known;
    }
    if (this.#tallies.size >= most) this.#makeRoom(now);
    const tally: Tally = {
      limit,
      failures: 0,
      inFlight: 0,
      locks: 0,
      windowEnds: 0,
      lockedUntil: 0,
      forgetAt: now,
      waiting: [],
    };
    this.#tallies.set(key, tally);
    return tally;
  }

  /** Forgets what is over, and if that is not enough the oldest: memory stays bounded whoever guesses. */
  #makeRoom(now: number): void {
    for (const [key, tally] of this.#tallies)
      if (tally.inFlight === 0 && tally.forgetAt <= now) this.#tallies.delete(key);
    let excess = this.#tallies.size - most + most / 10;
    for (const [key, tally] of this.#tallies) {
      if (excess <= 0) break;
      if (tally.inFlight > 0) continue;
      this.#tallies.delete(key);
      excess--;
    }
  }
}

/** Two failures are free (a person mistypes); then 250 ms, doubling up to 4 s. */
function delayAfter(failures: number): number {
  return failures < 2 ? 0 : Math.min(firstDelay * 2 ** (failures - 2), longestDelay);
}
