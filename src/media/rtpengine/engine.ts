import type { NgParameters, NgTarget } from 'rtpengine-client';
import type { Clock } from '../../shared/clock.ts';
import { DeadlineExceeded, withDeadline } from '../../shared/deadline.ts';
import { messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { EngineHealth } from '../contract.ts';
import { readEngineAddress, resolveEngine } from './address.ts';
import { NgClient, type NgCommand } from './client.ts';
import type { NgReply } from './reply.ts';

/** An engine that stays away for long is owed no more removals than this; what is older ends by its own time-out. */
const mostRemovals = 10_000;

/** One rtpengine: whether it answers, and the sessions that it still has to remove. */
export class Engine {
  /** As it stands in the settings; names the engine in records. */
  readonly name: string;
  readonly #address: NgTarget;
  readonly #client: NgClient;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** Sessions to remove when it answers again. */
  readonly #toRemove = new Set<string>();
  #up = false;
  #roundTripMs: number | undefined;
  #problem: string | undefined = 'was not asked yet';

  /** @throws Failure `bad-setting`, or the socket's error */
  static async open(name: string, parts: { clock: Clock; log: Logger }): Promise<Engine> {
    const address = readEngineAddress(name);
    return new Engine(name, address, await NgClient.open(parts.clock), parts);
  }

  private constructor(name: string, address: NgTarget, client: NgClient, parts: { clock: Clock; log: Logger }) {
    this.name = name;
    this.#address = address;
    this.#client = client;
    this.#clock = parts.clock;
    this.#log = parts.log.child({ engine: name });
  }

  get up(): boolean {
    return this.#up;
  }

  get health(): EngineHealth {
    return {
      engine: this.name,
      up: this.#up,
      ...(this.#roundTripMs !== undefined && { roundTripMs: this.#roundTripMs }),
      ...(this.#problem !== undefined && { problem: this.#problem }),
      resent: this.#client.resent,
      strays: this.#client.strays,
      toRemove: this.#toRemove.size,
    };
  }

  /**
   * One request. An engine that does not answer in time is down from then on, until a ping finds it again.
   * @throws DeadlineExceeded, or the Failure `no-media` of a closed client
   */
  async request(command: NgCommand, parameters: NgParameters, milliseconds: number): Promise<NgReply> {
    try {
      return await this.#client.request(command, parameters, milliseconds);
    } catch (error) {
      if (error instanceof DeadlineExceeded) {
        this.#isDown(messageOf(error.cause ?? error));
        // One late answer (a stalled machine) must not cost the calls of the next seconds: it is asked again at once.
        void this.check(milliseconds);
      }
      throw error;
    }
  }

  /** Asks whether it is there, at most `milliseconds`; never rejects. */
  async check(milliseconds: number): Promise<void> {
    const began = this.#clock.monotonic();
    try {
      if (!this.#up) {
        const resolving = resolveEngine(this.#address);
        this.#client.target = await withDeadline(this.#clock, milliseconds, 'the name service', resolving);
      }
      const reply = await this.#client.request('ping', {}, milliseconds);
      if (reply.result !== 'pong') throw new Error(`answered a ping with "${reply.result}"`);
      this.#roundTripMs = this.#clock.monotonic() - began;
      this.#isUp();
    } catch (error) {
      this.#isDown(messageOf(error));
    }
  }

  /** Removes a session there, at once or when the engine answers again; never rejects. */
  async remove(session: string, milliseconds: number): Promise<void> {
    if (!this.#up) {
      this.#removeLater(session);
      return;
    }
    try {
      // A session that it does not know is gone already: rtpengine answers `ok` with a warning, older ones `error`.
      await this.request('delete', { 'call-id': session, 'delete-delay': 0 }, milliseconds);
      this.#toRemove.delete(session);
    } catch (error) {
      this.#log.warn({ session, reason: messageOf(error) }, 'media session not removed; it is tried again');
      this.#removeLater(session);
    }
  }

  close(): void {
    this.#client.close();
  }

  #removeLater(session: string): void {
    const oldest = this.#toRemove.values().next();
    if (this.#toRemove.size >= mostRemovals && !oldest.done) this.#toRemove.delete(oldest.value);
    this.#toRemove.add(session);
  }

  #isUp(): void {
    if (!this.#up) this.#log.info({ roundTripMs: this.#roundTripMs }, 'media engine answers');
    this.#up = true;
    this.#problem = undefined;
  }

  #isDown(problem: string): void {
    if (this.#up || this.#problem === 'was not asked yet') {
      this.#log.warn({ problem }, 'media engine does not answer; new calls go to others until it does');
    }
    this.#up = false;
    this.#problem = problem;
  }

  /** Removes a few of the sessions that it still has; called after each check. Never rejects. */
  async settleRemovals(milliseconds: number): Promise<void> {
    const some = [...this.#toRemove].slice(0, 100);
    if (this.#up) await Promise.all(some.map((session) => this.remove(session, milliseconds)));
  }
}
