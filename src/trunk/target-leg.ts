import type {
  Cause,
  InDialogAnswer,
  InDialogRequest,
  TargetFailure,
  TargetLeg,
  TargetLegEvents,
} from '../call/ports.ts';
import type { Dialled } from '../numbers/returning.ts';
import type { Timer } from '../shared/clock.ts';
import type { Logger } from '../shared/log.ts';
import { sdpOf } from './bodies.ts';
import type { DialogName } from './destinations.ts';
import { contactOf, tagOf } from './dialog-headers.ts';
import { Forks } from './forks.ts';
import type { Leg } from './legs.ts';
import type { OwnLeg } from './own-legs.ts';
import { sessionAnswer } from './session-timer.ts';
import type { Acknowledge, SendOptions, Socket, SrfReceivedResponse, SrfRequest, SrfResponse } from './srf.ts';
import { StandingDialog } from './standing.ts';
import { contained, respond, type Tools } from './tools.ts';
import { Tries, type TriesPlan } from './tries.ts';

/** A call to a final called number. */
export interface DialPlan extends TriesPlan {
  /** The call as it is known again when it comes back to us, and the token that it carries; a plan that has attempts has it. */
  own?: { dialled: Dialled; token: string };
  /** Whether its phone may send REFER. */
  mayRefer: boolean;
  /** With it the call fails before anything is sent. */
  impossible?: TargetFailure;
}

type State =
  | { is: 'dialling' }
  | { is: 'offered'; acknowledge: Acknowledge; timer: Timer } // its 2xx had the offer, and has no ACK
  | { is: 'standing' }
  | { is: 'over' };

/** RFC 3261 13.3.1.4: the target gives up after 64*T1; a little before that. Milliseconds. */
const acknowledgeWithin = 20_000;

/** Our side of the target's dialog. */
export class OutgoingLeg implements TargetLeg, Leg {
  readonly #tools: Tools;
  readonly #log: Logger;
  readonly #plan: DialPlan;
  readonly #events: TargetLegEvents;
  readonly #tries: Tries;
  readonly #forks: Forks;
  readonly #own: OwnLeg | undefined;
  #state: State = { is: 'dialling' };
  #socket: Socket | undefined;
  /** From the first response with a To tag on; the server has one for all forks, that of the last one heard of. */
  #dialog: StandingDialog | undefined;
  #name: DialogName | undefined;
  #hangUp: Promise<void> | undefined;

