import { detached, shelved, unshelved } from '../message/detached.ts';
import type { Draft } from '../message/draft.ts';
import type { Request } from '../message/message.ts';
import { guard, type TransactionContext } from './context.ts';
import { newTag } from './ids.ts';
import {
  nonInviteServer,
  type NonInviteServerAction,
  type NonInviteServerEvent,
  type NonInviteServerState,
} from './non-invite-server.ts';
import { prepareResponse, statusOf } from './prepare-response.ts';
import { responseTarget } from '../transport/routing.ts';
import { afterSettling, atHand, type RunningServer, type ServerHandlers } from './server-transaction.ts';
import { IllegalEvent } from './step.ts';
import { giveUpAfter, NamedTimers } from './timers.ts';
import { isReliable, type Flow, type Target } from './wire.ts';

/** Runs the non-INVITE server machine. One that the user never answers ends by itself after 64*T1. */
export class NonInviteServerTransaction implements RunningServer {
  readonly method: string;
  readonly flow: Flow;
  #localTag = newTag();
  readonly #key: string;
  readonly #context: TransactionContext;
  readonly #timers: NamedTimers<'J' | 'unanswered'>;
  readonly #target: Target;
  #handlers: ServerHandlers = {};
  #state: NonInviteServerState = 'trying';
  #request: Request | undefined;
  #last: string | undefined;

  constructor(key: string, request: Request, flow: Flow, context: TransactionContext) {
    this.#key = key;
    this.#request = request;
    this.method = detached(request.method);
    this.flow = flow;
    this.#context = context;
    this.#timers = new NamedTimers(context.clock);
    this.#target = responseTarget(request.vias[0], flow);
    this.#timers.start('unanswered', giveUpAfter(context.timers), () => this.#happen('timer unanswered'));
  }

  get request(): Request {
    return atHand(this.#request);
  }

  get state(): NonInviteServerState {
    return this.#state;
  }

  get localTag(): string {
    return this.#localTag;
  }

  get answered(): boolean {
    return this.#state === 'completed' || this.#state === 'terminated';
  }

  handle(handlers: ServerHandlers): void {
    this.#handlers = handlers;
  }

  respond(response: Draft): Buffer {
    const status = statusOf(response);
    const event = status < 200 ? 'respond 1xx' : 'respond 200-699';
    if (this.answered) throw new IllegalEvent('non-INVITE server', this.#state, event);
    this.#localTag = prepareResponse(response, this.request, this.#localTag);
    const octets = response.toBuffer();
    this.#last = shelved(octets);
    this.#context.countSent(String(status));
    this.#happen(event, undefined, octets);
    if (event === 'respond 200-699') this.#settle();
    return octets;
  }

  relay(response: Draft): boolean {
    if (this.answered) return false;
    this.respond(response);
    return true;
  }

  resend(response: Buffer): void {
    if (this.answered) return;
    this.#context.countRetransmission('out');
    this.#send(response);
  }

  receiveAgain(): void {
    this.#context.countRetransmission('in');
    this.#happen('request');
  }

  terminate(): void {
    this.#state = 'terminated';
    this.#timers.stopAll();
  }

  #settle(): void {
    if (!this.#request) return;
    const { settled } = this.#handlers;
    this.#request = undefined;
    this.#handlers = afterSettling(this.#handlers);
    if (settled) guard(this.#context, 'settled', settled);
  }

  /** @param octets what is said for the first time */
  #happen(event: NonInviteServerEvent, error?: Error, octets?: Buffer): void {
    const step = nonInviteServer(this.#state, event, isReliable(this.flow));
    const ends = step.state === 'terminated';
    this.#state = step.state;
    if (ends) this.#timers.stopAll();
    for (const action of step.actions) this.#perform(action, error, octets);
    if (!ends) return;
    this.#context.ended(this.#key);
    this.#settle();
    guard(this.#context, 'ended', () => this.#handlers.ended?.());
  }

  #perform(action: NonInviteServerAction, error: Error | undefined, octets: Buffer | undefined): void {
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
      case 'report unanswered':
        this.#context.log.warn(
          { method: this.method, callId: this.request.callId },
          'a SIP request was never answered by its application',
        );
        return;
      case 'start timer J':
        this.#timers.start('J', giveUpAfter(this.#context.timers), () => this.#happen('timer J'));
        return;
      case 'stop timer unanswered':
        this.#timers.stop('unanswered');
    }
  }

  #send(octets: Buffer): void {
    this.#context.send(octets, this.#target, this.flow, (error) => {
      if (this.#state !== 'terminated') this.#happen('transport error', error);
    });
  }
}
