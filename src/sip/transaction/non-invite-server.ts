import { IllegalEvent, type Step } from './step.ts';

/** RFC 3261 17.2.2 figure 8. */
export type NonInviteServerState = 'trying' | 'proceeding' | 'completed' | 'terminated';

export type NonInviteServerEvent =
  /** A retransmission of the request. */
  | 'request'
  | 'respond 1xx'
  | 'respond 200-699'
  | 'timer J'
  /** 64*T1 without an answer of ours: the client has given up (its timer F), so an answer has no use (RFC 4320 3). */
  | 'timer unanswered'
  | 'transport error';

export type NonInviteServerAction =
  | 'send response'
  | 'resend response'
  | 'report transport error'
  | 'report unanswered'
  | 'start timer J'
  | 'stop timer unanswered';

type Result = Step<NonInviteServerState, NonInviteServerAction>;

/**
 * The non-INVITE server transaction as a pure function.
 * @param reliable the transport retransmits by itself, so J is zero
 * @throws IllegalEvent
 */
export function nonInviteServer(state: NonInviteServerState, event: NonInviteServerEvent, reliable: boolean): Result {
  switch (state) {
    case 'trying':
    case 'proceeding':
      switch (event) {
        case 'request': // 17.2.2: nothing to say yet in Trying; the latest provisional response in Proceeding
          return { state, actions: state === 'trying' ? [] : ['resend response'] };
        case 'respond 1xx':
          return { state: 'proceeding', actions: ['send response'] };
        case 'respond 200-699':
          return reliable
            ? { state: 'terminated', actions: ['stop timer unanswered', 'send response'] }
            : { state: 'completed', actions: ['stop timer unanswered', 'start timer J', 'send response'] };
        case 'timer unanswered':
          return { state: 'terminated', actions: ['report unanswered'] };
        case 'transport error':
          return { state, actions: ['report transport error'] };
        case 'timer J':
          break;
      }
      break;

    case 'completed':
      switch (event) {
        case 'request':
          return { state: 'completed', actions: ['resend response'] };
        case 'transport error':
          return { state: 'completed', actions: ['report transport error'] };
        case 'timer J':
          return { state: 'terminated', actions: [] };
        case 'respond 1xx':
        case 'respond 200-699':
        case 'timer unanswered':
          break;
      }
      break;

    case 'terminated':
      break;
  }
  throw new IllegalEvent('non-INVITE server', state, event);
}
