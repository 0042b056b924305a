import { detached, shelved, unshelved } from '../message/detached.ts';
import { Draft } from '../message/draft.ts';
import type { Response } from '../message/message.ts';
import {
  afterAnswer,
  kept,
  type ClientHandlers,
  type RunningClient,
  type SurplusHandler,
} from './client-transaction.ts';
import { guard, type ClientContext } from './context.ts';
import { cancelFor, failureAckFor } from './derive.ts';
import {
  inviteClient,
  type InviteClientAction,
  type InviteClientEvent,
  type InviteClientState,
} from './invite-client.ts';
import { giveUpAfter, NamedTimers } from './timers.ts';
import { isReliable, type Flow, type Target } from './wire.ts';

/** Timer D: at least 32 s whatever T1 is (RFC 3261 17.1.1.2), but never shorter than the peer's timer H. */
const timerD = 32_000;

/** A 2xx that came, by its To tag, with the ACK that was sent for it, once it was. */
interface Accepted {
  readonly tag: string;
  ack: { readonly octets: string; readonly target: Target } | undefined;
}

/** What is kept of an INVITE that was left: what a dialog is made of. */
interface Left {
  readonly requestUri: string;
  readonly from: string;
  readonly cseq: string;
  readonly surplus: SurplusHandler;
}

/**
 * Runs the INVITE client machine: sends, keeps the timers, tells the user. A call is in this state for half a minute after it was
 * answered, so little of it is kept.
 */
export class InviteClientTransaction implements RunningClient {
  readonly target: Target;
  readonly #key: string;
  readonly #context: ClientContext;
  readonly #timers: NamedTimers<'A' | 'B' | 'D' | 'M' | 'cancel'>;
  #accepted: readonly Accepted[] = [];
  #handlers: ClientHandlers;
  #request: Draft | undefined;
  #octets: Buffer | undefined;
  #left: Left | undefined;
  #state: InviteClientState = 'initial';
  #flow: Flow | undefined;
  #intervalA: number;
  #failureAck: string | undefined;
  #sentBefore = false;
  #cancel: 'none' | { waiting: Draft } | 'sent' = 'none';

  constructor(
    key: string,
    request: Draft,
    target: Target,
    flow: Flow | undefined,
    handlers: ClientHandlers,
    context: ClientContext,
  ) {
    this.#key = key;
    this.#request = request;
    this.#octets = request.toBuffer();
    this.target = target;
    this.#flow = flow;
    this.#handlers = handlers;
    this.#context = context;
    this.#timers = new NamedTimers(context.clock);
    this.#intervalA = context.timers.t1;
  }

  get method(): string {
    return 'INVITE';
  }

