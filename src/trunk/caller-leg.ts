import type {
  CallerLeg,
  CallerLegEvents,
  Cause,
  Destination,
  InDialogAnswer,
  InDialogRequest,
  ReferEvents,
} from '../call/ports.ts';
import { sdpOf } from './bodies.ts';
import { CallerAnswer } from './caller-answer.ts';
import { CallerProgress, type ProgressStatus } from './caller-progress.ts';
import { redirectHeaders, referHeaders, type CallersTrunk } from './destinations.ts';
import { contactOf } from './dialog-headers.ts';
import { containedReferral } from './referral.ts';
import type { Leg } from './legs.ts';
import { forgetCancel, type PendingInvite } from './pending-invites.ts';
import { parseReason } from './reason.ts';
import { rejectionHeaders } from './rejection.ts';
import { sessionAnswer } from './session-timer.ts';
import type { Socket, SrfRequest, SrfResponse } from './srf.ts';
import { StandingDialog, type Ended } from './standing.ts';
import { OutgoingLeg } from './target-leg.ts';
import { contained, respond, responded, type Tools } from './tools.ts';

type State =
  | { is: 'ringing' } // no final response was asked for
  | { is: 'answering'; answer: CallerAnswer } // our 200 is about to leave, or has not been confirmed
  | { is: 'answered'; answer: CallerAnswer } // it has left, no ACK came
  | { is: 'standing' }
  | { is: 'over' };

/** Our side of the caller's dialog, from its INVITE on. */
export class IncomingLeg implements CallerLeg, Leg {
  readonly #tools: Tools;
  readonly #invite: PendingInvite;
  readonly #trunk: CallersTrunk;
  readonly #onFinal: () => void;
  readonly #progress: CallerProgress;
  #state: State = { is: 'ringing' };
  #events: CallerLegEvents | undefined;
  /** From the first response with a To tag on. */
  #dialogId: string | undefined;
  /** Made when something is first asked of it: a caller who only waits needs none. */
  #standing: StandingDialog | undefined;
  #unsupported: readonly string[] = [];
  /** hangUp was asked for before the ACK came: RFC 3261 15 forbids BYE until then. */
  #hangUpAfterAck: { cause: Cause | undefined; done: () => void } | undefined;
  #hangUp: Promise<void> | undefined;

