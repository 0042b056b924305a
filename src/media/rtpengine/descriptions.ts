import type { NgParameters } from 'rtpengine-client';
import type { Side } from '../../call/ports.ts';
import { Failure } from '../../shared/errors.ts';
import { answerRequest, checkAddresses, offerRequest, type MediaPolicy, type Policies } from '../policy.ts';
import type { Direction, ReadSdp } from '../sdp.ts';
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

/** An offer as it came, and what was made of it for the other side. */
interface Offer {
  offerer: Side;
  offer: ReadSdp;
  offered: string;
}
/** An offer with its answer, and what was made of that for the offerer. */
interface Exchange extends Offer {
  answer: ReadSdp;
  answered: string;
}

/** What both sides have said of their media, and what the engine has made of it. The sides' names are the ng tags. */
export class Descriptions {
  readonly #seat: Seat;
  readonly #policies: Readonly<Record<Side, MediaPolicy>>;
  #offer: Offer | undefined;
  #exchange: Exchange | undefined;
  /** What each side speaks, out of its last description. */
  readonly #protocols: Partial<Record<Side, string>> = {};
  readonly #forks = new Set<string>();
  /** Whether digits can be put into the voice: the engine then decodes all of it, so it is not asked for before. */
  #injecting = false;

  constructor(seat: Seat, policies: Readonly<Record<Side, MediaPolicy>>) {
    this.#seat = seat;
    this.#policies = policies;
  }

  async offer(offerer: Side, offer: ReadSdp): Promise<string> {
    const offered = await this.#offerAtEngine(offerer, offer);
    this.#offer = { offerer, offer, offered };
    if (offer.protocol !== undefined) this.#protocols[offerer] = offer.protocol;
    return offered;
  }

  async answer(from: Side, answer: ReadSdp, fork?: string): Promise<string> {
    const open = this.#offer;
    if (open?.offerer !== otherSide[from]) {
      throw new Failure('media-refused', `the ${from} answers an offer that nobody made`);
    }
    if (fork !== undefined) this.#forks.add(fork);
    const answered = await this.#answerAtEngine(from, answer);
    this.#exchange = { ...open, answer, answered };
    if (answer.protocol !== undefined) this.#protocols[from] = answer.protocol;
    return answered;
  }

  get offered(): boolean {
    return this.#offer !== undefined;
  }

  get agreed(): boolean {
    return this.#exchange !== undefined;
  }

  /** Whether voice should come from a side: it sends, and the other one is not on hold. */
  isToSpeak(side: Side): boolean {
    const exchange = this.#exchange;
    if (!exchange) return false;
    const said = { [exchange.offerer]: exchange.offer, [otherSide[exchange.offerer]]: exchange.answer };
    return sends(said[side]?.audio?.direction) && receives(said[otherSide[side]]?.audio?.direction);
  }

