import type { Side } from '../../call/ports.ts';

const sides = ['caller', 'target'] as const;

/** Tells from the counters of an engine which side has sent nothing for too long. Times in milliseconds. */
export class Silence {
  readonly #after: number;
  /** What had come from each side when it was last seen to be more, and when that was. */
  readonly #last = new Map<Side, { packets: number; at: number }>();

  /** @param after how long a side may be silent; 0: for ever */
  constructor(after: number) {
    this.#after = after;
  }

  /**
   * @param packets how many have come from a side so far
   * @param isExpected whether anything should come from a side at all
   * @returns the sides that have been silent for `after`, again each time that it has lasted as long again
   */
  look(now: number, packets: (side: Side) => number, isExpected: (side: Side) => boolean): Side[] {
    if (this.#after === 0) return [];
    return sides.filter((side) => {
      const count = packets(side);
      const last = this.#last.get(side);
      if (isExpected(side) && last?.packets === count && now - last.at < this.#after) return false;
      this.#last.set(side, { packets: count, at: now });
      return isExpected(side) && last?.packets === count;
    });
  }

  /** The counters begin anew: the session has come to another engine. */
  reset(): void {
    this.#last.clear();
  }
}
