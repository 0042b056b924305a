import type {
  Cause,
  InDialogAnswer,
  InDialogRequest,
  TargetFailure,
  TargetLeg,
  TargetLegEvents,
} from '../call/ports.ts';
import type { Timer } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { sdpOf } from './bodies.ts';
import { contactOf, tagOf } from './dialog-headers.ts';
import type { DialogName } from './destinations.ts';
import { failureOf, isGatewayFault } from './failures.ts';
import type { Leg } from './legs.ts';
import { OutgoingInvite } from './outgoing-invite.ts';
import type { Dialled, OwnLeg } from './own-legs.ts';
import { parseReason } from './reason.ts';
import { SilenceWatch, type Attempt } from './silence.ts';
import type { Acknowledge, SendOptions, Socket, SrfReceivedResponse, SrfRequest, SrfResponse } from './srf.ts';
import { StandingDialog } from './standing.ts';
import { contained, respond, type Tools } from './tools.ts';

/** A call to a final called number: what is sent, and where it may be sent, in order. */
export interface DialPlan {
  attempts: readonly Attempt[];
  /** The call as it is known again when it comes back to us; a plan that has attempts has it. */
  dialled?: Dialled;
  /** The offer; without it the target is to make one. */
  sdp: string | undefined;
  /** Milliseconds from the first INVITE to the answer. */
  ringTimeout: number;
  auth?: { username: string; password: string };
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
  readonly #attempts: Attempt[];
  readonly #own: OwnLeg | undefined;
  #state: State = { is: 'dialling' };
  #invite: OutgoingInvite | undefined;
  #socket: Socket | undefined;
  #silence: SilenceWatch | undefined;
  #ringTimer: Timer | undefined;
  #rang = false;
  #anybodyThere = false;
  #earlySdp: string | undefined;
  #standing: StandingDialog | undefined;
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
    };
    this.#attempts = [...plan.attempts];
    this.#own = plan.dialled && tools.ownLegs.add(plan.dialled);
    tools.legs.add(this);
    queueMicrotask(contained(log, 'calling the target', () => this.#start()));
  }

  get socket(): Socket | undefined {
    return this.#socket ?? this.#invite?.socket;
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
    if (!this.#standing || this.#hangUp) return Promise.resolve({ status: 481 });
    return this.#standing.request(request);
  }

  received(request: SrfRequest, response: SrfResponse): void {
    if (this.#standing) {
      this.#standing.received(request, response);
      return;
    }
    // Inside an early dialog: the INVITE is still to be answered, and that answer decides.
    if (request.method === 'BYE') respond(this.#tools, response, 200);
    else respond(this.#tools, response, 500, { headers: { 'Retry-After': '5' } });
  }

  acknowledged(ack: SrfRequest): void {
    this.#standing?.acknowledged(ack);
  }

  endedByServer(): void {
    this.#standing?.end({ cause: {}, lost: true });
  }

  connectionLost(): void {
    if (this.#standing) {
      this.#standing.connectionLost();
      return;
    }
    this.#invite?.connectionLost();
    this.#fail({ reason: 'failed' });
  }

  shutDown(): Promise<void> {
    return this.hangUp();
  }

  #start(): void {
    if (this.#state.is !== 'dialling') return;
    if (this.#plan.impossible) {
      this.#fail(this.#plan.impossible);
      return;
    }
    this.#ringTimer = this.#tools.clock.after(this.#plan.ringTimeout, () => this.#rangTooLong());
    this.#next({ reason: 'target-unreachable' });
  }

  /** Tries the next gateway; when there is none left, the call has failed as the last one did. */
  #next(failure: TargetFailure): void {
    const attempt = this.#attempts.shift();
    if (!attempt) {
      this.#fail(failure);
      return;
    }
    const { sdp, auth } = this.#plan;
    const silence = new SilenceWatch(
      this.#tools.clock,
      attempt,
      () => this.#attempts.length > 0,
      () => this.#silent(),
    );
    const invite = new OutgoingInvite(this.#tools, {
      provisional: (response) => {
        this.#heard(silence, attempt);
        this.#provisional(response);
      },
      answered: (response, acknowledge) => {
        this.#heard(silence, attempt);
        this.#answered(response, acknowledge);
      },
      refused: (response, locally) => {
        silence.stop();
        this.#refused(attempt, response, locally);
      },
      notSent: (error) => {
        silence.stop();
        this.#log.warn({ reason: messageOf(error), to: attempt.uri }, 'the INVITE could not be sent');
        this.#retry({ reason: 'failed' });
      },
    });
    this.#invite = invite;
    this.#silence = silence;
    invite.send(attempt.uri, {
      headers: { ...attempt.headers },
      ...(sdp !== undefined && { body: sdp }),
      ...(auth && { auth: { ...auth } }),
    });
  }

  #heard(silence: SilenceWatch, attempt: Attempt): void {
    silence.stop();
    attempt.gateway?.heard();
    this.#anybodyThere = true;
  }

  #provisional(response: SrfReceivedResponse): void {
    this.#tools.legs.bind(response.stackDialogId, this);
    if (response.status === 100) return;
    this.#rang = true;
    const sdp = sdpOf(response);
    if (sdp !== undefined) this.#earlySdp = sdp;
    this.#events.progress({ status: response.status, fork: forkOf(response), ...(sdp !== undefined && { sdp }) });
  }

  #answered(response: SrfReceivedResponse, acknowledge: Acknowledge): void {
    const { stackDialogId = '', socket } = response;
    const { auth, sdp: offer } = this.#plan;
    this.#socket = socket;
    this.#ringTimer?.clear();
    this.#own?.answered();
    const timer = this.#tools.clock.after(acknowledgeWithin, () => this.#unanswered());
    this.#state = { is: 'offered', acknowledge, timer };
    if (offer !== undefined) {
      timer.clear(); // the ACK has left
      this.#state = { is: 'standing' };
    }
    this.#tools.legs.bind(stackDialogId, this);
    this.#name = nameOf(response);
    const target = contactOf(response);
    this.#standing = new StandingDialog(
      this.#tools,
      { dialogId: stackDialogId, socket, target, ...(auth && { auth }) },
      (request, answer) => this.#events.request(request, answer),
      (how) => {
        this.#leave();
        this.#events.ended(how);
      },
    );
    const early = offer === undefined ? undefined : this.#earlySdp; // RFC 6337 3.1.1: an answer in a reliable 183 need not be repeated
    const sdp = sdpOf(response) ?? early;
    if (sdp !== undefined) {
      this.#events.answered({ sdp, fork: forkOf(response) });
      return;
    }
    this.#log.warn('the target answered without a session description: it was hung up');
    void this.hangUp({ q850: 127 });
    this.#events.failed({ reason: 'failed', status: 200, q850: 127 });
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

  #refused(attempt: Attempt, response: SrfReceivedResponse, locally: boolean): void {
    const { status } = response;
    if (locally) attempt.gateway?.silent();
    else if (status === 503) attempt.gateway?.refusing(attempt.retryAfter(response.get('retry-after')));
    else attempt.gateway?.heard();
    const failure = locally
      ? { ...failureOf(status), reason: 'target-unreachable' as const }
      : failureOf(status, parseReason(response.get('reason')).q850);
    // Once a phone rang, what follows is its answer, never the gateway's.
    if (isGatewayFault(status, locally) && !this.#rang) this.#retry(failure);
    else this.#fail(failure);
  }

  /** Nothing at all was heard of the gateway. */
  #silent(): void {
    void this.#invite?.withdraw();
    this.#retry({ reason: 'target-unreachable', q850: 102 });
  }

  #retry(failure: TargetFailure): void {
    if (this.#state.is !== 'dialling') return;
    if (this.#attempts.length > 0) {
      this.#tools.counters.failovers += 1;
      this.#log.info({ ...failure, to: this.#attempts[0]?.uri }, 'the next gateway is tried');
    }
    this.#next(failure);
  }

  #rangTooLong(): void {
    void this.#invite?.withdraw();
    if (this.#anybodyThere || this.#silence?.alive) this.#fail({ reason: 'target-no-answer', q850: 19 });
    else this.#fail({ reason: 'target-unreachable', q850: 102 });
  }

  #fail(failure: TargetFailure): void {
    if (this.#state.is !== 'dialling') return;
    this.#leave();
    this.#events.failed(failure);
  }

  async #end(cause: Cause | undefined): Promise<void> {
    const { standing, invite } = { standing: this.#standing, invite: this.#invite };
    const wasDialling = this.#state.is === 'dialling';
    this.#acknowledge(); // RFC 3261 13.2.2.4: every 2xx is, before BYE
    if (standing && this.#state.is === 'standing') {
      await standing.hangUp(cause);
      this.#leave();
      return;
    }
    this.#leave();
    if (wasDialling) await invite?.withdraw(cause);
  }

  #leave(): void {
    if (this.#state.is === 'offered') this.#state.timer.clear();
    this.#state = { is: 'over' };
    this.#ringTimer?.clear();
    this.#silence?.stop();
    this.#own?.over();
    this.#tools.legs.remove(this);
  }
}

/** The To tag tells the forks of a call apart (RFC 3261 12.1.2). */
function forkOf(response: SrfReceivedResponse): string {
  return tagOf(response.get('to'));
}

function nameOf(response: SrfReceivedResponse): DialogName {
  return {
    callId: response.get('call-id') ?? '',
    toTag: forkOf(response),
    fromTag: tagOf(response.get('from')),
  };
}
