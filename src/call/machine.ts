import type { CallEnd, EndedBy, EndReason } from './end.ts';
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

export interface Transition {
  state: CallState;
  commands: Command[];
}

/** An event that cannot happen in this state: a fault of ours, never of the outside. */
export class IllegalEvent extends Error {
  constructor(state: CallState, event: CallEvent) {
    super(`a call that is ${state.at} cannot be ${event.is}`);
    this.name = 'IllegalEvent';
  }
}

export const q850 = { normalClearing: 16, busy: 17, noAnswer: 19, rejected: 21, temporaryFailure: 41 } as const;

/**
 * The heart of the call: pure, total over what the outside may do in any order, and the only place that decides
 * what comes next. Whatever arrives for an attempt that is over, or for a call that has ended, changes nothing.
 * @throws IllegalEvent for an order that our own parts must never produce
 */
export function transition(state: CallState, event: CallEvent, rules: CallRules): Transition {
  if (state.at === 'ended') return stay(state);
  if ('attempt' in event) {
    const last = state.at === 'arriving' ? 0 : state.attempt;
    if (event.attempt > last) throw new IllegalEvent(state, event);
    if (event.attempt < last || state.at === 'waiting') return stay(state);
  }
  switch (state.at) {
    case 'arriving':
      return whileArriving(state, event, rules);
    case 'waiting':
      return whileWaiting(state, event, rules);
    case 'connecting':
    case 'ringing':
      return whileCalling(state, event, rules);
    case 'answering':
      return whileAnswering(state, event, rules);
    case 'connected':
      return whileConnected(state, event);
  }
}

type In<At extends CallState['at']> = Extract<CallState, { at: At }>;

function whileArriving(state: In<'arriving'>, event: CallEvent, rules: CallRules): Transition {
  switch (event.is) {
    case 'refused':
      return finish(state, event.now, event.reason, 'service', { release: { status: event.status } });
    case 'located':
      return awaitInstruction(state, event.now, rules, 0);
    case 'caller-cancelled':
    case 'caller-hung-up':
      return callerGone(state, event);
    case 'interrupted':
      return interrupted(state, event.now);
    default:
      throw new IllegalEvent(state, event);
  }
}

function whileWaiting(state: In<'waiting'>, event: CallEvent, rules: CallRules): Transition {
  switch (event.is) {
    case 'instructed': {
      const attempt = state.attempt + 1;
      const { instruction } = event;
      return {
        state: { at: 'connecting', arrivedAt: state.arrivedAt, attempt, by: instruction.by },
        commands: [
          { do: 'clear-timer', timer: 'decision' },
          { do: 'start-attempt', attempt, instruction },
          { do: 'tell-terminals' },
        ],
      };
    }
    case 'undecided':
      return finish(state, event.now, 'not-instructed', 'service', { release: { status: rules.whenNotInstructed } });
    case 'declined':
    case 'hung-up-by-terminal':
      return finish(state, event.now, 'declined', 'terminal', { release: { status: rules.whenNotInstructed } });
    case 'caller-cancelled':
    case 'caller-hung-up':
      return callerGone(state, event);
    case 'interrupted':
      return interrupted(state, event.now);
    default:
      throw new IllegalEvent(state, event);
  }
}

