import { detached } from '../message/detached.ts';
import { Draft } from '../message/draft.ts';
import type { Request } from '../message/message.ts';
import type { TransactionContext } from './context.ts';
import { InviteServerTransaction, type InviteServerContext } from './invite-server-transaction.ts';
import { ackKey, serverKey } from './keys.ts';
import { NonInviteServerTransaction } from './non-invite-server-transaction.ts';
import type { RunningServer, ServerTransaction } from './server-transaction.ts';
import type { Flow } from './wire.ts';

/** What the server side tells the layer. */
export interface Arrivals {
  /** Whether a request that begins a transaction is taken. */
  admits(key: string, request: Request, flow: Flow): boolean;
  request(transaction: ServerTransaction): void;
  /** The ACK for a 2xx of ours, once. */
  ack(ack: Request, flow: Flow, invite: ServerTransaction): void;
  strayAck(ack: Request, flow: Flow): void;
}

/** The server side of the layer: the requests that came, found again by their copies, ACK and CANCEL (RFC 3261 17.2.3). */
export class ServerTransactions {
  readonly #context: InviteServerContext;
  readonly #arrivals: Arrivals;
  readonly #running = new Map<string, RunningServer>();
  /** INVITEs answered with 2xx, by what their ACK will carry. */
  readonly #awaitingAck = new Map<string, InviteServerTransaction>();

  /** @param context but for the end of a transaction, which is seen to here */
  constructor(context: Omit<TransactionContext, 'ended'>, arrivals: Arrivals) {
    this.#context = {
      ...context,
      ended: (key) => this.#ended(key),
      accepted: (invite) => {
        if (invite.ackKey !== undefined) this.#awaitingAck.set(invite.ackKey, invite);
      },
    };
    this.#arrivals = arrivals;
  }

  get size(): number {
    return this.#running.size;
  }

  receive(request: Request, flow: Flow): void {
    const key = serverKey(request);
    const running = this.#running.get(key);
    if (request.method === 'ACK') this.#receiveAck(request, flow, running);
    else if (running) running.receiveAgain();
    else if (request.method === 'CANCEL') this.#receiveCancel(key, request, flow);
    else if (!this.#arrivals.admits(key, request, flow)) return;
    else if (request.method === 'INVITE') this.#receiveInvite(key, request, flow);
    else this.#arrivals.request(this.#receiveOther(key, request, flow));
  }

  /** Ends all of them without a word to their users. */
  close(): void {
    for (const transaction of this.#running.values()) transaction.terminate();
    this.#running.clear();
    this.#awaitingAck.clear();
  }

  #receiveInvite(key: string, request: Request, flow: Flow): void {
    const kept = detached(key);
    const transaction = new InviteServerTransaction(kept, request, flow, this.#context);
    this.#running.set(kept, transaction);
    transaction.respond(Draft.answering(request, 100)); // 17.2.1: within 200 ms; at once is simplest
    this.#arrivals.request(transaction);
  }

  #receiveOther(key: string, request: Request, flow: Flow): NonInviteServerTransaction {
    const kept = detached(key);
    const transaction = new NonInviteServerTransaction(kept, request, flow, this.#context);
    this.#running.set(kept, transaction);
    return transaction;
  }

  #receiveAck(ack: Request, flow: Flow, owner: RunningServer | undefined): void {
    if (owner instanceof InviteServerTransaction && (owner.state === 'completed' || owner.state === 'confirmed')) {
      owner.receiveAck();
      return;
    }
    // 13.3.1.4: the ACK for a 2xx has a branch of its own (some peers use the INVITE's); the dialog and CSeq tie them.
    const tag = ack.to.parameters.get('tag') ?? '';
    const invite = this.#awaitingAck.get(ackKey(ack.callId, tag, ack.cseq.sequence));
    if (!invite) this.#arrivals.strayAck(ack, flow);
    else if (!invite.acknowledge(() => this.#arrivals.ack(ack, flow, invite))) this.#context.countRetransmission('in');
  }

  #receiveCancel(key: string, cancel: Request, flow: Flow): void {
    const invite = this.#running.get(serverKey(cancel, 'INVITE'));
    if (!invite && !this.#arrivals.admits(key, cancel, flow)) return;
    const transaction = this.#receiveOther(key, cancel, flow);
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

  #ended(key: string): void {
    const transaction = this.#running.get(key);
    this.#running.delete(key);
    const ack = transaction instanceof InviteServerTransaction ? transaction.ackKey : undefined;
    if (ack !== undefined) this.#awaitingAck.delete(ack);
  }
}
