import type { Side } from '../ports.ts';
import { heldBy, withDirection } from './descriptions.ts';
import { opposite, type Exchange } from './exchange.ts';

/**
 * Without a media engine: two who are not to hear each other are both put on hold by re-INVITE (RFC 3264 8.4), unless a hold of
 * one of their phones, which went across, says so already.
 */
export class Silence {
  readonly #exchange: Exchange;
  readonly #renew: (side: Side, offer: string) => Promise<unknown>;
  /** Who is to hear nothing of the other one. */
  readonly #sides = new Set<Side>();
  /** Whether both have been told. */
  #told = false;
  /** Whose offer is about to be answered. */
  #answering: Side | undefined;

  constructor(exchange: Exchange, renew: (side: Side, offer: string) => Promise<unknown>) {
    this.#exchange = exchange;
    this.#renew = renew;
  }

  async begin(to: Side): Promise<void> {
    this.#sides.add(to);
    await this.#tell();
  }

  async end(to: Side): Promise<void> {
    this.#sides.delete(to);
    await this.#tell();
  }

  /**
   * An offer of this side has gone across, which undoes what both had been told. Whether it is to be answered that they do not
   * hear each other: a re-INVITE to this side would meet its own (RFC 3261 14.1).
   */
  whileAnswering(side: Side, note: () => void, failed: (error: unknown) => void): boolean {
    this.#told = false;
    this.#answering = side;
    note();
    this.#tell().catch(failed);
    this.#answering = undefined;
    return this.#told;
  }

  async #tell(): Promise<void> {
    const silent = [...this.#sides].some((side) => !heldBy(this.#exchange.sent[side] ?? ''));
    if (silent === this.#told) return;
    this.#told = silent;
    const { sent } = this.#exchange;
    const to = this.#answering === undefined ? (['caller', 'target'] as const) : [opposite(this.#answering)];
    const offers = to.flatMap((side) => {
      const offer = sent[side];
      return offer === undefined ? [] : [[side, silent ? withDirection(offer, 'sendonly') : offer] as const];
    });
    await Promise.all(offers.map(([side, offer]) => this.#renew(side, offer)));
  }
}
