/** What the transports allow to whoever sends to them. Times in milliseconds. */
export interface TransportLimits {
  /** TCP connections altogether. */
  connections: number;
  /** TCP connections from one address. */
  connectionsPerAddress: number;
  /** Until an outgoing TCP connection must stand. */
  connectWithin: number;
  /** From the first octet of a message on a stream to its last. */
  messageWithin: number;
  /** A TCP connection on which no whole message or keep-alive has come or gone for so long is closed; at least 64*T1 (RFC 3261 18). */
  idle: number;
  /** The same until the first message of a connection that a peer opened. */
  firstMessageWithin: number;
  /** Octets that may wait for a TCP peer that does not read; more, and the connection is cut. */
  unwrittenOctets: number;
  /** Until a connection that is being closed must be gone. */
  closeWithin: number;
  /** UDP targets watched for ICMP errors at the same time, for each listening address. */
  watchedTargets: number;
}

export const defaultTransportLimits: TransportLimits = {
  connections: 2_000,
  connectionsPerAddress: 200,
  connectWithin: 5_000,
  messageWithin: 10_000,
  idle: 600_000,
  firstMessageWithin: 32_000,
  unwrittenOctets: 1_048_576,
  closeWithin: 1_000,
  watchedTargets: 256,
};
