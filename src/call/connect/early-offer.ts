import { messageOf } from '../../shared/errors.ts';
import type { Call, EarlyMedia } from '../call.ts';
import { Pairing } from './pairing.ts';

/**
 * A caller who made no offer and requires 100rel: they hear nothing before we make one (RFC 3262 5). The media engine does, in
 * the place of whoever will be called; the answer describes the caller from then on. Its session stands until the caller has
 * been answered, as nobody else may get its ports before.
 */
export class EarlyOffer implements EarlyMedia {
  readonly #call: Call;
  #pairing: Pairing | undefined;
  #closed = false;
  readonly settled: Promise<void>;

  constructor(call: Call) {
    this.#call = call;
    this.settled = this.#offer().catch((error: unknown) => {
      if (!this.#closed) call.log.warn(`the caller hears nothing before the answer: ${messageOf(error)}`);
    });
  }

  async #offer(): Promise<void> {
    const { caller, incoming, pairingTools } = this.#call;
    const events = { holds: () => undefined, failed: () => undefined };
    const pairing = (this.#pairing = await Pairing.open(pairingTools, { caller }, events));
    if (this.#isClosed()) return pairing.close();
    caller.described = await incoming.leg.offer(caller.said(await pairing.exchange.park(undefined)));
    await pairing.exchange.parked(caller.described);
    pairing.take('caller');
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#pairing?.close();
  }

  #isClosed(): boolean {
    return this.#closed;
  }
}
