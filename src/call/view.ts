import type { EndReason } from './end.ts';
import type { ConnectMode } from './record.ts';

/** The state of a call as a terminal sees it. */
export type CallViewState = 'waiting' | 'connecting' | 'ringing' | 'connected' | 'held' | 'moving' | 'ended';

/** Where the call was sent, as a terminal sees it. */
export interface TargetView {
  to: string;
  /** Id of the terminal that instructed. */
  by: string;
  mode: ConnectMode;
  attempt: number;
  state: 'connecting' | 'ringing' | 'connected' | 'failed';
  /** Why it failed: a word of the closed set of end reasons. */
  cause?: EndReason;
}

/** A call as a terminal sees it (terminal-protocol, `Call`). Times are ISO 8601 in UTC. */
export interface CallView {
  id: string;
  state: CallViewState;
  /** null when the caller is withheld or unknown. */
  caller: string | null;
  callerWithheld: boolean;
  firstCalled: string;
  secondCalled?: string;
  arrivedAt: string;
  /** Until when an instruction is awaited. */
  decideBefore: string;
  target?: TargetView;
  connectedAt?: string;
  end?: { reason: EndReason; at: string; status?: number; q850?: number };
}
