import type { InDialogAnswer, ReferEvents } from '../call/ports.ts';
import type { Clock, Timer } from '../shared/clock.ts';
import type { Logger } from '../shared/log.ts';
import { failureOf } from './failures.ts';
import { readSipfrag, type Progress } from './sipfrag.ts';
import type { SipMessageView } from './srf.ts';
import { contained } from './tools.ts';

/**
 * How long the answer to REFER may be outstanding. RFC 3515 2.4.4 wants it at once, without a person being asked; UDP has
 * then repeated the request five times. Not longer, as the caller waits; not shorter, as an acceptance that comes after we
 * went on by ourselves has the number rung twice. Milliseconds.
 */
const answerTimeout = 10_000;

/** RFC 6665 4.1.2.4, timer N: without a NOTIFY for 64*T1 there is no subscription. Milliseconds. */
const firstNotifyTimeout = 32_000;

/**
 * How long a BYE of the far side waits for the NOTIFY that explains it. Far sides that succeed hang up, with the last
 * NOTIFY just before or behind the BYE, or without any; where the caller hung up instead, the far side takes its own call
 * back and tells so (487). Two round trips and a processing time are enough for either; the BYE is not answered meanwhile,
 * as its answer ends the dialog that the NOTIFY comes in. Milliseconds.
 */
const farewellTimeout = 1_000;

/** Final statuses that are the word of the person called, or of the phone: whoever called again would ring it twice. */
const ofThePerson: ReadonlySet<number> = new Set([433, 480, 486, 487, 600, 603, 607, 608]);

/** Final statuses of a silence, that is somebody's who was rung where it rang. */
const ofSilence: ReadonlySet<number> = new Set([408, 504]);

type State =
  | { is: 'asked' } // the REFER has no answer; a NOTIFY may come before it (RFC 6665 4.1.2.4)
  | { is: 'accepted' }
  | { is: 'leaving'; leave: (tell: () => void) => void } // the far side has sent BYE, and has not told the outcome
  | { is: 'given-up' } // the far side has kept us waiting too long, and may still be at it
  | { is: 'over' };

/** One REFER of ours, followed to its end over the subscription that it makes (RFC 3515, RFC 6665). */
export class Referral {
  readonly #clock: Clock;
  readonly #events: ReferEvents;
  readonly #longest: number;
  /** CSeq numbers that the REFER was sent with (again with credentials): the id of its Event. */
  readonly #ids = new Set<number>();
  #state: State = { is: 'asked' };
  #subscribed = true;
  #notified = false;
  #rang = false;
  #timer: Timer;

  /** `longest`: milliseconds that the referred call may take from the acceptance on. */
  constructor(clock: Clock, events: ReferEvents, longest: number) {
    this.#clock = clock;
    this.#events = events;
    this.#longest = longest;
    this.#timer = clock.after(answerTimeout, () => this.#giveUp());
  }

  get open(): boolean {
    return this.#state.is !== 'over' && this.#state.is !== 'given-up';
  }

  /** The REFER was sent with this CSeq number. */
  sentAs(sequence: number): void {
    this.#ids.add(sequence);
  }

