import { IllegalEvent, type Step } from './step.ts';

/** RFC 3261 17.2.1 figure 7, with RFC 6026 7.1's Accepted. */
export type InviteServerState = 'proceeding' | 'completed' | 'accepted' | 'confirmed' | 'terminated';

export type InviteServerEvent =
  /** A retransmission of the INVITE. */
  | 'INVITE'
  | 'ACK'
  | 'respond 1xx'
  | 'respond 2xx'
  | 'respond 300-699'
  | 'timer G'
  | 'timer H'
  | 'timer I'
  | 'timer L'
  | 'transport error';

export type InviteServerAction =
  | 'send response'
  | 'resend response'
  | 'report transport error'
  | 'start timer G'
  | 'double timer G'
  | 'start timer H'
  | 'start timer I'
  | 'start timer L'
  | 'stop timers G and H';

type Result = Step<InviteServerState, InviteServerAction>;

/**
 * The INVITE server transaction as a pure function. The retransmission of a 2xx belongs to the core
 * (13.3.1.4, `success.ts`), not to this machine.
 * @param reliable the transport retransmits by itself, so G does not run and I is zero
 * @throws IllegalEvent
 */
export function inviteServer(state: InviteServerState, event: InviteServerEvent, reliable: boolean): Result {
  switch (state) {
    case 'proceeding':
      switch (event) {
        case 'INVITE': // 17.2.1: the latest provisional response again
          return { state: 'proceeding', actions: ['resend response'] };
        case 'respond 1xx':
          return { state: 'proceeding', actions: ['send response'] };
        case 'respond 2xx': // RFC 6026 7.1
          return { state: 'accepted', actions: ['start timer L', 'send response'] };
        case 'respond 300-699':
          return reliable
            ? { state: 'completed', actions: ['start timer H', 'send response'] }
            : { state: 'completed', actions: ['start timer G', 'start timer H', 'send response'] };
        case 'transport error': // RFC 6026 8.8: the user is told, the state remains
          return { state: 'proceeding', actions: ['report transport error'] };
        case 'ACK': // to nothing: there is no final response yet
          return { state: 'proceeding', actions: [] };
        default:
          break;
      }
      break;

    case 'completed':
      switch (event) {
        case 'INVITE':
          return { state: 'completed', actions: ['resend response'] };
        case 'timer G': // 17.2.1: MIN(2*G, T2)
          return { state: 'completed', actions: ['resend response', 'double timer G'] };
        case 'ACK':
          return reliable
            ? { state: 'terminated', actions: ['stop timers G and H'] }
            : { state: 'confirmed', actions: ['stop timers G and H', 'start timer I'] };
        case 'timer H': // 17.2.1: the ACK never came; the user has nothing to do about it
          return { state: 'terminated', actions: [] };
        case 'transport error':
          return { state: 'completed', actions: ['report transport error'] };
        default:
          break;
      }
      break;

    case 'accepted':
      switch (event) {
        case 'INVITE': // RFC 6026 7.1: absorbed
        case 'ACK':
          return { state: 'accepted', actions: [] };
        case 'respond 2xx': // the core's retransmission
          return { state: 'accepted', actions: ['resend response'] };
        case 'transport error':
          return { state: 'accepted', actions: ['report transport error'] };
        case 'timer L':
          return { state: 'terminated', actions: [] };
        default:
          break;
      }
      break;

    case 'confirmed':
      switch (event) {
        case 'INVITE':
        case 'ACK': // 17.2.1: this state absorbs what still arrives
        case 'transport error':
          return { state: 'confirmed', actions: [] };
        case 'timer I':
          return { state: 'terminated', actions: [] };
        default:
          break;
      }
      break;

    case 'terminated':
      break;
  }
  throw new IllegalEvent('INVITE server', state, event);
}
