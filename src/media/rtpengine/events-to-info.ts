import type { Side } from '../../call/ports.ts';
import { Failure } from '../../shared/errors.ts';
import type { Descriptions } from './descriptions.ts';
import { reasonOf } from './reply.ts';
import type { Seat } from './seat.ts';

const sides = ['caller', 'target'] as const;

/**
 * Keeps the events of a side whose digits become INFO from the other one, which has agreed to none: the engine still reports them.
 * Whoever has no INFO to send is not kept from anything.
 */
export class EventsToInfo {
  readonly #seat: Seat;
  readonly #descriptions: Descriptions;
  readonly #kept = new Set<Side>();

  constructor(seat: Seat, descriptions: Descriptions) {
    this.#seat = seat;
    this.#descriptions = descriptions;
  }

  /** After each answer. @throws Failure `no-media` when the engine does not do it */
  async follow(): Promise<void> {
    for (const side of sides) {
      const keep = this.#descriptions.becomeInfo(side);
      if (keep === this.#kept.has(side)) continue;
      const reply = await this.#seat.ask(keep ? 'blockDTMF' : 'unblockDTMF', { 'from-tag': side });
      if (reply.result !== 'ok') throw new Failure('no-media', `${this.#seat.engine}: ${reasonOf(reply)}`);
      if (keep) this.#kept.add(side);
      else this.#kept.delete(side);
    }
  }

  /** The same at another engine. */
  followAgain(): Promise<void> {
    this.#kept.clear();
    return this.follow();
  }
}
