/** Why an INVITE is refused; a closed set for logs, counters and alarms. */
export type RefusalCode =
  | 'malformed'
  | 'too-many-hops'
  | 'unsupported-extension'
  | 'unsupported-scheme'
  | 'unsupported-body'
  | 'emergency'
  | 'no-number'
  | 'foreign-number'
  | 'loop';

/** An INVITE that is not read: what to answer. */
export interface Refusal {
  /** SIP status; 0: drop without an answer. */
  readonly status: number;
  /** For a person; holds nothing that came from outside, but for the option tags of a 420 (tokens). */
  readonly why: string;
  /** `emergency` deserves an alarm: the network must never route such a call here. */
  readonly code: RefusalCode;
  /** With 420: the option tags for the Unsupported header (RFC 3261 8.2.2.3). */
  readonly unsupported?: readonly string[];
}
