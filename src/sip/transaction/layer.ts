import { createHash } from 'node:crypto';
import type { Clock } from '../../shared/clock.ts';
import { Emitter } from '../../shared/emitter.ts';
import type { Logger } from '../../shared/log.ts';
import { Draft } from '../message/draft.ts';
import type { Message, Request, Response } from '../message/message.ts';
import type { MalformedMessage } from '../message/parse.ts';
import { AdmissionControl, type AdmissionLimits } from './admission.ts';
import type { ClientHandlers, ClientTransaction, RunningClient } from './client-transaction.ts';
import type { TransactionContext } from './context.ts';
import { Counters } from './counters.ts';
import { uriHost } from '../transport/addresses.ts';
import { refusal } from '../transport/refusal.ts';
import { responseTarget } from '../transport/routing.ts';
import { newBranch } from './ids.ts';
import { InviteClientTransaction } from './invite-client-transaction.ts';
import { InviteServerTransaction } from './invite-server-transaction.ts';
import { ackKey, clientKey, clientKeyOf, serverKey } from './keys.ts';
import { NonInviteClientTransaction } from './non-invite-client-transaction.ts';
import { NonInviteServerTransaction } from './non-invite-server-transaction.ts';
import { prepareResponse } from './prepare-response.ts';
import type { RunningServer, ServerTransaction } from './server-transaction.ts';
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
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #events: Emitter<LayerEvents>;
  readonly #clients = new Map<string, RunningClient>();
  readonly #servers = new Map<string, RunningServer>();
  /** INVITEs answered with 2xx, by what their ACK will carry. */
  readonly #awaitingAck = new Map<string, InviteServerTransaction>();
  readonly #clientContext: TransactionContext;
  readonly #serverContext: TransactionContext;
  readonly #admission: AdmissionControl | undefined;
  #closed = false;

  constructor(wire: Wire, options: LayerOptions) {
    this.#wire = wire;
    this.#clock = options.clock;
    this.#log = options.log;
    this.timers = { ...defaultTimers, ...options.timers };
    this.#admission = options.limits && new AdmissionControl(options.limits, options.clock);
    this.#events = new Emitter((error, event) =>
      this.#log.error({ err: error, event }, 'the user of the SIP transactions threw'),
    );
    this.#clientContext = this.#contextEnding((key) => void this.#clients.delete(key));
    this.#serverContext = this.#contextEnding((key) => this.#serverEnded(key));
    wire.on('message', (message, flow) => this.#receive(message, flow));
    wire.on('malformed', (error, flow) => this.#refuse(error, flow));
    wire.on('failure', (target, error) => this.#fail(target, error));
  }

  /** Calls `listener` at each `event`; the function returned takes it off again. */
  on<E extends keyof LayerEvents>(event: E, listener: (...payload: LayerEvents[E]) => void): () => void {
    return this.#events.on(event, listener);
  }

  /** Transactions that are not over, by side. */
  get alive(): { clients: number; servers: number } {
    return { clients: this.#clients.size, servers: this.#servers.size };
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
    const { startLine } = draft;
    if (startLine.kind !== 'request') throw new Error('a client transaction sends requests only');
    const { method } = startLine;
    if (method === 'ACK' || method === 'CANCEL') throw new Error(`${method} is no transaction to be started by itself`);
    const branch = this.#writeVia(draft, target);
    const key = clientKey(branch, method);
    const transaction =
      method === 'INVITE'
        ? new InviteClientTransaction(key, branch, draft, target, flow, handlers, this.#clientContext)
        : new NonInviteClientTransaction(key, branch, method, draft, target, flow, handlers, this.#clientContext);
    this.#clients.set(key, transaction);
    this.counters.sent(method);
    transaction.start();
    return transaction;
  }

  /**
   * Cancels an INVITE that was sent (RFC 3261 9.1). The CANCEL waits for the first provisional response if none has come.
   * The INVITE's handlers still get its final response.
   * @param adorn may add headers, such as Reason
   * @returns the CANCEL, or undefined when it is too late or no INVITE
   */
  cancel(invite: ClientTransaction, adorn?: (cancel: Draft) => void): Draft | undefined {
    return invite instanceof InviteClientTransaction ? invite.cancel(adorn) : undefined;
  }

  /**
   * Sends the ACK for a 2xx to an INVITE of ours (RFC 3261 13.2.2.4): with a Via of its own, outside of any transaction. When
   * the 2xx is retransmitted the same ACK leaves again by itself.
   * @param ack without Via; its To is the 2xx's, its CSeq number the INVITE's
   * @param toTag of the 2xx
   * @returns the octets that were sent
   */
  acknowledge(invite: ClientTransaction, toTag: string, ack: Draft, target: Target): Buffer {
    this.#writeVia(ack, target);
    const octets = ack.toBuffer();
    if (invite instanceof InviteClientTransaction) invite.acknowledge(toTag, octets, target);
    return octets;
  }

  /** Passes an ACK on with a Via of ours, outside of any transaction (RFC 3261 16.6, 16.11). */
  forward(ack: Draft, target: Target): void {
    this.#writeVia(ack, target);
    this.counters.sent('ACK');
    this.#wire.send(ack.toBuffer(), target).catch((error: unknown) => {
      this.#log.debug({ err: error, callId: ack.get('Call-ID') }, 'an ACK was not passed on');
    });
  }

  /** Sends octets outside of any transaction. */
  send(octets: Buffer, target: Target, flow?: Flow): Promise<void> {
    return this.#wire.send(octets, target, flow);
  }

  /** Ends all transactions without telling their users, and takes no more messages. The wire is the caller's to close. */
  close(): void {
    this.#closed = true;
    for (const transaction of [...this.#clients.values(), ...this.#servers.values()]) transaction.terminate();
    this.#clients.clear();
    this.#servers.clear();
    this.#awaitingAck.clear();
  }

  #writeVia(draft: Draft, target: Target): string {
    const branch = newBranch();
    const local = this.#wire.localFor(target);
    const sentBy = `${uriHost(local.address)}:${local.port}`;
    draft.prepend('Via', `SIP/2.0/${local.transport.toUpperCase()} ${sentBy};rport;branch=${branch}`);
    if (!draft.has('Max-Forwards')) draft.add('Max-Forwards', '70'); // 8.1.1.6
    return branch;
  }

  #receive(message: Message, flow: Flow): void {
    if (this.#closed) return;
    if (message.kind === 'response') this.#receiveResponse(message, flow);
    else this.#receiveRequest(message, flow);
  }

  #receiveResponse(response: Response, flow: Flow): void {
    this.counters.received(String(response.status));
    const key = clientKeyOf(response);
    const transaction = key === undefined ? undefined : this.#clients.get(key);
    if (transaction) transaction.receive(response, flow);
    else {
      this.counters.stray();
      this.#events.emit('stray', response, flow);
    }
  }

  #receiveRequest(request: Request, flow: Flow): void {
    this.counters.received(request.method);
    const key = serverKey(request);
    const running = this.#servers.get(key);
    if (request.method === 'ACK') this.#receiveAck(request, flow, running);
    else if (running) running.receiveAgain();
    else if (request.method === 'CANCEL') this.#receiveCancel(key, request, flow);
    else if (!this.#admits(key, request, flow)) return;
    else if (request.method === 'INVITE') this.#receiveInvite(key, request, flow);
    else {
      const transaction = new NonInviteServerTransaction(key, request, flow, this.#serverContext);
      this.#servers.set(key, transaction);
      this.#events.emit('request', transaction);
    }
  }

  /** Whether a request that may begin something is taken; one of a dialog is, always. */
  #admits(key: string, request: Request, flow: Flow): boolean {
    if (!this.#admission || request.to.parameters.has('tag')) return true;
    switch (this.#admission.judge(request, flow.remoteAddress)) {
      case 'take':
        return true;
      case 'drop':
        this.counters.scanner();
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
    this.#wire
      .send(response.toBuffer(), responseTarget(request.vias[0], flow), flow)
      .catch((reason: unknown) => this.#log.debug({ err: reason }, 'a refusal was not sent'));
  }

  #receiveInvite(key: string, request: Request, flow: Flow): void {
    const transaction = new InviteServerTransaction(key, request, flow, this.#serverContext, (accepted) =>
      this.#awaitingAck.set(ackKeyOf(accepted), accepted),
    );
    this.#servers.set(key, transaction);
    transaction.respond(Draft.answering(request, 100)); // 17.2.1: within 200 ms; at once is simplest
    this.#events.emit('request', transaction);
  }

  #receiveAck(ack: Request, flow: Flow, owner: RunningServer | undefined): void {
    if (owner instanceof InviteServerTransaction && (owner.state === 'completed' || owner.state === 'confirmed')) {
      owner.receiveAck();
      return;
    }
    // 13.3.1.4: the ACK for a 2xx has a branch of its own (some peers use the INVITE's); the dialog and CSeq tie them.
    const tag = ack.to.parameters.get('tag') ?? '';
    const invite = this.#awaitingAck.get(ackKey(ack.callId, tag, ack.cseq.sequence));
    if (!invite) this.#events.emit('strayAck', ack, flow);
    else if (invite.acknowledge()) this.#events.emit('ack', ack, flow, invite);
    else this.counters.retransmission('in');
  }

  #receiveCancel(key: string, cancel: Request, flow: Flow): void {
    const transaction = new NonInviteServerTransaction(key, cancel, flow, this.#serverContext);
    this.#servers.set(key, transaction);
    const invite = this.#servers.get(serverKey(cancel, 'INVITE'));
    if (!(invite instanceof InviteServerTransaction)) {
      transaction.respond(Draft.answering(cancel, 481)); // 9.2
      return;
    }
    // 9.2: To tag the same as in the responses to the INVITE
    const ok = Draft.answering(cancel, 200);
    if (!cancel.to.parameters.has('tag')) ok.set('To', `${cancel.get('To') ?? ''};tag=${invite.localTag}`);
    transaction.respond(ok);
    invite.cancel(cancel);
  }

  #refuse(error: MalformedMessage, flow: Flow): void {
    if (this.#closed) return;
    this.counters.malformed();
    const answer = refusal(error, flow);
    this.#log.debug(
      { reason: error.reason, from: remoteOf(flow), answered: answer !== undefined },
      'malformed SIP message',
    );
    if (!answer) return;
    this.#wire
      .send(answer.octets, answer.target, flow)
      .catch((reason: unknown) => this.#log.debug({ err: reason }, 'the answer to a malformed message was not sent'));
  }

  #serverEnded(key: string): void {
    const transaction = this.#servers.get(key);
    this.#servers.delete(key);
    if (transaction instanceof InviteServerTransaction) this.#awaitingAck.delete(ackKeyOf(transaction));
  }

  #contextEnding(ended: (key: string) => void): TransactionContext {
    return {
      clock: this.#clock,
      timers: this.timers,
      log: this.#log,
      send: (octets, target, flow) => this.#wire.send(octets, target, flow),
      ended,
      countRetransmission: (direction) => this.counters.retransmission(direction),
      countSent: (kind) => this.counters.sent(kind),
      startCancel: (draft, target, flow) => this.#startCancel(draft, target, flow),
    };
  }

  /** 17.1.4: what waits for an answer from there will get none. Only machines that still send mind. */
  #fail(target: Target, error: Error): void {
    for (const client of [...this.#clients.values()]) {
      const { transport, address, port } = client.target;
      if (transport === target.transport && address === target.address && port === target.port) client.fail(error);
    }
  }

  #startCancel(draft: Draft, target: Target, flow: Flow | undefined): void {
    const branch = /;\s*branch=([^;,\s]+)/i.exec(draft.get('Via') ?? '')?.[1] ?? newBranch();
    const key = clientKey(branch, 'CANCEL');
    const nobody: ClientHandlers = { response: () => undefined };
    const transaction = new NonInviteClientTransaction(
      key,
      branch,
      'CANCEL',
      draft,
      target,
      flow,
      nobody,
      this.#clientContext,
    );
    this.#clients.set(key, transaction);
    this.counters.sent('CANCEL');
    transaction.start();
  }
}

/** 13.2.2.4: the ACK's To tag is ours, its CSeq number the INVITE's. */
function ackKeyOf(invite: InviteServerTransaction): string {
  const { request, localTag } = invite;
  return ackKey(request.callId, request.to.parameters.get('tag') ?? localTag, request.cseq.sequence);
}
