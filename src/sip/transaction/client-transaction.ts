import type { Draft } from '../message/draft.ts';
import type { Response } from '../message/message.ts';
import type { Flow, Target } from './wire.ts';

/** What the user of a client transaction is told. Nothing is told after `ended`. */
export interface ClientHandlers {
  /**
   * A response: each provisional one, then one final one. An INVITE may bring several 2xx, one a dialog (To tag), where it was
   * forked; retransmissions come to `repeated` only.
   */
  response(response: Response, flow: Flow): void;
  /** A 2xx to an INVITE came again and was not acknowledged through the layer: a proxy passes it on (RFC 3261 16.7 step 10). */
  repeated?(response: Response, flow: Flow): void;
  /** No final response within 64*T1 (RFC 3261 17.1.1.2 timer B, 17.1.2.2 timer F, 9.1 after CANCEL): as if 408 had come. */
  timeout?(): void;
  /** The request cannot be sent (RFC 3261 17.1.4): as if 503 had come. */
  transportError?(error: Error): void;
  /** The transaction is over and forgotten; called exactly once, last. */
  ended?: () => void;
}

/** A 2xx of another branch, to an INVITE whose user has acknowledged one and is done. */
export type SurplusHandler = (response: Response, invite: ClientTransaction) => void;

/** A request that was sent, until its transaction is over. */
export interface ClientTransaction {
  readonly method: string;
  readonly target: Target;
  /**
   * The request as sent, its Via included; of an INVITE that was left (`TransactionLayer.leave`) only Request-URI, From and CSeq,
   * which dialogs are made of; of another request that has its final response, nothing: asking for it throws.
   */
  readonly request: Draft;
  /** The same, as octets; gone when it will not be sent again. */
  readonly octets: Buffer;
  /** The state's name in RFC 3261 17.1, lower case. */
  readonly state: string;
}

/** The layer's side of a client transaction. */
export interface RunningClient extends ClientTransaction {
  start(): void;
  receive(response: Response, flow: Flow): void;
  fail(error: Error): void;
  terminate(): void;
}

/** What is still there; a defect of the caller's when it is not. */
export function kept<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('what a client transaction held was let go with its final response');
  return value;
}

/** The handlers that are told something after the final response. */
export function afterAnswer({ ended }: ClientHandlers): ClientHandlers {
  return ended ? { response: () => undefined, ended } : nobody;
}

const nobody: ClientHandlers = { response: () => undefined };
