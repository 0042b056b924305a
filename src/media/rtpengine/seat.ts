import type { NgParameters } from 'rtpengine-client';
import type { Clock } from '../../shared/clock.ts';
import { DeadlineExceeded } from '../../shared/deadline.ts';
import { Failure, messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { NgCommand } from './client.ts';
import type { Engine } from './engine.ts';
import type { EnginePool } from './pool.ts';
import { isFull, reasonOf, type NgReply } from './reply.ts';

/** Milliseconds that an engine gets at least before the next one is asked. */
const shortestTry = 300;

/** Where a session has its place: at one engine, from the first offer that was taken until it is removed. */
export class Seat {
  /** The ng call-id. */
  readonly session: string;
  readonly #pool: EnginePool;
  readonly #clock: Clock;
  readonly #log: Logger;
  #engine: Engine;
  #taken = false;

  constructor(session: string, engine: Engine, pool: EnginePool, parts: { clock: Clock; log: Logger }) {
    this.session = session;
    this.#engine = engine;
    this.#pool = pool;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  /** May change until the first offer was answered, and stays the same after it. */
  get engine(): string {
    return this.#engine.name;
  }

  /** Whether an engine took the first offer: the session then stays there. */
  get taken(): boolean {
    return this.#taken;
  }

  /**
   * The first offer: to the engine whose turn it is, and on to the next ones while they do not answer.
   * @throws Failure `media-refused` when the engine refuses the description, `no-media` when none answers
   */
  async take(parameters: NgParameters): Promise<NgReply> {
    const until = this.#clock.monotonic() + this.#pool.timeoutMs;
    const engines = [this.#engine, ...this.#pool.after(this.#engine)];
    let problem: Error | undefined;
    for (const [index, engine] of engines.entries()) {
      const left = until - this.#clock.monotonic();
      if (left <= 0) break;
      if (!engine.up) continue;
      const share = Math.min(left, Math.max(left / (engines.length - index), shortestTry));
      const reply = await this.#try(engine, parameters, share);
      if (!(reply instanceof Error)) return reply;
      problem = reply;
      this.#log.warn({ engine: engine.name, reason: problem.message }, 'media engine took no offer');
    }
    throw new Failure('no-media', 'no media engine took the offer; see whether rtpengine runs', { cause: problem });
  }

  /**
   * One request about this session to the engine that has it.
   * @returns what the engine says to it, be it a refusal
   * @throws Failure `no-media` when it does not answer
   */
  async ask(command: NgCommand, parameters: NgParameters): Promise<NgReply> {
    try {
      return await this.#engine.request(command, this.#named(parameters), this.#pool.timeoutMs);
    } catch (error) {
      if (!(error instanceof DeadlineExceeded)) throw error;
      throw new Failure('no-media', `the media engine ${this.engine} did not answer`, { cause: error });
    }
  }

  /** Gives the place up; never rejects. */
  async leave(): Promise<void> {
    if (this.#taken) await this.#engine.remove(this.session, this.#pool.timeoutMs);
  }

  #named(parameters: NgParameters): NgParameters {
    return { ...parameters, 'call-id': this.session };
  }

  /** Offers to one engine; resolves with what it says, or with why another engine should be asked. */
  async #try(engine: Engine, parameters: NgParameters, milliseconds: number): Promise<NgReply | Error> {
    this.#engine = engine;
    let reply: NgReply;
    try {
      reply = await engine.request('offer', this.#named(parameters), milliseconds);
    } catch (error) {
      // The offer may have reached it although its answer did not reach us.
      await engine.remove(this.session, shortestTry);
      return error instanceof Error ? error : new Error(messageOf(error));
    }
    if (reply.result === 'ok') {
      this.#taken = true;
      return reply;
    }
    // rtpengine keeps the session of an offer that it refused, until it is removed.
    await engine.remove(this.session, this.#pool.timeoutMs);
    return isFull(reply) ? new Error(reasonOf(reply)) : reply;
  }
}