function whileCalling(state: In<'connecting' | 'ringing'>, event: CallEvent, rules: CallRules): Transition {
  const { arrivedAt, attempt, by } = state;
  switch (event.is) {
    case 'target-rings': {
      const ring: Command = { do: 'ring-caller', attempt, status: event.status, ...(event.sdp && { sdp: event.sdp }) };
      if (state.at === 'ringing') return { state, commands: [ring] };
      return { state: { at: 'ringing', arrivedAt, attempt, by }, commands: [ring, { do: 'tell-terminals' }] };
    }
    case 'target-answered':
      return {
        state: { at: 'answering', arrivedAt, attempt, by },
        commands: [{ do: 'answer-caller', attempt, sdp: event.sdp }],
      };
    case 'target-failed':
      return tryAgain(state, event.now, event.failure, rules);
    case 'hung-up-by-terminal':
    case 'declined':
      return finish(state, event.now, 'declined', 'terminal', { release: { status: rules.whenNotInstructed } });
    case 'target-hung-up': // a BYE inside an early dialog (RFC 3261 15: allowed to a UAC only, but it happens)
      return tryAgain(state, event.now, { reason: 'target-refused', ...event.cause }, rules);
    case 'caller-cancelled':
    case 'caller-hung-up':
      return callerGone(state, event);
    case 'interrupted':
      return interrupted(state, event.now);
    default:
      throw new IllegalEvent(state, event);
  }
}

function whileAnswering(state: In<'answering'>, event: CallEvent, rules: CallRules): Transition {
  const { arrivedAt, attempt, by } = state;
  switch (event.is) {
    case 'caller-connected':
      return {
        state: { at: 'connected', arrivedAt, attempt, by, held: false },
        commands: [{ do: 'set-timer', timer: 'duration', milliseconds: rules.maxDuration }, { do: 'tell-terminals' }],
      };
    case 'caller-unanswerable': // no ACK (RFC 3261 13.3.1.4): the trunk has ended that leg
      return finish(state, event.now, 'failed', 'service', { cause: { q850: q850.temporaryFailure } });
    case 'target-rings': // a provisional response that was overtaken
    case 'held': // a re-INVITE that was faster than the caller's ACK
    case 'resumed':
      return stay(state);
    case 'target-failed': // the media of the answer could not be set up
      return tryAgain(state, event.now, event.failure, rules);
    case 'target-hung-up':
      return finish(state, event.now, 'completed', 'target', {
        release: { status: rules.whenNotInstructed },
        cause: event.cause,
      });
    case 'hung-up-by-terminal':
    case 'declined':
      return finish(state, event.now, 'completed', 'terminal', { release: { status: rules.whenNotInstructed } });
    case 'caller-cancelled':
    case 'caller-hung-up':
      return callerGone(state, event);
    case 'interrupted':
      return interrupted(state, event.now);
    default:
      throw new IllegalEvent(state, event);
  }
}

function whileConnected(state: In<'connected'>, event: CallEvent): Transition {
  switch (event.is) {
    case 'caller-hung-up':
      return finish(state, event.now, event.lost ? 'failed' : 'completed', 'caller', { cause: event.cause });
    case 'target-hung-up':
      return finish(state, event.now, event.lost ? 'failed' : 'completed', 'target', {
        release: { status: 480 },
        cause: event.cause,
      });
    case 'hung-up-by-terminal':
      return finish(state, event.now, 'completed', 'terminal', { release: { status: 480 } });
    case 'too-long':
      return finish(state, event.now, 'limit-reached', 'service', { release: { status: 480 } });
    case 'interrupted':
      return interrupted(state, event.now);
    case 'held':
    case 'resumed': {
      const held = event.is === 'held';
      if (held === state.held) return stay(state);
      return { state: { ...state, held }, commands: [{ do: 'tell-terminals' }] };
    }
    case 'caller-cancelled': // crossed our 200 and lost; the dialog stands (RFC 3261 9.2)
    case 'target-rings':
      return stay(state);
    default:
      throw new IllegalEvent(state, event);
  }
}

function stay(state: CallState): Transition {
  return { state, commands: [] };
}

function awaitInstruction(state: Standing, now: number, rules: CallRules, attempt: number): Transition {
  const { arrivedAt } = state;
  const decideBefore = Math.min(now + rules.decideWithin, arrivedAt + rules.maxHold);
  return {
    state: { at: 'waiting', arrivedAt, attempt, decideBefore },
    commands: [
      { do: 'set-timer', timer: 'decision', milliseconds: Math.max(0, decideBefore - now) },
      { do: attempt === 0 ? 'notify-terminals' : 'tell-terminals' },
    ],
  };
}

