/** What the transports allow to whoever sends to them. Times in milliseconds. */
export interface TransportLimits {
  /** Connections altogether, whatever they carry. */
  connections: number;
  /** Connections with one address. */
  connectionsPerAddress: number;
  /** Until an outgoing connection must stand, TLS included. */
  connectWithin: number;
  /** Until the TLS or WebSocket handshake of a peer must be over. */
  handshakeWithin: number;
  /** From the first octet of a message on a stream to its last. */
  messageWithin: number;
  /** A TCP connection on which no whole message or keep-alive has come or gone for so long is closed; at least 64*T1 (RFC 3261 18). */
  idle: number;
  /** The same until the first message of a connection that a peer opened. */
  firstMessageWithin: number;
  /** Octets that may wait for a peer that does not read; more, and the connection is cut. */
  unwrittenOctets: number;
  /** How often a WebSocket client is asked whether it lives; one that has not answered until the next time is cut. */
  pingEvery: number;
  /** Until a connection that is being closed must be gone. */
  closeWithin: number;
  /** UDP targets watched for ICMP errors at the same time, for each listening address. */
  watchedTargets: number;
}

/** Those that are settings. */
export type ConnectionLimits = Pick<
  TransportLimits,
  'connections' | 'connectionsPerAddress' | 'handshakeWithin' | 'firstMessageWithin' | 'messageWithin'
>;

export const defaultTransportLimits: TransportLimits = {
  connections: 2_000,
  connectionsPerAddress: 200,
  connectWithin: 5_000,
  handshakeWithin: 10_000,
  messageWithin: 10_000,
  idle: 600_000,
  firstMessageWithin: 32_000,
  unwrittenOctets: 1_048_576,
  pingEvery: 30_000,
  closeWithin: 1_000,
  watchedTargets: 256,
};
