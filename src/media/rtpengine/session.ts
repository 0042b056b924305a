import type { NgParameters } from 'rtpengine-client';
import type { MediaSession, Side } from '../../call/ports.ts';
import type { Clock } from '../../shared/clock.ts';
import { Failure, messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { readSdp, type ReadSdp } from '../sdp.ts';
import type { NgReply } from './client.ts';
import type { Engine } from './engine.ts';
import type { EnginePool } from './pool.ts';

/** What the engine is told with every description: no trace of the other side's addresses, plain RTP without ICE. */
const rewriting: NgParameters = { replace: ['origin', 'session-connection'], ICE: 'remove' };

const otherSide = { caller: 'target', target: 'caller' } as const;

/** Milliseconds that an engine gets at least before the next one is asked. */
const shortestTry = 300;

/**
 * The media of one attempt at an engine. The session's name is the ng call-id, the sides' names are the tags; so an
 * offer and an answer with the same names bring the media back at an engine that was restarted, or at another one.
 */
export class RtpengineSession implements MediaSession {
  readonly #session: string;
  readonly #pool: EnginePool;
  readonly #clock: Clock;
  readonly #log: Logger;
  #engine: Engine;
  /** Whether the engine took the first offer: the session then stays there. */
  #placed = false;
  /** Settles with the request that was asked last; never rejects. */
  #last: Promise<void> = Promise.resolve();
  #offerer: Side | undefined;
  /** What each side speaks, out of its last description. */
  readonly #protocols: Partial<Record<Side, string>> = {};
  #closing: Promise<void> | undefined;

  constructor(session: string, engine: Engine, pool: EnginePool, parts: { clock: Clock; log: Logger }) {
    this.#session = session;
    this.#engine = engine;
    this.#pool = pool;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  /** The engine may change until the first offer was answered, and stays the same after it. */
  get engine(): { session: string; engine: string } {
    return { session: this.#session, engine: this.#engine.name };
  }

  offer(from: Side, sdp: string): Promise<string> {
    return this.#inOrder(() => this.#offer(from, readSdp(sdp)));
  }

  answer(from: Side, sdp: string): Promise<string> {
    return this.#inOrder(() => this.#answer(from, readSdp(sdp)));
  }

  park(): Promise<string> {
    return notYet();
  }
  parked(): Promise<void> {
    return notYet();
  }
  play(): Promise<void> {
    return notYet();
  }
  stop(): Promise<void> {
    return Promise.resolve();
  }
  digits(): Promise<void> {
    return notYet();
  }
  relocate(): Promise<Record<Side, string>> {
    return notYet();
  }

  close(): Promise<void> {
    // After what is under way: an offer that is sent again behind the removal would bring the session back.
    this.#closing ??= this.#last.then(() => this.#remove());
    return this.#closing;
  }

  /** One request after the other, in the order in which they were asked. */
  #inOrder(step: () => Promise<string>): Promise<string> {
    if (this.#closing) return Promise.reject(new Failure('no-media', 'the media of this call has ended'));
    const result = this.#last.then(step);
    this.#last = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  async #remove(): Promise<void> {
    if (this.#placed) await this.#engine.remove(this.#session, this.#pool.timeoutMs);
  }

  async #offer(from: Side, sdp: ReadSdp): Promise<string> {
    const to = otherSide[from];
    const parameters = {
      ...rewriting,
      'call-id': this.#session,
      'from-tag': from,
      // A first offer has no other side yet; a later one names both (as in the SIP dialog).
      ...(this.#offerer !== undefined && { 'to-tag': to }),
      // Only in offers: in an answer the engine itself goes back to what the offerer had asked for.
      'transport-protocol': this.#protocols[to] ?? 'RTP/AVP',
      sdp: sdp.text,
    };
    const rewritten = this.#placed ? await this.#ask('offer', parameters) : await this.#place(parameters);
    this.#offerer = from;
    if (sdp.protocol !== undefined) this.#protocols[from] = sdp.protocol;
    return rewritten;
  }

  async #answer(from: Side, sdp: ReadSdp): Promise<string> {
    const offerer = otherSide[from];
    if (this.#offerer !== offerer) throw new Failure('media-refused', `the ${from} answers an offer that nobody made`);
    const tags = { 'call-id': this.#session, 'from-tag': offerer, 'to-tag': from };
    const rewritten = await this.#ask('answer', { ...rewriting, ...tags, sdp: sdp.text });
    if (sdp.protocol !== undefined) this.#protocols[from] = sdp.protocol;
    return rewritten;
  }

  /** The first offer: to the engine whose turn it is, and on to the next ones while they do not answer. */
  async #place(parameters: NgParameters): Promise<string> {
    const until = this.#clock.monotonic() + this.#pool.timeoutMs;
    const engines = [this.#engine, ...this.#pool.after(this.#engine)];
    let problem: Error | undefined;
    for (const [index, engine] of engines.entries()) {
      const left = until - this.#clock.monotonic();
      if (left <= 0) break;
      if (!engine.up) continue;
      const share = Math.min(left, Math.max(left / (engines.length - index), shortestTry));
      const reply = await this.#try(engine, parameters, share);
      if (typeof reply === 'string') return reply;
      problem = reply;
      this.#log.warn({ engine: engine.name, reason: problem.message }, 'media engine took no offer');
    }
    // Removals of this session may be owed to each of them; brought back under its name it would be removed.
    this.#closing ??= Promise.resolve();
    throw new Failure('no-media', 'no media engine took the offer; see whether rtpengine runs', { cause: problem });
  }

  /**
   * Offers to one engine; resolves with the description, or with why another engine should be asked.
   * @throws Failure `media-refused`
   */
  async #try(engine: Engine, parameters: NgParameters, milliseconds: number): Promise<string | Error> {
    this.#engine = engine;
    let reply: NgReply;
    try {
      reply = await engine.request('offer', parameters, milliseconds);
    } catch (error) {
      // The offer may have reached it although its answer did not reach us.
      await engine.remove(this.#session, shortestTry);
      return error instanceof Error ? error : new Error(messageOf(error));
    }
    if (reply.result === 'ok') {
      this.#placed = true;
      return sdpOf(reply);
    }
    // rtpengine keeps the session of an offer that it refused, until it is removed.
    await engine.remove(this.#session, this.#pool.timeoutMs);
    return isFull(reply) ? new Error(reasonOf(reply)) : sdpOf(reply);
  }

  async #ask(command: 'offer' | 'answer', parameters: NgParameters): Promise<string> {
    try {
      return sdpOf(await this.#engine.request(command, parameters, this.#pool.timeoutMs));
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw new Failure('no-media', `the media engine ${this.#engine.name} did not answer`, { cause: error });
    }
  }
}

const notYet = () => Promise.reject(new Failure('no-media', 'not offered yet'));

/** @throws Failure `media-refused` */
function sdpOf(reply: NgReply): string {
  if (reply.result === 'ok' && reply.sdp !== undefined) return reply.sdp;
  throw new Failure('media-refused', `rtpengine refused the session description: ${reasonOf(reply)}`);
}

/** An engine without room is no verdict on the description: another one may have room. */
function isFull(reply: NgReply): boolean {
  return reply.result === 'load limit' || /ran out of ports|limit/i.test(reasonOf(reply));
}

function reasonOf(reply: NgReply): string {
  return reply['error-reason'] ?? reply.message ?? reply.result;
}
