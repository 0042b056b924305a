import type { MediaEvents, MediaSession, Side } from '../../call/ports.ts';
import type { Clock, Timer } from '../../shared/clock.ts';
import { Failure, messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { MediaCounts } from '../contract.ts';
import { readSdp } from '../sdp.ts';
import { Descriptions, type Wishes } from './descriptions.ts';
import type { Pressed } from './digit-report.ts';
import { sendDigits } from './digits.ts';
import type { Engine } from './engine.ts';
import { EventsToInfo } from './events-to-info.ts';
import { answerInPlace, offerInPlace } from './parking.ts';
import { Playing, type Sounds } from './playing.ts';
import type { EnginePool } from './pool.ts';
import { packetsFrom } from './reply.ts';
import { Seat } from './seat.ts';
import { otherSide } from './sides.ts';
import { Silence } from './silence.ts';

/** Looks at the engine's counters in each time that a side may be silent. */
const looksInSilence = 4;
/** Milliseconds between two looks when nobody asks for silence: whether the engine still has the session. */
const lookForSession = 15_000;
const shortestLook = 100;

export interface SessionParts {
  pool: EnginePool;
  /** Whose turn it is. */
  engine: Engine;
  wishes: Wishes;
  events: MediaEvents;
  /** Milliseconds; 0: silence is not told. */
  silentAfterMs: number;
  counts: MediaCounts;
  clock: Clock;
  log: Logger;
}

/** The media of two parties at an engine. The session's name is the ng call-id, the sides' names are the tags. */
export class RtpengineSession implements MediaSession {
  readonly #parts: SessionParts;
  readonly #seat: Seat;
  readonly #descriptions: Descriptions;
  readonly #eventsToInfo: EventsToInfo;
  readonly #playing: Playing;
  readonly #silence: Silence;
  /** Settles with the request that was asked last; never rejects. */
  #last: Promise<void> = Promise.resolve();
  #parked = false;
  /** Sides that were offered something by `relocate`, and have not answered yet. */
  readonly #relocated = new Set<Side>();
  #look: Timer | undefined;
  #closing: Promise<void> | undefined;

  constructor(name: string, parts: SessionParts) {
    const { clock, log, pool, engine, wishes, silentAfterMs } = parts;
    this.#parts = parts;
    this.#seat = new Seat(name, engine, pool, {
      clock,
      log,
      onLost: () => this.#onLost(),
      onPressed: (pressed) => this.#onPressed(pressed),
    });
    this.#descriptions = new Descriptions(this.#seat, wishes);
    this.#eventsToInfo = new EventsToInfo(this.#seat, this.#descriptions);
    this.#silence = new Silence(silentAfterMs);
    this.#playing = new Playing(
      this.#seat,
      clock,
      (step) => {
        this.#inOrder(step).catch((error: unknown) => log.warn(`the next sound is not heard: ${messageOf(error)}`));
      },
      (side) => this.#descriptions.receives(side),
    );
  }

  get engine(): { session: string; engine: string } {
    return { session: this.#seat.session, engine: this.#seat.engine };
  }

  offer(from: Side, sdp: string): Promise<string> {
    return this.#inOrder(() => {
      this.#relocated.clear();
      return this.#descriptions.offer(from, readSdp(sdp));
    });
  }

  answer(from: Side, sdp: string, fork?: string): Promise<string> {
    return this.#inOrder(async () => {
      const said = readSdp(sdp);
      const corrects = this.#descriptions.agreed && this.#relocated.delete(from);
      const told = corrects
        ? await this.#descriptions.correct(from, said)
        : await this.#take(this.#descriptions.answer(from, said, fork));
      await this.#eventsToInfo.follow();
      await this.#followPlaying();
      return told;
    });
  }

  park(offer: string | undefined): Promise<string> {
    return this.#inOrder(async () => {
      this.#parked = true;
      if (offer === undefined) return await this.#descriptions.offer('target', readSdp(offerInPlace()));
      const offered = await this.#descriptions.offer('caller', readSdp(offer));
      const answer = await this.#take(this.#descriptions.answer('target', readSdp(answerInPlace(offered))));
      // What the caller says is for nobody.
      await this.#playing.keepApart('target');
      await this.#followPlaying();
      return answer;
    });
  }

  parked(answer: string): Promise<void> {
    return this.#inOrder(async () => {
      await this.#take(this.#descriptions.answer('caller', readSdp(answer)));
      await this.#playing.keepApart('target');
    });
  }

  play(to: Side, sounds: Sounds): Promise<void> {
    return this.#inOrder(() => {
      if (!this.#descriptions.agreed) throw new Failure('no-media', 'there is no voice yet: nothing was agreed on');
      return this.#playing.play(to, sounds);
    });
  }

  stop(to: Side): Promise<void> {
    return this.#inOrder(() => {
      if (this.#seat.state === 'taken') return this.#playing.stop(to);
      this.#playing.forget(to);
      return Promise.resolve();
    });
  }

  mute(to: Side): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#seat.state === 'taken') await this.#playing.mute(to);
    });
  }

  digits(to: Side, digits: string): Promise<void> {
    return this.#inOrder(() => this.#sendDigits(to, digits));
  }

  key(from: Side, key: string): Promise<void> {
    return this.#inOrder(() => {
      if (this.#descriptions.takesDigits(from)) throw new Failure('no-media', `the ${from} presses keys as events`);
      return this.#sendDigits(otherSide[from], key);
    });
  }

  async #sendDigits(to: Side, digits: string): Promise<void> {
    if (!/^[0-9*#A-D]{1,64}$/.test(digits)) throw new Failure('bad-input', `"${digits}" are no digits`);
    if (!this.#descriptions.takesDigits(to)) {
      throw new Failure('no-media', `the ${to} takes no digits in the path of its voice`);
    }
    if (this.#playing.isApart(to)) throw new Failure('no-media', `the ${to} hears a sound, and no digits beside it`);
    await this.#descriptions.prepareDigits();
    await sendDigits(this.#seat, this.#parts.clock, to, digits);
  }

  relocate(): Promise<Partial<Record<Side, string>>> {
    return this.#inOrder(async () => {
      if (!this.#descriptions.offered) throw new Failure('no-media', 'nothing was offered that could be brought back');
      await this.#seat.leave();
      await this.#seat.move();
      const { target, ...others } = await this.#descriptions.tellAgain();
      await this.#eventsToInfo.followAgain();
      await this.#playing
        .playAgain()
        .catch((error: unknown) => this.#parts.log.warn(`what was played is not heard again: ${messageOf(error)}`));
      this.#parts.counts.relocated += 1;
      this.#parts.log.warn(this.engine, 'the media of a call were brought to another place');
      if (this.#descriptions.agreed) this.#watch();
      for (const side of ['caller', 'target'] as const) this.#relocated.add(side);
      return this.#parked || target === undefined ? others : { ...others, target };
    });
  }

  close(): Promise<void> {
    // After what is under way: an offer that is sent again behind the removal would bring the session back.
    this.#closing ??= this.#last.then(() => {
      this.#look?.clear();
      this.#playing.pause();
      return this.#seat.leave();
    });
    return this.#closing;
  }

  async #followPlaying(): Promise<void> {
    await this.#playing
      .follow()
      .catch((error: unknown) => this.#parts.log.warn(`what was to be played is not heard: ${messageOf(error)}`));
  }

  /** One request after the other, in the order in which they were asked. */
  #inOrder<T>(step: () => Promise<T>): Promise<T> {
    if (this.#closing) return Promise.reject(new Failure('no-media', 'the media of this call has ended'));
    const result = this.#last.then(step);
    this.#last = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  /** An answer: from the first one on, the engine's counters are looked at. */
  async #take(answering: Promise<string>): Promise<string> {
    const watching = this.#descriptions.agreed;
    const answered = await answering;
    if (!watching) this.#watch();
    return answered;
  }

  #watch(): void {
    this.#silence.reset();
    this.#lookLater();
  }

  #lookLater(): void {
    const { clock, silentAfterMs } = this.#parts;
    const pause = silentAfterMs === 0 ? lookForSession : Math.max(silentAfterMs / looksInSilence, shortestLook);
    this.#look?.clear();
    this.#look = clock.after(pause, () => {
      if (this.#closing || this.#seat.state !== 'taken') return;
      this.#inOrder(() => this.#lookNow())
        // An engine that does not answer is found to be so by its pool.
        .catch(() => undefined)
        .finally(() => {
          if (!this.#closing && this.#seat.state === 'taken') this.#lookLater();
        });
    });
  }

  async #lookNow(): Promise<void> {
    const reply = await this.#seat.ask('query', {});
    const silent = this.#silence.look(
      this.#parts.clock.monotonic(),
      // RTCP is a sign of life, too: a phone may say nothing while nothing is said (RFC 3551 4.1).
      (side) => packetsFrom(reply, side, 'any'),
      (side) => !(this.#parked && side === 'target') && this.#descriptions.isToSpeak(side),
    );
    for (const side of silent) {
      this.#parts.counts.silent += 1;
      this.#tell(() => this.#parts.events.silent(side));
    }
  }

  #onLost(): void {
    this.#look?.clear();
    this.#playing.pause();
    if (this.#closing) return;
    this.#parts.counts.lost += 1;
    this.#tell(() => this.#parts.events.lost());
  }

  /** Whether it was for somebody. */
  #onPressed({ from, digit, milliseconds }: Pressed): boolean {
    const heard = this.#descriptions.isToSpeak(from) && !this.#playing.isApart(otherSide[from]);
    if (this.#closing || !heard || !this.#descriptions.becomeInfo(from)) return false;
    this.#tell(() => this.#parts.events.digit(from, digit, milliseconds));
    return true;
  }

  #tell(event: () => void): void {
    if (this.#closing) return;
    try {
      event();
    } catch (error) {
      this.#parts.log.error({ err: error }, 'an event of the media was not taken');
    }
  }
}
