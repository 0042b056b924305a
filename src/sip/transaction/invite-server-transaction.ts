import { detached, shelved, unshelved } from '../message/detached.ts';
import type { Draft } from '../message/draft.ts';
import type { Request } from '../message/message.ts';
import { parseMessage } from '../message/parse.ts';
import { responseTarget, stampSource } from '../transport/routing.ts';
import { guard, type TransactionContext } from './context.ts';
import { newTag } from './ids.ts';
import {
  inviteServer,
  type InviteServerAction,
  type InviteServerEvent,
  type InviteServerState,
} from './invite-server.ts';
import { ackKey } from './keys.ts';
import { prepareResponse, statusOf } from './prepare-response.ts';
import { afterSettling, atHand, type RunningServer, type ServerHandlers } from './server-transaction.ts';
import { IllegalEvent } from './step.ts';
import { giveUpAfter, NamedTimers } from './timers.ts';
import { isReliable, type Flow, type Target } from './wire.ts';

/** What an INVITE asks of its layer beside. */
export interface InviteServerContext extends TransactionContext {
  /** A 2xx leaves: its ACK, which has a transaction of its own, is to be awaited. */
  accepted(invite: InviteServerTransaction): void;
}

/**
 * Runs the INVITE server machine, and beside it the core's part of 13.3.1.4: a 2xx is sent again, on any transport, at T1
 * doubling up to T2 until its ACK arrives. A call is in this state for half a minute after it was answered, so little of it is kept.
 */
export class InviteServerTransaction implements RunningServer {
  readonly flow: Flow;
  readonly #key: string;
  readonly #context: InviteServerContext;
  readonly #timers: NamedTimers<'G' | 'H' | 'I' | 'L' | '2xx'>;
  readonly #target: Target;
  #localTag = newTag();
  #handlers: ServerHandlers = {};
  #state: InviteServerState = 'proceeding';
  /** Its octets while it waits for its final response behind a provisional one, as calls do by the thousand: read, it takes far more. */
  #request: Request | string | undefined;
  /** What was sent last, as long as it may have to be sent again. */
  #last: string | undefined;
  #interval: number;
  #acknowledged = false;
  #ackKey: string | undefined;

  constructor(key: string, request: Request, flow: Flow, context: InviteServerContext) {
    this.#key = key;
    this.#request = request;
    this.flow = flow;
    this.#context = context;
    this.#timers = new NamedTimers(context.clock);
    this.#target = responseTarget(request.vias[0], flow);
    this.#interval = context.timers.t1;
  }

  get method(): string {
    return 'INVITE';
  }

