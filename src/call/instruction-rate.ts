import type { Clock } from '../shared/clock.ts';

/** Accounts that are remembered. */
const remembered = 10_000;
/** Milliseconds. */
const window = 60_000;

/** How many numbers each account has had called in the last minute: whoever has stolen a password is not to try them all. */
export class InstructionRate {
  readonly #clock: Clock;
  readonly #perMinute: number;
  /** Times of each account's numbers. */
  readonly #counted = new Map<string, number[]>();

  constructor(clock: Clock, perMinute: number) {
    this.#clock = clock;
    this.#perMinute = perMinute;
  }

  /** Seconds until the account may have so many more numbers called; 0: now, and these are counted. */
  wait(account: string, numbers: number): number {
    const now = this.#clock.now();
    const recent = (this.#counted.get(account) ?? []).filter((at) => at > now - window);
    const over = recent.length + numbers - this.#perMinute;
    const last = recent[Math.min(over, recent.length) - 1]; // with it gone there is room again
    if (last !== undefined) return Math.ceil((last + window - now) / 1_000);
    for (let number = 0; number < numbers; number++) recent.push(now);
    this.#counted.set(account, recent);
    if (this.#counted.size > remembered) this.#counted.delete(this.#counted.keys().next().value ?? '');
    return 0;
  }
}
