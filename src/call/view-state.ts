import type { CallState } from './machine.ts';
import type { CallViewState } from './view.ts';

/** The state as terminals and metrics name it; a call that arrives is not shown to terminals. */
export function viewState(state: CallState): CallViewState | 'arriving' {
  switch (state.at) {
    case 'answering':
      return 'ringing';
    case 'connected':
      return state.held ? 'held' : 'connected';
    case 'arriving':
    case 'waiting':
    case 'connecting':
    case 'ringing':
    case 'ended':
      return state.at;
  }
}
