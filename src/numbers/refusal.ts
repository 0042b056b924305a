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

/** The rules of RULES.md by which an INVITE is refused. */
export const refusalRules: Readonly<Record<RefusalCode, string>> = {
  malformed: '1.1-1.9 (RFC 3261 7, 8.1.1, 18.3, 25.1)',
  'too-many-hops': '1.5 (RFC 3261 16.3, RFC 7332)',
  'unsupported-extension': '1.10 (RFC 3261 8.2.2.3)',
  'unsupported-scheme': '1.10 (RFC 3261 8.2.2.1)',
  'unsupported-body': '1.10 (RFC 3261 8.2.3)',
  emergency: '3 (RFC 5031)',
  'no-number': '3 (RFC 3261 8.2.2.1)',
  'foreign-number': '3 (RFC 3261 8.2.2.1)',
  loop: '6 (RFC 7044 11, RFC 3261 16.3)',
};

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