  get request(): Request {
    if (typeof this.#request === 'string') this.#request = readAgain(this.#request, this.flow);
    return atHand(this.#request);
  }

  get state(): InviteServerState {
    return this.#state;
  }

  get localTag(): string {
    return this.#localTag;
  }

  get answered(): boolean {
    return this.#state !== 'proceeding';
  }

  /** What the ACK for our 2xx will carry (13.2.2.4: our To tag, the INVITE's CSeq number); undefined before there is one. */
  get ackKey(): string | undefined {
    return this.#ackKey;
  }

  handle(handlers: ServerHandlers): void {
    this.#handlers = handlers;
  }

  respond(response: Draft): Buffer {
    const status = statusOf(response);
    const event = status < 200 ? 'respond 1xx' : status < 300 ? 'respond 2xx' : 'respond 300-699';
    // The machine lets a 2xx be sent again, for the core's retransmission; the user gives one final response only.
    if (this.answered) throw new IllegalEvent('INVITE server', this.#state, event);
    this.#localTag = prepareResponse(response, this.request, this.#localTag);
    const octets = response.toBuffer();
    this.#context.countSent(String(status));
    if (event === 'respond 2xx') this.#awaitAck();
    this.#say(event, octets);
    if (event === 'respond 2xx') this.#keepSending2xx();
    if (event === 'respond 300-699') this.#settle();
    if (status > 100 && status < 200) this.#request = shelved(this.request.raw);
    return octets;
  }

  relay(response: Draft): boolean {
    const status = statusOf(response);
    const success = status >= 200 && status < 300;
    if (this.answered && !(success && this.#state === 'accepted')) return false;
    const first = !this.answered;
    const octets = response.toBuffer();
    this.#context.countSent(String(status));
    if (!first) {
      this.#send(octets); // RFC 6026 8.7: what the user gives in Accepted goes to the transport
      return true;
    }
    this.#acknowledged = true; // the ACK for a 2xx is its maker's to await
    this.#say(status < 200 ? 'respond 1xx' : success ? 'respond 2xx' : 'respond 300-699', octets);
    return true;
  }

  resend(response: Buffer): void {
    if (this.answered) return;
    this.#context.countRetransmission('out');
    this.#send(response);
  }

  receiveAgain(): void {
    this.#context.countRetransmission('in');
    this.#happen('INVITE');
  }

  /** An ACK of this transaction: for a final response other than 2xx (17.2.1). */
  receiveAck(): void {
    this.#happen('ACK');
  }

  /**
   * An ACK for our 2xx, which is a transaction of its own (13.2.2.4).
   * @param first told the first time, before the transaction is settled
   * @returns false when it had arrived before
   */
  acknowledge(first: () => void): boolean {
    this.#timers.stop('2xx');
    if (this.#acknowledged) return false;
    this.#acknowledged = true;
    first();
    this.#last = undefined; // RFC 6026 7.1: copies of the INVITE are absorbed, and nothing is sent again
    this.#settle();
    return true;
  }

  /** The INVITE's CANCEL; nothing happens when the final response has left (9.2). */
  cancel(cancel: Request): void {
    if (this.#state === 'proceeding') guard(this.#context, 'cancelled', () => this.#handlers.cancelled?.(cancel));
  }

  terminate(): void {
    this.#state = 'terminated';
    this.#timers.stopAll();
  }

  #awaitAck(): void {
    const { callId, to, cseq } = this.request;
    this.#ackKey = detached(ackKey(callId, to.parameters.get('tag') ?? this.#localTag, cseq.sequence));
    this.#context.accepted(this);
  }

  #settle(): void {
    if (!this.#request) return;
    const { settled } = this.#handlers;
    this.#request = undefined;
    this.#handlers = afterSettling(this.#handlers);
    if (settled) guard(this.#context, 'settled', settled);
  }

  #say(event: InviteServerEvent, octets: Buffer): void {
    this.#last = shelved(octets);
    this.#happen(event, undefined, octets);
  }

  /** @param octets what is said for the first time */
  #happen(event: InviteServerEvent, error?: Error, octets?: Buffer): void {
    const before = this.#state;
    const step = inviteServer(before, event, isReliable(this.flow));
    const ends = step.state === 'terminated';
    this.#state = step.state;
    if (ends) this.#timers.stopAll();
    for (const action of step.actions) this.#perform(action, error, octets);
    if (!ends) return;
    this.#context.ended(this.#key);
    if (before === 'accepted' && !this.#acknowledged) {
      guard(this.#context, 'unacknowledged', () => this.#handlers.unacknowledged?.());
    }
    this.#settle();
    guard(this.#context, 'ended', () => this.#handlers.ended?.());
  }

  #perform(action: InviteServerAction, error: Error | undefined, octets: Buffer | undefined): void {
    const { t2, t4 } = this.#context.timers;
    switch (action) {
      case 'resend response':
        if (this.#last === undefined) return;
        this.#context.countRetransmission('out');
        this.#send(unshelved(this.#last));
        return;
      case 'send response':
        if (octets) this.#send(octets);
        return;
      case 'report transport error':
        guard(this.#context, 'transport error', () =>
          this.#handlers.transportError?.(error ?? new Error('the transport failed')),
        );
        return;
      case 'start timer G':
        this.#timers.start('G', this.#interval, () => this.#happen('timer G'));
        return;
      case 'double timer G':
        this.#interval = Math.min(2 * this.#interval, t2);
        this.#timers.start('G', this.#interval, () => this.#happen('timer G'));
        return;
      case 'start timer H':
        this.#timers.start('H', giveUpAfter(this.#context.timers), () => this.#happen('timer H'));
        return;
      case 'start timer I':
        this.#timers.start('I', t4, () => this.#happen('timer I'));
        return;
      case 'start timer L':
        this.#timers.start('L', giveUpAfter(this.#context.timers), () => this.#happen('timer L'));
        return;
      case 'stop timers G and H':
        this.#timers.stop('G');
        this.#timers.stop('H');
        this.#last = undefined; // acknowledged: it is not sent again
    }
  }

  /** 13.3.1.4: T1, then doubling up to T2; timer L ends it. */
  #keepSending2xx(): void {
    this.#timers.start('2xx', this.#interval, () => {
      this.#interval = Math.min(2 * this.#interval, this.#context.timers.t2);
      this.#happen('respond 2xx');
      this.#keepSending2xx();
    });
  }

  #send(octets: Buffer): void {
    this.#context.send(octets, this.#target, this.flow, (error) => {
      if (this.#state !== 'terminated') this.#happen('transport error', error);
    });
  }
}

/** A request that was shelved: it could be read before. */
function readAgain(text: string, flow: Flow): Request {
  const message = parseMessage(unshelved(text));
  if (message.kind !== 'request') throw new Error('a response was shelved');
  stampSource(message, flow);
  return message;
}
