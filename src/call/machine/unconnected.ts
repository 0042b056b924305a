// A call whose caller is connected with nobody.
import type { TargetFailure } from '../ports.ts';
import {
  type CallEvent,
  type CallRules,
  type Command,
  IllegalEvent,
  type In,
  type Live,
  type Transition,
} from '../states.ts';
import { finish } from './finish.ts';
import { hasTalked, isParked, stay } from './live.ts';
import { whyLost } from './lost.ts';

export function whileArriving(state: In<'arriving'>, event: CallEvent, rules: CallRules): Transition {
  switch (event.is) {
    case 'refused':
      return finish(state, event.now, event.reason, 'service', { status: event.status, cause: {} });
    case 'located': {
      const caller = rules.answerEarly ? 'answering' : 'ringing';
      const decideBefore = deadline(event.now, state.since, rules);
      return {
        state: { at: 'waiting', since: state.since, attempt: 0, caller, talked: false, decideBefore },
        commands: rules.answerEarly ? [{ do: 'park-caller' }] : [],
      };
    }
    default:
      throw new IllegalEvent(state, event);
  }
}

export function whileWaiting(state: In<'waiting'>, event: CallEvent, rules: CallRules): Transition {
  switch (event.is) {
    case 'instructed':
      return call(state, event.instruction);
    case 'undecided':
      return finish(state, event.now, 'not-instructed', 'service', { status: rules.whenNotInstructed });
    case 'declined':
    case 'hung-up-by-terminal':
      return endedByTerminal(state, event.now, rules);
    default:
      return ofTheParking(state, event) ?? illegal(state, event);
  }
}

/** An instruction is carried out. What needs an answered caller waits by itself until the parking stands. */
function call(state: In<'waiting' | 'calling'>, instruction: In<'calling'>['instruction']): Transition {
  const attempt = state.attempt + 1;
  const { since, talked } = state;
  const commands: Command[] = [];
  let { caller } = state;
  if (caller === 'ringing' && instruction.mode === 'redirect') caller = 'redirecting';
  if (caller === 'ringing' && instruction.mode === 'refer') {
    caller = 'answering';
    commands.push({ do: 'park-caller' });
  }
  commands.push({ do: 'start-attempt', attempt, instruction });
  // "Call is being forwarded": once, and only where the trunk wants it
  if (caller === 'ringing' && attempt === 1) commands.push({ do: 'ring-caller', attempt, status: 181 });
  return { state: { at: 'calling', since, talked, attempt, caller, instruction, rings: false }, commands };
}

export function whileCalling(state: In<'calling'>, event: CallEvent, rules: CallRules): Transition {
  const { attempt, caller, since, talked, instruction } = state;
  switch (event.is) {
    case 'target-rings':
      return {
        state: { ...state, rings: true },
        commands: caller === 'ringing' ? [{ do: 'ring-caller', attempt, status: event.status }] : [],
      };
    case 'target-answered':
      return {
        state: { at: 'joining', since, talked, attempt, caller, instruction },
        commands: [{ do: 'join-caller', attempt }],
      };
    case 'target-failed':
      return waitAgain(state, event.now, event.failure, rules);
    case 'handed-back':
      // A 302 that could not be sent leaves the caller as they were.
      return bridgeInstead(caller === 'redirecting' ? { ...state, caller: 'ringing' } : state, event.failure);
    case 'parking-failed': {
      const again: In<'calling'> = { ...state, caller: 'ringing' };
      if (instruction.mode !== 'refer') return { state: again, commands: [] };
      return bridgeInstead(again, { reason: 'failed' });
    }
    case 'transferred':
      return finish(state, event.now, 'transferred', 'service', { callerGone: caller === 'redirecting' });
    case 'hung-up-by-terminal':
    case 'declined':
      // Our 302 cannot be taken back.
      return caller === 'redirecting' ? stay(state) : endedByTerminal(state, event.now, rules);
    default:
      return ofTheParking(state, event) ?? illegal(state, event);
  }
}

