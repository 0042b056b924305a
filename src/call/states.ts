// What a call may be in, what may happen to it, and what is then to be done: the closed types of machine.ts.
import type { CallEnd, EndReason } from './end.ts';
import type { Cause, TargetFailure } from './ports.ts';
import type { ConnectMode } from './record.ts';

/**
 * What a call may be in. `attempt` counts the final called numbers that were tried; events of an attempt carry its
 * number, so that what comes late from an earlier one is recognised.
 */
export type CallState =
  | { at: 'arriving'; arrivedAt: number } // it is being found out whose call it is
  | { at: 'waiting'; arrivedAt: number; attempt: number; decideBefore: number } // for an instruction
  | { at: 'connecting'; arrivedAt: number; attempt: number; by: string } // the final number is called
  | { at: 'ringing'; arrivedAt: number; attempt: number; by: string } // and rings
  | { at: 'answering'; arrivedAt: number; attempt: number; by: string } // it answered; our 200 is on its way to the caller
  | { at: 'connected'; arrivedAt: number; attempt: number; by: string; held: boolean }
  | { at: 'ended'; reason: EndReason };

/** An instruction that was checked: where the call goes, and who said so. */
export interface AcceptedInstruction {
  /** In the stored form of numbers, or a `sip:` address. */
  to: string;
  by: string;
  mode: ConnectMode;
}

/** All that can happen to a call; `now` is the time of it (milliseconds since 1970). */
export type CallEvent =
  | { is: 'refused'; reason: EndReason; status: number; now: number }
  | { is: 'located'; now: number }
  | { is: 'instructed'; instruction: AcceptedInstruction; now: number }
  | { is: 'declined'; by: string; now: number }
  | { is: 'hung-up-by-terminal'; by: string; now: number }
  | { is: 'undecided'; now: number }
  | { is: 'too-long'; now: number }
  | { is: 'interrupted'; now: number }
  | { is: 'target-rings'; attempt: number; status: number; sdp?: string; now: number }
  | { is: 'target-answered'; attempt: number; sdp: string; now: number }
  | { is: 'target-failed'; attempt: number; failure: TargetFailure; now: number }
  | { is: 'target-hung-up'; attempt: number; cause: Cause; lost: boolean; now: number }
  | { is: 'caller-connected'; attempt: number; now: number }
  | { is: 'caller-unanswerable'; attempt: number; now: number }
  | { is: 'caller-cancelled'; cause: Cause; now: number }
  | { is: 'caller-hung-up'; cause: Cause; lost: boolean; now: number }
  | { is: 'held'; attempt: number; now: number }
  | { is: 'resumed'; attempt: number; now: number };

export type TimerName = 'decision' | 'duration';

/** What is to be done after a transition, in this order. */
export type Command =
  | { do: 'set-timer'; timer: TimerName; milliseconds: number }
  | { do: 'clear-timer'; timer: TimerName }
  | { do: 'start-attempt'; attempt: number; instruction: AcceptedInstruction }
  | { do: 'ring-caller'; attempt: number; status: number; sdp?: string }
  | { do: 'answer-caller'; attempt: number; sdp: string }
  | { do: 'stop-attempt'; attempt: number; cause: Cause }
  | { do: 'note-failure'; attempt: number; failure: TargetFailure }
  | { do: 'reject-caller'; status: number; cause: Cause } // a final response
  | { do: 'hang-up-caller'; cause: Cause } // BYE, or a final response when our 200 has not left yet
  | { do: 'notify-terminals' } // for the first time
  | { do: 'tell-terminals' } // what changed
  | { do: 'end'; end: CallEnd };

/** Limits and answers of the site (settings `calls`), as far as the machine needs them. Times in milliseconds. */
export interface CallRules {
  decideWithin: number;
  maxHold: number;
  maxDuration: number;
  /** SIP statuses, 300 to 699. */
  whenNotInstructed: number;
}
