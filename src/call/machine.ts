import type { EndedBy, EndReason } from './end.ts';
import type { Cause, TargetFailure } from './ports.ts';
import type { CallEvent, CallRules, CallState, Command } from './states.ts';

export type * from './states.ts';

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
  if (event.is === 'interrupted') return interrupted(state, event.now);
  if (state.at !== 'connected' && (event.is === 'caller-cancelled' || event.is === 'caller-hung-up')) {
    return callerGone(state, event);
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
      return tryAgain(state, event.now, refusedBy(event.cause), rules);
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

/** Of the cause that came with a BYE only what a record keeps. */
function refusedBy({ q850: isup }: Cause): TargetFailure {
  return { reason: 'target-refused', ...(isup !== undefined && { q850: isup }) };
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