type Standing = Exclude<CallState, { at: 'ended' }>;

/** The target failed: the caller goes on waiting, and a terminal may say another number while the hold allows. */
function tryAgain(
  state: In<'connecting' | 'ringing' | 'answering'>,
  now: number,
  failure: TargetFailure,
  rules: CallRules,
): Transition {
  const { attempt } = state;
  const failed: Command[] = [
    { do: 'note-failure', attempt, failure },
    { do: 'stop-attempt', attempt, cause: {} },
  ];
  if (now >= state.arrivedAt + rules.maxHold) {
    const over = finish(state, now, failure.reason, 'target', {
      release: { status: rules.whenNotInstructed },
      cause: { ...(failure.q850 && { q850: failure.q850 }) },
      attemptOver: true,
    });
    return { state: over.state, commands: [...failed, ...over.commands] };
  }
  const again = awaitInstruction(state, now, rules, attempt);
  return { state: again.state, commands: [...failed, ...again.commands] };
}

/** CANCEL, or BYE before the call was connected: RFC 3326 tells whether another phone took it. */
function callerGone(
  state: Standing,
  event: Extract<CallEvent, { is: 'caller-cancelled' | 'caller-hung-up' }>,
): Transition {
  return finish(state, event.now, whyCallerGone(event), 'caller', {
    cause: event.cause,
    ...(event.is === 'caller-cancelled' && { status: 487 }),
  });
}

/** A lost dialog is a fault; SIP;cause=200 is "call completed elsewhere"; Q.850 16 or SIP 487 says that the caller gave up; else we are not told. */
function whyCallerGone(event: Extract<CallEvent, { is: 'caller-cancelled' | 'caller-hung-up' }>): EndReason {
  const { sip, q850: isup } = event.cause;
  if (event.is === 'caller-hung-up' && event.lost) return 'failed';
  if (sip === 200) return 'answered-elsewhere';
  if (event.is === 'caller-hung-up' || sip === 487 || (sip === undefined && isup === q850.normalClearing)) {
    return 'caller-hung-up';
  }
  return 'withdrawn';
}

function interrupted(state: Standing, now: number): Transition {
  return finish(state, now, 'interrupted', 'service', {
    release: { status: 503 },
    cause: { q850: q850.temporaryFailure },
  });
}

interface Finish {
  /** The caller leg is still ours to end; absent when it is gone already. */
  release?: { status: number };
  cause?: Cause;
  /** The final status, where none is released. */
  status?: number;
  /** The attempt was stopped before. */
  attemptOver?: boolean;
}

/** The one way into `ended`. */
function finish(state: Standing, now: number, reason: EndReason, by: EndedBy, how: Finish): Transition {
  const cause = how.cause ?? {};
  const connected = state.at === 'connected';
  const status = connected || reason === 'completed' ? 200 : (how.release?.status ?? how.status);
  const isup = cause.q850 ?? (connected || reason === 'completed' ? q850.normalClearing : undefined);
  const commands: Command[] = [];
  if (state.at === 'waiting') commands.push({ do: 'clear-timer', timer: 'decision' });
  if (connected) commands.push({ do: 'clear-timer', timer: 'duration' });
  if (state.at !== 'arriving' && state.at !== 'waiting' && !how.attemptOver) {
    commands.push({ do: 'stop-attempt', attempt: state.attempt, cause });
  }
  if (how.release) {
    commands.push(
      connected || state.at === 'answering'
        ? { do: 'hang-up-caller', cause }
        : { do: 'reject-caller', status: how.release.status, cause },
    );
  }
  commands.push({
    do: 'end',
    end: { reason, by, at: now, ...(status !== undefined && { status }), ...(isup !== undefined && { q850: isup }) },
  });
  return { state: { at: 'ended', reason }, commands };
}
