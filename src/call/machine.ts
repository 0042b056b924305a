// The heart of the call. Who closes whom in which state: closures.md.
import type { EndReason } from './end.ts';
import { whileConnected } from './machine/connected.ts';
import { finish, q850 } from './machine/finish.ts';
import { followingFrom } from './machine/following.ts';
import { hasTalked, isAnswered, liveAttempts, stay } from './machine/live.ts';
import { whileMoving } from './machine/moving.ts';
import { whileArriving, whileCalling, whileJoining, whileWaiting } from './machine/unconnected.ts';
import { type CallEvent, type CallRules, type CallState, IllegalEvent, type Live, type Transition } from './states.ts';

export * from './states.ts';
export { q850 };

/**
 * What becomes of a call by what happens to it, and what is then to be done: pure, total over what the outside may do in
 * any order, and the only place that decides what comes next. Whatever comes from an attempt that is over, or for a call
 * that has ended, changes nothing.
 * @throws IllegalEvent for an order that our own parts must never produce
 */
export function transition(state: CallState, event: CallEvent, rules: CallRules): Transition {
  if (state.at === 'ended' || isStale(state, event)) return stay(state);
  const next = step(state, event, rules);
  const following = followingFrom(state, next.state, event.now, rules);
  return { state: next.state, commands: [...next.commands, ...following] };
}

function step(state: Live, event: CallEvent, rules: CallRules): Transition {
  switch (event.is) {
    case 'interrupted':
      return finish(state, event.now, 'interrupted', 'service', { status: 503 });
    case 'too-long':
      return finish(state, event.now, 'limit-reached', 'service');
    case 'caller-cancelled':
    case 'caller-hung-up':
      return callerGone(state, event);
    case 'caller-unanswerable': // no ACK (RFC 3261 13.3.1.4): the trunk has ended that leg
      return finish(state, event.now, 'failed', 'service', { callerGone: true });
    default:
  }
  switch (state.at) {
    case 'arriving':
      return whileArriving(state, event, rules);
    case 'waiting':
      return whileWaiting(state, event, rules);
    case 'calling':
      return whileCalling(state, event, rules);
    case 'joining':
      return whileJoining(state, event, rules);
    case 'connected':
      return whileConnected(state, event);
    case 'moving':
      return whileMoving(state, event);
  }
}

/** Whether it comes from an attempt that is over. */
function isStale(state: Live, event: CallEvent): boolean {
  if (!('attempt' in event)) return false;
  if (event.attempt > ('attempt' in state ? state.attempt : 0)) throw new IllegalEvent(state, event);
  return !liveAttempts(state).includes(event.attempt);
}

/** CANCEL, or BYE. A CANCEL that crossed our 200 has lost: the dialog stands (RFC 3261 9.2). */
function callerGone(state: Live, event: Extract<CallEvent, { is: 'caller-cancelled' | 'caller-hung-up' }>): Transition {
  const cancelled = event.is === 'caller-cancelled';
  if (cancelled && isAnswered(state)) return stay(state);
  const { cause, now } = event;
  const reason = hasTalked(state) ? (lost(event) ? 'failed' : 'completed') : whyCallerGone(event);
  // Whoever sends BYE while they are being connected has our 200: without one it would have been a CANCEL.
  const answered = 'caller' in state && state.caller === 'connecting' && !lost(event);
  const status = cancelled ? 487 : answered ? 200 : undefined;
  return finish(state, now, reason, 'caller', { callerGone: true, cause, ...(status !== undefined && { status }) });
}

const lost = (event: CallEvent) => event.is === 'caller-hung-up' && event.lost;

/**
 * A lost dialog is a fault; SIP;cause=200 is "call completed elsewhere" (RFC 3326); Q.850 16 or SIP 487 says that the
 * caller gave up; else we are not told.
 */
function whyCallerGone(event: Extract<CallEvent, { is: 'caller-cancelled' | 'caller-hung-up' }>): EndReason {
  const { sip, q850: isup } = event.cause;
  if (lost(event)) return 'failed';
  if (sip === 200) return 'answered-elsewhere';
  if (event.is === 'caller-hung-up' || sip === 487 || (sip === undefined && isup === q850.normalClearing)) {
    return 'caller-hung-up';
  }
  return 'withdrawn';
}
