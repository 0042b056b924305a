import { DeadlineExceeded } from '../../shared/deadline.ts';
import { Failure, messageOf } from '../../shared/errors.ts';
import type { Call } from '../call.ts';
import { q850 } from '../machine.ts';
import type { Cause, PhoneReferral, TargetFailure, TargetLeg } from '../ports.ts';
import { mayRefer } from '../referred.ts';
import { Pairing, type PairingEvents } from './pairing.ts';
import { Party } from './party.ts';

/** How long the store may hold our INVITE up, in milliseconds. */
const writtenWithin = 500;

/** What becomes of one number that is called. */
export interface BranchEvents {
  /** It rings, or its `early` media have changed. */
  rings(branch: Branch, status: number): void;
  answered(branch: Branch): void;
  failed(branch: Branch, failure: TargetFailure): void;
  ended(branch: Branch, how: { cause: Cause; lost: boolean }): void;
  referred(branch: Branch, referral: PhoneReferral): void;
}

/** One number that is called: a target leg, and the pairing of its media with whoever it is called for. */
export class Branch {
  readonly to: string;
  readonly party: Party;
  pairing: Pairing | undefined;
  leg: TargetLeg | undefined;
  /** What it answered: an answer to our offer, or an offer, where the caller made none (delayed offer). */
  answer: { sdp: string; fork: string } | undefined;
  /** Our INVITE carried no offer. */
  delayed = false;
  /** Its early media as the first party is to get them, while there are any. */
  early: string | undefined;
  #over = false;
  #hangUp: Promise<void> | undefined;
  readonly #call: Call;
  readonly #first: Party;
  readonly #events: BranchEvents;

  constructor(call: Call, to: string, first: Party, events: BranchEvents) {
    const { tools } = call;
    this.#call = call;
    this.to = to;
    this.#first = first;
    this.#events = events;
    this.party = new Party({ name: to, called: true, trunk: tools.trunk.trunkTo(to), clock: tools.clock }, (request) =>
      this.leg ? this.leg.request(request) : Promise.resolve({ status: 481 }),
    );
  }

  /** Calls it, to take the place of a call that it has, where there is one; what follows comes as events. */
  dial(pairingEvents: PairingEvents, replaces?: string): void {
    void this.#dial(pairingEvents, replaces).catch((error: unknown) => {
      if (this.#over) return;
      const expected = error instanceof Failure || error instanceof DeadlineExceeded;
      this.#call.log[expected ? 'warn' : 'error'](
        { err: error },
        `${this.to} could not be called: ${messageOf(error)}`,
      );
      this.#fail({ reason: 'failed', status: error instanceof Failure ? error.sip : 500, q850: q850.temporaryFailure });
    });
  }

  async #dial(pairingEvents: PairingEvents, replaces: string | undefined): Promise<void> {
    const { incoming, tools, record, keeper, id } = this.#call;
    const { reading } = incoming;
    if (!reading.ok) throw new Error('a call that could not be read was instructed');
    // What is dialled stands in the books first: should it come back, any node knows it by them (recall.ts).
    const written = keeper.safe(writtenWithin);
    if (this.#first.described === undefined) await this.#call.early?.settled; // its PRACK brings the description
    if (this.#first.described === undefined) await this.#call.parking?.settled; // its ACK does
    this.pairing = await Pairing.open(
      this.#call.pairingTools,
      { caller: this.#first, target: this.party },
      {
        holds: (by, held) => pairingEvents.holds(by, held),
        failed: (why) => {
          if (this.answer) pairingEvents.failed(why);
          else {
            this.#fallsSilent(why).catch((error: unknown) =>
              this.#call.log.info(`the early media of ${this.to} are not heard again: ${messageOf(error)}`),
            );
          }
        },
      },
    );
    if (this.#isOver()) return this.pairing.close();
    this.pairing.take('target');
    const { described } = this.#first;
    const offer =
      described === undefined ? undefined : this.party.said(await this.pairing.exchange.offer('caller', described));
    await written;
    if (this.#isOver()) return;
    this.delayed = offer === undefined;
    this.leg = tools.trunk.dial(
      {
        callId: id,
        to: this.to,
        reading: reading.reading,
        firstCalled: record.firstCalled ?? '',
        maxForwards: incoming.maxForwards,
        mayRefer: mayRefer(this.to, tools.settings),
        ...(replaces !== undefined && { replaces }),
        ...(offer !== undefined && { sdp: offer }),
        ...(incoming.network && { network: incoming.network }),
      },
      {
        progress: ({ status, sdp, fork }) => void this.#progress(status, sdp, fork),
        answered: (answer) => this.#answered(answer),
        failed: (failure) => this.#fail(failure),
        ended: (how) => this.#ended(how),
        referred: (referral) => this.#events.referred(this, referral),
        request: (request, answer) =>
          void this.party.carry(request).then(answer, (error: unknown) => {
            this.#call.log.warn({ method: request.method }, `a request of ${this.to} fails: ${messageOf(error)}`);
            answer({ status: error instanceof Failure ? error.sip : 500 });
          }),
      },
    );
    tools.metrics.step('dial', tools.clock.now() - (record.attempts.at(-1)?.startedAt ?? record.arrivedAt));
  }

  async #progress(status: number, sdp: string | undefined, fork: string): Promise<void> {
    if (sdp !== undefined && !this.delayed && this.pairing) {
      const early = await this.pairing.answers.early('target', sdp, fork).catch((error: unknown) => {
        // Early media is a courtesy: without it the caller hears its own ringing tone.
        this.#call.log.warn(`the early media of ${this.to} are not passed on: ${messageOf(error)}`);
        return undefined;
      });
      if (!this.#over) this.early = early ?? this.early;
    }
    if (!this.#over && !this.answer) this.#events.rings(this, status);
  }

  /** The engine is gone before it answered. It rings on; its early media find another engine where they can, else its answer does. */
  async #fallsSilent(why: string): Promise<void> {
    this.#call.log.warn(`${this.to} rings on without media: ${why}`);
    if (this.#over || this.early === undefined) return;
    this.early = undefined;
    this.#events.rings(this, 180);
    const early = await this.pairing?.answers.revive();
    if (this.#isOver() || this.answer) return;
    this.early = early;
    this.#events.rings(this, 183);
  }

  #answered(answer: { sdp: string; fork: string }): void {
    if (this.#over || this.answer) return;
    this.answer = answer;
    this.party.answered = true;
    this.party.described = answer.sdp;
    this.#events.answered(this);
  }

  /** A BYE inside an early dialog (RFC 3261 15: allowed to a UAC only, but it happens) refuses the call. */
  #ended(how: { cause: Cause; lost: boolean }): void {
    if (!this.answer) {
      this.#fail({ reason: 'target-refused', ...(how.cause.q850 !== undefined && { q850: how.cause.q850 }) });
      return;
    }
    this.party.leave();
    if (!this.#over) this.#events.ended(this, how);
  }

  #fail(failure: TargetFailure): void {
    if (this.#over) return;
    void this.hangUp({});
    this.#events.failed(this, failure);
  }

  /** Ends its leg and its media, whatever stands of them; idempotent. Resolves when both are gone. */
  hangUp(cause: Cause): Promise<void> {
    return (this.#hangUp ??= this.#end(cause));
  }

  async #end(cause: Cause): Promise<void> {
    this.#over = true;
    this.early = undefined;
    this.party.leave();
    await Promise.allSettled([this.leg?.hangUp(cause), this.pairing?.close()]);
  }

  #isOver(): boolean {
    return this.#over;
  }
}
