// While a caller is parked the engine is its other side: to rtpengine a party that sends nothing, receives nothing, and whose
// descriptions are written here. What the caller hears is played.
import sdpTransform, { type MediaDescription, type SessionDescription } from 'sdp-transform';
import { Failure } from '../../shared/errors.ts';
import { spokenByEngine } from '../policy.ts';
import { isCodec, staticCodecs } from '../sdp.ts';

/** The discard port (RFC 863) of the engine itself; nothing is sent there, since the caller's voice is blocked. */
const nowhere = { address: '127.0.0.1', port: 9 };

type Stream = Pick<MediaDescription, 'type' | 'port' | 'protocol' | 'payloads' | 'rtp' | 'fmtp'> &
  Partial<MediaDescription>;

/** RFC 3264 6.1: what we may answer to each direction, since we would both send and receive. */
const facing = { sendrecv: 'sendrecv', sendonly: 'recvonly', recvonly: 'sendonly', inactive: 'inactive' } as const;

/**
 * Answers an offer in the place of a party that is not there yet (RFC 3264 6): the first audio stream with the first
 * codec in which something can be played, and its telephone-event; all other streams are refused.
 * @throws Failure `media-refused` when nothing can be played in any of its codecs
 */
export function answerInPlace(offer: string): string {
  const { media, direction } = sdpTransform.parse(offer);
  let heard: number | undefined;
  const streams = media.map((stream, index): Stream => {
    const answer = heard === undefined ? hearable(stream, stream.direction ?? direction ?? 'sendrecv') : undefined;
    if (!answer) return { ...stripped(stream), port: 0 };
    heard = index;
    return answer;
  });
  if (heard === undefined) throw new Failure('media-refused', 'the offer has no codec in which music can be played');
  return write(streams);
}

/** An offer to a caller that made none (delayed offer); the engine makes of it what the caller's trunk wants. */
export function offerInPlace(): string {
  const rtp = [
    { payload: 8, codec: 'PCMA', rate: 8_000 },
    { payload: 0, codec: 'PCMU', rate: 8_000 },
    { payload: 101, codec: 'telephone-event', rate: 8_000 },
  ];
  const fmtp = [{ payload: 101, config: '0-15' }];
  const direction = 'sendrecv';
  return write([{ type: 'audio', port: nowhere.port, protocol: 'RTP/AVP', payloads: '8 0 101', rtp, fmtp, direction }]);
}

function hearable(stream: MediaDescription, direction: keyof typeof facing): Stream | undefined {
  if (stream.type !== 'audio' || stream.port === 0 || !stream.protocol.includes('RTP/')) return undefined;
  const offered = payloadsOf(stream)
    .split(' ')
    .map(Number)
    .map((payload) => {
      const described = stream.rtp.find((one) => one.payload === payload);
      return described ?? { payload, codec: staticCodecs[payload] ?? '', rate: 8_000 };
    });
  const voice = offered.find(({ codec }) => spokenByEngine.some((name) => isCodec(name, codec)));
  if (!voice) return undefined;
  const events = offered.find((one) => isCodec(one.codec, 'telephone-event') && one.rate === voice.rate);
  const rtp = events ? [voice, events] : [voice];
  return {
    ...stripped(stream),
    port: nowhere.port,
    payloads: rtp.map(({ payload }) => payload).join(' '),
    rtp,
    fmtp: stream.fmtp.filter(({ payload }) => rtp.some((one) => one.payload === payload)),
    direction: facing[direction],
  };
}

/** A stream without its attributes. */
function stripped(stream: MediaDescription): Stream {
  const { type, port, protocol } = stream;
  return { type, port, protocol, payloads: payloadsOf(stream), rtp: [], fmtp: [] };
}

function payloadsOf({ payloads }: MediaDescription): string {
  // sdp-transform gives a number where there is one alone, whatever its types say.
  const written: unknown = payloads;
  return typeof written === 'number' ? written.toString() : (payloads ?? '0');
}

function write(media: Stream[]): string {
  const { address } = nowhere;
  const description: SessionDescription = {
    version: 0,
    origin: { username: '-', sessionId: 1, sessionVersion: 1, netType: 'IN', ipVer: 4, address },
    name: '-',
    connection: { version: 4, ip: address },
    timing: { start: 0, stop: 0 },
    media,
  };
  return sdpTransform.write(description);
}
