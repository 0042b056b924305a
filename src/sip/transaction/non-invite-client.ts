import { IllegalEvent, type Step } from './step.ts';

/** RFC 3261 17.1.2.2 figure 6. */
export type NonInviteClientState = 'initial' | 'trying' | 'proceeding' | 'completed' | 'terminated';

export type NonInviteClientEvent = 'start' | '1xx' | '200-699' | 'timer E' | 'timer F' | 'timer K' | 'transport error';

export type NonInviteClientAction =
  | 'send request'
  | 'pass response up'
  | 'report timeout'
  | 'report transport error'
  | 'start timer E'
  | 'double timer E'
  | 'timer E at T2'
  | 'start timer F'
  | 'start timer K'
  | 'stop timers E and F';

type Result = Step<NonInviteClientState, NonInviteClientAction>;

/**
 * The non-INVITE client transaction as a pure function.
 * @param reliable the transport retransmits by itself, so E does not run and K is zero
 * @throws IllegalEvent
 */
export function nonInviteClient(state: NonInviteClientState, event: NonInviteClientEvent, reliable: boolean): Result {
  switch (state) {
    case 'initial':
      if (event === 'start') {
        return reliable
          ? { state: 'trying', actions: ['start timer F', 'send request'] }
          : { state: 'trying', actions: ['start timer E', 'start timer F', 'send request'] };
      }
      break;

    case 'trying':
      switch (event) {
        case 'timer E': // 17.1.2.2: MIN(2*E, T2)
          return { state: 'trying', actions: ['send request', 'double timer E'] };
        case 'timer F':
          return { state: 'terminated', actions: ['report timeout'] };
        case '1xx':
          return { state: 'proceeding', actions: ['pass response up'] };
        case '200-699':
          return completed(reliable);
        case 'transport error':
          return { state: 'terminated', actions: ['report transport error'] };
        default:
          break;
      }
      break;

    case 'proceeding':
      switch (event) {
        case 'timer E': // 17.1.2.2: in Proceeding the interval is T2
          return { state: 'proceeding', actions: ['send request', 'timer E at T2'] };
        case 'timer F':
          return { state: 'terminated', actions: ['report timeout'] };
        case '1xx':
          return { state: 'proceeding', actions: ['pass response up'] };
        case '200-699':
          return completed(reliable);
        case 'transport error':
          return { state: 'terminated', actions: ['report transport error'] };
        default:
          break;
      }
      break;

    case 'completed':
      switch (event) {
        case '1xx':
        case '200-699': // 17.1.2.2: this state buffers retransmissions of the response
        case 'transport error':
          return { state: 'completed', actions: [] };
        case 'timer K':
          return { state: 'terminated', actions: [] };
        default:
          break;
      }
      break;

    case 'terminated':
      break;
  }
  throw new IllegalEvent('non-INVITE client', state, event);
}

function completed(reliable: boolean): Result {
  return reliable
    ? { state: 'terminated', actions: ['stop timers E and F', 'pass response up'] }
    : { state: 'completed', actions: ['stop timers E and F', 'start timer K', 'pass response up'] };
}
