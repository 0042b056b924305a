import type { Clock } from '../../shared/clock.ts';
import { detached } from '../message/detached.ts';

/** Dialogs that are remembered at most; the oldest go first. */
const limit = 1_000;

/** The dialogs that ended lately: a request that crossed their end is told something else than that they never were. */
export class EndedDialogs {
  readonly #clock: Clock;
  readonly #within: number;
  readonly #ended = new Map<string, number>();

  /** @param within milliseconds for which a dialog is remembered */
  constructor(clock: Clock, within: number) {
    this.#clock = clock;
    this.#within = within;
  }

  add(callId: string, localTag: string): void {
    this.#ended.set(detached(`${localTag} ${callId}`), this.#clock.monotonic());
    if (this.#ended.size <= limit) return;
    for (const oldest of this.#ended.keys()) {
      this.#ended.delete(oldest);
      break;
    }
  }

  has(callId: string, localTag: string): boolean {
    const at = this.#ended.get(`${localTag} ${callId}`);
    return at !== undefined && this.#clock.monotonic() - at <= this.#within;
  }
}
