import type { Clock, Timer } from '../../shared/clock.ts';
import { Failure } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { Engine } from './engine.ts';

/** Milliseconds between two checks of an engine's health. */
const checkEvery = 2_000;

export interface PoolSettings {
  engines: readonly string[];
  timeoutMs: number;
}

/** The engines: which of them answer, and whose turn it is. */
export class EnginePool {
  readonly engines: readonly Engine[];
  readonly timeoutMs: number;
  readonly #clock: Clock;
  readonly #checks = new Set<Timer>();
  #turn = 0;
  #closed = false;

  /**
   * Opens the pool and asks each engine once.
   * @throws Failure `bad-setting`, or the error of a socket
   */
  static async open(settings: PoolSettings, parts: { clock: Clock; log: Logger }): Promise<EnginePool> {
    if (settings.engines.length === 0) throw new Failure('bad-setting', 'media.engines: at least one engine is needed');
    const opened = await Promise.allSettled([...new Set(settings.engines)].map((name) => Engine.open(name, parts)));
    const engines = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const failed = opened.find((result) => result.status === 'rejected');
    if (failed) {
      for (const engine of engines) engine.close();
      throw failed.reason;
    }
    const pool = new EnginePool(engines, settings.timeoutMs, parts.clock);
    await Promise.all(engines.map((engine) => pool.#check(engine)));
    return pool;
  }

  private constructor(engines: readonly Engine[], timeoutMs: number, clock: Clock) {
    this.engines = engines;
    this.timeoutMs = timeoutMs;
    this.#clock = clock;
  }

  /** Whose turn it is among the engines that answer; undefined when none does. */
  next(): Engine | undefined {
    const up = this.engines.filter((engine) => engine.up);
    return up[this.#turn++ % up.length];
  }

  /** The engines that answer, other than `engine`, in the order in which they follow it. */
  after(engine: Engine): Engine[] {
    const place = this.engines.indexOf(engine) + 1;
    const others = [...this.engines.slice(place), ...this.engines.slice(0, place)];
    return others.filter((other) => other !== engine && other.up);
  }

  find(name: string): Engine | undefined {
    return this.engines.find((engine) => engine.name === name);
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#checks) timer.clear();
    this.#checks.clear();
    for (const engine of this.engines) engine.close();
  }

  /** Asks the engine now and again every few seconds, until the pool is closed. */
  async #check(engine: Engine): Promise<void> {
    await engine.check(this.timeoutMs);
    await engine.settleRemovals(this.timeoutMs);
    if (this.#closed) return;
    const timer = this.#clock.after(checkEvery, () => {
      this.#checks.delete(timer);
      void this.#check(engine);
    });
    this.#checks.add(timer);
  }
}
