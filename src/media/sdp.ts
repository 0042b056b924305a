import sdpTransform from 'sdp-transform';
import { z } from 'zod';
import { Failure, messageOf } from '../shared/errors.ts';

/** Octets; an ng request must fit into one datagram, and no real description comes near to this. */
const largest = 32_768;

const connection = z.object({ ip: z.string() });
const directions = ['sendrecv', 'sendonly', 'recvonly', 'inactive'] as const;
export type Direction = (typeof directions)[number];
/** sdp-transform reads any text; a line that is absent or malformed is missing in what it returns. */
const schema = z.object({
  origin: z.object({ address: z.string() }),
  connection: connection.optional(),
  direction: z.enum(directions).optional().catch(undefined),
  media: z
    .array(
      z.object({
        type: z.string(),
        port: z.int().min(0).max(65_535),
        protocol: z.string().min(1),
        payloads: z.coerce.string().optional(),
        connection: connection.optional(),
        direction: z.enum(directions).optional().catch(undefined),
        ptime: z.number().optional().catch(undefined),
        rtp: z.array(z.object({ payload: z.number(), codec: z.string(), rate: z.number().optional() })),
      }),
    )
    .min(1),
});
type Lines = z.infer<typeof schema>;

/** A description that was read at the edge; `text` is what arrived, unchanged. */
export interface ReadSdp {
  text: string;
  /** Transport protocol of the first RTP stream (`RTP/AVP`, `RTP/SAVP` ...); undefined when there is none. */
  protocol?: string;
  /** The first audio stream over RTP that is not refused. */
  audio?: ReadAudio;
}

export interface ReadAudio {
  /** Names as written (RFC 3551: their case says nothing), in the order of preference. */
  codecs: readonly Codec[];
  /** Milliseconds of sound in a packet; 20 where nothing is said (RFC 3551 4.5, table 1). */
  ptime: number;
  /** As the one who wrote it sees it; a zero address is the old way to hold (RFC 3264 8.4). */
  direction: Direction;
}

export interface Codec {
  name: string;
  payload: number;
  /** Hz. */
  rate: number;
}

/** RFC 3551, tables 4 and 5: payload types that need no rtpmap. */
export const staticCodecs: Readonly<Record<number, string>> = {
  0: 'PCMU',
  3: 'GSM',
  8: 'PCMA',
  9: 'G722',
  13: 'CN',
  18: 'G729',
};

/**
 * Reads a session description (RFC 8866) as far as we depend on it: version 0, an origin, and at least one
 * media stream, each with a port and an address to send to.
 * @throws Failure `media-refused` when the text is no such description
 */
export function readSdp(text: string): ReadSdp {
  const refuse = (what: string, cause?: unknown) =>
    new Failure('media-refused', `the session description cannot be used: ${what}`, { cause });
  if (Buffer.byteLength(text) > largest) throw refuse(`it is longer than ${largest} octets`);
  if (!/^v=0\r?\n/.test(text)) throw refuse('it does not begin with v=0');
  let lines: Lines;
  try {
    lines = schema.parse(sdpTransform.parse(text));
  } catch (error) {
    const [issue] = error instanceof z.ZodError ? error.issues : [];
    throw refuse(issue ? `${issue.path.join('.')}: ${issue.message}` : messageOf(error), error);
  }
  // RFC 8866 5.7: each stream has an address, its own or the session's. A refused stream (port 0) needs none.
  const addressed = lines.media.every((stream) => stream.port === 0 || stream.connection || lines.connection);
  if (!addressed) throw refuse('a media stream has no c= line');
  const protocol = lines.media.find((stream) => stream.protocol.includes('RTP/'))?.protocol;
  const audio = readAudio(lines);
  return { text, ...(protocol !== undefined && { protocol }), ...(audio && { audio }) };
}

function readAudio(lines: Lines): ReadAudio | undefined {
  const stream = lines.media.find(
    ({ type, port, protocol }) => type === 'audio' && port !== 0 && protocol.includes('RTP/'),
  );
  if (!stream) return undefined;
  const codecs = (stream.payloads ?? '').split(' ').map((written): Codec => {
    const payload = Number(written);
    const described = stream.rtp.find((one) => one.payload === payload);
    return { name: described?.codec ?? staticCodecs[payload] ?? '', payload, rate: described?.rate ?? 8_000 };
  });
  const address = stream.connection?.ip ?? lines.connection?.ip;
  const direction = stream.direction ?? lines.direction ?? 'sendrecv';
  return { codecs, ptime: stream.ptime ?? 20, direction: isNowhere(address) ? held[direction] : direction };
}

const held = { sendrecv: 'sendonly', sendonly: 'sendonly', recvonly: 'inactive', inactive: 'inactive' } as const;

function isNowhere(address: string | undefined): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** Whether two names mean the same codec. */
export function isCodec(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
