import { detached } from '../message/detached.ts';
import type { Draft } from '../message/draft.ts';
import type { Response } from '../message/message.ts';
import { uriHost } from '../transport/addresses.ts';
import type { ClientHandlers, ClientTransaction, RunningClient, SurplusHandler } from './client-transaction.ts';
import type { ClientContext, TransactionContext } from './context.ts';
import { newBranch } from './ids.ts';
import { InviteClientTransaction } from './invite-client-transaction.ts';
import { clientKey, clientKeyOf } from './keys.ts';
import { NonInviteClientTransaction } from './non-invite-client-transaction.ts';
import type { Flow, Target, Wire } from './wire.ts';

/** The client side of the layer: the requests that we sent, found again by what their responses carry (RFC 3261 17.1.3). */
export class ClientTransactions {
  readonly #wire: Wire;
  readonly #context: ClientContext;
  readonly #running = new Map<string, RunningClient>();

  /** @param context but for the end of a transaction, which is seen to here */
  constructor(wire: Wire, context: Omit<TransactionContext, 'ended'>) {
    this.#wire = wire;
    this.#context = {
      ...context,
      ended: (key) => void this.#running.delete(key),
      startCancel: (draft, target, flow) => this.#startCancel(draft, target, flow),
    };
  }

  get size(): number {
    return this.#running.size;
  }

  /** See `TransactionLayer.request`. */
  request(draft: Draft, target: Target, handlers: ClientHandlers, flow?: Flow): ClientTransaction {
    const { startLine } = draft;
    if (startLine.kind !== 'request') throw new Error('a client transaction sends requests only');
    const { method } = startLine;
    if (method === 'ACK' || method === 'CANCEL') throw new Error(`${method} is no transaction to be started by itself`);
    const branch = this.writeVia(draft, target);
    const key = detached(clientKey(branch, method));
    return this.#start(
      key,
      method === 'INVITE'
        ? new InviteClientTransaction(key, draft, target, flow, handlers, this.#context)
        : new NonInviteClientTransaction(key, method, draft, target, flow, handlers, this.#context),
    );
  }

  /** See `TransactionLayer.cancel`. */
  cancel(invite: ClientTransaction, adorn?: (cancel: Draft) => void): Draft | undefined {
    return invite instanceof InviteClientTransaction ? invite.cancel(adorn) : undefined;
  }

  /** See `TransactionLayer.acknowledge`. */
  acknowledge(invite: ClientTransaction, toTag: string, ack: Draft, target: Target): Buffer {
    this.writeVia(ack, target);
    const octets = ack.toBuffer();
    if (invite instanceof InviteClientTransaction) invite.acknowledge(toTag, octets, target);
    return octets;
  }

  /** See `TransactionLayer.leave`. */
  leave(invite: ClientTransaction, surplus: SurplusHandler): void {
    if (invite instanceof InviteClientTransaction) invite.leave(surplus);
  }

  /** @returns false when the response is nobody's */
  receive(response: Response, flow: Flow): boolean {
    const key = clientKeyOf(response);
    const transaction = key === undefined ? undefined : this.#running.get(key);
    transaction?.receive(response, flow);
    return transaction !== undefined;
  }

  /** 17.1.4: what waits for an answer from there will get none. Only machines that still send mind. */
  fail(target: Target, error: Error): void {
    for (const client of [...this.#running.values()]) {
      const { transport, address, port } = client.target;
      if (transport === target.transport && address === target.address && port === target.port) client.fail(error);
    }
  }

  /** Writes the topmost Via, with `rport` (RFC 3581), and Max-Forwards where it is missing. @returns the branch */
  writeVia(draft: Draft, target: Target): string {
    const branch = newBranch();
    const local = this.#wire.localFor(target);
    const sentBy = `${uriHost(local.address)}:${local.port}`;
    draft.prepend('Via', `SIP/2.0/${local.transport.toUpperCase()} ${sentBy};rport;branch=${branch}`);
    if (!draft.has('Max-Forwards')) draft.add('Max-Forwards', '70'); // 8.1.1.6
    return branch;
  }

  /** Ends all of them without a word to their users. */
  close(): void {
    for (const transaction of this.#running.values()) transaction.terminate();
    this.#running.clear();
  }

  #startCancel(draft: Draft, target: Target, flow: Flow | undefined): void {
    const branch = /;\s*branch=([^;,\s]+)/i.exec(draft.get('Via') ?? '')?.[1] ?? newBranch();
    const key = detached(clientKey(branch, 'CANCEL'));
    const nobody: ClientHandlers = { response: () => undefined };
    this.#start(key, new NonInviteClientTransaction(key, 'CANCEL', draft, target, flow, nobody, this.#context));
  }

  #start(key: string, transaction: RunningClient): RunningClient {
    this.#running.set(key, transaction);
    this.#context.countSent(transaction.method);
    transaction.start();
    return transaction;
  }
}
