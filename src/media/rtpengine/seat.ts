import type { NgParameters } from 'rtpengine-client';
import type { Clock } from '../../shared/clock.ts';
import { DeadlineExceeded } from '../../shared/deadline.ts';
import { Failure, messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { NgCommand } from './client.ts';
import type { Pressed } from './digit-report.ts';
import type { Engine, Tenant } from './engine.ts';
import type { EnginePool } from './pool.ts';
import { isFull, isUnknown, reasonOf, type NgReply } from './reply.ts';

/** Milliseconds that an engine gets at least before the next one is asked. */
const shortestTry = 300;

/** Milliseconds that a session without a place waits for an engine: one that crashed is started anew in less. */
const restartWithin = 3_500;

/** free: no engine has taken an offer; taken: one has the session; lost: it had, and has no more. */
type State = 'free' | 'taken' | 'lost';

/** Where a session has its place: at one engine, from the first offer that was taken until it is removed. */
export class Seat implements Tenant {
  readonly #name: string;
  readonly #pool: EnginePool;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #onLost: () => void;
  readonly #onPressed: (pressed: Pressed) => boolean;
  #engine: Engine;
  #state: State = 'free';
  /** Places that it was refused at, or brought away from. */
  #moves = 0;

  constructor(
    name: string,
    engine: Engine,
    pool: EnginePool,
    parts: { clock: Clock; log: Logger; onLost: () => void; onPressed: (pressed: Pressed) => boolean },
  ) {
    this.#name = name;
    this.#engine = engine;
    this.#pool = pool;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#onLost = parts.onLost;
    this.#onPressed = parts.onPressed;
  }

  /** The ng call-id: another one at each place, so that a removal that is owed somewhere never meets what was brought back. */
  get session(): string {
    return this.#moves === 0 ? this.#name : `${this.#name}~${this.#moves}`;
  }

  /** May change until the first offer was answered, and stays the same after it, until the session is moved. */
  get engine(): string {
    return this.#engine.name;
  }

  get state(): State {
    return this.#state;
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
    this.#moves += 1;
    throw new Failure('no-media', 'no media engine took the offer; see whether rtpengine runs', { cause: problem });
  }

  /**
   * One request about this session to the engine that has it.
   * @returns what the engine says to it, be it a refusal
   * @throws Failure `no-media` when it does not answer, or does not have the session any more
   */
  async ask(command: NgCommand, parameters: NgParameters): Promise<NgReply> {
    if (this.#state === 'lost') throw new Failure('no-media', `the media engine ${this.engine} has lost the session`);
    let reply: NgReply;
    try {
      reply = await this.#engine.request(command, this.#named(parameters), this.#pool.timeoutMs);
    } catch (error) {
      if (!(error instanceof DeadlineExceeded)) throw error;
      throw new Failure('no-media', `the media engine ${this.engine} did not answer`, { cause: error });
    }
    if (!isUnknown(reply)) return reply;
    this.#engine.leave(this);
    this.lost();
    throw new Failure('no-media', `the media engine ${this.engine} does not know the session any more`);
  }

  lost(): boolean {
    if (this.#state !== 'taken') return false;
    this.#state = 'lost';
    this.#onLost();
    return true;
  }

  pressed(pressed: Pressed): boolean {
    return this.#state === 'taken' && this.#onPressed(pressed);
  }

  /**
   * From now on without a place, under a new name; the next offer is to be a first one.
   * @throws Failure `no-media` when no engine takes sessions, nor does soon
   */
  async move(): Promise<void> {
    const next = await this.#pool.nextWithin(restartWithin);
    if (!next) throw new Failure('no-media', 'no media engine answers; see whether rtpengine runs');
    this.#engine = next;
    this.#state = 'free';
    this.#moves += 1;
  }

  /** Gives the place up; never rejects. */
  async leave(): Promise<void> {
    if (this.#state !== 'taken') return;
    await this.#engine.remove(this.session, this.#pool.timeoutMs);
    this.#engine.leave(this);
  }

  #named(parameters: NgParameters): NgParameters {
    return { ...parameters, 'call-id': this.session };
  }

  /** Offers to one engine; resolves with what it says, or with why another engine should be asked. */
  async #try(engine: Engine, parameters: NgParameters, milliseconds: number): Promise<NgReply | Error> {
    this.#engine = engine;
    engine.enter(this);
    let reply: NgReply;
    try {
      reply = await engine.request('offer', this.#named(parameters), milliseconds);
    } catch (error) {
      // The offer may have reached it although its answer did not reach us.
      await engine.remove(this.session, shortestTry);
      engine.leave(this);
      return error instanceof Error ? error : new Error(messageOf(error));
    }
    if (reply.result === 'ok') {
      this.#state = 'taken';
      return reply;
    }
    // rtpengine keeps the session of an offer that it refused, until it is removed.
    await engine.remove(this.session, this.#pool.timeoutMs);
    engine.leave(this);
    if (!isFull(reply)) this.#moves += 1;
    return isFull(reply) ? new Error(reasonOf(reply)) : reply;
  }
}
