import type { Clock } from '../../shared/clock.ts';
import { withDeadline } from '../../shared/deadline.ts';
import { Failure } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { MediaEvents, MediaPort, MediaRequest, MediaSession, Side, Sound } from '../ports.ts';

/** How long the media may take over one description, in milliseconds. */
const mediaWithin = 5_000;

export const opposite = (side: Side): Side => (side === 'caller' ? 'target' : 'caller');

export type Sounds = readonly [Sound, ...Sound[]];

/** What media sessions are made with. */
export interface PairingTools {
  callId: string;
  media: MediaPort;
  clock: Clock;
  log: Logger;
  /** The number of the next media session of this call, from 1 on. */
  nextSession: () => number;
  /** Where the media of a session are now, for the record. */
  noteEngine: (at: { session: string; engine: string }) => void;
  /** Does what brings parties elsewhere after all of that that was asked before. */
  inTurn: <T>(bring: () => Promise<T>) => Promise<T>;
}

/**
 * The descriptions that two sides exchange through a media session: one after the other in the order in which they came,
 * each with a deadline; and what was last said and told.
 */
export class Exchange {
  readonly #tools: PairingTools;
  readonly #media: MediaSession;
  /** What each side said last of its media. */
  readonly known: Partial<Record<Side, string>> = {};
  /** What each side is to be told of the other's. */
  readonly sent: Partial<Record<Side, string>> = {};
  /** Who made the last offer. */
  #offerer: Side | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #noted: string | undefined;
  #closed: Promise<void> | undefined;

  /** @throws Failure `no-media`, DeadlineExceeded; what opens after that is closed again */
  static async open(tools: PairingTools, trunks: MediaRequest['trunks'], events: MediaEvents): Promise<Exchange> {
    const { callId, media, clock } = tools;
    const opening = media.open({ callId, session: tools.nextSession(), trunks }, events);
    try {
      return new Exchange(tools, await withDeadline(clock, mediaWithin, 'opening the media', opening));
    } catch (error) {
      void opening.then((late) => late.close()).catch(() => undefined);
      throw error;
    }
  }

  private constructor(tools: PairingTools, media: MediaSession) {
    this.#tools = tools;
    this.#media = media;
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /** Passes an offer of one side on; resolves with what the other side is to be offered. */
  async offer(from: Side, sdp: string): Promise<string> {
    const offer = await this.#inTurn(() => this.#media.offer(from, sdp));
    this.known[from] = sdp;
    this.#offerer = from;
    this.#noteEngine();
    return (this.sent[opposite(from)] = offer);
  }

  /**
   * The same for an answer; `fork` where several phones of one number may answer. When one of them has made an offer itself
   * since (UPDATE), another one answers what the other side said before.
   */
  async answer(from: Side, sdp: string, fork?: string): Promise<string> {
    const before = this.known[opposite(from)];
    if (this.#offerer === from && before !== undefined) await this.offer(opposite(from), before);
    const answer = await this.#inTurn(() => this.#media.answer(from, sdp, fork));
    this.known[from] = sdp;
    return (this.sent[opposite(from)] = answer);
  }

  /** The engine is the caller's other side: resolves with what to answer to their offer, or to offer them. */
  async park(offer: string | undefined): Promise<string> {
    const sdp = await this.#inTurn(() => this.#media.park(offer));
    if (offer !== undefined) this.known.caller = offer;
    this.#noteEngine();
    return (this.sent.caller = sdp);
  }

  async parked(answer: string): Promise<void> {
    await this.#inTurn(() => this.#media.parked(answer));
    this.known.caller = answer;
  }

  /** What was refused leaves the media as they were `before` (RFC 3261 14.1): a fax without T.38 goes on in the voice's codec. */
  async restore(offerer: Side, before: Partial<Record<Side, string>>): Promise<void> {
    const [mine, theirs] = [before[offerer], before[opposite(offerer)]];
    if (mine === undefined || theirs === undefined) return;
    await this.offer(offerer, mine);
    await this.answer(opposite(offerer), theirs);
  }

  /** Brings the media to another engine; what each side is to be told of them is then `sent`. */
  async relocate(): Promise<void> {
    Object.assign(this.sent, await this.#inTurn(() => this.#media.relocate()));
    this.#noteEngine();
  }

  /** What a side answered to where the media are now. */
  async relocated(side: Side, answer: string): Promise<void> {
    await this.#inTurn(() => this.#media.answer(side, answer));
    this.known[side] = answer;
  }

  /** What is heard at a side: sounds, the other side, or nothing. */
  hear(side: Side, what: Sounds | 'the other side' | 'nothing'): Promise<void> {
    return this.#inTurn(() => {
      if (what === 'nothing') return this.#media.mute(side);
      return what === 'the other side' ? this.#media.stop(side) : this.#media.play(side, what);
    });
  }

  /** Digits in the voice's path. @throws Failure `no-media` where that cannot be */
  digits(to: Side, digits: string): Promise<void> {
    return this.#inTurn(() => this.#media.digits(to, digits));
  }

  /** A key that a side tells of by INFO, in the voice's path. @throws Failure `no-media` where it is to go on as INFO */
  key(from: Side, key: string): Promise<void> {
    return this.#inTurn(() => this.#media.key(from, key));
  }

  /** After the one request that is under way; idempotent, never rejects. */
  close(): Promise<void> {
    return (this.#closed ??= this.#turn.then(() => this.#media.close()));
  }

  #noteEngine(): void {
    const at = this.#media.engine;
    if (!at || this.#noted === at.engine) return;
    // Only now: until the first offer is answered, the session may go to another engine.
    this.#noted = at.engine;
    this.#tools.noteEngine(at);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(() => {
      if (this.closed) throw new Failure('no-media', 'the media of these two have ended');
      return withDeadline(this.#tools.clock, mediaWithin, 'the media engine', work());
    });
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}
