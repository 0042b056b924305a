import type { EndReason } from './end.ts';
import type { ConnectMode } from './record.ts';

/** The state of a call as a terminal sees it. */
export type CallViewState = 'waiting' | 'connecting' | 'ringing' | 'connected' | 'held' | 'moving' | 'ended';

/** Where the call was sent, as a terminal sees it. */
export interface TargetView {
  /** The final called number; of several the one that answered, before that the first. */
  to: string;
  /** All of them, where the instruction named several; in its order. */
  among?: string[];
  /** Id of the terminal that instructed; or the final called number whose phone did so by its own transfer key. */
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
  /** With whom the caller is, or was last to be, connected; while a connected call is moved still the standing party. */
  target?: TargetView;
  /** The move of a connected call that goes on (state `moving`), or the last one that failed. */
  move?: TargetView & { attended: boolean };
  connectedAt?: string;
  end?: { reason: EndReason; at: string; status?: number; q850?: number };
}
