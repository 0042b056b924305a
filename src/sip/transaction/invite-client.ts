import { IllegalEvent, type Step } from './step.ts';

/** RFC 3261 17.1.1.2 figure 5, with RFC 6026 7.2's Accepted. */
export type InviteClientState = 'initial' | 'calling' | 'proceeding' | 'completed' | 'accepted' | 'terminated';

export type InviteClientEvent =
  | 'start'
  | '1xx'
  | '2xx'
  | '300-699'
  | 'timer A'
  | 'timer B'
  | 'timer D'
  | 'timer M'
  /** 64*T1 after our CANCEL and still no final response (9.1). */
  | 'timer cancel'
  | 'transport error';

export type InviteClientAction =
  | 'send request'
  | 'send ACK'
  | 'pass response up'
  | 'report timeout'
  | 'report transport error'
  | 'start timer A'
  | 'double timer A'
  | 'start timer B'
  | 'start timer D'
  | 'start timer M'
  | 'stop timers A and B';

type Result = Step<InviteClientState, InviteClientAction>;

/**
 * The INVITE client transaction as a pure function.
 * @param reliable the transport retransmits by itself, so A does not run and D is zero
 * @throws IllegalEvent
 */
export function inviteClient(state: InviteClientState, event: InviteClientEvent, reliable: boolean): Result {
  switch (state) {
    case 'initial':
      if (event === 'start') {
        // 17.1.1.2: the request is passed to the transport; timer A only if it is unreliable; timer B always.
        return reliable
          ? { state: 'calling', actions: ['start timer B', 'send request'] }
          : { state: 'calling', actions: ['start timer A', 'start timer B', 'send request'] };
      }
      break;

    case 'calling':
      switch (event) {
        case 'timer A': // 17.1.1.2: retransmit, then wait twice as long
          return { state: 'calling', actions: ['send request', 'double timer A'] };
        case 'timer B':
          return { state: 'terminated', actions: ['report timeout'] };
        case '1xx':
          return { state: 'proceeding', actions: ['stop timers A and B', 'pass response up'] };
        case '2xx':
          return accepted();
        case '300-699':
          return completed(reliable);
        case 'transport error': // 17.1.4
          return { state: 'terminated', actions: ['report transport error'] };
        default:
          break;
      }
      break;

    case 'proceeding':
      switch (event) {
        case '1xx':
          return { state: 'proceeding', actions: ['pass response up'] };
        case '2xx':
          return accepted();
        case '300-699':
          return completed(reliable);
        case 'timer cancel': // 9.1: consider the original transaction cancelled
          return { state: 'terminated', actions: ['report timeout'] };
        case 'transport error': // of a retransmission that was under way when the 1xx came
          return { state: 'proceeding', actions: [] };
        default:
          break;
      }
      break;

    case 'completed':
      switch (event) {
        case '300-699': // 17.1.1.2: acknowledged again, not passed up again
          return { state: 'completed', actions: ['send ACK'] };
        case '1xx':
        case '2xx':
          return { state: 'completed', actions: [] };
        case 'timer D':
          return { state: 'terminated', actions: [] };
        case 'transport error': // 17.1.1.2; the user has had the final response, so nothing is left to tell
          return { state: 'terminated', actions: [] };
        default:
          break;
      }
      break;

    case 'accepted':
      switch (event) {
        case '2xx': // RFC 6026 7.2: retransmissions and other branches' 2xx go up; the core tells them apart
          return { state: 'accepted', actions: ['pass response up'] };
        case '1xx':
        case '300-699':
        case 'transport error':
          return { state: 'accepted', actions: [] };
        case 'timer M':
          return { state: 'terminated', actions: [] };
        default:
          break;
      }
      break;

    case 'terminated':
      break;
  }
  throw new IllegalEvent('INVITE client', state, event);
}

function accepted(): Result {
  // RFC 6026 7.2
  return { state: 'accepted', actions: ['stop timers A and B', 'start timer M', 'pass response up'] };
}

function completed(reliable: boolean): Result {
  // 17.1.1.2: ACK, and timer D of at least 32 s, or 0 on reliable transports
  return reliable
    ? { state: 'terminated', actions: ['stop timers A and B', 'send ACK', 'pass response up'] }
    : { state: 'completed', actions: ['stop timers A and B', 'send ACK', 'start timer D', 'pass response up'] };
}
