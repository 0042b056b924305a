import type { Draft } from '../message/draft.ts';
import type { ClientHandlers, ClientTransaction } from '../transaction/client-transaction.ts';
import type { Target } from '../transaction/wire.ts';
import type { Located } from '../transport/locator.ts';
import type { Exchange } from './exchange.ts';

export interface Attempts {
  /** The request; each attempt sends a copy of it. */
  readonly draft: Draft;
  /** In the order in which they are tried. */
  readonly targets: Located;
  /** Of the attempt that is the last. */
  readonly handlers: ClientHandlers;
  /** Writes what depends on where it is sent. */
  adorn(draft: Draft, target: Target): void;
  /** A further attempt has begun, in the place of the one before. */
  replaced(transaction: ClientTransaction): void;
  /** False when nobody wants the request sent once more: it was cancelled, or its sender is gone. */
  wanted(): boolean;
}

/**
 * Sends a request to the first of its targets, and to the next one when that fails (RFC 3263 4.3): it cannot be reached, does
 * not answer in time, or answers 503. Each attempt is a transaction of its own, with a branch of its own.
 * @returns the first attempt's transaction
 */
export function attempt(exchange: Exchange, attempts: Attempts): ClientTransaction {
  const [first, ...others] = attempts.targets;
  return sendTo(exchange, attempts, first, others);
}

function sendTo(exchange: Exchange, attempts: Attempts, target: Target, others: readonly Target[]): ClientTransaction {
  const draft = attempts.draft.copy();
  attempts.adorn(draft, target);
  const { handlers } = attempts;
  let answered = false;
  let over = false;
  /** Goes on to the next target; false when there is none, or nobody wants it. */
  const goOn = (): boolean => {
    if (answered) return false;
    exchange.locator.failed(target);
    const [next, ...rest] = others;
    if (next === undefined || !attempts.wanted()) return false;
    over = true;
    exchange.log.info({ target, next, callId: draft.get('Call-ID') }, 'a SIP target failed; the next one is tried');
    attempts.replaced(sendTo(exchange, attempts, next, rest));
    return true;
  };
  return exchange.layer.request(draft, target, {
    ...handlers,
    response(response, flow) {
      if (over || (response.status === 503 && goOn())) return;
      if (response.status > 100) answered = true;
      handlers.response(response, flow);
    },
    timeout() {
      if (!goOn()) handlers.timeout?.();
    },
    transportError(error) {
      if (!goOn()) handlers.transportError?.(error);
    },
  });
}
