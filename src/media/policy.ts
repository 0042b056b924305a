// What the media of a trunk are to be like, and what an engine is asked for so that they are (rtpengine's ng protocol).
import type { NgParameters } from 'rtpengine-client';
import { Failure } from '../shared/errors.ts';
import { isCodec, type ReadAudio, type ReadSdp } from './sdp.ts';

/** Of one trunk; what is absent is as the two sides agree on it. */
export interface MediaPolicy {
  /** The codecs that are used there (`PCMA`, `opus` ...), in the order of preference; others are not offered and not taken. */
  codecs?: readonly string[];
  /** Milliseconds of sound in the packets that go there. */
  ptime?: number;
  /**
   * How digits go there. `agreed`: RFC 4733 where both sides know it, else INFO; `rfc4733`: always offered, tones of the other
   * side become events; `inband`: as tones, events of the other side become tones; `info`: by INFO alone, events of the other
   * side become INFO where the engines report them (`media.digitEvents`), tones stay tones.
   */
  digits?: DigitsWay;
  /** `accept`: plain RTP is offered, SRTP is taken when the other side offers it. */
  srtp?: 'off' | 'accept' | 'require';
  /** The addresses that the engine shows there; without it those of the other side. */
  addresses?: 'ipv4' | 'ipv6';
  /** Name of the engine's interface that the voice of this trunk goes through (rtpengine's `--interface=NAME/ADDRESS`). */
  interface?: string;
}
export type DigitsWay = 'agreed' | 'rfc4733' | 'inband' | 'info';

/** What rtpengine 10.5 of Debian encodes and decodes; others (AMR ...) it only passes on. */
export const spokenByEngine = ['PCMA', 'PCMU', 'G722', 'opus', 'G729', 'GSM', 'speex'] as const;

const event = 'telephone-event';
/** Not voice: goes beside whatever codec is used (RFC 4733, RFC 3389). */
const beside = [event, 'CN'];

/** Suites without encryption (RFC 4568 does not know them) and F8, which nobody else speaks, are not offered. */
const unwanted = ['NULL_HMAC_SHA1_80', 'NULL_HMAC_SHA1_32', 'F8_128_HMAC_SHA1_80', 'F8_128_HMAC_SHA1_32'];
const sdes = [...unwanted.map((suite) => `no-${suite}`), 'encrypted_srtp', 'encrypted_srtcp', 'authenticated_srtp'];

const families = { ipv4: 'IP4', ipv6: 'IP6' } as const;

export interface Policies {
  /** Of the side that the description comes from. */
  from: MediaPolicy;
  /** Of the side that it goes to. */
  to: MediaPolicy;
  /** Whether events are made INFO for a side that takes no events: the engine then keeps them (telephone-event.ts). */
  eventsToInfo: boolean;
}

/**
 * What an engine is asked for with an offer, so that both sides get what their trunks want. What the two have in common
 * passes as it is; only where that is nothing, the engine translates.
 * @param spoken the transport protocol of the receiving side's last description, when there was one
 * @throws Failure `media-refused` when the offer is against the policy of its own trunk, or nothing can be made of it
 */
export function offerRequest(offer: ReadSdp, policies: Policies, spoken: string | undefined): NgParameters {
  const { from, to } = policies;
  checkTransport(offer, from);
  const interfaces = [from.interface ?? 'default', to.interface ?? 'default'];
  return {
    'transport-protocol': to.srtp === 'require' ? 'RTP/SAVP' : to.srtp === 'off' ? 'RTP/AVP' : (spoken ?? 'RTP/AVP'),
    DTLS: 'off',
    SDES: sdes,
    ...(to.addresses && { 'address-family': families[to.addresses] }),
    ...((from.interface ?? to.interface) !== undefined && { direction: interfaces }),
    ...(offer.audio && audioRequest(offer.audio, policies)),
  };
}

/**
 * What an engine is asked for with an answer.
 * @throws Failure `media-refused` when it is against the policy of its own trunk
 */
export function answerRequest(answer: ReadSdp, { from, to }: Policies): NgParameters {
  checkTransport(answer, from);
  return answer.audio ? packing(answer.audio, to) : {};
}

