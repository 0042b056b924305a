import type { Message } from '../message/message.ts';
import type { MalformedMessage } from '../message/parse.ts';
import type { Flow, Target, TransportName } from '../transport/addresses.ts';

export type { Flow, Target, TransportName } from '../transport/addresses.ts';

/** What a wire tells; `failure` is a send that is known to have failed, perhaps after `send` had resolved. */
export interface WireEvents {
  message: [message: Message, flow: Flow];
  malformed: [error: MalformedMessage, flow: Flow];
  failure: [target: Target, error: Error];
}

/** What the transactions need of a transport; `TransportLayer` is one, a fake wire in tests is another. */
export interface Wire {
  /**
   * Sends one message. `flow` is the one that a response answers, or to prefer.
   * @param failed told later, at most once, when it is known that it cannot arrive
   */
  post(octets: Buffer, target: Target, flow: Flow | undefined, failed: (error: Error) => void): void;
  /** Where we send from towards `target`: what Via and Contact show. */
  localFor(target: Target): Target;
  on<E extends keyof WireEvents>(event: E, listener: (...payload: WireEvents[E]) => void): unknown;
}

/** Transports that retransmit by themselves: all but UDP (RFC 3261 17). */
export function isReliable(way: { readonly transport: TransportName }): boolean {
  return way.transport !== 'udp';
}

/** The peer's end of a flow. */
export function remoteOf(flow: Flow): Target {
  return { transport: flow.transport, address: flow.remoteAddress, port: flow.remotePort };
}

/** Our end of a flow. */
export function localOf(flow: Flow): Target {
  return { transport: flow.transport, address: flow.localAddress, port: flow.localPort };
}
