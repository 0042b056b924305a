import type { Explanation } from '../numbers/explanation.ts';
import type { CallEnd, EndReason } from './end.ts';

export type ConnectMode = 'bridge' | 'refer' | 'redirect';

/** A terminal that was told of the call; times in milliseconds since 1970. */
export interface NotifiedTerminal {
  terminalId: string;
  sentAt: number;
  /** When the terminal acknowledged the receipt. */
  receivedAt?: number;
}

/** One try to reach a final called number. */
export interface AttemptRecord {
  /** 1 for the first of the call. */
  attempt: number;
  /** The number that answered; until one did, the first. */
  to: string;
  /** All of them in the instruction's order, where there were several. */
  among?: string[];
  /** The terminal that instructed it; or the final called number whose phone did so by its own transfer key. */
  by: string;
  mode: ConnectMode;
  /** It moves a call that stood already: at once, or after the party there had talked to the new one. */
  move?: 'blind' | 'attended';
  startedAt: number;
  ringingAt?: number;
  answeredAt?: number;
  endedAt?: number;
  /** Why it failed, when it did. */
  cause?: { reason: EndReason; status?: number; q850?: number };
}

/**
 * The call detail record. Opened when the INVITE arrives, updated as the call goes on, closed exactly once:
 * a record without `end` is a call that still stands, or one whose process died.
 * Times are milliseconds since 1970 (UTC).
 */
export interface CallRecord {
  id: string;
  /** The node of the service that has the call: after a crash only it may close its records. */
  node: string;
  trunk: string;
  /** Call-ID of the caller leg, to join our record with the operator's. */
  sipCallId: string;
  account?: string;
  caller: string | null;
  callerWithheld: boolean;
  firstCalled: string | null;
  /** Which header told the first called number. */
  firstCalledSource: string | null;
  /** How the numbers were read, and what was left; so that an operator can see why a call found nobody. */
  explanation?: Explanation;
  secondCalled: string | null;
  finalCalled?: string;
  instructedBy?: string;
  mode?: ConnectMode;
  notified: NotifiedTerminal[];
  attempts: AttemptRecord[];
  arrivedAt: number;
  notifiedAt?: number;
  instructedAt?: number;
  ringingAt?: number;
  /** When the caller was first connected with a final called number. */
  answeredAt?: number;
  /** When the caller was answered to wait with music. */
  parkedAt?: number;
  /** Media sessions that may be standing at an engine, so that a restart can remove them. */
  media: { session: string; engine: string }[];
  end?: CallEnd;
}

/** What may change in a record while the call goes on. */
export type RecordChange = Partial<Omit<CallRecord, 'id' | 'node' | 'end' | 'arrivedAt'>>;
