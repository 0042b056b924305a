import type { InDialogAnswer } from '../call/ports.ts';
import type { Timer } from '../shared/clock.ts';
import { withDeadline } from '../shared/deadline.ts';
import { sdpOf } from './bodies.ts';
import { lightenConfirmed, type PendingInvite } from './pending-invites.ts';
import { hasTag } from './session-timer.ts';
import type { TrunkSettings } from './settings.ts';
import type { SrfRequest, SrfResponse } from './srf.ts';
import { allow, respond, transactionTimeout, type Tools } from './tools.ts';

/** How long an answer to UPDATE may hold the answer of the call up; it takes nobody's decision (RFC 3311 5.2). Milliseconds. */
const updateTimeout = 5_000;

export type ProgressStatus = 180 | 181 | 183;

interface Progress {
  status: ProgressStatus;
  sdp?: string | undefined;
}

/** What it needs of the leg. */
interface Leg {
  /** A provisional response has left: the early dialog stands. */
  begun(dialogId: string | undefined): void;
  /** Offers a description in the early dialog (RFC 3311). */
  update(sdp: string): Promise<InDialogAnswer>;
  /** No PRACK came: the INVITE is over (RFC 3262 3). */
  unacknowledged(): void;
}

/** What the 2xx carries, and what the caller must still be told in an offer of its own behind it. */
export interface Settled {
  body: string | undefined;
  owed: string | undefined;
  /** What the caller answered to an offer that went ahead of the 2xx. */
  answered: string | undefined;
}

/**
 * The provisional responses to a caller, up to its 2xx.
 *
 * Where they are reliable (RFC 3262), the first description is the answer to the caller's offer and binds: the call may
 * still be answered by somebody else, with another one. So whatever is described later, early media of another number or
 * fork or the final answer, goes as an offer of its own: by UPDATE inside the early dialog (RFC 3311) where the caller
 * allows it, otherwise by re-INVITE once the call stands. Where they are not, each response may carry another description.
 *
 * A caller who made no offer and requires reliable responses gets none before the first one can make it (RFC 3262 5); its
 * PRACK has the answer, and what follows goes as above.
 */
export class CallerProgress {
  readonly #tools: Tools;
  readonly #invite: PendingInvite;
  readonly #settings: TrunkSettings;
  readonly #leg: Leg;
  readonly #reliable: boolean;
  readonly #offers: boolean;
  #told: readonly number[] = [];
  #lastUnreliable: number | undefined;
  /** Of a reliable response that has no PRACK. */
  #prackTimer: Timer | undefined;
  #next: Progress | undefined;
  /** What our first reliable description was: the answer to the caller's offer, or an offer where they made none. */
  #first: string | undefined;
  /** Who waits for the PRACK that answers our offer. */
  #offering: { answered: (sdp: string) => void; failed: (error: Error) => void } | undefined;
  /** What the caller knows of our side now: that, or what an UPDATE of either side put in its place. */
  #described: string | undefined;
  #updating = false;
  #onIdle: (() => void) | undefined;
  #stopped = false;

  constructor(tools: Tools, invite: PendingInvite, settings: TrunkSettings, leg: Leg) {
    this.#tools = tools;
    this.#invite = invite;
    this.#settings = settings;
    this.#leg = leg;
    const { req } = invite;
    this.#offers = sdpOf(req) !== undefined;
    const wanted = settings.reliableProvisionals === 'supported' && this.#offers && !tools.server.isDrachtio;
    this.#reliable = hasTag(req, 'require', '100rel') || (wanted && hasTag(req, 'supported', '100rel'));
  }

  /** Whether offer and answer are exchanged, so that either side may offer anew by UPDATE (RFC 3311 5.1). */
  get agreed(): boolean {
    return this.#first !== undefined && !this.#prackTimer;
  }

  /** Whether the caller hears nothing until `offer`. */
  get awaitsOffer(): boolean {
    // A drachtio-server (0.9.10 too) dies of a reliable response that ends, or is never acknowledged, before its PRACK: any
    // such caller who hung up early would end all calls. There it hears none, which RFC 3262 3 allows.
    return this.#reliable && !this.#offers && this.#first === undefined && !this.#tools.server.isDrachtio;
  }

  /** Whether a 2xx may leave at once, with whatever description (see `settle`). */
  get idle(): boolean {
    return !this.#reliable || (this.#first === undefined && !this.#prackTimer);
  }

