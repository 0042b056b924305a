import type { Clock, Timer } from '../../shared/clock.ts';
import { Failure } from '../../shared/errors.ts';
import type { EngineSettings } from '../contract.ts';
import { Engine, type EngineParts } from './engine.ts';

/** Milliseconds between two checks of an engine's health; shorter while sessions wait to know whether they are lost. */
const checkEvery = 2_000;
const checkSoon = 500;

export interface PoolSettings {
  engines: readonly EngineSettings[];
  timeoutMs: number;
}

/** The engines: which of them answer, and whose turn it is. */
export class EnginePool {
  readonly timeoutMs: number;
  readonly #parts: EngineParts;
  readonly #clock: Clock;
  #engines: readonly Engine[] = [];
  readonly #checks = new Map<Engine, Timer>();
  /** By how much each engine is behind its share (smooth weighted round robin). */
  readonly #credit = new WeakMap<Engine, number>();
  /** Engines that are in the settings no more. */
  readonly #retired = new Set<Engine>();
  /** Who looks for an engine after each check. */
  readonly #waiting = new Set<() => void>();
  #closed = false;

  /**
   * Opens the pool and asks each engine once.
   * @throws Failure `bad-setting`, or the error of a socket
   */
  static async open(settings: PoolSettings, parts: EngineParts): Promise<EnginePool> {
    const pool = new EnginePool(settings.timeoutMs, parts);
    await pool.use(settings.engines);
    return pool;
  }

  private constructor(timeoutMs: number, parts: EngineParts) {
    this.timeoutMs = timeoutMs;
    this.#parts = parts;
    this.#clock = parts.clock;
  }

  /** Those of the settings, and those that still have sessions. */
  get engines(): readonly Engine[] {
    return this.#engines;
  }

  /** These engines from now on; resolves when the new ones were asked once. @throws Failure `bad-setting` with nothing changed */
  async use(settings: readonly EngineSettings[]): Promise<void> {
    if (settings.length === 0) throw new Failure('bad-setting', 'media.engines: at least one engine is needed');
    const wanted = [...new Map(settings.map((one) => [one.address, one])).values()];
    const added = await this.#open(wanted.filter(({ address }) => !this.find(address)));
    for (const { address, weight, drain } of wanted) {
      const engine = this.find(address);
      if (!engine) continue;
      this.#retired.delete(engine);
      Object.assign(engine, { weight, draining: drain });
    }
    for (const engine of this.#engines.filter(({ name }) => !wanted.some(({ address }) => address === name))) {
      engine.draining = true;
      this.#retired.add(engine);
    }
    this.#engines = [...this.#engines, ...added];
    await Promise.all(added.map((engine) => this.#check(engine)));
  }

  /** Whose turn it is among the engines that take sessions; undefined when none does. */
  next(): Engine | undefined {
    const taking = this.#engines.filter(takesSessions);
    const total = taking.reduce((sum, { weight }) => sum + weight, 0);
    const credit = (engine: Engine) => this.#credit.get(engine) ?? 0;
    for (const engine of taking) this.#credit.set(engine, credit(engine) + engine.weight);
    const [first, ...others] = taking;
    if (!first) return undefined;
    const chosen = others.reduce((best, engine) => (credit(engine) > credit(best) ? engine : best), first);
    this.#credit.set(chosen, credit(chosen) - total);
    return chosen;
  }

  /** The same, and waits for one at most `milliseconds`. */
  async nextWithin(milliseconds: number): Promise<Engine | undefined> {
    const now = this.next();
    if (now || this.#closed) return now;
    return await new Promise((resolve) => {
      const settle = (engine: Engine | undefined) => {
        late.clear();
        this.#waiting.delete(look);
        resolve(engine);
      };
      const look = () => {
        const engine = this.next();
        if (engine || this.#closed) settle(engine);
      };
      const late = this.#clock.after(milliseconds, () => settle(undefined));
      this.#waiting.add(look);
    });
  }

  /** The engines that take sessions, other than `engine`, in the order in which they follow it. */
  after(engine: Engine): Engine[] {
    const place = this.#engines.indexOf(engine) + 1;
    const others = [...this.#engines.slice(place), ...this.#engines.slice(0, place)];
    return others.filter((other) => other !== engine && takesSessions(other));
  }

  find(name: string): Engine | undefined {
    return this.#engines.find((engine) => engine.name === name);
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#checks.values()) timer.clear();
    this.#checks.clear();
    for (const engine of this.#engines) engine.close();
    this.#lookAgain();
  }

  #lookAgain(): void {
    for (const look of [...this.#waiting]) look();
  }

  async #open(settings: readonly EngineSettings[]): Promise<Engine[]> {
    const opened = await Promise.allSettled(settings.map((one) => Engine.open(one, this.#parts)));
    const engines = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const failed = opened.find((result) => result.status === 'rejected');
    if (!failed) return engines;
    for (const engine of engines) engine.close();
    throw failed.reason;
  }

  /** Asks the engine now and again every few seconds, until the pool is closed or it is let go. */
  async #check(engine: Engine): Promise<void> {
    await engine.check(this.timeoutMs);
    this.#lookAgain();
    await engine.settleRemovals(this.timeoutMs);
    if (this.#closed) return;
    if (this.#retired.has(engine) && engine.idle) {
      this.#letGo(engine);
      return;
    }
    const isAwaited = engine.sessions > 0 || this.#waiting.size > 0;
    const pause = !engine.up && isAwaited ? checkSoon : checkEvery;
    this.#checks.set(
      engine,
      this.#clock.after(pause, () => void this.#check(engine)),
    );
  }

  #letGo(engine: Engine): void {
    this.#engines = this.#engines.filter((other) => other !== engine);
    this.#retired.delete(engine);
    this.#checks.delete(engine);
    engine.close();
  }
}

function takesSessions({ up, draining }: Engine): boolean {
  return up && !draining;
}
