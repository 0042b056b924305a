import assert from 'node:assert/strict';
import type {
  CallerLeg,
  CallerLegEvents,
  Cause,
  Destination,
  InDialogAnswer,
  InDialogRequest,
  ReferEvents,
} from '../../../src/call/ports.ts';
import { FakePhone } from './phone.ts';

/** The caller leg as a wire would show it. Whatever its port forbids fails the test. */
export class FakeCaller extends FakePhone implements CallerLeg {
  /** What was sent, in order: statuses of the INVITE, and BYE. */
  readonly sent: string[] = [];
  /** What the last provisional response described. */
  early: string | undefined;
  readonly referred: { to: Destination; events: ReferEvents }[] = [];
  readonly redirected: Destination[] = [];
  /** What the leg was ended with by us. */
  released: Cause | undefined;
  leg: 'ringing' | 'answering' | 'standing' | 'over' = 'ringing';
  events!: CallerLegEvents;
  /** Whether its INVITE carried an offer. */
  readonly offers: boolean;
  /** What the caller's phone does with our 200: resolves when it sends the ACK. */
  onAnswer: () => Promise<void> = () => Promise.resolve();
  onRedirect: () => Promise<void> = () => Promise.resolve();
  /** What the caller's phone answers to our offer in a 180: its PRACK. */
  onOffer: () => Promise<string> = () => Promise.resolve(this.describe());
  #offered = false;
  /** What it knows of our side. */
  #known: string | undefined;
  #byeAfterAck: (() => void) | undefined;

  constructor(offers: boolean, port: number) {
    super('caller', port);
    this.offers = offers;
  }

  /** Final responses to its INVITE. */
  get finals(): string[] {
    return this.sent.filter((sent) => /^[2-6]/.test(sent));
  }

  progress(status: 180 | 181 | 183, sdp?: string): void {
    if (this.leg !== 'ringing') return;
    this.sent.push(sdp === undefined ? `${status}` : `${status} sdp`);
    this.early = sdp;
    this.#known = sdp ?? this.#known;
  }

  async offer(sdp: string): Promise<string> {
    if (this.leg !== 'ringing') throw new Error(`the caller's leg is ${this.leg}`);
    assert.ok(!this.offers && !this.#offered, 'one offer, to a caller who made none');
    this.sent.push('180 offer');
    this.#offered = true;
    this.early = sdp;
    const answer = await this.onOffer();
    if ((this.leg as string) === 'over') throw new Error('the leg is over');
    this.#known = sdp;
    return answer;
  }

  redirect(to: Destination): Promise<void> {
    if (this.leg !== 'ringing') return Promise.reject(new Error('a final response has left'));
    return this.onRedirect().then(() => {
      assert.equal(this.leg, 'ringing');
      this.sent.push('302');
      this.redirected.push(to);
      this.#over();
    });
  }

  refer(to: Destination, events: ReferEvents): void {
    assert.equal(this.leg, 'standing', 'only an answered leg is referred');
    let outcomes = 0;
    const only = () => assert.equal(++outcomes, 1, 'one outcome of a REFER');
    this.referred.push({
      to,
      events: {
        progress: (progress) => events.progress(progress),
        transferred: () => {
          only();
          events.transferred();
        },
        refused: (refusal) => {
          only();
          events.refused(refusal);
        },
        failed: (failure) => {
          only();
          events.failed(failure);
        },
        late: () => events.late(),
      },
    });
  }

  async answer(sdp: string): Promise<{ sdp?: string }> {
    if (this.leg !== 'ringing') throw new Error(`the caller's leg is ${this.leg}`);
    this.leg = 'answering';
    this.sent.push('200 sdp');
    assert.ok(sdp.startsWith('v=0'));
    try {
      await this.onAnswer();
    } catch (error) {
      this.#over();
      throw error;
    }
    if ((this.leg as string) === 'over') throw new Error('the leg is over');
    this.leg = 'standing';
    if (this.#byeAfterAck) {
      this.#bye();
      throw new Error('it was hung up before its ACK came');
    }
    this.heard = sdp;
    return this.offers || this.#known === sdp ? {} : { sdp: this.describe() };
  }

  reject(status: number, cause?: Cause): void {
    if (this.leg !== 'ringing') return;
    this.sent.push(`${status}`);
    this.released = cause ?? {};
    this.#over();
  }

  hangUp(cause: Cause = {}): Promise<void> {
    if (this.leg === 'over') return Promise.resolve();
    this.released ??= cause;
    if (this.leg === 'ringing') this.reject(480, cause);
    else if (this.leg === 'standing') this.#bye();
    else return new Promise((done) => (this.#byeAfterAck = done)); // RFC 3261 15: not before the ACK
    return Promise.resolve();
  }

  #bye(): void {
    this.sent.push('BYE');
    this.#over();
  }

  #over(): void {
    this.leg = 'over';
    this.endPending(487);
    this.#byeAfterAck?.();
  }

  /** CANCEL; false when it came too late. */
  cancels(cause: Cause = {}): boolean {
    if (this.leg !== 'ringing' && this.leg !== 'answering') return false;
    const silent = this.#byeAfterAck !== undefined;
    this.#over();
    if (!silent) this.events.cancelled(cause);
    return true;
  }

  /** BYE, or a dialog that is lost. */
  hangsUp(cause: Cause = {}, lost = false): boolean {
    if (this.leg !== 'standing') return false;
    this.#over();
    this.events.ended({ cause, lost });
    return true;
  }

  /** The caller's phone asks something inside the dialog. */
  asks(request: InDialogRequest): Promise<InDialogAnswer> {
    const may = this.leg === 'standing' || (this.leg === 'ringing' && request.method === 'UPDATE');
    if (!may) return Promise.resolve({ status: 481 });
    return this.asking(request, (ask, answer) => this.events.request(ask, answer));
  }

  request(request: InDialogRequest): Promise<InDialogAnswer> {
    if (this.leg === 'over') return Promise.resolve({ status: 481 });
    if (this.leg === 'ringing') assert.equal(request.method, 'UPDATE', 'only UPDATE in an early dialog');
    return this.respondTo(request);
  }
}
