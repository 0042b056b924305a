// What a call may be in, what may happen to it, and what is then to be done: the closed types of machine.ts.
import type { CallEnd, EndReason } from './end.ts';
import type { Cause, Side, TargetFailure } from './ports.ts';
import type { ConnectMode } from './record.ts';

/** An instruction that was checked: where the call goes, how, and who said so. */
export interface AcceptedInstruction {
  /** In the stored form of numbers, or `sip:` addresses; several are several phones of the same person. */
  to: readonly [string, ...string[]];
  order: 'together' | 'in-turn';
  mode: ConnectMode;
  /** Of a connected call: the party there talks to the new one first. */
  attended: boolean;
  /** Id of a terminal; or the final called number whose phone said so. */
  by: string;
  /** Of a phone's transfer: the call between it and the new party that this one takes the place of (RFC 3891). */
  replaces?: string;
}

/** How it stands with a caller who is not connected with anybody. */
export type WaitingCaller =
  | 'ringing' // no final response has left
  | 'redirecting' // our 302 is leaving
  | 'answering' // our 200 is on its way, and music behind it
  | 'connecting' // our 200 is on its way, and the target that answered behind it
  | 'parked'; // answered: hears music, where there is a media engine

/** Who keeps a connected call on hold: a side, by re-INVITE, or a terminal. */
export type Holder = Side | 'terminal';

/**
 * Attempts to reach final called numbers are counted from 1; events of an attempt carry its number, so that what comes
 * late from an earlier one is recognised. `attempt` is the last one, `party` the one whose target the caller talks to.
 */
interface Counted {
  attempt: number;
}
/** A caller who is connected with nobody, since when, and whether they were before (and were left by their party). */
interface Wait extends Counted {
  caller: WaitingCaller;
  since: number;
  talked: boolean;
}
interface Standing extends Counted {
  party: number;
  holds: readonly Holder[];
}

/** How far the move of a connected call to another party has come. */
export type MoveStage =
  | 'calling' // the new number is called
  | 'ringing' // and rings
  | 'introducing' // attended: it answered, and is being joined with the party that moves the call
  | 'talking' // attended: those two talk
  | 'handing-over' // attended, by REFER: the caller's network is to replace our leg to the new party
  | 'joining' // the caller and the new party are being joined
  | 'returning'; // it came to nothing: the caller and their party are being joined again

export type CallState =
  | { at: 'arriving'; since: number } // it is being found out whose call it is
  | ({ at: 'waiting'; decideBefore: number } & Wait) // for an instruction
  | ({ at: 'calling'; rings: boolean; instruction: AcceptedInstruction } & Wait)
  | ({ at: 'joining'; instruction: AcceptedInstruction } & Wait) // the target answered, the caller is being joined with it
  | ({ at: 'connected' } & Standing)
  | ({ at: 'moving'; stage: MoveStage; instruction: AcceptedInstruction } & Standing)
  | { at: 'ended'; reason: EndReason };

/** A call in one of these states. */
export type In<At extends CallState['at']> = Extract<CallState, { at: At }>;
export type Live = Exclude<CallState, { at: 'ended' }>;

