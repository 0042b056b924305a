// What can be said of a call that has not ended.
import type { CallState, Live, Transition } from '../states.ts';

/** The attempts of which something stands, the newest first; 0 for the media of a parked caller. */
export function liveAttempts(state: Live): readonly number[] {
  switch (state.at) {
    case 'arriving':
    case 'waiting':
      return isParked(state) ? [0] : [];
    case 'calling':
    case 'joining':
      return isParked(state) ? [state.attempt, 0] : [state.attempt];
    case 'connected':
      return [state.party];
    case 'moving':
      return state.stage === 'returning' ? [state.party] : [state.attempt, state.party];
  }
}

/** Whether the caller has media of their own, or is about to: those of the parking. */
export function isParked(state: Live): boolean {
  return 'caller' in state && (state.caller === 'parked' || state.caller === 'answering');
}

/** Whether the caller's leg was answered, and the ACK has come. */
export function isAnswered(state: Live): boolean {
  return 'party' in state || ('caller' in state && state.caller === 'parked');
}

/** Whether the caller is, or was, connected with somebody. */
export function hasTalked(state: Live): boolean {
  return 'party' in state || ('talked' in state && state.talked);
}

/** Nothing changes, and nothing is to be done. */
export function stay(state: CallState): Transition {
  return { state, commands: [] };
}
