import type { Draft } from '../message/draft.ts';
import type { Response } from '../message/message.ts';
import { afterAnswer, kept, type ClientHandlers, type RunningClient } from './client-transaction.ts';
import { guard, type TransactionContext } from './context.ts';
import {
  nonInviteClient,
  type NonInviteClientAction,
  type NonInviteClientEvent,
  type NonInviteClientState,
} from './non-invite-client.ts';
import { giveUpAfter, NamedTimers } from './timers.ts';
import { isReliable, type Flow, type Target } from './wire.ts';

/** Runs the non-INVITE client machine: sends, keeps the timers, tells the user. */
export class NonInviteClientTransaction implements RunningClient {
  readonly method: string;
  readonly target: Target;
  readonly #key: string;
  readonly #flow: Flow | undefined;
  readonly #context: TransactionContext;
  readonly #timers: NamedTimers<'E' | 'F' | 'K'>;
  #handlers: ClientHandlers;
  #request: Draft | undefined;
  #octets: Buffer | undefined;
  #state: NonInviteClientState = 'initial';
  #intervalE: number;
  #sentBefore = false;

  constructor(
    key: string,
    method: string,
    request: Draft,
    target: Target,
    flow: Flow | undefined,
    handlers: ClientHandlers,
    context: TransactionContext,
  ) {
    this.#key = key;
    this.method = method;
    this.#request = request;
    this.#octets = request.toBuffer();
    this.target = target;
    this.#flow = flow;
    this.#handlers = handlers;
    this.#context = context;
    this.#timers = new NamedTimers(context.clock);
    this.#intervalE = context.timers.t1;
  }

  get request(): Draft {
    return kept(this.#request);
  }

  get octets(): Buffer {
    return kept(this.#octets);
  }

  get state(): NonInviteClientState {
    return this.#state;
  }

  start(): void {
    this.#happen('start');
  }

  receive(response: Response, flow: Flow): void {
    if (this.#state === 'completed') this.#context.countRetransmission('in');
    this.#happen(response.status < 200 ? '1xx' : '200-699', response, flow);
    if (response.status >= 200) this.#letGo();
  }

  fail(error: Error): void {
    if (this.#state !== 'terminated') this.#happen('transport error', undefined, undefined, error);
  }

  /** Ends it without a word to the user, timers included: the layer closes. */
  terminate(): void {
    this.#state = 'terminated';
    this.#timers.stopAll();
  }

  /** 17.1.2.2: in Completed nothing is sent and nothing told. */
  #letGo(): void {
    this.#request = undefined;
    this.#octets = undefined;
    this.#handlers = afterAnswer(this.#handlers);
  }

  #happen(event: NonInviteClientEvent, response?: Response, flow?: Flow, error?: Error): void {
    const step = nonInviteClient(this.#state, event, isReliable(this.target));
    const ends = step.state === 'terminated';
    this.#state = step.state;
    if (ends) this.#timers.stopAll();
    for (const action of step.actions) this.#perform(action, response, flow, error);
    if (!ends) return;
    this.#context.ended(this.#key);
    guard(this.#context, 'ended', () => this.#handlers.ended?.());
  }

  #perform(action: NonInviteClientAction, response?: Response, flow?: Flow, error?: Error): void {
    const { t2, t4 } = this.#context.timers;
    switch (action) {
      case 'send request':
        if (this.#sentBefore) this.#context.countRetransmission('out');
        this.#sentBefore = true;
        this.#context.send(this.octets, this.target, this.#flow, (error) => this.fail(error));
        return;
      case 'pass response up':
        if (response && flow) guard(this.#context, 'response', () => this.#handlers.response(response, flow));
        return;
      case 'report timeout':
        guard(this.#context, 'timeout', () => this.#handlers.timeout?.());
        return;
      case 'report transport error':
        guard(this.#context, 'transport error', () =>
          this.#handlers.transportError?.(error ?? new Error('the transport failed')),
        );
        return;
      case 'start timer E':
        this.#startE(this.#intervalE);
        return;
      case 'double timer E':
        this.#startE(Math.min(2 * this.#intervalE, t2));
        return;
      case 'timer E at T2':
        this.#startE(t2);
        return;
      case 'start timer F':
        this.#start('F', giveUpAfter(this.#context.timers));
        return;
      case 'start timer K':
        this.#start('K', t4);
        return;
      case 'stop timers E and F':
        this.#timers.stop('E');
        this.#timers.stop('F');
    }
  }

  #startE(interval: number): void {
    this.#intervalE = interval;
    this.#start('E', interval);
  }

  /** Apart from the other actions: a closure made beside theirs would keep the response as long as its timer runs. */
  #start(timer: 'E' | 'F' | 'K', milliseconds: number): void {
    this.#timers.start(timer, milliseconds, () => this.#happen(`timer ${timer}`));
  }
}
