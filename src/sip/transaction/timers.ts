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

const none = [] as const;

/** The named timers of one transaction. Setting a name again replaces what was set before. */
export class NamedTimers<Name extends string> {
  readonly #clock: Clock;
  /** Two or three at most; those that have fired are among them until their name is set again. */
  #set: readonly { readonly name: Name; readonly timer: Timer }[] = none;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(name: Name, milliseconds: number, action: () => void): void {
    this.stop(name);
    // V8 gives a list that is pushed to (or spread, with more behind it) room for sixteen more; `concat` makes it as long as it is.
    this.#set = this.#set.concat({ name, timer: this.#clock.after(milliseconds, action) });
  }

  stop(name: Name): void {
    const stopped = this.#set.find((one) => one.name === name);
    if (!stopped) return;
    stopped.timer.clear();
    this.#set = this.#set.filter((one) => one !== stopped);
  }

  stopAll(): void {
    for (const { timer } of this.#set) timer.clear();
    this.#set = none;
  }
}