  constructor(tools: Tools, log: Logger, plan: DialPlan, events: TargetLegEvents) {
    this.#tools = tools;
    this.#log = log;
    this.#plan = plan;
    this.#events = {
      progress: contained(log, 'a progress', (progress) => events.progress(progress)),
      answered: contained(log, 'an answer', (answer) => events.answered(answer)),
      failed: contained(log, 'a failure', (failure) => events.failed(failure)),
      ended: contained(log, 'an end', (how) => events.ended(how)),
      request: (request, answer) => events.request(request, answer), // its own failure is answered with 500
      referred: (referral) => events.referred(referral), // the same
    };
    this.#forks = new Forks(plan.sdp !== undefined);
    this.#tries = new Tries(tools, log, plan, {
      provisional: (response) => this.#provisional(response),
      answered: (response, acknowledge) => this.#answered(response, acknowledge),
      updated: (request, response) => this.received(request, response),
      failed: (failure) => this.#fail(failure),
    });
    this.#own = plan.own && tools.ownLegs.add(plan.own.dialled, plan.own.token);
    tools.legs.add(this);
    queueMicrotask(contained(log, 'calling the target', () => this.#start()));
  }

  get socket(): Socket | undefined {
    return this.#socket ?? this.#tries.socket;
  }

  /** The dialog as its far side names it; undefined as long as there is none, and when it is over. */
  get name(): DialogName | undefined {
    return this.#state.is === 'standing' && !this.#hangUp ? this.#name : undefined;
  }

  acknowledge(sdp: string): void {
    if (this.#state.is === 'offered') this.#acknowledge({ body: sdp, headers: { 'Content-Type': 'application/sdp' } });
  }

  hangUp(cause?: Cause): Promise<void> {
    return (this.#hangUp ??= this.#tools.legs.ending(this.#end(cause)));
  }

  request(request: InDialogRequest): Promise<InDialogAnswer> {
    if (!this.#dialog || this.#hangUp || this.#state.is === 'over') return Promise.resolve({ status: 481 });
    return this.#state.is === 'dialling' ? this.#requestEarly(this.#dialog, request) : this.#dialog.request(request);
  }

  async #requestEarly(dialog: StandingDialog, request: InDialogRequest): Promise<InDialogAnswer> {
    const early = request.method === 'UPDATE' ? this.#changeable : undefined;
    if (early?.updates !== true) return { status: 491 };
    dialog.movedTo(early.contact);
    return { ...(await dialog.request(request)), fork: early.tag };
  }

  /** Which of several forks a drachtio-server takes a request of ours to is its own affair. */
  get #changeable(): Forks['changeable'] {
    return this.#forks.several && this.#tools.server.isDrachtio ? undefined : this.#forks.changeable;
  }

  received(request: SrfRequest, response: SrfResponse): void {
    if (this.#state.is === 'over') respond(this.#tools, response, 481);
    else if (this.#state.is !== 'dialling') this.#dialog?.received(request, response);
    else this.#receivedEarly(request, response);
  }

  acknowledged(ack: SrfRequest): void {
    this.#dialog?.acknowledged(ack);
  }

  endedByServer(): void {
    this.#dialog?.end({ cause: {}, lost: true });
  }

  connectionLost(): void {
    if (this.#state.is === 'dialling') this.#tries.connectionLost();
    else this.#dialog?.connectionLost();
  }

  shutDown(): Promise<void> {
    return this.hangUp();
  }

  #start(): void {
    if (this.#state.is !== 'dialling') return;
    if (this.#plan.impossible) this.#fail(this.#plan.impossible);
    else this.#tries.start();
  }

  #provisional(response: SrfReceivedResponse): void {
    this.#begin(response);
    if (response.status === 100) return;
    const early = this.#forks.heard(response);
    if (early) this.#events.progress({ status: response.status, ...early });
  }

  /** Inside an early dialog: the INVITE is still to be answered, and that answer decides. */
  #receivedEarly(request: SrfRequest, response: SrfResponse): void {
    const offers = request.body !== undefined && request.body !== '';
    const mayOffer = this.#changeable?.tag === tagOf(request.get('from'));
    if (request.method === 'UPDATE' && this.#dialog && (!offers || mayOffer)) {
      this.#dialog.received(request, response);
    } else if (request.method === 'BYE') respond(this.#tools, response, 200);
    else respond(this.#tools, response, 500, { headers: { 'Retry-After': '5' } }); // RFC 3311 5.2
  }

  #answered(response: SrfReceivedResponse, acknowledge: Acknowledge): void {
    this.#begin(response);
    this.#own?.answered();
    const offered = this.#plan.sdp !== undefined;
    if (offered) this.#state = { is: 'standing' };
    else {
      const timer = this.#tools.clock.after(acknowledgeWithin, () => this.#unanswered());
      this.#state = { is: 'offered', acknowledge, timer };
    }
    const fork = tagOf(response.get('to'));
    this.#name = { callId: response.get('call-id') ?? '', toTag: fork, fromTag: tagOf(response.get('from')) };
    const sdp = sdpOf(response) ?? this.#forks.described(fork);
    if (sdp !== undefined) {
      this.#events.answered({ sdp, fork });
      return;
    }
    this.#log.warn('the target answered without a session description: it was hung up');
    void this.hangUp({ q850: 127 });
    this.#events.failed({ reason: 'failed', status: 200, q850: 127 });
  }

  /** A response that begins a dialog or confirms it (RFC 3261 12.1.2). */
  #begin(response: SrfReceivedResponse): void {
    const { stackDialogId, socket } = response;
    const tagged = tagOf(response.get('to')) !== '' || response.status >= 200; // RFC 2543 has 2xx without a tag
    if (stackDialogId === undefined || stackDialogId === '' || !tagged) return;
    this.#socket = socket;
    this.#tools.legs.bind(stackDialogId, this);
    const { auth, sessionInterval, mayRefer } = this.#plan;
    this.#dialog ??= new StandingDialog(
      this.#tools,
      { dialogId: stackDialogId, socket, target: contactOf(response), ...(auth && { auth }) },
      (request, answer) => this.#pass(request, answer),
      (how) => {
        this.#leave();
        this.#events.ended(how);
      },
      (request) => sessionAnswer(request, sessionInterval * 1_000),
      mayRefer ? (referral) => this.#events.referred(referral) : undefined,
    );
    this.#dialog.movedTo(contactOf(response));
  }

  #pass(request: InDialogRequest, answer: (answer: InDialogAnswer) => void): void {
    const early = this.#state.is === 'dialling' ? this.#changeable : undefined;
    this.#events.request(early ? { ...request, fork: early.tag } : request, answer);
  }

  #acknowledge(answer?: SendOptions): void {
    if (this.#state.is !== 'offered') return;
    const { acknowledge, timer } = this.#state;
    this.#state = { is: 'standing' };
    timer.clear();
    contained(this.#log, 'an ACK', acknowledge)(answer);
  }

  /** Nobody had an answer to the target's offer: the call cannot stand. */
  #unanswered(): void {
    if (this.#state.is !== 'offered') return;
    void this.hangUp({ q850: 102 });
    this.#events.ended({ cause: { q850: 102 }, lost: true });
  }

  #fail(failure: TargetFailure): void {
    if (this.#state.is !== 'dialling') return;
    this.#leave();
    this.#events.failed(failure);
  }

  async #end(cause: Cause | undefined): Promise<void> {
    if (this.#state.is === 'dialling') {
      this.#leave();
      await this.#tries.withdraw(cause);
      return;
    }
    this.#acknowledge(); // RFC 3261 13.2.2.4: every 2xx is, before BYE
    if (this.#state.is === 'standing') await this.#dialog?.hangUp(cause);
    this.#leave();
  }

  #leave(): void {
    if (this.#state.is === 'offered') this.#state.timer.clear();
    this.#state = { is: 'over' };
    this.#own?.over();
    this.#tools.legs.remove(this);
  }
}
