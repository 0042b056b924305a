/** What one message may hold at most; more is refused before it costs time or memory. */
export const messageLimits = {
  /** Octets of the whole message; more is answered 513 (RFC 3261 21.5.7). No UDP datagram can be longer. */
  messageOctets: 65_535,
  /** Octets of one header line, its folded lines included; more is answered 400. */
  headerLineOctets: 16_384,
  /** Octets of the start line; more is answered 414 in a request (RFC 3261 21.4.12). */
  startLineOctets: 16_384,
  /** Header lines, folded ones counted; more is answered 400. */
  headerLines: 512,
  /** Entries of Diversion, and of History-Info; more is answered 400. */
  diversionEntries: 100,
} as const;
