import type { Draft } from '../message/draft.ts';
import type { Request } from '../message/message.ts';
import type { Flow } from './wire.ts';

/** What the user of a server transaction is told; set with `ServerTransaction.handle`. */
export interface ServerHandlers {
  /** The INVITE was cancelled before its final response (RFC 3261 9.2). The CANCEL has its 200; the user answers the INVITE, with 487. */
  cancelled?(cancel: Request): void;
  /** No ACK for our 2xx within 64*T1 (13.3.1.4): the user ends the dialog with BYE. */
  unacknowledged?(): void;
  /** A response could not be sent. */
  transportError?: (error: Error) => void;
  /**
   * All has been said and heard: the final response was given, and the ACK came where it was a 2xx to an INVITE. Only copies of
   * the request are awaited from now on. `request` is let go.
   */
  settled?: () => void;
  /** The transaction is over and forgotten; called exactly once, last. */
  ended?: () => void;
}

/** A request that arrived, until its transaction is over. */
export interface ServerTransaction {
  readonly method: string;
  /** At hand until it is `settled`; asking for it later throws. */
  readonly request: Request;
  readonly flow: Flow;
  /** The tag that our responses carry in To where the request has none: one for all of them (RFC 3261 8.2.6.2). */
  readonly localTag: string;
  /** The state's name in RFC 3261 17.2, lower case. */
  readonly state: string;
  /** A final response was given (or the transaction is over): `respond` would throw. */
  readonly answered: boolean;
  handle(handlers: ServerHandlers): void;
  /**
   * Sends a response (`Draft.answering` makes one with Via, From, To, Call-ID and CSeq). To gets the local tag where the request has none.
   * A 2xx to INVITE is retransmitted until its ACK comes (13.3.1.4).
   * @returns the octets that were sent
   * @throws IllegalEvent after a final response
   */
  respond(response: Draft): Buffer;
  /**
   * Sends a response that another server made (a proxy's part, 16.7): To stays as it is, a 2xx to INVITE is retransmitted by
   * its maker and not here, and after it only further 2xx may follow (16.7 step 10), each of which is sent.
   * @returns false when it came too late to be sent
   */
  relay(response: Draft): boolean;
  /** Sends a provisional response again, as it was (RFC 3262 3); nothing happens after the final one. */
  resend(response: Buffer): void;
}

/** The layer's side of a server transaction. */
export interface RunningServer extends ServerTransaction {
  /** A retransmission of the request. */
  receiveAgain(): void;
  terminate(): void;
}

/** The handlers that may still be told something when a transaction is settled. */
export function afterSettling({ transportError, ended }: ServerHandlers): ServerHandlers {
  return transportError || ended ? { ...(transportError && { transportError }), ...(ended && { ended }) } : nobody;
}

const nobody: ServerHandlers = {};

/** The request of a transaction that is not settled. */
export function atHand(request: Request | undefined): Request {
  if (!request) throw new Error('the request of a settled transaction was let go');
  return request;
}