export function whileJoining(state: In<'joining'>, event: CallEvent, rules: CallRules): Transition {
  const { attempt, caller } = state;
  // Nobody has heard anything of it yet: it is as if the target had not answered.
  const undone = caller === 'ringing';
  switch (event.is) {
    case 'caller-answering':
      return { state: { ...state, caller: 'connecting' }, commands: [] };
    case 'joined':
      return {
        state: { at: 'connected', attempt, party: attempt, holds: [] },
        commands: caller === 'parked' ? [{ do: 'unpark-caller' }] : [],
      };
    case 'join-failed':
      return waitAgain(state, event.now, event.failure, rules);
    case 'transferred': // the party that had the call handed over has left meanwhile
      return finish(state, event.now, 'transferred', 'service');
    case 'handed-back':
      return { state, commands: [{ do: 'join-caller', attempt }] };
    case 'target-rings': // a provisional response that was overtaken
    case 'held': // a re-INVITE that was faster than the caller's ACK
    case 'resumed':
      return stay(state);
    case 'target-hung-up':
      if (undone) return waitAgain(state, event.now, whyLost(event), rules);
      return finish(state, event.now, event.lost ? 'failed' : 'completed', 'target', { cause: event.cause });
    case 'hung-up-by-terminal':
    case 'declined':
      return undone ? endedByTerminal(state, event.now, rules) : finish(state, event.now, 'completed', 'terminal');
    case 'media-failed':
      return undone
        ? waitAgain(state, event.now, whyLost(event), rules)
        : finish(state, event.now, 'failed', 'service');
    default:
      return ofTheParking(state, event) ?? illegal(state, event);
  }
}

/** What may happen to a caller who is being parked, or is, whatever else goes on. */
function ofTheParking(state: In<'waiting' | 'calling' | 'joining'>, event: CallEvent): Transition | undefined {
  if (!isParked(state)) return undefined;
  switch (event.is) {
    case 'caller-parked':
      return { state: { ...state, caller: 'parked' }, commands: [] };
    case 'parking-failed': // a join then answers the caller itself
      return { state: { ...state, caller: 'ringing' }, commands: [] };
    case 'media-failed':
      return event.attempt === 0 ? finish(state, event.now, 'failed', 'service') : undefined;
    default:
      return undefined;
  }
}

/** The target failed: the caller goes on waiting, and a terminal may say another number while the hold allows. */
function waitAgain(
  state: In<'calling' | 'joining'>,
  now: number,
  failure: TargetFailure,
  rules: CallRules,
): Transition {
  const { attempt, caller, since, talked } = state;
  const failed: Command[] = [{ do: 'note-failure', attempt, failure }];
  if (now >= since + rules.maxHold) {
    const over = finish(state, now, failure.reason, 'target', {
      status: rules.whenNotInstructed,
      ...(failure.q850 !== undefined && { cause: { q850: failure.q850 } }),
    });
    return { state: over.state, commands: [...failed, ...over.commands] };
  }
  failed.push({ do: 'stop-attempt', attempt, cause: {} });
  if (caller === 'parked' && failure.reason === 'target-busy') failed.push({ do: 'announce-busy' });
  const decideBefore = deadline(now, since, rules);
  return { state: { at: 'waiting', since, talked, attempt, caller, decideBefore }, commands: failed };
}

/** The network does not transfer: the same instruction goes on as a bridge; a caller who was parked stays so. */
function bridgeInstead(state: In<'calling'>, failure: TargetFailure): Transition {
  const { attempt, instruction } = state;
  const next = call(state, { ...instruction, mode: 'bridge' });
  const over: Command[] = [
    { do: 'note-failure', attempt, failure },
    { do: 'stop-attempt', attempt, cause: {} },
  ];
  return { state: next.state, commands: [...over, ...next.commands] };
}

function endedByTerminal(state: In<'waiting' | 'calling' | 'joining'>, now: number, rules: CallRules): Transition {
  const reason = hasTalked(state) ? 'completed' : 'declined';
  return finish(state, now, reason, 'terminal', { status: rules.whenNotInstructed });
}

function deadline(now: number, since: number, rules: CallRules): number {
  return Math.min(now + rules.decideWithin, since + rules.maxHold);
}

function illegal(state: Live, event: CallEvent): never {
  throw new IllegalEvent(state, event);
}
