import { readMediaType } from '../numbers/isup/media-type.ts';
import { readMultipart, type BodyPart } from '../numbers/isup/multipart.ts';
import type { SipMessageView } from './srf.ts';

/** A body with its Content-Type. */
export interface Content {
  contentType: string;
  body: string;
}

/** The session description of a message: its body, or the part of a multipart body that is one. */
export function sdpOf(message: SipMessageView): string | undefined {
  return sdpIn(message.get('content-type') ?? '', message.body ?? '');
}

/**
 * What of a body may go on to the other side. ISUP stays here, on either leg (ITU-T Q.1912.5: it belongs to one hop;
 * an IAM names the number that this hop called): of a multipart body that has a session description only that is left.
 */
export function passableContent(contentType: string, body: string): Content | undefined {
  if (body === '') return undefined;
  const type = readMediaType(contentType);
  if (type.name === 'application/isup') return undefined;
  if (!type.name.startsWith('multipart/')) return { contentType, body };
  const sdp = sdpIn(contentType, body);
  if (sdp !== undefined) return { contentType: 'application/sdp', body: sdp };
  return partsOf(contentType, body).some((part) => part.type.name === 'application/isup')
    ? undefined
    : { contentType, body };
}

function sdpIn(contentType: string, body: string): string | undefined {
  if (body === '') return undefined;
  const { name } = readMediaType(contentType);
  if (name === 'application/sdp') return body;
  if (name === '') return body.startsWith('v=0') ? body : undefined;
  const part = partsOf(contentType, body).find(({ type }) => type.name === 'application/sdp');
  // RFC 2046 5.1.1: the line end before a delimiter belongs to the delimiter; the last line of a description needs one.
  return part?.body.toString().replace(/(?:\r\n)?$/, '\r\n');
}

/** The parts of a multipart body; none of any other, or of one that is malformed. */
function partsOf(contentType: string, body: string): BodyPart[] {
  const type = readMediaType(contentType);
  const parts = type.name.startsWith('multipart/') ? readMultipart(Buffer.from(body), type) : [];
  return 'malformed' in parts ? [] : parts;
}
