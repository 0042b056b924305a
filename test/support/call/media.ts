import assert from 'node:assert/strict';
import type { MediaEvents, MediaPort, MediaRequest, MediaSession, Side, Sound } from '../../../src/call/ports.ts';
import { Failure } from '../../../src/shared/errors.ts';
import { describedAt, portOf } from './phone.ts';

const opposite = (side: Side): Side => (side === 'caller' ? 'target' : 'caller');

/** A session at the engine: a port of its own for each side. Whatever the port forbids fails the test. */
export class FakeSession implements MediaSession {
  readonly engine: { session: string; engine: string } = { session: '', engine: 'udp://127.0.0.1:2223' };
  readonly name: string;
  readonly events: MediaEvents;
  readonly playing: Partial<Record<Side, readonly Sound[]>> = {};
  /** What each side said of its media. */
  readonly known: Partial<Record<Side, string>> = {};
  readonly ports: Record<Side, number>;
  readonly digitsSent: string[] = [];
  closed = false;
  parkedByEngine = false;
  #offerer: Side | undefined;
  #answered = false;
  /** Its engine is gone: nothing but another one helps. */
  #dead = false;
  readonly #relocated = new Set<Side>();
  readonly #media: FakeMedia;

  constructor(media: FakeMedia, name: string, ports: Record<Side, number>, events: MediaEvents) {
    this.#media = media;
    this.name = name;
    this.engine.session = name;
    this.ports = ports;
    this.events = events;
  }

  async offer(from: Side, sdp: string): Promise<string> {
    await this.#ask('offer');
    this.#relocated.clear();
    this.#offerer = from;
    this.known[from] = sdp;
    return this.#rewritten(opposite(from), sdp);
  }
  async answer(from: Side, sdp: string): Promise<string> {
    await this.#ask('answer');
    const again = this.#answered && this.#relocated.delete(from); // whoever offered before
    if (!again) assert.equal(this.#offerer, opposite(from), `the ${from} answers an offer of the other side`);
    this.known[from] = sdp;
    this.#answered = true;
    return this.#rewritten(opposite(from), sdp);
  }
  async park(sdp: string | undefined): Promise<string> {
    await this.#ask('park');
    this.parkedByEngine = true;
    if (sdp !== undefined) {
      this.known.caller = sdp;
      this.#answered = true;
    }
    return describedAt(this.ports.caller);
  }
  async parked(sdp: string): Promise<void> {
    await this.#ask('parked');
    this.known.caller = sdp;
    this.#answered = true;
  }
  async play(to: Side, sounds: readonly [Sound, ...Sound[]]): Promise<void> {
    await this.#ask('play');
    if (!this.#answered) throw new Failure('no-media', 'nothing can be heard before the first answer');
    this.playing[to] = sounds;
  }
  async stop(to: Side): Promise<void> {
    await this.#ask('stop');
    if (to === 'caller') delete this.playing.caller;
    else delete this.playing.target;
  }
  async mute(to: Side): Promise<void> {
    await this.#ask('mute');
    this.playing[to] = [];
  }
  async digits(to: Side, digits: string): Promise<void> {
    await this.#ask('digits');
    if (this.#media.digitsByInfo) throw new Failure('no-media', 'no telephone-event there');
    this.digitsSent.push(`${to} ${digits}`);
  }
  async key(from: Side, key: string): Promise<void> {
    await this.digits(opposite(from), key);
  }
  async relocate(): Promise<Partial<Record<Side, string>>> {
    this.#dead = false;
    await this.#ask('relocate');
    if (!this.#offerer && !this.parkedByEngine) throw new Failure('no-media', 'nothing was offered');
    this.engine.engine = 'udp://127.0.0.1:2224';
    for (const side of ['caller', 'target'] as const) {
      this.#media.move(this, side);
      this.#relocated.add(side);
    }
    const offers: Partial<Record<Side, string>> = {};
    if (this.#answered || this.#offerer !== 'caller') offers.caller = describedAt(this.ports.caller);
    if (!this.parkedByEngine && (this.#answered || this.#offerer !== 'target')) {
      offers.target = describedAt(this.ports.target);
    }
    return offers;
  }
  /** Its engine dies, once it has one; `unnoticed`: nobody has found out yet. */
  dies(how?: 'unnoticed'): void {
    this.#dead = this.parkedByEngine || this.#offerer !== undefined;
    if (this.#dead && how !== 'unnoticed') this.events.lost();
  }
  close(): Promise<void> {
    this.closed = true;
    this.#media.standing.delete(this);
    return Promise.resolve();
  }

  async #ask(what: string): Promise<void> {
    await this.#media.onAsk(what, this);
    if (this.closed) throw new Failure('no-media', 'the session has ended');
    if (this.#dead) throw new Failure('no-media', 'the engine is gone');
  }
  /** As a side gets it: the engine's own port, the rest as it was said. */
  #rewritten(to: Side, sdp: string): string {
    return sdp.replace(/^m=audio \d+/m, `m=audio ${this.ports[to]}`);
  }
}

export class FakeMedia implements MediaPort {
  mode: 'direct' | 'rtpengine' = 'rtpengine';
  readonly standing = new Set<FakeSession>();
  readonly sessions: FakeSession[] = [];
  readonly released: { callId: string; sessions: number }[] = [];
  /** Digits cannot be sent in the voice's path. */
  digitsByInfo = true;
  /** What the engine does when it is asked something: may wait, or reject. */
  onAsk: (what: string, session?: FakeSession) => Promise<void> = () => Promise.resolve();
  #port = 30_000;
  readonly #names = new Set<string>();
  readonly #sides = new Map<number, { session: FakeSession; side: Side }>();

  async open({ callId, session: number }: MediaRequest, events: MediaEvents): Promise<MediaSession> {
    const name = `${callId}.${number}`;
    assert.ok(!this.#names.has(name), 'a number for each session of a call');
    this.#names.add(name);
    await this.onAsk('open');
    if (this.mode === 'direct') return directSession();
    const session = new FakeSession(this, name, { caller: this.#port++, target: this.#port++ }, events);
    this.standing.add(session);
    this.sessions.push(session);
    for (const side of ['caller', 'target'] as const) this.#sides.set(session.ports[side], { session, side });
    return session;
  }

  /** Gives a side another port, as another engine would. */
  move(session: FakeSession, side: Side): void {
    session.ports[side] = this.#port++;
    this.#sides.set(session.ports[side], { session, side });
  }

  /** Whose session a description leads to. */
  at(sdp: string | undefined): { session: FakeSession; side: Side } | undefined {
    return sdp === undefined ? undefined : this.#sides.get(portOf(sdp));
  }

  release(left: { callId: string; sessions: number }): Promise<void> {
    this.released.push({ callId: left.callId, sessions: left.sessions });
    return Promise.resolve();
  }
}

/** Descriptions pass unchanged; the sound of nobody but the other side is heard. */
function directSession(): MediaSession {
  const none = () => Promise.reject(new Failure('no-media', 'media.mode is direct'));
  return {
    offer: (_from, sdp) => Promise.resolve(sdp),
    answer: (_from, sdp) => Promise.resolve(sdp),
    ...{ park: none, parked: none, play: none, digits: none, key: none, relocate: none },
    stop: () => Promise.resolve(),
    mute: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
