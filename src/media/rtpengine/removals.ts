import type { NgParameters } from 'rtpengine-client';
import { messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { NgReply } from './reply.ts';

/** An engine that stays away for long is owed no more removals than this; what is older ends by its own time-out. */
const mostOwed = 10_000;
/** Removed at once when the engine is there again. */
const atOnce = 100;

/** The sessions that an engine has to remove: at once, or when it answers again. */
export class Removals {
  readonly #delete: (parameters: NgParameters, milliseconds: number) => Promise<NgReply>;
  readonly #isUp: () => boolean;
  readonly #log: Logger;
  readonly #owed = new Set<string>();

  constructor(
    ask: (parameters: NgParameters, milliseconds: number) => Promise<NgReply>,
    { isUp, log }: { isUp: () => boolean; log: Logger },
  ) {
    this.#delete = ask;
    this.#isUp = isUp;
    this.#log = log;
  }

  get owed(): number {
    return this.#owed.size;
  }

  /** Never rejects. */
  async remove(session: string, milliseconds: number): Promise<void> {
    if (!this.#isUp()) {
      this.#owe(session);
      return;
    }
    try {
      // A session that it does not know is gone already: rtpengine answers `ok` with a warning, older ones `error`.
      await this.#delete({ 'call-id': session, 'delete-delay': 0 }, milliseconds);
      this.#owed.delete(session);
    } catch (error) {
      this.#log.warn({ session, reason: messageOf(error) }, 'media session not removed; it is tried again');
      this.#owe(session);
    }
  }

  /** Makes some of those that are owed; never rejects. */
  async settle(milliseconds: number): Promise<void> {
    if (!this.#isUp()) return;
    const some = [...this.#owed].slice(0, atOnce);
    await Promise.all(some.map((session) => this.remove(session, milliseconds)));
  }

  #owe(session: string): void {
    const oldest = this.#owed.values().next();
    if (this.#owed.size >= mostOwed && !oldest.done) this.#owed.delete(oldest.value);
    this.#owed.add(session);
  }
}