  tell(progress: Progress): void {
    if (this.#stopped) return;
    const announced = progress.status === 181 && this.#settings.announceForwarding !== true ? 180 : progress.status;
    // An offer of the target's cannot be one of ours: the caller's call may yet be answered by another one.
    const sdp = this.#offers || this.#first !== undefined ? progress.sdp : undefined;
    if (this.#reliable) this.#tellReliably({ status: announced, sdp });
    else this.#tellOnce(announced, sdp);
  }

  /** Rings with this offer; resolves with the answer of its PRACK, and rejects when there is none. */
  offer(sdp: string): Promise<string> {
    if (this.#stopped || !this.awaitsOffer) return Promise.reject(new Error('the caller awaits no offer'));
    return new Promise((answered, failed) => {
      this.#offering = { answered, failed };
      this.#first = this.#described = sdp;
      this.#sendReliably(180, sdp);
    });
  }

  /** A PRACK. Whether it fits a response of ours was the server's to judge. */
  acknowledged(prack: SrfRequest, response: SrfResponse): void {
    if (!this.#reliable) {
      respond(this.#tools, response, 481); // RFC 3262 3
      return;
    }
    const sdp = sdpOf(prack);
    const offering = this.#offering;
    this.#offering = undefined;
    respond(this.#tools, response, sdp === undefined || offering ? 200 : 488); // offers come by UPDATE
    this.#prackTimer?.clear();
    this.#prackTimer = undefined;
    if (sdp === undefined) offering?.failed(new Error('the PRACK has no answer to our offer'));
    else offering?.answered(sdp);
    this.#idle();
  }

  /** Offers this description by UPDATE; resolves with the answer, 491 when that cannot be now or not at all. */
  async change(sdp: string): Promise<InDialogAnswer> {
    const takesUpdates = hasTag(this.#invite.req, 'allow', 'update');
    if (!this.agreed || this.#updating || !takesUpdates) return { status: 491 };
    this.#updating = true;
    const answered = withDeadline(this.#tools.clock, updateTimeout, 'UPDATE', this.#leg.update(sdp));
    const answer = await answered.catch((): InDialogAnswer => ({ status: 408 }));
    if (answer.status >= 200 && answer.status < 300) this.#described = sdp;
    this.#updating = false;
    this.#idle();
    return answer;
  }

  /** An UPDATE of the caller's was accepted, with this answer. */
  changed(sdp: string): void {
    this.#described = sdp;
  }

  /**
   * What is still to be done before a 2xx with `sdp` may leave: a reliable description wants its PRACK (RFC 3262 3), and
   * an UPDATE its answer. Nothing but the 2xx follows.
   */
  async settle(sdp: string): Promise<Settled> {
    this.#stopped = true;
    this.#next = undefined;
    while (this.#prackTimer ?? this.#updating) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    if (this.#first === undefined) return { body: sdp, owed: undefined, answered: undefined };
    const answer = this.#described === sdp ? undefined : await this.change(sdp);
    return {
      answered: this.#described === sdp ? answer?.body : undefined,
      // RFC 6337 3.1.1: an answer again or not at all; an offer would be another one
      body: this.#offers && this.#described === this.#first ? this.#first : undefined,
      owed: this.#described === sdp ? undefined : sdp,
    };
  }

  /** Nothing more is sent, and nobody waits. */
  stop(): void {
    this.#stopped = true;
    this.#prackTimer?.clear();
    this.#prackTimer = undefined;
    this.#updating = false;
    this.#offering?.failed(new Error('the INVITE is over'));
    this.#offering = undefined;
    this.#onIdle?.();
  }

  #tellOnce(status: ProgressStatus, sdp: string | undefined): void {
    const code = sdp === undefined ? status : 183;
    if (sdp === undefined && this.#lastUnreliable === code) return; // the caller knows
    this.#lastUnreliable = sdp === undefined ? code : undefined;
    this.#send(code, sdp, {});
  }

  #tellReliably({ status, sdp }: Progress): void {
    // RFC 3262 5: the first reliable response to an INVITE without an offer must have one
    if ((!this.#offers && this.#first === undefined) || this.#tools.server.isDrachtio) return;
    if (this.#prackTimer) {
      this.#next = { status, sdp: sdp ?? this.#next?.sdp };
      return;
    }
    if (sdp !== undefined && this.#first === undefined) {
      this.#first = this.#described = sdp;
      this.#sendReliably(183, sdp);
      return;
    }
    if (sdp !== undefined && sdp !== this.#described) void this.#update(sdp);
    if (!this.#told.includes(status)) this.#sendReliably(status, undefined);
  }

  #sendReliably(status: ProgressStatus, sdp: string | undefined): void {
    this.#told = [...this.#told, status];
    // No later than the server refuses the INVITE, which it tells nobody: a caller who is gone is called nobody for.
    this.#prackTimer = this.#tools.clock.after(transactionTimeout, () => this.#leg.unacknowledged());
    // RSeq as drachtio-srf's users write it: the server puts its own in its place, and repeats the response.
    this.#send(status, sdp, { Require: '100rel', RSeq: '1' });
  }

  #send(status: ProgressStatus, sdp: string | undefined, headers: Record<string, string>): void {
    const { req, res } = this.#invite;
    const media: Record<string, string> = sdp === undefined ? {} : { 'Content-Type': 'application/sdp' };
    // RFC 5009 8: a network that gates early media is told that this is some; an offer of our own has none yet.
    if (sdp !== undefined && this.#offers && /\bsupported\b/i.test(req.get('p-early-media') ?? ''))
      media['P-Early-Media'] = 'sendrecv';
    const options = { headers: { Allow: allow, ...headers, ...media }, ...(sdp !== undefined && { body: sdp }) };
    respond(this.#tools, res, status, options, (error) => {
      lightenConfirmed(this.#invite);
      if (error === undefined) this.#leg.begun(res.stackDialogId);
    });
  }

  /** One at a time; what is described meanwhile follows. */
  async #update(sdp: string): Promise<void> {
    if (this.#updating) this.#next = { status: 183, sdp };
    else await this.change(sdp);
  }

  #idle(): void {
    const next = this.#next;
    this.#next = undefined;
    if (next) this.#tellReliably(next);
    const onIdle = this.#onIdle;
    this.#onIdle = undefined;
    onIdle?.();
  }
}
