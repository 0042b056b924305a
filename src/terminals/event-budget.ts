import type { Clock } from '../shared/clock.ts';

/** A token bucket for the events of one connection: `burst` at once, `perSecond` for ever. */
export class EventBudget {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;
  #refused = 0;

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#tokens = this.#burst = burst;
    this.#at = clock.monotonic();
  }

  /** Whether one more event may pass. */
  take(): boolean {
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
    if (this.#tokens < 1) {
      this.#refused++;
      return false;
    }
    this.#tokens--;
    if (this.#tokens >= this.#burst / 2) this.#refused = 0;
    return true;
  }

  /** Events refused since the bucket was last half full. */
  get refused(): number {
    return this.#refused;
  }
}
