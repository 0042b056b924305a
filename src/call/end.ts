/**
 * Why a call ended: the closed set that record, metrics, log and notification share.
 * The words are those of the terminals' protocol and never change their meaning.
 */
export const endReasons = [
  'completed', // it was connected, and one side hung up
  'caller-hung-up', // the caller gave up before it was connected
  'answered-elsewhere', // the first phone was answered (RFC 3326: Reason SIP;cause=200)
  'withdrawn', // the network took the call back and did not say why
  'declined', // a terminal declined it
  'not-instructed', // no terminal instructed in time
  'no-terminal', // nobody was logged in
  'interrupted', // the service stopped or died
  'target-busy',
  'target-refused',
  'target-no-answer',
  'target-unreachable',
  'transferred', // handed over by REFER or 302; the network goes on without us
  'limit-reached', // the longest permitted hold or call was reached
  'rejected', // not a call for us: unknown number, malformed, loop
  'failed', // a fault of ours or of the media
] as const;
export type EndReason = (typeof endReasons)[number];

/** Who ended the call. */
export type EndedBy = 'caller' | 'target' | 'terminal' | 'service';

/** The end of a call: reason, who, when, and what went over the wire. */
export interface CallEnd {
  reason: EndReason;
  by: EndedBy;
  /** Milliseconds since 1970. */
  at: number;
  /** The SIP status that the caller got, or that the target gave; 200 for a call that was connected. */
  status?: number;
  /** ITU-T Q.850 cause, 1 to 127. */
  q850?: number;
}
