import type { Clock } from '../shared/clock.ts';

/**
 * Lets an action through once in `interval` milliseconds and tells how many were held back since: for log lines
 * that strangers can cause.
 */
export class Seldom {
  readonly #clock: Clock;
  readonly #interval: number;
  #last: number | undefined;
  #heldBack = 0;

  constructor(clock: Clock, interval: number) {
    this.#clock = clock;
    this.#interval = interval;
  }

  do(action: (heldBack: number) => void): void {
    const now = this.#clock.monotonic();
    if (this.#last !== undefined && now - this.#last < this.#interval) {
      this.#heldBack += 1;
      return;
    }
    const heldBack = this.#heldBack;
    this.#last = now;
    this.#heldBack = 0;
    action(heldBack);
  }
}
