import type { Draft } from '../message/draft.ts';
import type { Request } from '../message/message.ts';
import { guard, type TransactionContext } from './context.ts';
import { newTag } from './ids.ts';
import {
  inviteServer,
  type InviteServerAction,
  type InviteServerEvent,
  type InviteServerState,
} from './invite-server.ts';
import { responseTarget } from '../transport/routing.ts';
import type { RunningServer, ServerHandlers } from './server-transaction.ts';
import { IllegalEvent } from './step.ts';
import { giveUpAfter, NamedTimers } from './timers.ts';
import { isReliable, type Flow, type Target } from './wire.ts';
import { prepareResponse, statusOf } from './prepare-response.ts';

/**
 * Runs the INVITE server machine, and beside it the core's part of 13.3.1.4: a 2xx is sent again, on any transport, at T1
 * doubling up to T2 until its ACK arrives.
 */
export class InviteServerTransaction implements RunningServer {
  readonly method = 'INVITE';
  readonly request: Request;
  readonly flow: Flow;
  #localTag = newTag();
  readonly #key: string;
  readonly #context: TransactionContext;
  readonly #timers: NamedTimers<'G' | 'H' | 'I' | 'L' | '2xx'>;
  readonly #reliable: boolean;
  readonly #target: Target;
  readonly #accepted: (transaction: InviteServerTransaction) => void;
  #handlers: ServerHandlers = {};
  #state: InviteServerState = 'proceeding';
  #intervalG: number;
  #interval2xx: number;
  #last: Buffer | undefined;
  #acknowledged = false;

  /** @param accepted called when a 2xx leaves: its ACK is to be awaited */
  constructor(
    key: string,
    request: Request,
    flow: Flow,
    context: TransactionContext,
    accepted: (transaction: InviteServerTransaction) => void,
  ) {
    this.#key = key;
    this.#accepted = accepted;
    this.request = request;
    this.flow = flow;
    this.#context = context;
    this.#timers = new NamedTimers(context.clock);
    this.#reliable = isReliable(flow);
    this.#target = responseTarget(request.vias[0], flow);
    this.#intervalG = this.#interval2xx = context.timers.t1;
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

  handle(handlers: ServerHandlers): void {
    this.#handlers = handlers;
  }

  respond(response: Draft): Buffer {
    const status = statusOf(response);
    const event = status < 200 ? 'respond 1xx' : status < 300 ? 'respond 2xx' : 'respond 300-699';
    // The machine lets a 2xx be sent again, for the core's retransmission; the user gives one final response only.
    if (this.answered) throw new IllegalEvent('INVITE server', this.#state, event);
    this.#localTag = prepareResponse(response, this.request, this.#localTag);
    this.#last = response.toBuffer();
    this.#context.countSent(String(status));
    if (event === 'respond 2xx') this.#accepted(this);
    this.#happen(event);
    if (event === 'respond 2xx') this.#keepSending2xx();
    return this.#last;
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
    this.#last = octets;
    this.#acknowledged = true; // the ACK for a 2xx is its maker's to await
    this.#happen(status < 200 ? 'respond 1xx' : success ? 'respond 2xx' : 'respond 300-699');
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
   * @returns false when it had arrived before
   */
  acknowledge(): boolean {
    this.#timers.stop('2xx');
    if (this.#acknowledged) return false;
    this.#acknowledged = true;
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

  #happen(event: InviteServerEvent, error?: Error): void {
    const before = this.#state;
    const step = inviteServer(before, event, this.#reliable);
    const ends = step.state === 'terminated';
    this.#state = step.state;
    if (ends) this.#timers.stopAll();
    for (const action of step.actions) this.#perform(action, error);
    if (!ends) return;
    this.#context.ended(this.#key);
    if (before === 'accepted' && !this.#acknowledged) {
      guard(this.#context, 'unacknowledged', () => this.#handlers.unacknowledged?.());
    }
    guard(this.#context, 'ended', () => this.#handlers.ended?.());
  }

  #perform(action: InviteServerAction, error?: Error): void {
    const { t2, t4 } = this.#context.timers;
    switch (action) {
      case 'resend response':
        if (!this.#last) return;
        this.#context.countRetransmission('out');
        this.#send(this.#last);
        return;
      case 'send response':
        if (this.#last) this.#send(this.#last);
        return;
      case 'report transport error':
        guard(this.#context, 'transport error', () =>
          this.#handlers.transportError?.(error ?? new Error('the transport failed')),
        );
        return;
      case 'start timer G':
        this.#timers.start('G', this.#intervalG, () => this.#happen('timer G'));
        return;
      case 'double timer G':
        this.#intervalG = Math.min(2 * this.#intervalG, t2);
        this.#timers.start('G', this.#intervalG, () => this.#happen('timer G'));
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
    }
  }

  /** 13.3.1.4: T1, then doubling up to T2; timer L ends it. */
  #keepSending2xx(): void {
    this.#timers.start('2xx', this.#interval2xx, () => {
      this.#interval2xx = Math.min(2 * this.#interval2xx, this.#context.timers.t2);
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
