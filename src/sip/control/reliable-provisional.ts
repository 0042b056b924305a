import type { Clock, Timer } from '../../shared/clock.ts';
import { newSequence } from '../transaction/ids.ts';
import { giveUpAfter, type TimerSettings } from '../transaction/timers.ts';

interface Options {
  readonly clock: Clock;
  readonly timers: TimerSettings;
  resend(octets: Buffer): void;
  /** No PRACK within 64*T1: the INVITE is to be refused (RFC 3262 3). */
  givenUp(): void;
}

/** The reliable provisional responses to one INVITE (RFC 3262 3): numbered, and sent again until their PRACK comes. */
export class ReliableProvisionals {
  readonly #options: Options;
  /** By RSeq what has no PRACK yet; without a timer when it is not sent again any more. */
  readonly #unacknowledged = new Map<number, Timer | undefined>();
  #last: number | undefined;
  #end: Timer | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  /** RSeq of the next one: random at first, then counted up by one. */
  nextSequence(): number {
    this.#last = this.#last === undefined ? newSequence() : this.#last + 1;
    return this.#last;
  }

  /** The response with that RSeq was sent. */
  sent(sequence: number, octets: Buffer): void {
    const { clock, timers } = this.#options;
    this.#resendAfter(timers.t1, sequence, octets);
    this.#end ??= clock.after(giveUpAfter(timers), () => {
      this.stop();
      this.#options.givenUp();
    });
  }

  /**
   * A PRACK came.
   * @param rack its RAck: RSeq, CSeq number and method of what it acknowledges
   * @returns false when nothing here waits for it: to be answered 481
   */
  acknowledge(rack: string | undefined): boolean {
    const sequence = Number.parseInt(rack ?? '', 10);
    if (!this.#unacknowledged.has(sequence)) return false;
    this.#unacknowledged.get(sequence)?.clear();
    this.#unacknowledged.delete(sequence);
    if (this.#unacknowledged.size === 0) this.stop();
    return true;
  }

  /** The final response was sent, or the INVITE is over: nothing is sent again, but a PRACK on its way is still right (RFC 3262 3). */
  stop(): void {
    for (const [sequence, timer] of this.#unacknowledged) {
      timer?.clear();
      this.#unacknowledged.set(sequence, undefined);
    }
    this.#end?.clear();
    this.#end = undefined;
  }

  /** RFC 3262 3: T1, doubling without an upper bound. */
  #resendAfter(interval: number, sequence: number, octets: Buffer): void {
    const timer = this.#options.clock.after(interval, () => {
      this.#options.resend(octets);
      this.#resendAfter(2 * interval, sequence, octets);
    });
    this.#unacknowledged.set(sequence, timer);
  }
}
