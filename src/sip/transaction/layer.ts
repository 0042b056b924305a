import { createHash } from 'node:crypto';
import type { Clock } from '../../shared/clock.ts';
import { Emitter } from '../../shared/emitter.ts';
import type { Logger } from '../../shared/log.ts';
import { Draft } from '../message/draft.ts';
import type { Message, Request, Response } from '../message/message.ts';
import type { MalformedMessage } from '../message/parse.ts';
import { AdmissionControl, type AdmissionLimits } from './admission.ts';
import type { ClientHandlers, ClientTransaction, SurplusHandler } from './client-transaction.ts';
import { ClientTransactions } from './client-transactions.ts';
import { Counters } from './counters.ts';
import { refusal } from '../transport/refusal.ts';
import { responseTarget } from '../transport/routing.ts';
import { prepareResponse } from './prepare-response.ts';
import type { ServerTransaction } from './server-transaction.ts';
import { ServerTransactions } from './server-transactions.ts';
import { defaultTimers, type TimerSettings } from './timers.ts';
import { remoteOf, type Flow, type Target, type Wire } from './wire.ts';

/** What the layer tells its user (the core of RFC 3261's UAs and proxies). */
export interface LayerEvents {
  /** A new request, not an ACK nor a CANCEL; an INVITE has had its 100. The user answers it, now or later. */
  request: [transaction: ServerTransaction];
  /** The ACK for a 2xx of ours, once; the transaction is the INVITE's. */
  ack: [ack: Request, flow: Flow, invite: ServerTransaction];
  /** An ACK that belongs to no INVITE answered here: a proxy passes it on; all others count it (`counters.stray`). */
  strayAck: [ack: Request, flow: Flow];
  /** A response that belongs to no transaction, for example a 2xx that came more than 64*T1 late (RFC 3261 18.1.2). */
  stray: [response: Response, flow: Flow];
}

export interface LayerOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly timers?: Partial<TimerSettings>;
  /** What is taken of one source, and from whom nothing; all is taken unless given. */
  readonly limits?: AdmissionLimits;
}

/** Seconds after which a source that sends too much may try again. */
const retryAfter = '5';

/**
 * RFC 3261 17: matches messages with transactions, retransmits, absorbs retransmissions and keeps the timers, over a wire.
 *
 * As a client: `request` sends and tells its handlers; an INVITE can be `cancel`led and its 2xx must be `acknowledge`d
 * (other final responses are acknowledged here). As a server: `on('request')` gives a transaction whose `respond` is called;
 * `handle` sets what is told about CANCEL and about a 2xx that nobody acknowledged; `on('ack')` gives the ACK for a 2xx.
 * What a user's handler throws is logged and goes no further.
 */
export class TransactionLayer {
  readonly counters = new Counters();
  readonly timers: TimerSettings;
  readonly #wire: Wire;
  readonly #log: Logger;
  readonly #events: Emitter<LayerEvents>;
  readonly #clients: ClientTransactions;
  readonly #servers: ServerTransactions;
  readonly #admission: AdmissionControl | undefined;
  #belongs: (request: Request) => boolean = () => false;
  #closed = false;

