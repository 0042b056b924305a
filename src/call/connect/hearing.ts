import type { Side } from '../ports.ts';
import { opposite, type Exchange, type Sounds } from './exchange.ts';

/** What each side of two hears through the media engine: the other one, music, or nothing. */
export class Hearing {
  readonly #exchange: Exchange;
  readonly #whereIs: (side: Side) => 'here' | 'elsewhere' | 'nobody';
  /** What is played to whom; nothing where there is no music, or none can be played. */
  readonly #played = new Map<Side, Sounds | 'nothing'>();
  /** Sides at which something else than the other side was to be heard. */
  readonly #altered = new Set<Side>();

  constructor(exchange: Exchange, whereIs: (side: Side) => 'here' | 'elsewhere' | 'nobody') {
    this.#exchange = exchange;
    this.#whereIs = whereIs;
  }

  /** Neither hears the other from now on, also where there is nothing to be played. */
  async play(to: Side, sounds: Sounds | undefined): Promise<void> {
    if (sounds) this.#played.set(to, sounds);
    else if (this.#whereIs(opposite(to)) === 'nobody') return;
    else return this.#keepApart(to);
    try {
      await this.#hear(to);
    } catch (error) {
      await this.#keepApart(to);
      throw error;
    }
  }

  async stop(to: Side): Promise<void> {
    const wasApart = this.#played.get(to) === 'nothing';
    this.#played.delete(to);
    await this.#hear(to);
    if (wasApart) await this.#hear(opposite(to));
  }

  /** A phone has come, or gone elsewhere. */
  follow(side: Side, failed: (error: unknown) => void): void {
    if (this.#exchange.closed || (this.#whereIs(side) === 'here' && !this.#altered.has(side))) return;
    this.#hear(side).catch((error: unknown) => {
      if (!this.#exchange.closed) failed(error);
    });
  }

  async #keepApart(to: Side): Promise<void> {
    this.#played.set(to, 'nothing');
    await this.#hear(to);
    await this.#hear(opposite(to));
  }

  async #hear(side: Side): Promise<void> {
    this.#altered.add(side);
    await this.#exchange.hear(side, this.#whatIsHeardAt(side));
  }

  #whatIsHeardAt(side: Side): Sounds | 'the other side' | 'nothing' {
    if (this.#whereIs(side) === 'elsewhere') return 'nothing';
    const played = this.#played.get(side);
    if (played !== undefined) return played;
    return this.#played.get(opposite(side)) === 'nothing' ? 'nothing' : 'the other side';
  }
}
