import { type CallEvent, type Holder, IllegalEvent, type In, type Transition } from '../states.ts';
import { finish } from './finish.ts';
import { stay } from './live.ts';

/** The caller and their party talk. */
export function whileConnected(state: In<'connected'>, event: CallEvent): Transition {
  switch (event.is) {
    case 'target-hung-up':
      return finish(state, event.now, event.lost ? 'failed' : 'completed', 'target', { cause: event.cause });
    case 'hung-up-by-terminal':
      return finish(state, event.now, 'completed', 'terminal');
    case 'held-too-long':
      return finish(state, event.now, 'limit-reached', 'service');
    case 'media-failed':
      return finish(state, event.now, 'failed', 'service');
    case 'held':
    case 'resumed':
      return { state: { ...state, holds: holdsAfter(state.holds, event) }, commands: [] };
    case 'instructed': {
      const { party, holds, attempt: last } = state;
      const { instruction } = event;
      const attempt = last + 1;
      return {
        state: { at: 'moving', stage: 'calling', attempt, party, holds, instruction },
        commands: [{ do: 'start-attempt', attempt, instruction }],
      };
    }
    case 'target-rings': // a provisional response that was overtaken
    case 'move-completed': // it was completed, or came to nothing, as the terminal said so
    case 'move-abandoned':
      return stay(state);
    default:
      throw new IllegalEvent(state, event);
  }
}

export function holdsAfter(
  holds: readonly Holder[],
  { is, by }: Extract<CallEvent, { is: 'held' | 'resumed' }>,
): readonly Holder[] {
  const others = holds.filter((holder) => holder !== by);
  return is === 'held' ? [...others, by] : others;
}
