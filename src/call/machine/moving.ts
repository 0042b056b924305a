// A connected call that is moved to another party: blind, or after the present party has talked to the new one.
import type { TargetFailure } from '../ports.ts';
import { type CallEvent, type Command, IllegalEvent, type In, type Transition } from '../states.ts';
import { holdsAfter } from './connected.ts';
import { finish, q850 } from './finish.ts';
import { stay } from './live.ts';
import { whyLost } from './lost.ts';

type Moving = In<'moving'>;
/** What came of it is told by the new party's attempt. */
type OfAttempt = Extract<CallEvent, { attempt: number }>;

export function whileMoving(state: Moving, event: CallEvent): Transition {
  switch (event.is) {
    case 'hung-up-by-terminal':
      return finish(state, event.now, 'completed', 'terminal');
    case 'held':
    case 'resumed':
      if (event.attempt !== state.party) return stay(state); // of the two who talk to each other
      return { state: { ...state, holds: holdsAfter(state.holds, event) }, commands: [] };
    case 'held-too-long':
      if (!state.instruction.attended) return finish(state, event.now, 'limit-reached', 'service');
      return isUnderWay(state) ? giveUp(state) : stay(state);
    case 'move-abandoned':
      return isUnderWay(state) ? giveUp(state) : stay(state);
    case 'move-completed':
      return state.stage === 'talking' ? complete(state) : stay(state);
    default:
  }
  if (!('attempt' in event)) throw new IllegalEvent(state, event);
  if (event.attempt === state.party) return ofTheParty(state, event);
  return event.is === 'target-hung-up' || event.is === 'media-failed'
    ? giveUp(state, whyLost(event))
    : ofTheNewOne(state, event);
}

/** Until the caller is being joined with the new party, or taken back to the old one. */
function isUnderWay({ stage }: Moving): boolean {
  return stage === 'calling' || stage === 'ringing' || stage === 'introducing' || stage === 'talking';
}

/** The party that the caller was talking to. */
function ofTheParty(state: Moving, event: OfAttempt): Transition {
  switch (event.is) {
    case 'target-hung-up':
      return leftByParty(state, event);
    case 'returned': {
      const { attempt, party, holds } = state;
      return { state: { at: 'connected', attempt, party, holds }, commands: [] };
    }
    case 'return-failed':
    case 'media-failed':
      return finish(state, event.now, 'failed', 'service');
    default:
      throw new IllegalEvent(state, event);
  }
}

/**
 * Whoever moves a call may hang up once they have said so: the caller hears music where they are, and goes on to the new
 * party as a parked caller does.
 */
function leftByParty(state: Moving, { now, cause, lost }: Extract<CallEvent, { is: 'target-hung-up' }>): Transition {
  const { attempt, party, instruction, stage } = state;
  const wait = { attempt, instruction, since: now, talked: true, caller: 'parked' } as const;
  const kept: Command = { do: 'keep-caller', party };
  switch (stage) {
    case 'calling':
    case 'ringing':
      return { state: { at: 'calling', rings: stage === 'ringing', ...wait }, commands: [kept] };
    case 'introducing':
    case 'talking': // that completes the move
      return { state: { at: 'joining', ...wait }, commands: [kept, { do: 'join-caller', attempt }] };
    case 'joining':
    case 'handing-over': // which goes on, and says whether the join is ours to do
      return { state: { at: 'joining', ...wait }, commands: [kept] };
    case 'returning': // nobody is there any more
      return finish(state, now, lost ? 'failed' : 'completed', 'target', { cause });
  }
}

/** The party that the call is to be moved to. */
function ofTheNewOne(state: Moving, event: OfAttempt): Transition {
  const { attempt, party, instruction, stage } = state;
  switch (event.is) {
    case 'target-rings':
      return stage === 'calling' ? { state: { ...state, stage: 'ringing' }, commands: [] } : stay(state);
    case 'target-answered':
      return instruction.attended
        ? { state: { ...state, stage: 'introducing' }, commands: [{ do: 'introduce', attempt, party }] }
        : { state: { ...state, stage: 'joining' }, commands: [{ do: 'join-caller', attempt }] };
    case 'introduced':
      return { state: { ...state, stage: 'talking' }, commands: [] };
    case 'joined':
      return {
        state: { at: 'connected', attempt, party: attempt, holds: [] },
        commands: [{ do: 'stop-attempt', attempt: party, cause: { q850: q850.normalClearing } }],
      };
    case 'transferred':
      return finish(state, event.now, 'transferred', 'service');
    case 'handed-back':
      return handedBack(state, event.failure);
    case 'target-failed':
    case 'join-failed':
      return giveUp(state, event.failure);
    default:
      throw new IllegalEvent(state, event);
  }
}

/** The network does not transfer: we do it ourselves. */
function handedBack(state: Moving, failure: TargetFailure): Transition {
  const { attempt, instruction, stage } = state;
  const bridge = { ...instruction, mode: 'bridge' } as const;
  if (stage === 'handing-over') {
    return { state: { ...state, instruction: bridge, stage: 'joining' }, commands: [{ do: 'join-caller', attempt }] };
  }
  const next = attempt + 1;
  return {
    state: { ...state, attempt: next, instruction: bridge, stage: 'calling' },
    commands: [
      { do: 'note-failure', attempt, failure },
      { do: 'stop-attempt', attempt, cause: {} },
      { do: 'start-attempt', attempt: next, instruction: bridge },
    ],
  };
}

/** The caller goes to the new party: by their own network where the instruction says so, else through us. */
function complete(state: Moving): Transition {
  const { attempt, instruction } = state;
  return instruction.mode === 'refer'
    ? { state: { ...state, stage: 'handing-over' }, commands: [{ do: 'hand-over', attempt }] }
    : { state: { ...state, stage: 'joining' }, commands: [{ do: 'join-caller', attempt }] };
}

/** The move came to nothing: back to the call that stood, which was not touched unless somebody was being joined. */
function giveUp(state: Moving, failure?: TargetFailure): Transition {
  const { attempt, party, holds, stage } = state;
  const commands: Command[] = [];
  if (failure) commands.push({ do: 'note-failure', attempt, failure });
  commands.push({ do: 'stop-attempt', attempt, cause: { q850: q850.normalClearing } });
  if (stage === 'calling' || stage === 'ringing') {
    return { state: { at: 'connected', attempt, party, holds }, commands };
  }
  return { state: { ...state, stage: 'returning' }, commands: [...commands, { do: 'return', party }] };
}
