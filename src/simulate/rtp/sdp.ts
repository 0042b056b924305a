// Session descriptions of a simulated phone: G.711 and DTMF, offered and answered as RFC 3264 says.
import { isIPv6 } from 'node:net';
import sdpTransform, { type MediaDescription, type SessionDescription } from 'sdp-transform';
import { z } from 'zod';
import { Failure, messageOf } from '../../shared/errors.ts';
import type { G711Law } from './g711.ts';
import type { RtpDestination } from './session.ts';

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** Our half of a call. */
export interface OwnMedia {
  address: string;
  port: number;
  /** In the order in which we like them; A-law first by default. */
  laws?: readonly G711Law[];
  /** What we wish; `sendrecv` by default. An answer takes from it what the offer permits. */
  direction?: Direction;
  /** RFC 8866 5.2: of the origin; the version grows with each change. Numbers from 1. */
  sessionId?: number;
  version?: number;
}

/** The other half, as its description says. */
export interface PeerMedia {
  address: string;
  port: number;
  /** In its order; only what we know. */
  laws: readonly G711Law[];
  /** Payload type of its DTMF (RFC 4733). */
  telephoneEvent?: number;
  /** From its point of view. */
  direction: Direction;
}

/** A call's sound, agreed on. */
export interface Agreed {
  peer: PeerMedia;
  /** Where we send, and in what; undefined when we are not to send (hold, inactive, refused). */
  destination: RtpDestination | undefined;
}

const payloadTypes = { PCMA: 8, PCMU: 0 } as const satisfies Record<G711Law, number>;
const directions = ['sendrecv', 'sendonly', 'recvonly', 'inactive'] as const;
const dtmf = 101;

const connection = z.object({ ip: z.string() });
const streamSchema = z.object({
  type: z.string(),
  port: z.int().min(0).max(65_535),
  protocol: z.string(),
  payloads: z.coerce.string().optional(),
  connection: connection.optional(),
  direction: z.enum(directions).optional(),
  rtp: z.array(z.object({ payload: z.int(), codec: z.string() })),
});
const schema = z.object({
  connection: connection.optional(),
  direction: z.enum(directions).optional(),
  media: z.array(streamSchema),
});
type Stream = z.infer<typeof streamSchema>;

/** An offer of all that we know. */
export function offerSdp(own: OwnMedia): string {
  const laws = own.laws ?? ['PCMA', 'PCMU'];
  return write(own, [audio(own, laws, dtmf, own.direction ?? 'sendrecv')]);
}

/**
 * Answers an offer (RFC 3264 6): the first codec of the offer that we know, every other stream refused.
 * @throws Failure `media-refused` when it is no description, or has no audio that we know
 */
export function answerSdp(offer: string, own: OwnMedia): { sdp: string; agreed: Agreed } {
  const { peer, index, streams } = read(offer);
  const law = peer.laws.find((one) => (own.laws ?? ['PCMA', 'PCMU']).includes(one));
  if (law === undefined) throw new Failure('media-refused', 'the offer has no codec that this phone knows');
  const direction = narrow(own.direction ?? 'sendrecv', peer.direction);
  const answers = streams.map((stream, place) =>
    place === index ? audio(own, [law], peer.telephoneEvent, direction) : refusal(stream),
  );
  return { sdp: write(own, answers), agreed: agree(peer, law, direction) };
}

/**
 * Reads the answer to our offer.
 * @throws Failure `media-refused` as for `answerSdp`
 */
export function readAnswer(answer: string, own: OwnMedia): Agreed {
  const { peer } = read(answer);
  const law = peer.laws.find((one) => (own.laws ?? ['PCMA', 'PCMU']).includes(one));
  if (law === undefined) throw new Failure('media-refused', 'the answer has no codec that this phone knows');
  return agree(peer, law, narrow(own.direction ?? 'sendrecv', peer.direction));
}

function agree(peer: PeerMedia, law: G711Law, ours: Direction): Agreed {
  const sending = (ours === 'sendrecv' || ours === 'sendonly') && peer.port !== 0 && !isNowhere(peer.address);
  const { address, port, telephoneEvent } = peer;
  const destination = { address, port, law, ...(telephoneEvent !== undefined && { telephoneEvent }) };
  return { peer, destination: sending ? destination : undefined };
}

/** RFC 3264 8.4: the old way of holding a call. */
function isNowhere(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** RFC 3264 6.1: what we wish, as far as the other side sends and receives. */
function narrow(wish: Direction, peer: Direction): Direction {
  const send = /^send/.test(wish) && (peer === 'sendrecv' || peer === 'recvonly');
  const receive = (wish === 'sendrecv' || wish === 'recvonly') && /^send/.test(peer);
  if (send) return receive ? 'sendrecv' : 'sendonly';
  return receive ? 'recvonly' : 'inactive';
}

function read(sdp: string): { peer: PeerMedia; index: number; streams: Stream[] } {
  let lines: z.infer<typeof schema>;
  try {
    lines = schema.parse(sdpTransform.parse(sdp));
  } catch (error) {
    throw new Failure('media-refused', `the session description cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const index = lines.media.findIndex((one) => one.type === 'audio' && one.protocol === 'RTP/AVP' && one.port !== 0);
  const stream = lines.media[index];
  const address = stream?.connection?.ip ?? lines.connection?.ip;
  if (!stream || address === undefined) throw new Failure('media-refused', 'the description has no plain RTP audio');
  const offered = (stream.payloads ?? '').split(' ').map(Number);
  const telephoneEvent = stream.rtp.find((one) => one.codec === 'telephone-event')?.payload;
  const peer: PeerMedia = {
    address,
    port: stream.port,
    // Static payload types need no rtpmap (RFC 3551).
    laws: offered.flatMap((type) => (type === 8 ? ['PCMA' as const] : type === 0 ? ['PCMU' as const] : [])),
    ...(telephoneEvent !== undefined && { telephoneEvent }),
    direction: stream.direction ?? lines.direction ?? 'sendrecv',
  };
  return { peer, index, streams: lines.media };
}

function audio(own: OwnMedia, laws: readonly G711Law[], event: number | undefined, direction: Direction) {
  const types = laws.map((law) => payloadTypes[law]);
  return {
    type: 'audio',
    port: own.port,
    protocol: 'RTP/AVP',
    payloads: [...types, ...(event === undefined ? [] : [event])].join(' '),
    rtp: [
      ...laws.map((law) => ({ payload: payloadTypes[law], codec: law, rate: 8_000 })),
      ...(event === undefined ? [] : [{ payload: event, codec: 'telephone-event', rate: 8_000 }]),
    ],
    fmtp: event === undefined ? [] : [{ payload: event, config: '0-15' }],
    ptime: 20,
    direction,
  };
}

/** RFC 3264 6: a stream is refused with port 0; the rest of its line stays. */
function refusal({ type, protocol, payloads }: Stream) {
  return { type, port: 0, protocol, payloads: payloads ?? '0', rtp: [], fmtp: [] };
}

function write(own: OwnMedia, media: Pick<MediaDescription, 'type' | 'port' | 'protocol' | 'rtp' | 'fmtp'>[]): string {
  const version = isIPv6(own.address) ? 6 : 4;
  const description: SessionDescription = {
    version: 0,
    origin: {
      username: '-',
      sessionId: own.sessionId ?? 1,
      sessionVersion: own.version ?? 1,
      netType: 'IN',
      ipVer: version,
      address: own.address,
    },
    name: '-',
    connection: { version, ip: own.address },
    timing: { start: 0, stop: 0 },
    media,
  };
  return sdpTransform.write(description);
}
