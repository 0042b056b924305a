import { Failure, messageOf } from '../../shared/errors.ts';
import type { Call, EarlyMedia } from '../call.ts';
import { offerOfNowhere, takesAny, withDirection } from './descriptions.ts';
import { Pairing } from './pairing.ts';

/**
 * A caller who made no offer and requires 100rel: they hear nothing before we make one (RFC 3262 5). The media engine does, in
 * the place of whoever will be called; without one it is an offer of no place. The answer describes the caller from then on.
 * The engine's session stands until the caller has been answered, as nobody else may get its ports before.
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
    const { caller, tools } = this.#call;
    if (tools.media.mode === 'direct') {
      caller.described = withDirection(await this.#ask(offerOfNowhere), 'sendrecv');
      return;
    }
    const events = { holds: () => undefined, failed: () => undefined };
    const pairing = (this.#pairing = await Pairing.open(this.#call.pairingTools, { caller }, events));
    if (this.#isClosed()) return pairing.close();
    const answer = await this.#ask(await pairing.exchange.park(undefined));
    await pairing.exchange.parked(answer);
    caller.described = answer;
    pairing.take('caller');
  }

  async #ask(offer: string): Promise<string> {
    const { caller, incoming } = this.#call;
    const answer = await incoming.leg.offer(caller.said(offer));
    if (takesAny(answer)) return answer;
    throw new Failure('media-refused', 'the answer takes nothing of our offer');
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#pairing?.close();
  }

  #isClosed(): boolean {
    return this.#closed;
  }
}