/** All that can happen to a call; `now` is the time of it (milliseconds since 1970). */
export type CallEvent =
  // while it arrives
  | { is: 'refused'; reason: EndReason; status: number; now: number }
  | { is: 'located'; now: number }
  // from terminals
  | { is: 'instructed'; instruction: AcceptedInstruction; now: number }
  | { is: 'declined'; by: string; now: number }
  | { is: 'hung-up-by-terminal'; by: string; now: number }
  | { is: 'move-completed'; by: string; now: number }
  | { is: 'move-abandoned'; by: string; now: number }
  // from clock and service
  | { is: 'undecided'; now: number }
  | { is: 'held-too-long'; now: number }
  | { is: 'too-long'; now: number }
  | { is: 'interrupted'; now: number }
  // from the attempt
  | { is: 'target-rings'; attempt: number; status: number; now: number }
  | { is: 'target-answered'; attempt: number; to: string; now: number }
  | { is: 'target-failed'; attempt: number; failure: TargetFailure; now: number }
  | { is: 'target-hung-up'; attempt: number; cause: Cause; lost: boolean; now: number }
  | { is: 'transferred'; attempt: number; now: number } // by REFER or 302: the network goes on without us
  | { is: 'handed-back'; attempt: number; failure: TargetFailure; now: number } // the network does not transfer
  // from joining two parties; `joined` is the caller with the target, `introduced` the two of a consultation
  | { is: 'caller-answering'; attempt: number; now: number } // our 200 to a caller who rang leaves
  | { is: 'joined'; attempt: number; now: number }
  | { is: 'introduced'; attempt: number; now: number }
  | { is: 'join-failed'; attempt: number; failure: TargetFailure; now: number }
  | { is: 'returned'; attempt: number; now: number }
  | { is: 'return-failed'; attempt: number; now: number }
  // from the caller
  | { is: 'caller-parked'; now: number }
  | { is: 'parking-failed'; now: number } // the media refuse: our 200 has not left
  | { is: 'caller-unanswerable'; now: number } // nobody acknowledged our 200: the leg is over
  | { is: 'caller-cancelled'; cause: Cause; now: number }
  | { is: 'caller-hung-up'; cause: Cause; lost: boolean; now: number }
  // from the media of an attempt (0: of the parked caller), or from a re-INVITE that went across
  | { is: 'media-failed'; attempt: number; now: number }
  | { is: 'held'; attempt: number; by: Holder; now: number }
  | { is: 'resumed'; attempt: number; by: Holder; now: number };

/** Whoever tells what happened knows no time: it is put to it where it is told. */
export type WithoutTime<Event> = Event extends CallEvent ? Omit<Event, 'now'> : never;

/** `decision`: of an instruction; `hold`: of a hold while connected; `duration`: of the call since it was first connected. */
export type TimerName = 'decision' | 'hold' | 'duration';

/** What is to be done after a transition, in this order. */
export type Command =
  | { do: 'set-timer'; timer: TimerName; milliseconds: number }
  | { do: 'clear-timer'; timer: TimerName }
  | { do: 'park-caller' } // answer, and play music
  | { do: 'unpark-caller' } // the media of the parked caller are not needed any more
  | { do: 'announce-busy' } // to the parked caller
  | { do: 'start-attempt'; attempt: number; instruction: AcceptedInstruction }
  | { do: 'ring-caller'; attempt: number; status: number }
  | { do: 'join-caller'; attempt: number } // with the target of this attempt
  | { do: 'introduce'; attempt: number; party: number } // their targets, to each other
  | { do: 'hand-over'; attempt: number } // REFER with Replaces
  | { do: 'return'; party: number } // the caller and this party are joined as they were
  | { do: 'keep-caller'; party: number } // the party has left: its media stay as those of a parked caller
  | { do: 'play-music'; party: number; to: Side }
  | { do: 'stop-music'; party: number; to: Side }
  | { do: 'stop-attempt'; attempt: number; cause: Cause } // its legs and media, whatever stands of them
  | { do: 'note-failure'; attempt: number; failure: TargetFailure }
  | { do: 'reject-caller'; status: number; cause: Cause } // a final response
  | { do: 'hang-up-caller'; cause: Cause } // BYE, or a final response when our 200 has not left yet
  | { do: 'notify-terminals' } // for the first time
  | { do: 'tell-terminals' } // what changed
  | { do: 'end'; end: CallEnd }; // ends what timers are set, too

/** Limits and answers of the site (settings `calls`), as far as the machine needs them. Times in milliseconds. */
export interface CallRules {
  decideWithin: number;
  /** How long a caller waits at most, and how long somebody who was connected is held at most. */
  maxHold: number;
  maxDuration: number;
  /** SIP statuses, 300 to 699. */
  whenNotInstructed: number;
  /** Whether the caller is answered, and hears music, as soon as the terminals are told. */
  answerEarly: boolean;
}

export interface Transition {
  state: CallState;
  commands: Command[];
}

/** An event that cannot happen in this state: a fault of ours, never of the outside. */
export class IllegalEvent extends Error {
  constructor(state: CallState, event: CallEvent) {
    super(`a call that is ${state.at}${state.at === 'moving' ? ` (${state.stage})` : ''} cannot be ${event.is}`);
    this.name = 'IllegalEvent';
  }
}
