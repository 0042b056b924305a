import type { Clock, Timer } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';

/** Milliseconds between two looks at what other processes changed; the port promises one second. */
const interval = 250;

type Watcher = (account: string) => void;

/**
 * Tells watchers which accounts changed, in this process or in another. `look` resolves with the accounts that
 * changed since it was called last; it is called only while somebody watches.
 */
export class Watchers {
  readonly #watchers = new Set<Watcher>();
  readonly #look: () => Promise<string[]>;
  readonly #log: Logger;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #looking = false;
  #again = false;

  constructor(look: () => Promise<string[]>, log: Logger, clock: Clock) {
    this.#look = look;
    this.#log = log;
    this.#clock = clock;
  }

  watch(changed: Watcher): () => void {
    // A set of functions of our own: the same listener may watch twice.
    const watcher: Watcher = (account) => changed(account);
    this.#watchers.add(watcher);
    if (this.#watchers.size === 1) this.lookNow();
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) this.#timer?.clear();
    };
  }

  /** This process changed something: do not wait for the next look. */
  lookNow(): void {
    if (this.#watchers.size === 0) return;
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#timer?.clear();
    this.#looking = true;
    void this.#tell();
  }

  close(): void {
    this.#watchers.clear();
    this.#timer?.clear();
  }

  /** Never rejects: a store that is away for a while is asked again at the next look, and nothing is lost. */
  async #tell(): Promise<void> {
    try {
      for (const account of await this.#look()) this.#changed(account);
    } catch (error) {
      if (this.#watchers.size > 0) {
        this.#log.warn({ err: error }, `changes of subscribers cannot be seen at the moment: ${messageOf(error)}`);
      }
    }
    this.#looking = false;
    const wait = this.#again ? 0 : interval;
    this.#again = false;
    if (this.#watchers.size > 0) this.#timer = this.#clock.after(wait, () => this.lookNow());
  }

  #changed(account: string): void {
    for (const watcher of [...this.#watchers]) {
      try {
        watcher(account);
      } catch (error) {
        this.#log.error({ err: error, account }, 'a listener to changes of subscribers failed');
      }
    }
  }
}
