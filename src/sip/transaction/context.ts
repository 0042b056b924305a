import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../../shared/log.ts';
import type { Draft } from '../message/draft.ts';
import type { Flow, Target } from './wire.ts';
import type { TimerSettings } from './timers.ts';

/** What a transaction may ask of the layer that it lives in. */
export interface TransactionContext {
  readonly clock: Clock;
  readonly timers: TimerSettings;
  readonly log: Logger;
  /** Sends octets; `failed` is told later, when the transport says that they cannot have arrived. */
  send(octets: Buffer, target: Target, flow: Flow | undefined, failed: (error: Error) => void): void;
  /** Called once, when the transaction is terminated. */
  ended(key: string): void;
  /** A message was sent again because no answer came, or one came twice and was absorbed. */
  countRetransmission(direction: 'in' | 'out'): void;
  countSent(kind: string): void;
}

/** And one of the client side. */
export interface ClientContext extends TransactionContext {
  /** Starts the transaction of a CANCEL whose Via stands in the draft (RFC 3261 9.1). */
  startCancel(draft: Draft, target: Target, flow: Flow | undefined): void;
}

/** Runs a user's handler; what it throws is logged and goes no further. */
export function guard(context: TransactionContext, what: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    context.log.error({ err: error }, `the user of a SIP transaction threw from its ${what} handler`);
  }
}
