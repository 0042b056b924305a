import type { Clock, Timer } from '../../shared/clock.ts';

/** RFC 3261 17.1.1.1 and table 4: the estimates from which all of timers A to K are made. Milliseconds. */
export interface TimerSettings {
  /** Round-trip time estimate; first interval of a retransmission. */
  readonly t1: number;
  /** Longest interval between retransmissions of a non-INVITE request or an INVITE's response. */
  readonly t2: number;
  /** Longest time that a message remains in the network. */
  readonly t4: number;
}

/** RFC 3261 table 4. */
export const defaultTimers: TimerSettings = { t1: 500, t2: 4000, t4: 5000 };

/** 64*T1: timers B, F, H, J, L and M, and the end of a 2xx's retransmission. */
export function giveUpAfter(settings: TimerSettings): number {
  return 64 * settings.t1;
}

/** The named timers of one transaction. Setting a name again replaces what was set before. */
export class NamedTimers<Name extends string> {
  readonly #clock: Clock;
  /** Two or three at most; those that have fired are among them until their name is set again. */
  #set: { readonly name: Name; readonly timer: Timer }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(name: Name, milliseconds: number, action: () => void): void {
    this.stop(name);
    this.#set.push({ name, timer: this.#clock.after(milliseconds, action) });
  }

  stop(name: Name): void {
    const at = this.#set.findIndex((one) => one.name === name);
    if (at >= 0) this.#set.splice(at, 1)[0]?.timer.clear();
  }

  stopAll(): void {
    for (const { timer } of this.#set) timer.clear();
    this.#set = [];
  }
}
