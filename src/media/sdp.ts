import sdpTransform from 'sdp-transform';
import { z } from 'zod';
import { Failure, messageOf } from '../shared/errors.ts';

/** Octets; an ng request must fit into one datagram, and no real description comes near to this. */
const largest = 32_768;

const connection = z.object({ ip: z.string() });
/** sdp-transform reads any text; a line that is absent or malformed is missing in what it returns. */
const schema = z.object({
  origin: z.object({ address: z.string() }),
  connection: connection.optional(),
  media: z
    .array(
      z.object({ port: z.int().min(0).max(65_535), protocol: z.string().min(1), connection: connection.optional() }),
    )
    .min(1),
});

/** A description that was read at the edge; `text` is what arrived, unchanged. */
export interface ReadSdp {
  text: string;
  /** Transport protocol of the first RTP stream (`RTP/AVP`, `RTP/SAVP` ...); undefined when there is none. */
  protocol?: string;
}

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
  let lines: z.infer<typeof schema>;
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
  return protocol === undefined ? { text } : { text, protocol };
}
