import type { CallState } from './states.ts';
import type { CallViewState } from './view.ts';

/** The state as terminals and metrics name it; a call that arrives is not shown to terminals. */
export function viewState(state: CallState): CallViewState | 'arriving' {
  switch (state.at) {
    case 'calling':
      return state.rings ? 'ringing' : 'connecting';
    case 'joining':
      return 'ringing';
    case 'connected':
      return state.holds.length > 0 ? 'held' : 'connected';
    case 'arriving':
    case 'waiting':
    case 'moving':
    case 'ended':
      return state.at;
  }
}