  constructor(wire: Wire, options: LayerOptions) {
    const { clock, log, limits } = options;
    this.#wire = wire;
    this.#log = log;
    this.timers = { ...defaultTimers, ...options.timers };
    this.#admission = limits && new AdmissionControl(limits, clock);
    this.#events = new Emitter((error, event) =>
      log.error({ err: error, event }, 'the user of the SIP transactions threw'),
    );
    const context = {
      clock,
      log,
      timers: this.timers,
      send: (octets: Buffer, target: Target, flow: Flow | undefined, failed: (error: Error) => void) =>
        wire.post(octets, target, flow, failed),
      countRetransmission: (direction: 'in' | 'out') => this.counters.retransmission(direction),
      countSent: (kind: string) => this.counters.sent(kind),
    };
    this.#clients = new ClientTransactions(wire, context);
    this.#servers = new ServerTransactions(context, {
      admits: (key, request, flow) => this.#admits(key, request, flow),
      request: (transaction) => this.#events.emit('request', transaction),
      ack: (ack, flow, invite) => this.#events.emit('ack', ack, flow, invite),
      strayAck: (ack, flow) => this.#events.emit('strayAck', ack, flow),
    });
    wire.on('message', (message, flow) => this.#receive(message, flow));
    wire.on('malformed', (error, flow) => this.#refuse(error, flow));
    wire.on('failure', (target, error) => this.#clients.fail(target, error));
  }

  /** Calls `listener` at each `event`; the function returned takes it off again. */
  on<E extends keyof LayerEvents>(event: E, listener: (...payload: LayerEvents[E]) => void): () => void {
    return this.#events.on(event, listener);
  }

  /** Transactions that are not over, by side. */
  get alive(): { clients: number; servers: number } {
    return { clients: this.#clients.size, servers: this.#servers.size };
  }

  /** How the user tells a request of a dialog that stands, which no limit holds back, from one that only says so (a To tag). */
  tellsDialogsBy(belongs: (request: Request) => boolean): void {
    this.#belongs = belongs;
  }

  /** The user answered 403 to a new request that came on `flow`: whoever hears that too often hears nothing more. */
  forbade(flow: Flow): void {
    if (this.#admission?.forbade(flow.remoteAddress) !== true) return;
    this.#log.warn(
      { address: flow.remoteAddress },
      'an address that was answered 403 again and again gets no answer for a while',
    );
  }

  /** Where we send from towards `target`: host and port for Via and Contact. */
  localFor(target: Target): Target {
    return this.#wire.localFor(target);
  }

  /**
   * Sends a request in a new client transaction. The layer writes the topmost Via (with `rport`, RFC 3581) and, where missing,
   * Max-Forwards; all the rest is the user's: From with a tag, To, Call-ID, CSeq, Contact, Route.
   * Handlers are called later, never from within this call.
   * @param draft any method but ACK and CANCEL (see `acknowledge`, `cancel`)
   * @param flow the connection to prefer, on reliable transports
   */
  request(draft: Draft, target: Target, handlers: ClientHandlers, flow?: Flow): ClientTransaction {
    return this.#clients.request(draft, target, handlers, flow);
  }

  /**
   * Cancels an INVITE that was sent (RFC 3261 9.1). The CANCEL waits for the first provisional response if none has come.
   * The INVITE's handlers still get its final response.
   * @param adorn may add headers, such as Reason
   * @returns the CANCEL, or undefined when it is too late or no INVITE
   */
  cancel(invite: ClientTransaction, adorn?: (cancel: Draft) => void): Draft | undefined {
    return this.#clients.cancel(invite, adorn);
  }

  /**
   * Sends the ACK for a 2xx to an INVITE of ours (RFC 3261 13.2.2.4): with a Via of its own, outside of any transaction. When
   * the 2xx is retransmitted the same ACK leaves again by itself.
   * @param ack without Via; its To is the 2xx's, its CSeq number the INVITE's
   * @param toTag of the 2xx
   * @returns the octets that were sent
   */
  acknowledge(invite: ClientTransaction, toTag: string, ack: Draft, target: Target): Buffer {
    return this.#clients.acknowledge(invite, toTag, ack, target);
  }

  /**
   * The user of an INVITE has acknowledged its 2xx and is done with it: what it gave is let go, while the transaction goes on to
   * acknowledge that 2xx's copies (RFC 6026 7.2).
   * @param surplus told of each 2xx of another branch, which is to be acknowledged and ended (RFC 3261 13.2.2.4)
   */
  leave(invite: ClientTransaction, surplus: SurplusHandler): void {
    this.#clients.leave(invite, surplus);
  }

  /** Passes an ACK on with a Via of ours, outside of any transaction (RFC 3261 16.6, 16.11). */
  forward(ack: Draft, target: Target): void {
    this.#clients.writeVia(ack, target);
    this.counters.sent('ACK');
    this.#wire.post(ack.toBuffer(), target, undefined, (error) =>
      this.#log.debug({ err: error, callId: ack.get('Call-ID') }, 'an ACK was not passed on'),
    );
  }

  /** Ends all transactions without telling their users, and takes no more messages. The wire is the caller's to close. */
  close(): void {
    this.#closed = true;
    this.#clients.close();
    this.#servers.close();
  }

  #receive(message: Message, flow: Flow): void {
    if (this.#closed) return;
    if (message.kind === 'request') {
      this.counters.received(message.method);
      this.#servers.receive(message, flow);
      return;
    }
    this.counters.received(String(message.status));
    if (this.#clients.receive(message, flow)) return;
    this.counters.stray();
    this.#events.emit('stray', message, flow);
  }

  /** Whether a request that may begin something is taken; one of a dialog that stands is, always. */
  #admits(key: string, request: Request, flow: Flow): boolean {
    if (!this.#admission || (request.to.parameters.has('tag') && this.#belongs(request))) return true;
    const admission = this.#admission.judge(request, flow.remoteAddress, this.#servers.size);
    switch (admission.is) {
      case 'take':
        return true;
      case 'drop':
        if (admission.as === 'scanner') this.counters.scanner();
        else this.counters.refused();
        return false;
      case 'refuse':
        this.counters.refused();
        this.#refuseStateless(key, request, flow);
        return false;
    }
  }

  /** RFC 3261 8.2.7: nothing is kept of what is refused; the same request gets the same To tag each time. */
  #refuseStateless(key: string, request: Request, flow: Flow): void {
    const response = Draft.answering(request, 503).add('Retry-After', retryAfter);
    prepareResponse(response, request, createHash('sha256').update(key).digest('base64url').slice(0, 12));
    this.#wire.post(response.toBuffer(), responseTarget(request.vias[0], flow), flow, (error) =>
      this.#log.debug({ err: error }, 'a refusal was not sent'),
    );
  }

  #refuse(error: MalformedMessage, flow: Flow): void {
    if (this.#closed) return;
    this.counters.malformed();
    if (this.#admission?.answersMalformed(flow.remoteAddress) === false) return;
    const answer = refusal(error, flow);
    this.#log.debug(
      { reason: error.reason, from: remoteOf(flow), answered: answer !== undefined },
      'malformed SIP message',
    );
    if (!answer) return;
    this.#wire.post(answer.octets, answer.target, flow, (error) =>
      this.#log.debug({ err: error }, 'the answer to a malformed message was not sent'),
    );
  }
}
