import type { Clock, Timer } from '../shared/clock.ts';
import type { Gateway } from './gateway.ts';

/** One place where a call may be tried. */
export interface Attempt {
  /** Request-URI. */
  uri: string;
  /** Of the INVITE. */
  headers: Record<string, string>;
  /** Milliseconds without a sign of life after which it counts as silent. */
  timeout: number;
  /** Undefined for a phone that is called directly. */
  gateway?: Gateway;
  /** Sends an OPTIONS to the gateway; undefined where gateways are not asked. */
  ask?: () => void;
  /** Milliseconds of a Retry-After header. */
  retryAfter: (header: string | undefined) => number;
}

/**
 * Watches one INVITE for silence. The SIP server keeps every 100 to itself, so an INVITE that a living gateway is
 * working on looks like one that fell into a hole; a call may well take longer to ring than a gateway to fail.
 * So half-way the gateway is asked with OPTIONS, and only when it does not answer that either is it silent.
 * Where gateways are not asked, silence sends the call to the next one; the last one has all the time there is
 * (the server gives up after 32 s).
 */
export class SilenceWatch {
  readonly #attempt: Attempt;
  readonly #since: number;
  readonly #timers: Timer[];

  constructor(clock: Clock, attempt: Attempt, othersLeft: () => boolean, onSilent: () => void) {
    this.#attempt = attempt;
    this.#since = clock.monotonic();
    const { ask, timeout } = attempt;
    this.#timers = [
      ...(ask ? [clock.after(timeout / 2, ask)] : []),
      clock.after(timeout, () => {
        if (!this.alive && (ask !== undefined || othersLeft())) onSilent();
      }),
    ];
  }

  /** Whether the gateway gave any sign of life since the INVITE left. */
  get alive(): boolean {
    return this.#attempt.gateway?.heardSince(this.#since) ?? false;
  }

  stop(): void {
    for (const timer of this.#timers) timer.clear();
  }
}
