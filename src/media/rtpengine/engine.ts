import type { NgParameters, NgTarget } from 'rtpengine-client';
import type { Clock } from '../../shared/clock.ts';
import { DeadlineExceeded, withDeadline } from '../../shared/deadline.ts';
import { messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { EngineHealth, EngineSettings, MediaCounts } from '../contract.ts';
import { readEngineAddress, resolveEngine } from './address.ts';
import { NgClient, type NgCommand } from './client.ts';
import type { Pressed } from './digit-report.ts';
import { Removals } from './removals.ts';
import { isUnknown, type NgReply } from './reply.ts';

/** Milliseconds without an answer after which the sessions of an engine count as lost. */
const lostAfter = 4_000;

/** How often it is looked for sessions that belong to no call; milliseconds. */
const sweepEvery = 60_000;
/** Names in the answer to `list`, which must fit into a datagram; of a longer list the others are seen another time. */
const sweepAtOnce = 400;

/** Questions to an engine at the same time. */
const askedAtOnce = 100;

/** Milliseconds: an engine tells whole seconds of how long it has been running. */
const startKnownTo = 1_200;

/** A session that has its place at an engine. */
export interface Tenant {
  /** Its ng call-id. */
  readonly session: string;
  /** The engine does not have it any more. Returns false when it had no place there yet. */
  lost(): boolean;
  /** A side of it pressed a key. Returns whether that was for somebody. */
  pressed(pressed: Pressed): boolean;
}

export interface EngineParts {
  clock: Clock;
  log: Logger;
  /** Beginning of the names of our sessions. */
  mark: string;
  counts: MediaCounts;
}

/** One rtpengine: whether it answers, which sessions have their place there, and which it still has to remove. */
export class Engine {
  /** Its address as it stands in the settings; names the engine in records. */
  readonly name: string;
  weight: number;
  /** Whether it gets no new sessions. */
  draining: boolean;
  readonly #address: NgTarget;
  readonly #client: NgClient;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #mark: string;
  readonly #counts: MediaCounts;
  readonly #removals: Removals;
  readonly #tenants = new Map<string, Tenant>();
  #up = false;
  #roundTripMs: number | undefined;
  #problem: string | undefined = 'was not asked yet';
  #answeredAt = 0;
  #sweptAt: number | undefined;
  /** When it was started, on our clock: the earliest time that its answers have told. */
  #startedAt: number | undefined;
  /** Seconds that it had been running for when it last told. */
  #uptime = 0;

  /** @throws Failure `bad-setting`, or the socket's error */
  static async open(settings: EngineSettings, parts: EngineParts): Promise<Engine> {
    const address = readEngineAddress(settings.address);
    return new Engine(settings, address, await NgClient.open(parts.clock), parts);
  }

  private constructor(settings: EngineSettings, address: NgTarget, client: NgClient, parts: EngineParts) {
    this.name = settings.address;
    this.weight = settings.weight;
    this.draining = settings.drain;
    this.#address = address;
    this.#client = client;
    this.#clock = parts.clock;
    this.#log = parts.log.child({ engine: this.name });
    this.#mark = parts.mark;
    this.#counts = parts.counts;
    this.#removals = new Removals((parameters, milliseconds) => this.request('delete', parameters, milliseconds), {
      isUp: () => this.#up,
      log: this.#log,
    });
  }

  get up(): boolean {
    return this.#up;
  }

  /** Whether it may be let go: nothing stands there, and nothing is owed. */
  get idle(): boolean {
    return this.#tenants.size === 0 && this.#removals.owed === 0;
  }

  get sessions(): number {
    return this.#tenants.size;
  }

  /** Its IP address by now; undefined while none is known. */
  get host(): string | undefined {
    return this.#client.host;
  }

  tenant(session: string): Tenant | undefined {
    return this.#tenants.get(session);
  }

  get health(): EngineHealth {
    return {
      engine: this.name,
      up: this.#up,
      draining: this.draining,
      sessions: this.#tenants.size,
      ...(this.#roundTripMs !== undefined && { roundTripMs: this.#roundTripMs }),
      ...(this.#problem !== undefined && { problem: this.#problem }),
      resent: this.#client.resent,
      strays: this.#client.strays,
      toRemove: this.#removals.owed,
    };
  }

  /** From before its first offer until after its removal: a session of ours that is not here is removed when it is seen. */
  enter(tenant: Tenant): void {
    this.#tenants.set(tenant.session, tenant);
  }

  leave({ session }: Tenant): void {
    this.#tenants.delete(session);
  }

  /**
   * One request. An engine that does not answer in time is down from then on, until a ping finds it again.
   * @throws DeadlineExceeded, or the Failure `no-media` of a closed client
   */
  async request(command: NgCommand, parameters: NgParameters, milliseconds: number): Promise<NgReply> {
    try {
      const reply = await this.#client.request(command, parameters, milliseconds);
      this.#answeredAt = this.#clock.monotonic();
      return reply;
    } catch (error) {
      if (error instanceof DeadlineExceeded) {
        this.#isDown(messageOf(error.cause ?? error));
        // One late answer (a stalled machine) must not cost the calls of the next seconds: it is asked again at once.
        void this.check(milliseconds);
      }
      throw error;
    }
  }

  /** Asks whether it is there, at most `milliseconds` for each question; never rejects. */
  async check(milliseconds: number): Promise<void> {
    const began = this.#clock.monotonic();
    try {
      if (!this.#up) {
        const resolving = resolveEngine(this.#address);
        this.#client.target = await withDeadline(this.#clock, milliseconds, 'the name service', resolving);
      }
      const reply = await this.#client.request('ping', {}, milliseconds);
      if (reply.result !== 'pong') throw new Error(`answered a ping with "${reply.result}"`);
      this.#answeredAt = this.#clock.monotonic();
      this.#roundTripMs = this.#answeredAt - began;
    } catch (error) {
      this.#isDown(messageOf(error));
      if (this.#clock.monotonic() - this.#answeredAt >= lostAfter)
        this.#lose(this.#tenants.values(), 'it does not answer');
      return;
    }
    try {
      await this.#lookForRestart(milliseconds);
      this.#isUp();
      await this.#sweep(milliseconds);
    } catch (error) {
      // It answers pings: what else it does not answer is no reason to send no calls there.
      this.#isUp();
      this.#log.debug({ reason: messageOf(error) }, 'media engine was not asked for its sessions');
    }
  }

  /** Removes a session there, at once or when the engine answers again; never rejects. */
  remove(session: string, milliseconds: number): Promise<void> {
    return this.#removals.remove(session, milliseconds);
  }

  /** Removes a few of the sessions that it still has; called after each check. Never rejects. */
  settleRemovals(milliseconds: number): Promise<void> {
    return this.#removals.settle(milliseconds);
  }

  close(): void {
    this.#client.close();
  }

  #isUp(): void {
    if (!this.#up) {
      this.#log.info({ roundTripMs: this.#roundTripMs }, 'media engine answers');
      this.#sweptAt = undefined;
    }
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

  /** An engine that was started anew knows none of the sessions that it had before; it may have got others since. */
  async #lookForRestart(milliseconds: number): Promise<void> {
    const { statistics } = await this.#client.request('statistics', {}, milliseconds);
    if (!statistics) return;
    const { uptime } = statistics.totalstatistics;
    const startedAt = this.#clock.monotonic() - uptime * 1_000;
    const before = this.#startedAt;
    const older = uptime >= this.#uptime;
    this.#uptime = uptime;
    if (before !== undefined && older && startedAt <= before + startKnownTo) {
      this.#startedAt = Math.min(before, startedAt);
      return;
    }
    this.#startedAt = startedAt;
    if (before !== undefined) this.#lose(await this.#unknown(milliseconds), 'it was started anew');
  }

  /** The sessions that it says it does not know. */
  async #unknown(milliseconds: number): Promise<Tenant[]> {
    const unknown: Tenant[] = [];
    const all = [...this.#tenants.values()];
    for (let at = 0; at < all.length; at += askedAtOnce) {
      const some = all.slice(at, at + askedAtOnce);
      const replies = await Promise.all(
        some.map(({ session }) => this.#client.request('query', { 'call-id': session }, milliseconds)),
      );
      unknown.push(...some.filter((_tenant, index) => replies[index] && isUnknown(replies[index])));
    }
    return unknown;
  }

  #lose(tenants: Iterable<Tenant>, why: string): void {
    const lost = [...tenants].filter((tenant) => tenant.lost());
    for (const { session } of lost) this.#tenants.delete(session);
    if (lost.length > 0) this.#log.error({ sessions: lost.length, why }, 'media engine has lost its sessions');
  }

  /** Removes sessions that bear our mark and stand in no call: a crash has left them, or an answer that was lost. */
  async #sweep(milliseconds: number): Promise<void> {
    const now = this.#clock.monotonic();
    if (this.#sweptAt !== undefined && now - this.#sweptAt < sweepEvery) return;
    this.#sweptAt = now;
    const { calls = [] } = await this.#client.request('list', { limit: sweepAtOnce }, milliseconds);
    const left = calls.filter((session) => session.startsWith(this.#mark) && !this.#tenants.has(session));
    if (left.length === 0) return;
    this.#log.warn({ sessions: left.length }, 'media sessions of ours that belong to no call are removed');
    this.#counts.leftBehind += left.length;
    await Promise.all(left.map((session) => this.remove(session, milliseconds)));
  }
}