function checkTransport({ protocol }: ReadSdp, { srtp }: MediaPolicy): void {
  if (protocol === undefined || srtp === undefined || srtp === 'accept') return;
  const secure = protocol.includes('SAVP');
  if (secure === (srtp === 'require')) return;
  const says = secure ? 'takes no SRTP (media.srtp: off)' : 'takes SRTP only (media.srtp: require)';
  throw new Failure('media-refused', `the description has ${protocol}, and its trunk ${says}`);
}

/**
 * An engine without an address of the wanted family shows one of the other without a word.
 * @throws Failure `no-media`
 */
export function checkAddresses(offered: string, { addresses }: MediaPolicy, engine: string): void {
  if (addresses === undefined || offered.includes(`c=IN ${families[addresses]} `)) return;
  throw new Failure('no-media', `${engine} has no ${addresses} address (rtpengine --interface), which the trunk wants`);
}

function audioRequest(audio: ReadAudio, policies: Policies): NgParameters {
  const codec = codecRequest(audio, policies);
  return { ...(codec && { codec }), ...packing(audio, policies.to) };
}

/** The engine packs the voice anew, which it has to decode for: so only where the two sides differ. */
function packing({ ptime }: ReadAudio, to: MediaPolicy): NgParameters {
  return to.ptime === undefined || to.ptime === ptime ? {} : { ptime: to.ptime };
}

function codecRequest({ codecs }: ReadAudio, { from, to, eventsToInfo }: Policies): NgParameters | undefined {
  const way = to.digits ?? 'agreed';
  const offered = codecs.some(({ name }) => isCodec(name, event));
  const digits = digitsRequest(wayAtEngine(way, from, eventsToInfo), offered);
  if (!from.codecs && !to.codecs) return digitsAlone(digits);
  const names = codecs.map(({ name }) => name).filter((name) => name !== '' && !among(name, beside));
  const taken = from.codecs ? names.filter((name) => among(name, from.codecs ?? [])) : names;
  if (names.length > 0 && taken.length === 0) {
    throw new Failure('media-refused', `its trunk takes none of the codecs ${names.join(', ')} (media.codecs)`);
  }
  const wanted = to.codecs ?? taken;
  const common = wanted.filter((name) => among(name, taken));
  if (common.length > 0) {
    const { offer, ...more } = digits;
    return { ...more, strip: ['all'], offer: [...common, 'CN', ...offer] };
  }
  return translation(names, taken, wanted, digits);
}

function digitsAlone({ offer: _, ...request }: DigitsRequest): NgParameters | undefined {
  return Object.keys(request).length > 0 ? { ...request } : undefined;
}

/** Where the sides have nothing in common: the engine offers in the place of the offerer, and translates. */
function translation(names: string[], taken: string[], wanted: readonly string[], digits: DigitsRequest): NgParameters {
  const said = wanted.filter((name) => among(name, spokenByEngine));
  if (!taken.some((name) => among(name, spokenByEngine)) || said.length === 0) {
    throw new Failure('media-refused', `nothing that can be made of ${names.join(', ')} is allowed on the other trunk`);
  }
  const { offer, strip = [], transcode = [], ...more } = digits;
  return {
    ...more,
    strip: [...strip, ...names.filter((name) => !among(name, taken))],
    mask: ['all'],
    except: offer,
    transcode: [...said, ...transcode],
  };
}

/** What is asked for so that digits go the way of a trunk; `offer` holds what stays in the offer of them. */
interface DigitsRequest {
  offer: readonly string[];
  strip?: readonly string[];
  transcode?: readonly string[];
  consume?: readonly string[];
}

/** What the engine knows nothing of: that events become INFO, and that who takes tones is to get none of the other side's events. */
function wayAtEngine(way: DigitsWay, from: MediaPolicy, eventsToInfo: boolean): DigitsWay {
  if (way === 'agreed' && from.digits === 'inband') return 'rfc4733';
  return way === 'info' && eventsToInfo ? 'agreed' : way;
}

function digitsRequest(way: DigitsWay, offered: boolean): DigitsRequest {
  switch (way) {
    case 'agreed':
      return { offer: [event] };
    case 'rfc4733':
      return offered ? { offer: [event] } : { offer: [event], transcode: [event] };
    case 'inband':
      return { offer: [], consume: [event] };
    case 'info':
      return { offer: [], strip: [event] };
  }
}

function among(name: string, list: readonly string[]): boolean {
  return list.some((other) => isCodec(name, other));
}
