// What a session description says that a call must know: hold, and whether an answer changes anything. sdp-transform reads any text;
// what is no description has no streams.
import { parse, type MediaDescription, type SessionDescription } from 'sdp-transform';

type Stream = SessionDescription['media'][number];

/**
 * Whether an offer puts the other side on hold (RFC 3264 8.4): every stream that stands is sent only or inactive, or
 * has the old hold address 0.0.0.0 (RFC 2543). What is no description holds nothing.
 */
export function heldBy(offer: string): boolean {
  const session = parse(offer);
  const streams = session.media.filter((stream) => stream.port !== 0);
  return (
    streams.length > 0 &&
    streams.every((stream) => {
      const direction = directionOf(stream, session);
      return direction === 'sendonly' || direction === 'inactive' || addressOf(stream, session) === '0.0.0.0';
    })
  );
}

/**
 * A hold by `inactive` (RFC 3264 8.4) whose other side is to hear something of ours meanwhile: what to offer in its place, and
 * what of the answer the holder may hear. Undefined for any other offer.
 */
export function asHold(offer: string): { offer: string; answer: (sdp: string) => string } | undefined {
  if (!heldBy(offer) || !/^a=inactive\r?$/m.test(offer)) return undefined;
  return { offer: withDirection(offer, 'sendonly'), answer: (sdp) => withDirection(sdp, 'inactive') };
}

/**
 * Whether `answer`, to an offer of `offered`, leaves true what was known of that side: it takes every stream and format
 * that it was offered, and its media come from and go to where they did. What cannot be read counts as changed.
 */
export function leavesAsKnown(answer: string, offered: string, known: string | undefined): boolean {
  if (known === undefined) return false;
  if (answer === known) return true;
  const [now, asked, before] = [parse(answer), parse(offered), parse(known)];
  return (
    now.media.length === asked.media.length &&
    now.media.length === before.media.length &&
    now.media.every((stream, index) => {
      const [wanted, was] = [asked.media[index], before.media[index]];
      if (!wanted || !was) return false;
      return transport(stream, now) === transport(was, before) && formats(stream) === formats(wanted);
    })
  );
}

/** Whether two descriptions of ours say the same but for their origin, which each party gets its own of (see Origin). */
export function isSameSession(one: string, other: string): boolean {
  const origin = /^o=.*\r?\n/m;
  return one.replace(origin, '') === other.replace(origin, '');
}

/**
 * An offer of streams whose place is not known yet (RFC 3264 8.4, as in RFC 3725): the answer describes its sender, who sends
 * nothing until told where to. The codecs are those that phones and networks have in common.
 */
export const offerOfNowhere = [
  'v=0',
  'o=- 1 1 IN IP4 0.0.0.0',
  's=-',
  'c=IN IP4 0.0.0.0',
  't=0 0',
  'm=audio 9 RTP/AVP 8 0 9 18 96 97 98 101',
  ...['a=rtpmap:8 PCMA/8000', 'a=rtpmap:0 PCMU/8000', 'a=rtpmap:9 G722/8000', 'a=rtpmap:18 G729/8000'],
  ...['a=rtpmap:96 AMR/8000', 'a=rtpmap:97 AMR-WB/16000', 'a=rtpmap:98 opus/48000/2'],
  ...['a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-15', ''],
].join('\r\n');

/** Whether an answer takes any of the streams that it was offered. */
export function takesAny(answer: string): boolean {
  return parse(answer).media.some(({ port }) => port !== 0);
}

/** The same description, with `direction` for each of its streams. */
export function withDirection(sdp: string, direction: 'sendonly' | 'sendrecv' | 'inactive'): string {
  const lines = sdp
    .split(/\r?\n/)
    .filter((line) => line !== '' && !/^a=(sendrecv|sendonly|recvonly|inactive)$/.test(line));
  const sections = lines.join('\r\n').split(/\r\n(?=m=)/); // attributes come last in each (RFC 8866 5)
  return sections.map((section, index) => `${section}\r\n${index > 0 ? `a=${direction}\r\n` : ''}`).join('');
}

/** All of a stream that says where its media come from and go to, and how they are kept secret. */
function transport(stream: Stream, session: SessionDescription): string {
  const { port, protocol, crypto, fingerprint, setup } = stream;
  const secrecy = [crypto, fingerprint ?? session.fingerprint, setup ?? session.setup];
  return JSON.stringify([port, addressOf(stream, session), protocol, directionOf(stream, session), secrecy]);
}

function formats({ payloads }: MediaDescription): string {
  const all = [payloads].join(' '); // a single one is read as a number, whatever its type says
  return all.split(' ').toSorted().join(' ');
}

function directionOf(stream: Stream, session: SessionDescription): string {
  return stream.direction ?? session.direction ?? 'sendrecv';
}

function addressOf(stream: Stream, session: SessionDescription): string | undefined {
  return stream.connection?.ip ?? session.connection?.ip;
}