  answered({ status }: InDialogAnswer): void {
    if (this.#state.is === 'given-up' && status < 300) this.#late();
    if (status < 300) this.#accepted(status);
    else this.#refused(status);
  }

  /** Whether this NOTIFY is one of this subscription: to be answered 200, else 481 (RFC 6665 4.1.3). */
  notified(notify: SipMessageView): boolean {
    if (!this.#subscribed || !this.#isMine(notify.get('event') ?? '')) return false;
    if (this.#state.is === 'given-up') {
      this.#late();
      return false;
    }
    const ended = /^\s*terminated\b/i.test(notify.get('subscription-state') ?? '');
    if (ended) this.#subscribed = false;
    const first = !this.#notified;
    this.#notified = true;
    if (this.#state.is === 'asked') this.#accepted(202);
    else if (first && this.#state.is === 'accepted') this.#await(this.#longest);
    const progress = readSipfrag(notify.body);
    if (progress) this.#progress(progress);
    // A subscription that ends before an outcome tells that there will be none to hear of.
    if (ended) this.#refused();
    return true;
  }

  /**
   * The far side has sent BYE. `leave` answers it, and calls `tell` before the end of the leg is told: at once where the
   * BYE is plainly no consequence of the REFER, otherwise when the outcome is known.
   */
  hungUp(leave: (tell: () => void) => void): void {
    if (this.#state.is !== 'accepted') {
      this.drop();
      leave(() => undefined);
      return;
    }
    this.#state = { is: 'leaving', leave };
    this.#timer.clear();
    this.#timer = this.#clock.after(farewellTimeout, () => this.#transferred());
  }

  /** The leg is over: nothing is told any more. */
  drop(): void {
    this.#state = { is: 'over' };
    this.#timer.clear();
  }

  /** RFC 3515 2.4.6: the id is the CSeq number of the REFER, and may be missing for the first one of a dialog. */
  #isMine(event: string): boolean {
    const [name = '', ...parameters] = event.split(';').map((part) => part.trim());
    if (name.toLowerCase() !== 'refer') return false;
    const id = parameters.map((parameter) => /^id\s*=\s*(\d{1,10})$/i.exec(parameter)?.[1]).find(Boolean);
    return id === undefined || this.#ids.has(Number(id));
  }

  #accepted(status: number): void {
    if (this.#state.is !== 'asked') return;
    this.#state = { is: 'accepted' };
    this.#await(this.#notified ? this.#longest : Math.min(firstNotifyTimeout, this.#longest));
    this.#events.progress({ status });
  }

  #await(milliseconds: number): void {
    this.#timer.clear();
    this.#timer = this.#clock.after(milliseconds, () => this.#giveUp());
  }

  #giveUp(): void {
    this.#refused();
    this.#state = { is: 'given-up' };
  }

  /**
   * It goes on where we have given up. No request takes a REFER back, nor does the end of its subscription end the referred
   * call; 481 to its NOTIFYs (RFC 6665 4.1.3) tells the far side at least that nobody follows.
   */
  #late(): void {
    this.#state = { is: 'over' };
    this.#subscribed = false;
    this.#events.late();
  }

  #progress({ status, q850 }: Progress): void {
    if (status < 200) {
      if (status >= 180) this.#rang = true;
      if (this.#state.is === 'accepted') this.#events.progress({ status });
    } else if (status < 300) this.#transferred();
    else if (ofThePerson.has(status) || (this.#rang && ofSilence.has(status))) {
      this.#settle(() => this.#events.failed(failureOf(status, q850)));
    } else this.#refused(status);
  }

  #transferred(): void {
    const tell = (): void => this.#events.transferred();
    this.#settle(tell, tell);
  }

  #refused(status?: number): void {
    this.#settle(() => this.#events.refused(status === undefined ? {} : { status }));
  }

  /** The outcome. After a BYE only a success is one: otherwise the caller has hung up, which the end of the leg tells. */
  #settle(tell: () => void, afterBye: () => void = () => undefined): void {
    const state = this.#state;
    if (!this.open) return;
    this.drop();
    if (state.is === 'leaving') state.leave(afterBye);
    else tell();
  }
}

/** The same events with their exceptions logged: they are told out of timers and of what drachtio-srf calls. */
export function containedReferral(log: Logger, events: ReferEvents): ReferEvents {
  return {
    progress: contained(log, 'the progress of a referral', (progress) => events.progress(progress)),
    transferred: contained(log, 'a transfer', () => events.transferred()),
    refused: contained(log, 'the refusal of a referral', (refusal) => events.refused(refusal)),
    failed: contained(log, 'the failure of a referral', (failure) => events.failed(failure)),
    late: contained(log, 'a late referral', () => events.late()),
  };
}
