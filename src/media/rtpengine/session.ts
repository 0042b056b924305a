import type { NgParameters } from 'rtpengine-client';
import type { MediaSession, Side } from '../../call/ports.ts';
import type { Clock } from '../../shared/clock.ts';
import { Failure, messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { answerRequest, checkAddresses, offerRequest, type MediaPolicy, type Policies } from '../policy.ts';
import { readSdp, type ReadSdp } from '../sdp.ts';
import { sendDigits } from './digits.ts';
import { answerInPlace, offerInPlace } from './parking.ts';
import { Playing, type Sounds } from './playing.ts';
import { reasonOf, type NgReply } from './reply.ts';
import type { Seat } from './seat.ts';
import { otherSide } from './sides.ts';

/**
 * What the engine is told with every description: no trace of the other side's addresses, no ICE, and the same ports for
 * a side whatever becomes of the other one.
 */
const rewriting: NgParameters = { replace: ['origin', 'session-connection'], ICE: 'remove' };
const always = ['port-latching'];
/** Voice of another fork is thrown away; without it both would be heard, mixed up (all of them send to one port). */
const oneFork = ['strict-source', 'asymmetric'];

/** An offer and its answer, as they came, and what was made of them for the other side. */
interface Exchange {
  offerer: Side;
  offer: ReadSdp;
  answer: ReadSdp;
  /** What the answering side was offered. */
  offered: string;
  /** What the offering side was answered. */
  answered: string;
}

/**
 * The media of two parties at an engine. The session's name is the ng call-id, the sides' names are the tags; so an
 * offer and an answer with the same names bring the media back at an engine that was restarted, or at another one.
 */
export class RtpengineSession implements MediaSession {
  readonly #seat: Seat;
  readonly #policies: Readonly<Record<Side, MediaPolicy>>;
  readonly #playing: Playing;
  readonly #clock: Clock;
  /** Settles with the request that was asked last; never rejects. */
  #last: Promise<void> = Promise.resolve();
  #offer: Pick<Exchange, 'offerer' | 'offer' | 'offered'> | undefined;
  #exchange: Exchange | undefined;
  /** What each side speaks, out of its last description. */
  readonly #protocols: Partial<Record<Side, string>> = {};
  readonly #forks = new Set<string>();
  /** Whether digits can be put into the voice: the engine then decodes all of it, so it is not asked for before. */
  #injecting = false;
  #closing: Promise<void> | undefined;

  constructor(seat: Seat, policies: Readonly<Record<Side, MediaPolicy>>, parts: { clock: Clock; log: Logger }) {
    this.#seat = seat;
    this.#policies = policies;
    this.#clock = parts.clock;
    this.#playing = new Playing(seat, parts.clock, (step) => {
      this.#inOrder(step).catch((error: unknown) => parts.log.warn(`the next sound is not heard: ${messageOf(error)}`));
    });
  }

  get engine(): { session: string; engine: string } {
    return { session: this.#seat.session, engine: this.#seat.engine };
  }

  offer(from: Side, sdp: string): Promise<string> {
    return this.#inOrder(() => this.#takeOffer(from, readSdp(sdp)));
  }

  answer(from: Side, sdp: string, fork?: string): Promise<string> {
    return this.#inOrder(() => {
      if (fork !== undefined) this.#forks.add(fork);
      return this.#takeAnswer(from, readSdp(sdp));
    });
  }

  park(offer: string | undefined): Promise<string> {
    return this.#inOrder(async () => {
      if (offer === undefined) return await this.#takeOffer('target', readSdp(offerInPlace()));
      const offered = await this.#takeOffer('caller', readSdp(offer));
      const answer = await this.#takeAnswer('target', readSdp(answerInPlace(offered)));
      // What the caller says is for nobody.
      await this.#playing.keepApart('target');
      return answer;
    });
  }

  parked(answer: string): Promise<void> {
    return this.#inOrder(async () => {
      await this.#takeAnswer('caller', readSdp(answer));
      await this.#playing.keepApart('target');
    });
  }

  play(to: Side, sounds: Sounds): Promise<void> {
    return this.#inOrder(() => {
      this.#agreed();
      return this.#playing.play(to, sounds);
    });
  }

  stop(to: Side): Promise<void> {
    return this.#inOrder(() => this.#playing.stop(to));
  }

  digits(to: Side, digits: string): Promise<void> {
    return this.#inOrder(async () => {
      if (!/^[0-9*#A-D]{1,64}$/.test(digits)) throw new Failure('bad-input', `"${digits}" are no digits`);
      if (!this.#takesDigits(to)) throw new Failure('no-media', `the ${to} takes no digits in the path of its voice`);
      if (this.#playing.isApart(to)) throw new Failure('no-media', `the ${to} hears a sound, and no digits beside it`);
      await this.#prepareDigits();
      await sendDigits(this.#seat, this.#clock, to, digits);
    });
  }

  relocate(): Promise<Record<Side, string>> {
    return Promise.reject(new Failure('no-media', 'not offered yet'));
  }

  close(): Promise<void> {
    // After what is under way: an offer that is sent again behind the removal would bring the session back.
    this.#closing ??= this.#last.then(() => {
      this.#playing.close();
      return this.#seat.leave();
    });
    return this.#closing;
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

  async #takeOffer(offerer: Side, offer: ReadSdp): Promise<string> {
    const offered = await this.#offerAtEngine(offerer, offer);
    this.#offer = { offerer, offer, offered };
    if (offer.protocol !== undefined) this.#protocols[offerer] = offer.protocol;
    return offered;
  }

  async #takeAnswer(from: Side, answer: ReadSdp): Promise<string> {
    const offerer = otherSide[from];
    const open = this.#offer;
    if (open?.offerer !== offerer) throw new Failure('media-refused', `the ${from} answers an offer that nobody made`);
    const answered = await this.#answerAtEngine(offerer, answer);
    this.#exchange = { ...open, answer, answered };
    if (answer.protocol !== undefined) this.#protocols[from] = answer.protocol;
    return answered;
  }

  async #offerAtEngine(offerer: Side, offer: ReadSdp): Promise<string> {
    const to = otherSide[offerer];
    const parameters = {
      ...this.#rewriting(),
      'from-tag': offerer,
      // A first offer has no other side yet; a later one names both (as in the SIP dialog).
      ...(this.#offer !== undefined && { 'to-tag': to }),
      ...offerRequest(offer, this.#policiesFrom(offerer), this.#protocols[to]),
      sdp: offer.text,
    };
    const offered = sdpOf(await (this.#seat.taken ? this.#seat.ask('offer', parameters) : this.#take(parameters)));
    checkAddresses(offered, this.#policies[to], this.#seat.engine);
    return offered;
  }

  async #answerAtEngine(offerer: Side, answer: ReadSdp): Promise<string> {
    const from = otherSide[offerer];
    const tags = { 'from-tag': offerer, 'to-tag': from };
    const asked = answerRequest(answer, this.#policiesFrom(from));
    return sdpOf(await this.#seat.ask('answer', { ...this.#rewriting(), ...tags, ...asked, sdp: answer.text }));
  }

  async #take(parameters: NgParameters): Promise<NgReply> {
    try {
      return await this.#seat.take(parameters);
    } catch (error) {
      // Removals of this session may be owed to each engine; brought back under its name it would be removed.
      this.#closing ??= Promise.resolve();
      throw error;
    }
  }

  #policiesFrom(side: Side): Policies {
    return { from: this.#policies[side], to: this.#policies[otherSide[side]] };
  }

  #rewriting(): NgParameters {
    const forked = this.#forks.size > 1 ? oneFork : [];
    const injecting = this.#injecting ? ['inject-DTMF'] : [];
    return { ...rewriting, flags: [...always, ...forked, ...injecting] };
  }

  /** @throws Failure `no-media` before the first answer */
  #agreed(): Exchange {
    if (this.#exchange) return this.#exchange;
    throw new Failure('no-media', 'there is no voice yet: nothing was agreed on');
  }

  /** Whether a side is to hear digits as tones, or both what it said and what it was told hold RFC 4733 events. */
  #takesDigits(side: Side): boolean {
    const { digits } = this.#policies[side];
    if (digits === 'inband') return true;
    if (digits === 'info') return false;
    const { offerer, offer, answer, offered, answered } = this.#agreed();
    const [said, told] = side === offerer ? [offer.text, answered] : [answer.text, offered];
    return [said, told].every((sdp) => /^a=rtpmap:\d+ telephone-event\//im.test(sdp));
  }

  /** Tells the engine the same descriptions again, so that digits can be put in; neither side notices. */
  async #prepareDigits(): Promise<void> {
    if (this.#injecting) return;
    const { offerer, offer, answer, offered, answered } = this.#agreed();
    this.#injecting = true;
    const again = [await this.#offerAtEngine(offerer, offer), await this.#answerAtEngine(offerer, answer)];
    if (!isSameToPeer(offered, again[0]) || !isSameToPeer(answered, again[1])) {
      throw new Failure('no-media', `${this.#seat.engine} puts in no digits without new descriptions`);
    }
  }
}

/**
 * Whether a side that knows the one description may go on without being told the other one. A new offer of SRTP has the key
 * that is used first, and new ones behind it for suites that are not (RFC 4568 5.1.1).
 */
function isSameToPeer(told: string, again: string | undefined): boolean {
  const key = /^a=crypto:.*\r?\n/gm;
  const [used] = again?.match(key) ?? [];
  return told.replace(key, '') === again?.replace(key, '') && (used === undefined || told.includes(used));
}

/** @throws Failure `media-refused` */
function sdpOf(reply: NgReply): string {
  if (reply.result === 'ok' && reply.sdp !== undefined) return reply.sdp;
  throw new Failure('media-refused', `rtpengine refused the session description: ${reasonOf(reply)}`);
}
