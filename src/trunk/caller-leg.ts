import type {
  CallerLeg,
  CallerLegEvents,
  Cause,
  Destination,
  InDialogAnswer,
  InDialogRequest,
  ReferEvents,
} from '../call/ports.ts';
import type { Timer } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import { sdpOf } from './bodies.ts';
import { contactOf } from './dialog-headers.ts';
import { redirectHeaders, referHeaders, type CallersTrunk } from './destinations.ts';
import type { Leg } from './legs.ts';
import { accepted } from './options.ts';
import { expectCancel, forgetCancel, type PendingInvite } from './pending-invites.ts';
import { parseReason, reasonHeaders } from './reason.ts';
import { hasTag, SessionTimer } from './session-timer.ts';
import type { Socket, SrfRequest, SrfResponse } from './srf.ts';
import { StandingDialog, type Ended } from './standing.ts';
import { OutgoingLeg } from './target-leg.ts';
import { allow, contained, respond, retryAfterSeconds, serverTimeout, type Tools } from './tools.ts';

type State =
  | { is: 'ringing' } // no final response has left
  | { is: 'answering'; settle: (outcome: Error | { sdp?: string }) => void; timer: Timer } // our 200 has left, no ACK came
  | { is: 'standing' }
  | { is: 'over' };

/** Our side of the caller's dialog, from its INVITE on. */
export class IncomingLeg implements CallerLeg, Leg {
  readonly #tools: Tools;
  readonly #invite: PendingInvite;
  readonly #trunk: CallersTrunk;
  readonly #onFinal: () => void;
  /** Its INVITE requires reliable provisional responses (RFC 3262 3). */
  readonly #reliably: boolean;
  readonly #sessionTimer: SessionTimer;
  /** Until the PRACK of our 180 is there. */
  #prackTimer: Timer | undefined;
  #state: State = { is: 'ringing' };
  #events: CallerLegEvents | undefined;
  #standing: StandingDialog | undefined;
  #lastProgress: number | undefined;
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
    const { req } = invite;
    this.#reliably = hasTag(req, 'require', '100rel');
    this.#sessionTimer = new SessionTimer(tools.clock, {
      expired: () => this.#standing?.unreachable(),
      send: (request) => this.request(request),
    });
    req.on(
      'cancel',
      contained(tools.log, 'a CANCEL', (cancel) => {
        tools.counters.cancels += 1;
        this.#cancelled(parseReason(cancel.get('reason')));
      }),
    );
  }

  get socket(): Socket {
    return this.#invite.req.socket;
  }

  /** Where its events go; before this, there are none. */
  attach(events: CallerLegEvents): void {
    const { log } = this.#tools;
    this.#events = {
      cancelled: contained(log, 'a cancellation', (cause) => events.cancelled(cause)),
      ended: contained(log, 'an end', (how) => events.ended(how)),
      request: (request, answer) => events.request(request, answer), // its own failure is answered with 500
    };
  }

  /** Extensions that its INVITE requires and we lack: a 420 names them (RFC 3261 8.2.2.3). */
  lacks(unsupported: readonly string[]): void {
    this.#unsupported = unsupported;
  }

  progress(status: 180 | 181 | 183, sdp?: string): void {
    if (this.#state.is !== 'ringing') return;
    if (this.#reliably) {
      // A drachtio-server (0.9.10 too) dies of a reliable response that ends, or is never acknowledged, before its PRACK:
      // any such caller who hung up early would end all calls. There it hears no 180, which RFC 3262 3 allows.
      if (!this.#tools.server.isDrachtio) this.#ringReliably();
      return;
    }
    const announced = status === 181 && this.#trunk.settings.announceForwarding !== true ? 180 : status;
    const code = sdp !== undefined ? 183 : announced;
    if (sdp === undefined && this.#lastProgress === code) return; // the caller knows
    this.#lastProgress = sdp === undefined ? code : undefined;
    respond(this.#tools, this.#invite.res, code, withSdp(sdp), (error) => {
      if (error === undefined) this.#tools.legs.bind(this.#invite.res.stackDialogId, this);
    });
  }

  /**
   * One 180, reliably; nothing follows it. Early media is not passed on to such a caller: the description of a reliable
   * response is the answer to the offer (RFC 3262 5), and the target that answers in the end may be another one.
   */
  #ringReliably(): void {
    if (this.#lastProgress !== undefined) return;
    this.#lastProgress = 180;
    // RSeq as drachtio-srf's users write it: the server puts its own in its place, and repeats the response.
    const headers = { Allow: allow, Require: '100rel', RSeq: '1' };
    this.#prackTimer = this.#tools.clock.after(serverTimeout, () => this.#cancelled({}));
    respond(this.#tools, this.#invite.res, 180, { headers }, (error) => {
      if (error === undefined) this.#tools.legs.bind(this.#invite.res.stackDialogId, this);
    });
  }

  async redirect(to: Destination): Promise<void> {
    if (this.#state.is !== 'ringing') throw new Error(`the caller's leg is ${this.#state.is}`);
    const headers = redirectHeaders(to, this.#trunk);
    if (!headers) throw new Error('there is no number that a Contact could name');
    await new Promise<void>((resolve, reject) => {
      const timer = this.#tools.clock.after(serverTimeout, () => reject(new Error('the SIP server confirmed no 302')));
      respond(this.#tools, this.#invite.res, 302, { headers }, (error) => {
        timer.clear();
        if (error === undefined) resolve();
        else reject(new Error(`the INVITE was over before our 302: ${messageOf(error)}`));
      });
      this.#leave();
    });
  }

  refer(to: Destination, events: ReferEvents): void {
    const { log } = this.#tools;
    const told: ReferEvents = {
      progress: contained(log, 'the progress of a referral', (progress) => events.progress(progress)),
      transferred: contained(log, 'a transfer', () => events.transferred()),
      refused: contained(log, 'the refusal of a referral', (refusal) => events.refused(refusal)),
      failed: contained(log, 'the failure of a referral', (failure) => events.failed(failure)),
    };
    const replaced = to.replaces instanceof OutgoingLeg ? to.replaces.name : undefined;
    const nobody = to.replaces !== undefined && !replaced;
    const headers = nobody ? undefined : referHeaders(to, this.#trunk, replaced);
    if (headers && this.#standing && this.#state.is === 'standing' && !this.#hangUp) {
      this.#standing.refer(headers, told, this.#trunk.settings.ringTimeout);
    } else queueMicrotask(() => told.refused({}));
  }

  answer(sdp: string): Promise<{ sdp?: string }> {
    if (this.#state.is !== 'ringing') return Promise.reject(new Error(`the caller's leg is ${this.#state.is}`));
    return new Promise((resolve, reject) => {
      const timer = this.#tools.clock.after(serverTimeout, () => this.#unacknowledged());
      const settle = (outcome: Error | { sdp?: string }): void => {
        timer.clear();
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      this.#state = { is: 'answering', settle, timer };
      this.#prackTimer?.clear();
      const { headers, body = '' } = withSdp(sdp);
      const ok = { headers: { ...headers, ...this.#sessionTimer.agree(this.#invite.req) }, body };
      respond(this.#tools, this.#invite.res, 200, ok, (error) => {
        forgetCancel(this.#invite);
        this.#onFinal();
        if (error === undefined) return void this.#dialog(this.#invite.res.stackDialogId);
        this.#tools.log.debug({ reason: messageOf(error) }, 'the INVITE was over before our 200');
        this.#cancelled({});
      });
      if (this.#lives()) expectCancel(this.#invite); // a CANCEL that crosses our 200 still has its Reason to tell
    });
  }

  reject(status: number, cause?: Cause): void {
    if (this.#state.is !== 'ringing') return;
    const headers = reasonHeaders(cause);
    if (status === 420) headers['Unsupported'] = this.#unsupported.join(', ');
    if (status === 415) Object.assign(headers, accepted); // RFC 3261 8.2.3
    if (status === 503) headers['Retry-After'] = String(retryAfterSeconds);
    respond(this.#tools, this.#invite.res, status, { headers });
    this.#leave();
  }

  hangUp(cause?: Cause): Promise<void> {
    return (this.#hangUp ??= this.#tools.legs.ending(this.#end(cause)));
  }

  request(request: InDialogRequest): Promise<InDialogAnswer> {
    if (!this.#standing || this.#hangUp) return Promise.resolve({ status: 481 });
    return this.#standing.request(request);
  }

  received(request: SrfRequest, response: SrfResponse): void {
    if (request.method === 'PRACK' && this.#reliably) {
      this.#prackTimer?.clear();
      // Whether it fits a response of ours was the server's to judge; an offer before our answer does not (RFC 3264 4).
      respond(this.#tools, response, request.body === undefined || request.body === '' ? 200 : 488);
      return;
    }
    const dialog = this.#dialog(request.stackDialogId);
    if (dialog) dialog.received(request, response);
    else respond(this.#tools, response, this.#state.is === 'over' ? 481 : 500, { headers: { 'Retry-After': '2' } });
  }

  acknowledged(ack: SrfRequest): void {
    const dialog = this.#dialog(ack.stackDialogId);
    if (this.#state.is !== 'answering') return dialog?.acknowledged(ack);
    const { settle } = this.#state;
    this.#state = { is: 'standing' };
    if (this.#hangUpAfterAck) {
      settle(new Error("the caller's leg was hung up before its ACK came"));
      this.#bye();
      return;
    }
    if (sdpOf(this.#invite.req) !== undefined) {
      settle({});
      return;
    }
    const sdp = sdpOf(ack); // RFC 3261 13.2.2.4: our 200 had the offer
    if (sdp !== undefined) {
      settle({ sdp });
      return;
    }
    settle(new Error('the ACK has no answer to our offer'));
    this.#hangUpAfterAck = { cause: { q850: 127, text: 'No answer in ACK' }, done: () => undefined };
    this.#bye();
  }

  endedByServer(): void {
    if (this.#state.is === 'answering') {
      this.#tools.counters.unacknowledged += 1;
      this.#leave(new Error('nobody acknowledged our 200 (RFC 3261 13.3.1.4)'));
    } else this.#standing?.end({ cause: {}, lost: true });
  }

  connectionLost(): void {
    switch (this.#state.is) {
      case 'ringing': {
        this.#ended({ cause: {}, lost: true });
        return;
      }
      case 'answering': {
        this.#leave(new Error('the connection to the SIP server was lost'));
        return;
      }
      case 'standing':
        return this.#standing?.connectionLost();
      case 'over':
    }
  }

  shutDown(): Promise<void> {
    if (this.#state.is === 'ringing') this.reject(503);
    return this.hangUp();
  }

  /** The dialog, from our 200 on. */
  #dialog(dialogId: string | undefined): StandingDialog | undefined {
    if (this.#standing || dialogId === undefined || dialogId === '') return this.#standing;
    if (this.#state.is !== 'answering') return undefined;
    this.#tools.legs.bind(dialogId, this);
    const auth = this.#trunk.settings.credentials;
    return (this.#standing = new StandingDialog(
      this.#tools,
      { dialogId, socket: this.socket, target: contactOf(this.#invite.req), ...(auth && { auth }) },
      (request, answer) => {
        if (this.#events) this.#events.request(request, answer);
        else answer({ status: 480 });
      },
      (how) => this.#ended(how),
      (request) => this.#sessionTimer.agree(request),
    ));
  }

  #lives(): boolean {
    return this.#state.is !== 'over';
  }

  #cancelled(cause: Cause): void {
    if (this.#state.is !== 'ringing' && this.#state.is !== 'answering') return;
    if (this.#standing) return; // our 200 was faster
    const silent = this.#hangUp !== undefined;
    this.#leave(new Error('the caller took the call back'));
    if (!silent) this.#events?.cancelled(cause);
  }

  #ended(how: Ended): void {
    const silent = this.#hangUp !== undefined;
    this.#leave(new Error('the caller hung up'));
    if (!silent) this.#events?.ended(how);
  }

  async #end(cause: Cause | undefined): Promise<void> {
    switch (this.#state.is) {
      case 'ringing': {
        this.reject(480, cause);
        return;
      }
      case 'answering':
        return new Promise((done) => {
          this.#hangUpAfterAck = { cause, done };
        });
      case 'standing':
        await this.#standing?.hangUp(cause);
        {
          this.#leave();
          return;
        }
      case 'over':
    }
  }

  /** The server should have ended it by now; it has not. */
  #unacknowledged(): void {
    if (this.#state.is !== 'answering') return;
    this.#tools.counters.unacknowledged += 1;
    const { settle } = this.#state;
    this.#state = { is: 'standing' };
    settle(new Error('nobody acknowledged our 200'));
    this.#hangUpAfterAck ??= { cause: undefined, done: () => undefined };
    this.#bye();
  }

  #bye(): void {
    const { cause, done } = this.#hangUpAfterAck ?? { cause: undefined, done: () => undefined };
    const bye = this.#standing?.hangUp(cause) ?? Promise.resolve();
    this.#hangUp ??= bye;
    void this.#tools.legs.ending(bye.then(() => this.#leave())).then(done);
  }

  /** Nothing of the leg is left; whoever waits for its answer gets `error`. */
  #leave(error?: Error): void {
    const state = this.#state;
    this.#state = { is: 'over' };
    this.#prackTimer?.clear();
    this.#sessionTimer.stop();
    this.#tools.legs.remove(this);
    forgetCancel(this.#invite);
    this.#onFinal();
    if (state.is === 'answering') state.settle(error ?? new Error("the caller's leg is over"));
    this.#hangUpAfterAck?.done();
  }
}

function withSdp(sdp: string | undefined): { headers: Record<string, string>; body?: string } {
  if (sdp === undefined) return { headers: { Allow: allow } };
  return { headers: { Allow: allow, 'Content-Type': 'application/sdp' }, body: sdp };
}