  get request(): Draft {
    const left = this.#left;
    return left
      ? Draft.request('INVITE', left.requestUri).add('From', left.from).add('CSeq', left.cseq)
      : kept(this.#request);
  }

  get octets(): Buffer {
    return kept(this.#octets);
  }

  get state(): InviteClientState {
    return this.#state;
  }

  start(): void {
    this.#happen('start');
  }

  receive(response: Response, flow: Flow): void {
    const event = response.status < 200 ? '1xx' : response.status < 300 ? '2xx' : '300-699';
    this.#flow = flow;
    this.#octets = undefined; // 17.1.1.2: it is not sent again after any response
    this.#happen(event, response, flow);
    if (event === '300-699' && !this.#left) this.#letGo();
    if (event === '1xx' && this.#state === 'proceeding') this.#sendWaitingCancel();
  }

  fail(error: Error): void {
    if (this.#state !== 'terminated') this.#happen('transport error', undefined, undefined, error);
  }

  /** Ends it without a word to the user, timers included: the layer closes. */
  terminate(): void {
    this.#state = 'terminated';
    this.#timers.stopAll();
  }

  /**
   * Cancels the INVITE (RFC 3261 9.1): the CANCEL leaves at once, or with the first provisional response when none has come yet.
   * The INVITE still ends with a final response (487, or a 2xx that crossed), or with `timeout` 64*T1 after the CANCEL.
   * @param adorn may add headers such as Reason
   * @returns the CANCEL, or undefined when a final response has come or a CANCEL was asked for before
   */
  cancel(adorn?: (cancel: Draft) => void): Draft | undefined {
    if (this.#cancel !== 'none' || (this.#state !== 'calling' && this.#state !== 'proceeding')) return undefined;
    const cancel = cancelFor(this.request);
    adorn?.(cancel);
    this.#cancel = { waiting: cancel };
    if (this.#state === 'proceeding') this.#sendWaitingCancel();
    return cancel;
  }

  /**
   * Sends the ACK for a 2xx, outside of any transaction (RFC 3261 13.2.2.4), and again by itself each time that 2xx is retransmitted.
   * @param toTag of the 2xx that is acknowledged
   * @param ack complete, its Via included (`TransactionLayer.acknowledge` writes one)
   */
  acknowledge(toTag: string, ack: Buffer, target: Target): void {
    const accepted = this.#acceptedWith(toTag) ?? this.#accept(toTag);
    accepted.ack = { octets: shelved(ack), target };
    this.#context.countSent('ACK');
    this.#sendAck(ack, target);
  }

  /** The user has acknowledged what it wanted: from now on it hears of 2xx of other branches only, and what it gave is let go. */
  leave(surplus: SurplusHandler): void {
    const { startLine } = this.request;
    if (this.#left || startLine.kind !== 'request') return;
    const from = detached(this.request.get('From') ?? '');
    const cseq = detached(this.request.get('CSeq') ?? '');
    this.#left = { requestUri: detached(startLine.requestUri), from, cseq, surplus };
    this.#letGo();
  }

  #letGo(): void {
    this.#request = undefined;
    this.#handlers = afterAnswer(this.#handlers);
  }

  #acceptedWith(tag: string): Accepted | undefined {
    return this.#accepted.find((accepted) => accepted.tag === tag);
  }

  #accept(tag: string): Accepted {
    const accepted: Accepted = { tag: detached(tag), ack: undefined };
    this.#accepted = this.#accepted.concat(accepted);
    return accepted;
  }

  #happen(event: InviteClientEvent, response?: Response, flow?: Flow, error?: Error): void {
    const step = inviteClient(this.#state, event, isReliable(this.target));
    const ends = step.state === 'terminated';
    this.#state = step.state;
    if (ends) this.#timers.stopAll();
    for (const action of step.actions) this.#perform(action, response, flow, error);
    if (!ends) return;
    this.#context.ended(this.#key);
    guard(this.#context, 'ended', () => this.#handlers.ended?.());
  }

  #perform(action: InviteClientAction, response?: Response, flow?: Flow, error?: Error): void {
    const { t1 } = this.#context.timers;
    switch (action) {
      case 'send request':
        if (this.#sentBefore) this.#context.countRetransmission('out');
        this.#sentBefore = true;
        if (this.#octets) this.#context.send(this.#octets, this.target, this.#flow, (error) => this.fail(error));
        return;
      case 'send ACK':
        if (response) this.#failureAck ??= shelved(failureAckFor(this.request, response).toBuffer());
        this.#context.countSent('ACK');
        if (this.#failureAck !== undefined) this.#sendAck(unshelved(this.#failureAck), this.target);
        return;
      case 'pass response up':
        if (response && flow) this.#passUp(response, flow);
        return;
      case 'report timeout':
        guard(this.#context, 'timeout', () => this.#handlers.timeout?.());
        return;
      case 'report transport error':
        guard(this.#context, 'transport error', () =>
          this.#handlers.transportError?.(error ?? new Error('the transport failed')),
        );
        return;
      case 'start timer A':
        this.#timers.start('A', this.#intervalA, () => this.#happen('timer A'));
        return;
      case 'double timer A':
        this.#intervalA *= 2;
        this.#timers.start('A', this.#intervalA, () => this.#happen('timer A'));
        return;
      case 'start timer B':
        this.#timers.start('B', giveUpAfter(this.#context.timers), () => this.#happen('timer B'));
        return;
      case 'start timer D':
        this.#timers.stop('cancel');
        this.#timers.start('D', t1 < 500 ? giveUpAfter(this.#context.timers) : timerD, () => this.#happen('timer D'));
        return;
      case 'start timer M':
        this.#timers.stop('cancel');
        this.#timers.start('M', giveUpAfter(this.#context.timers), () => this.#happen('timer M'));
        return;
      case 'stop timers A and B':
        this.#timers.stop('A');
        this.#timers.stop('B');
    }
  }

  #passUp(response: Response, flow: Flow): void {
    if (response.status >= 200 && response.status < 300) {
      // 13.2.2.4: a 2xx that was seen before is acknowledged again and stays below the user.
      const tag = response.to.parameters.get('tag') ?? '';
      const before = this.#acceptedWith(tag);
      if (before) {
        this.#context.countRetransmission('in');
        if (before.ack) this.#sendAck(unshelved(before.ack.octets), before.ack.target);
        else guard(this.#context, 'repeated', () => this.#handlers.repeated?.(response, flow));
        return;
      }
      this.#accept(tag);
    }
    const left = this.#left;
    if (left) guard(this.#context, 'surplus', () => left.surplus(response, this));
    else guard(this.#context, 'response', () => this.#handlers.response(response, flow));
  }

  #sendAck(octets: Buffer, target: Target): void {
    const flow = target === this.target ? this.#flow : undefined;
    this.#context.send(octets, target, flow, (error) => this.fail(error));
  }

  #sendWaitingCancel(): void {
    if (typeof this.#cancel !== 'object') return;
    const { waiting } = this.#cancel;
    this.#cancel = 'sent';
    this.#context.startCancel(waiting, this.target, this.#flow);
    this.#timers.start('cancel', giveUpAfter(this.#context.timers), () => this.#happen('timer cancel'));
  }
}
