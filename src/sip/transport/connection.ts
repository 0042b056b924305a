import type { MalformedMessage } from '../message/parse.ts';
import type { Flow, TransportName } from './addresses.ts';

/** How a message was told from the next: by Content-Length, or because it came alone (RFC 3261 18.3, RFC 7118 4.1). */
export type Framing = 'datagram' | 'stream';

/** The other end of a connection. */
export interface Remote {
  readonly transport: TransportName;
  readonly address: string;
  readonly port: number;
  /** TLS: the domain that the peer's certificate was found to stand for. */
  readonly domain?: string;
  /** We opened it, the peer did not. */
  readonly ours: boolean;
}

/** Why a peer's connection was ended by us, or never taken; see `ConnectionCounters`. */
export type GivenUp = 'refused' | 'crowded-out' | 'handshake' | 'silent' | 'slow' | 'unread';

/** Connections that stand, and how many were given up, by reason. */
export interface ConnectionCounters {
  readonly standing: number;
  /**
   * `refused`: its address has too many. `crowded-out`: there were too many in all. `handshake`: TLS or WebSocket was not
   * finished in time, or failed. `silent`: no message came. `slow`: one came, too slowly. `unread`: the peer reads nothing.
   */
  readonly givenUp: Readonly<Record<GivenUp, number>>;
}

/** What a connection tells. */
export interface ConnectionEvents {
  /** One message as framed. */
  octets(octets: Buffer, connection: Connection, framing: Framing): void;
  /** The stream cannot be followed any more. What is sent on the connection within this call still goes out. */
  broken(error: MalformedMessage, connection: Connection): void;
  /** It is being ended because of what its peer does. */
  gaveUp(why: GivenUp): void;
  /** Once, when it is gone; `error` is undefined when we closed it on purpose, or the peer one that it had opened. */
  closed(connection: Connection, error: Error | undefined): void;
}

/** One connection that speaks SIP, whoever opened it, whatever carries it. */
export interface Connection {
  readonly id: number;
  readonly remote: Remote;
  /** Right from the moment it stands. */
  readonly flow: Flow;
  /** False from the moment on when nothing more may be sent. */
  readonly usable: boolean;
  /** Resolves when the system has taken the octets; rejects when the connection ends before. */
  send(octets: Buffer): Promise<void>;
  /** Closes after what is written has gone out; what still comes is thrown away. */
  end(): void;
  /** Closes at once, because of `error`. */
  cut(error: Error): void;
}
