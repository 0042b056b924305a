import type { Clock, Timer } from '../../shared/clock.ts';

/** The subscriptions of a dialog that they began (RFC 6665), by event: nobody sends BYE in it, so it lasts as long as they do. */
export class Subscriptions {
  readonly #clock: Clock;
  readonly #grace: number;
  readonly #over: () => void;
  /** On the clock's monotonic scale. */
  readonly #until = new Map<string, number>();
  #timer: Timer | undefined;

  /** @param grace milliseconds for which the last NOTIFY may still come (RFC 6665 4.1.2.4, timer N) @param over called when none is left */
  constructor(clock: Clock, grace: number, over: () => void) {
    this.#clock = clock;
    this.#grace = grace;
    this.#over = over;
  }

  /** It was accepted, or said to last so long from now on. */
  stands(event: string, seconds: number): void {
    this.#until.set(event, this.#clock.monotonic() + seconds * 1000 + this.#grace);
    this.#watch();
  }

  terminated(event: string): void {
    this.#until.delete(event);
    this.#watch();
  }

  stop(): void {
    this.#timer?.clear();
  }

  #watch(): void {
    this.#timer?.clear();
    if (this.#until.size === 0) {
      this.#over();
      return;
    }
    const last = Math.max(...this.#until.values());
    this.#timer = this.#clock.after(Math.max(0, last - this.#clock.monotonic()), this.#over);
  }
}
