import type { NgParameters } from 'rtpengine-client';
import type { Side } from '../../call/ports.ts';
import { Failure } from '../../shared/errors.ts';
import { answerRequest, checkAddresses, offerRequest, type MediaPolicy, type Policies } from '../policy.ts';
import { readSdp, type Direction, type ReadSdp } from '../sdp.ts';
import { answerForEngine, eventsIn, offerForEngine, takesInfoAlone, withoutEvents } from '../telephone-event.ts';
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

/** An offer as it came, as the engine got it, what it made of it, and what of that the other side is told. */
interface Offer {
  offerer: Side;
  offer: ReadSdp;
  given: ReadSdp;
  made: string;
  offered: string;
}
/** An offer with its answer, and what the offerer is told of it. */
interface Exchange extends Offer {
  answer: ReadSdp;
  answered: string;
  /** Sides that take no events, though the engine believes it. */
  believed: ReadonlySet<Side>;
}

/** How the sides' trunks want their media, and whether events that one side presses are made INFO for the other. */
export interface Wishes {
  policies: Readonly<Record<Side, MediaPolicy>>;
  eventsToInfo: boolean;
}

/** What both sides have said of their media, and what the engine has made of it. The sides' names are the ng tags. */
export class Descriptions {
  readonly #seat: Seat;
  readonly #policies: Readonly<Record<Side, MediaPolicy>>;
  readonly #eventsToInfo: boolean;
  #offer: Offer | undefined;
  #exchange: Exchange | undefined;
  /** What each side speaks, out of its last description. */
  readonly #protocols: Partial<Record<Side, string>> = {};
  readonly #forks = new Set<string>();
  /** Whether digits can be put into the voice: the engine then decodes all of it, so it is not asked for before. */
  #injecting = false;

  constructor(seat: Seat, { policies, eventsToInfo }: Wishes) {
    this.#seat = seat;
    this.#policies = policies;
    this.#eventsToInfo = eventsToInfo;
  }

  async offer(offerer: Side, offer: ReadSdp): Promise<string> {
    const open = await this.#offerAtEngine(offerer, offer);
    this.#offer = open;
    if (offer.protocol !== undefined) this.#protocols[offerer] = offer.protocol;
    return open.offered;
  }

  async answer(from: Side, answer: ReadSdp, fork?: string): Promise<string> {
    const open = this.#offer;
    if (open?.offerer !== otherSide[from]) {
      throw new Failure('media-refused', `the ${from} answers an offer that nobody made`);
    }
    if (fork !== undefined) this.#forks.add(fork);
    const exchange = await this.#answerAtEngine(open, answer);
    this.#exchange = exchange;
    if (answer.protocol !== undefined) this.#protocols[from] = answer.protocol;
    return exchange.answered;
  }

  get offered(): boolean {
    return this.#offer !== undefined;
  }

  get agreed(): boolean {
    return this.#exchange !== undefined;
  }

  /** Whether voice should come from a side: neither is on hold. Who holds (`sendonly`) may have no music to send. */
  isToSpeak(side: Side): boolean {
    return this.#said(side)?.audio?.direction === 'sendrecv' && this.receives(otherSide[side]);
  }

  #said(side: Side): ReadSdp | undefined {
    const exchange = this.#exchange;
    return side === exchange?.offerer ? exchange.offer : exchange?.answer;
  }

  /** Whether a side takes any voice, by its own last description. */
  receives(side: Side): boolean {
    return receives(this.#said(side)?.audio?.direction);
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

  /** Whether the digits of a side are to go to the other one by INFO: the engine carries its events, and they are not taken there. */
  becomeInfo(from: Side): boolean {
    const to = otherSide[from];
    return this.#exchange?.believed.has(to) === true && !this.takesDigits(to);
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

  async #tellAgain({ offerer, offer, answer }: Exchange): Promise<Exchange> {
    return this.#answerAtEngine(await this.#offerAtEngine(offerer, offer), answer);
  }

  async #offerAtEngine(offerer: Side, offer: ReadSdp): Promise<Offer> {
    const to = otherSide[offerer];
    const policies = this.#policiesFrom(offerer);
    const given = readAgain(offer, offerForEngine(offer, policies));
    const isFirst = this.#seat.state === 'free';
    const parameters = {
      ...this.#rewriting(),
      'from-tag': offerer,
      // A first offer has no other side yet; a later one names both (as in the SIP dialog).
      ...(!isFirst && { 'to-tag': to }),
      ...offerRequest(given, policies, this.#protocols[to]),
      sdp: given.text,
    };
    const made = sdpOf(await (isFirst ? this.#seat.take(parameters) : this.#seat.ask('offer', parameters)));
    checkAddresses(made, policies.to, this.#seat.engine);
    const hidden = this.#eventsToInfo && policies.to.digits === 'info';
    return { offerer, offer, given, made, offered: hidden ? withoutEvents(made) : made };
  }

  async #answerAtEngine(open: Offer, answer: ReadSdp): Promise<Exchange> {
    const { offerer, offer, made } = open;
    const from = otherSide[offerer];
    const policies = this.#policiesFrom(from);
    const given = readAgain(answer, answerForEngine(answer, policies, { offer, made: readSdp(made) }));
    const tags = { 'from-tag': offerer, 'to-tag': from };
    const asked = { ...this.#rewriting(), ...tags, ...answerRequest(given, policies), sdp: given.text };
    const told = sdpOf(await this.#seat.ask('answer', asked));
    const hidden = this.#eventsToInfo && takesInfoAlone(policies.to, offer);
    const believed = new Set<Side>();
    if (hidden && eventsIn(open.given).length > 0) believed.add(offerer);
    if (this.#eventsToInfo && takesInfoAlone(policies.from, answer) && eventsIn(given).length > 0) believed.add(from);
    return { ...open, answer, believed, answered: hidden ? withoutEvents(told) : told };
  }

  #policiesFrom(side: Side): Policies {
    const [from, to] = [this.#policies[side], this.#policies[otherSide[side]]];
    return { from, to, eventsToInfo: this.#eventsToInfo };
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

function readAgain(sdp: ReadSdp, text: string): ReadSdp {
  return text === sdp.text ? sdp : readSdp(text);
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