  /** Listens for CANCEL from the first moment on. `onFinal` is called once its INVITE has got a final response. */
  constructor(tools: Tools, invite: PendingInvite, trunk: CallersTrunk, onFinal: () => void) {
    this.#tools = tools;
    this.#trunk = trunk;
    this.#onFinal = onFinal;
    this.#invite = invite;
    tools.legs.add(this);
    this.#progress = new CallerProgress(tools, invite, trunk.settings, {
      begun: (dialogId) => this.#begin(dialogId),
      update: (sdp) =>
        this.#dialog?.request({ method: 'UPDATE', contentType: 'application/sdp', body: sdp }) ??
        Promise.resolve({ status: 481 }),
      unacknowledged: () => {
        respond(this.#tools, this.#invite.res, 504); // where the server has not done so
        this.#cancelled({});
      },
    });
    const { req } = invite;
    req.on(
      'cancel',
      contained(tools.log, 'a CANCEL', (cancel) => {
        tools.counters.cancels += 1;
        this.#cancelled(parseReason(cancel.get('reason')));
      }),
    );
    // drachtio-srf refuses an UPDATE by itself as long as it takes the INVITE for open, unless somebody listens here.
    req.on(
      'update',
      contained(tools.log, 'an UPDATE', (update, response) => this.received(update, response)),
    );
  }

  get socket(): Socket {
    return this.#invite.req.socket;
  }

  /** Where its events go; before this, there are none. */
  attach(events: CallerLegEvents): void {
    this.#events = events;
  }

  /** Extensions that its INVITE requires and we lack: a 420 names them (RFC 3261 8.2.2.3). */
  lacks(unsupported: readonly string[]): void {
    this.#unsupported = unsupported;
  }

  progress(status: ProgressStatus, sdp?: string): void {
    if (this.#state.is === 'ringing') this.#progress.tell({ status, sdp });
  }

  /** Whether it hears nothing before an offer of ours. */
  get awaitsOffer(): boolean {
    return this.#progress.awaitsOffer;
  }

  offer(sdp: string): Promise<string> {
    if (this.#state.is === 'ringing') return this.#progress.offer(sdp);
    return Promise.reject(new Error(`the caller's leg is ${this.#state.is}`));
  }

  async redirect(to: Destination): Promise<void> {
    if (this.#state.is !== 'ringing') throw new Error(`the caller's leg is ${this.#state.is}`);
    const headers = redirectHeaders(to, this.#trunk);
    if (!headers) throw new Error('there is no number that a Contact could name');
    const sent = responded(this.#tools, this.#invite.res, 302, { headers });
    this.#leave();
    await sent;
  }

  refer(to: Destination, events: ReferEvents): void {
    const told = containedReferral(this.#tools.log, events);
    const replaced = to.replaces instanceof OutgoingLeg ? to.replaces.name : undefined;
    const nobody = to.replaces !== undefined && !replaced;
    const headers = nobody ? undefined : referHeaders(to, this.#trunk, replaced);
    if (headers && this.#dialog && this.#state.is === 'standing' && !this.#hangUp) {
      this.#dialog.refer(headers, told, this.#trunk.settings.ringTimeout);
    } else queueMicrotask(() => told.refused({}));
  }

  answer(sdp: string): Promise<{ sdp?: string }> {
    if (this.#state.is !== 'ringing') return Promise.reject(new Error(`the caller's leg is ${this.#state.is}`));
    const answer = new CallerAnswer(this.#tools, this.#invite, this.#trunk.settings, {
      left: (dialogId) => {
        this.#onFinal();
        this.#confirm(dialogId);
      },
      tooLate: () => this.#cancelled({}),
      unacknowledged: () => this.#unacknowledged(),
    });
    this.#state = { is: 'answering', answer };
    answer.send(this.#progress, sdp);
    return answer.result;
  }

  reject(status: number, cause?: Cause): void {
    if (this.#state.is !== 'ringing') return;
    respond(this.#tools, this.#invite.res, status, { headers: rejectionHeaders(status, cause, this.#unsupported) });
    this.#leave();
  }

  hangUp(cause?: Cause): Promise<void> {
    return (this.#hangUp ??= this.#tools.legs.ending(this.#end(cause)));
  }

  request(request: InDialogRequest): Promise<InDialogAnswer> {
    const { method, body } = request;
    if (this.#state.is === 'ringing' && method === 'UPDATE' && body !== undefined) return this.#progress.change(body);
    const stands = this.#state.is === 'standing' || this.#state.is === 'answered';
    if (!this.#dialog || !stands || this.#hangUp) return Promise.resolve({ status: 481 });
    return this.#dialog.request(request);
  }

  received(request: SrfRequest, response: SrfResponse): void {
    if (this.#state.is === 'over') respond(this.#tools, response, 481);
    else if (request.method === 'PRACK') this.#progress.acknowledged(request, response);
    else if (this.#state.is === 'answered' || this.#state.is === 'standing') this.#dialog?.received(request, response);
    else this.#receivedEarly(request, response);
  }

  acknowledged(ack: SrfRequest): void {
    this.#confirm(ack.stackDialogId); // which may be here before the server's word that our 200 has left
    if (this.#state.is !== 'answered' || !this.#dialog) {
      this.#dialog?.acknowledged(ack);
      return;
    }
    const { answer } = this.#state;
    this.#state = { is: 'standing' };
    if (this.#hangUpAfterAck) {
      answer.fail("the caller's leg was hung up before its ACK came");
      this.#bye();
    } else {
      const settled = answer.acknowledged(ack, this.#dialog);
      void settled.then(contained(this.#tools.log, 'an ACK', (why) => why !== undefined && this.#giveUp(why)));
    }
  }

  endedByServer(): void {
    if (this.#state.is === 'answered') {
      this.#tools.counters.unacknowledged += 1;
      this.#leave('nobody acknowledged our 200 (RFC 3261 13.3.1.4)');
    } else this.#dialog?.end({ cause: {}, lost: true });
  }

  connectionLost(): void {
    switch (this.#state.is) {
      case 'ringing': {
        this.#ended({ cause: {}, lost: true });
        return;
      }
      case 'answering':
      case 'answered': {
        this.#leave('the connection to the SIP server was lost');
        return;
      }
      case 'standing':
        return this.#dialog?.connectionLost();
      case 'over':
    }
  }

  shutDown(): Promise<void> {
    if (this.#state.is === 'ringing') this.reject(503);
    return this.hangUp();
  }

  /** Our 200 has left. */
  #confirm(dialogId: string | undefined): void {
    if (this.#state.is !== 'answering' || dialogId === undefined || dialogId === '') return;
    this.#begin(dialogId);
    this.#state.answer.left();
    this.#state = { is: 'answered', answer: this.#state.answer };
  }

  #begin(dialogId: string | undefined): void {
    if (dialogId === undefined || dialogId === '' || this.#state.is === 'over') return;
    this.#tools.legs.bind(dialogId, this);
    this.#dialogId ??= dialogId;
  }

  get #dialog(): StandingDialog | undefined {
    if (this.#dialogId === undefined) return undefined;
    const { credentials, sessionInterval = 0 } = this.#trunk.settings;
    return (this.#standing ??= new StandingDialog(
      this.#tools,
      {
        ...{ dialogId: this.#dialogId, socket: this.socket, target: contactOf(this.#invite.req) },
        ...(credentials && { auth: credentials }),
      },
      (request, answer) => this.#pass(request, answer),
      (how) => this.#ended(how),
      (request) => sessionAnswer(request, sessionInterval),
    ));
  }

  #pass(request: InDialogRequest, answer: (answer: InDialogAnswer) => void): void {
    if (!this.#events) {
      answer({ status: 480 });
      return;
    }
    const early = this.#state.is === 'ringing';
    // Its own failure is answered with 500
    this.#events.request(request, (given) => {
      if (early && given.status === 200 && given.body !== undefined) this.#progress.changed(given.body);
      answer(given);
    });
  }

  #receivedEarly(request: SrfRequest, response: SrfResponse): void {
    switch (request.method) {
      case 'BYE': {
        // RFC 3261 15: the caller may end an early dialog by BYE; its INVITE is then answered 487
        respond(this.#tools, response, 200);
        respond(this.#tools, this.#invite.res, 487); // where the server has not done so
        this.#cancelled(parseReason(request.get('reason')));
        return;
      }
      case 'UPDATE': {
        if (sdpOf(request) === undefined || (this.#progress.agreed && this.#state.is === 'ringing')) break;
        respond(this.#tools, response, 500, { headers: { 'Retry-After': '2' } }); // RFC 3311 5.2
        return;
      }
      case 'OPTIONS':
        break;
      default: {
        respond(this.#tools, response, 500, { headers: { 'Retry-After': '2' } });
        return;
      }
    }
    if (this.#dialog) this.#dialog.received(request, response);
    else respond(this.#tools, response, 481);
  }

  #cancelled(cause: Cause): void {
    if (this.#state.is !== 'ringing' && this.#state.is !== 'answering') return; // our 200 was faster
    const silent = this.#hangUp !== undefined;
    this.#leave('the caller took the call back');
    if (!silent) contained(this.#tools.log, 'a cancellation', () => this.#events?.cancelled(cause))();
  }

  #ended(how: Ended): void {
    const silent = this.#hangUp !== undefined;
    this.#leave('the caller hung up');
    if (!silent) contained(this.#tools.log, 'an end', () => this.#events?.ended(how))();
  }

  async #end(cause: Cause | undefined): Promise<void> {
    switch (this.#state.is) {
      case 'ringing': {
        this.reject(480, cause);
        return;
      }
      case 'answering':
      case 'answered':
        return new Promise((done) => {
          this.#hangUpAfterAck = { cause, done };
        });
      case 'standing': {
        await this.#dialog?.hangUp(cause);
        this.#leave();
        return;
      }
      case 'over':
    }
  }

  /** The server should have ended it by now; it has not. */
  #unacknowledged(): void {
    if (this.#state.is !== 'answered') return;
    this.#tools.counters.unacknowledged += 1;
    const { answer } = this.#state;
    this.#state = { is: 'standing' };
    this.#giveUp(answer.fail('nobody acknowledged our 200'));
  }

  /** The call was answered and cannot stand. */
  #giveUp(why: string): void {
    this.#hangUpAfterAck ??= { cause: { q850: 127, text: why }, done: () => undefined };
    this.#bye();
  }

  #bye(): void {
    const { cause, done } = this.#hangUpAfterAck ?? { cause: undefined, done: () => undefined };
    const bye = this.#dialog?.hangUp(cause) ?? Promise.resolve();
    this.#hangUp ??= bye;
    void this.#tools.legs.ending(bye.then(() => this.#leave())).then(done);
  }

  /** Nothing of the leg is left; whoever waits for its answer is told why. */
  #leave(why = "the caller's leg is over"): void {
    const state = this.#state;
    this.#state = { is: 'over' };
    this.#progress.stop();
    this.#tools.legs.remove(this);
    forgetCancel(this.#invite);
    this.#onFinal();
    if (state.is === 'answering' || state.is === 'answered') state.answer.fail(why);
    this.#hangUpAfterAck?.done();
  }
}