  /** Whether a side is to hear digits as tones, or both what it said and what it was told hold RFC 4733 events. */
  takesDigits(side: Side): boolean {
    const { digits } = this.#policies[side];
    if (digits === 'inband') return true;
    if (digits === 'info') return false;
    const { offerer, offer, answer, offered, answered } = this.#agreedOn();
    const [said, told] = side === offerer ? [offer.text, answered] : [answer.text, offered];
    return [said, told].every((sdp) => /^a=rtpmap:\d+ telephone-event\//im.test(sdp));
  }

  /**
   * Tells the engine the same descriptions again, so that digits can be put in; neither side notices.
   * @throws Failure `no-media` when they would have to be told
   */
  async prepareDigits(): Promise<void> {
    if (this.#injecting) return;
    const before = this.#agreedOn();
    this.#injecting = true;
    const after = await this.#tellAgain(before);
    if (!isSameToPeer(before.offered, after.offered) || !isSameToPeer(before.answered, after.answered)) {
      throw new Failure('no-media', `${this.#seat.engine} puts in no digits without new descriptions`);
    }
  }

  /**
   * The same exchange at another place of the session, or the first offer while it has no answer. What was made of it anew is
   * to be told to the sides.
   * @throws Failure `no-media` before the first offer
   */
  async tellAgain(): Promise<Partial<Record<Side, string>>> {
    if (!this.#exchange && this.#offer) {
      const { offerer, offer } = this.#offer;
      return { [otherSide[offerer]]: await this.offer(offerer, offer) };
    }
    const exchange = await this.#tellAgain(this.#agreedOn());
    const { offerer, offered, answered } = exchange;
    this.#offer = this.#exchange = exchange;
    return { [offerer]: answered, [otherSide[offerer]]: offered };
  }

  /** What a side answers to what it was told after `tellAgain`; resolves with what the other one has been told by then. */
  async correct(side: Side, said: ReadSdp): Promise<string> {
    const before = this.#agreedOn();
    const isOffer = side === before.offerer;
    const unchanged = (isOffer ? before.offer : before.answer).text === said.text;
    const after = unchanged ? before : { ...before, ...(isOffer ? { offer: said } : { answer: said }) };
    if (!unchanged) this.#offer = this.#exchange = await this.#tellAgain(after);
    return isOffer ? after.offered : after.answered;
  }

  async #tellAgain(exchange: Exchange): Promise<Exchange> {
    const { offerer, offer, answer } = exchange;
    const offered = await this.#offerAtEngine(offerer, offer);
    return { offerer, offer, answer, offered, answered: await this.#answerAtEngine(otherSide[offerer], answer) };
  }

  async #offerAtEngine(offerer: Side, offer: ReadSdp): Promise<string> {
    const to = otherSide[offerer];
    const isFirst = this.#seat.state === 'free';
    const parameters = {
      ...this.#rewriting(),
      'from-tag': offerer,
      // A first offer has no other side yet; a later one names both (as in the SIP dialog).
      ...(!isFirst && { 'to-tag': to }),
      ...offerRequest(offer, this.#policiesFrom(offerer), this.#protocols[to]),
      sdp: offer.text,
    };
    const offered = sdpOf(await (isFirst ? this.#seat.take(parameters) : this.#seat.ask('offer', parameters)));
    checkAddresses(offered, this.#policies[to], this.#seat.engine);
    return offered;
  }

  async #answerAtEngine(from: Side, answer: ReadSdp): Promise<string> {
    const tags = { 'from-tag': otherSide[from], 'to-tag': from };
    const asked = answerRequest(answer, this.#policiesFrom(from));
    return sdpOf(await this.#seat.ask('answer', { ...this.#rewriting(), ...tags, ...asked, sdp: answer.text }));
  }

  #policiesFrom(side: Side): Policies {
    return { from: this.#policies[side], to: this.#policies[otherSide[side]] };
  }

  #rewriting(): NgParameters {
    const forked = this.#forks.size > 1 ? oneFork : [];
    const injecting = this.#injecting ? ['inject-DTMF'] : [];
    return { ...rewriting, flags: [...always, ...forked, ...injecting] };
  }

  #agreedOn(): Exchange {
    if (this.#exchange) return this.#exchange;
    throw new Failure('no-media', 'there is no voice yet: nothing was agreed on');
  }
}

function sends(direction: Direction | undefined): boolean {
  return direction === 'sendrecv' || direction === 'sendonly';
}

function receives(direction: Direction | undefined): boolean {
  return direction === 'sendrecv' || direction === 'recvonly';
}

/**
 * Whether a side that knows the one description may go on without being told the other one. A new offer of SRTP has the key
 * that is used first, and new ones behind it for suites that are not (RFC 4568 5.1.1).
 */
function isSameToPeer(told: string, again: string): boolean {
  const key = /^a=crypto:.*\r?\n/gm;
  const [used] = again.match(key) ?? [];
  return told.replace(key, '') === again.replace(key, '') && (used === undefined || told.includes(used));
}

/** @throws Failure `media-refused` */
function sdpOf(reply: NgReply): string {
  if (reply.result === 'ok' && reply.sdp !== undefined) return reply.sdp;
  throw new Failure('media-refused', `rtpengine refused the session description: ${reasonOf(reply)}`);
}
