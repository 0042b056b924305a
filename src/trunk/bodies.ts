import type { SipMessageView } from './srf.ts';

/** The session description of a message: its body, or the part of a multipart body that is one. */
export function sdpOf(message: SipMessageView): string | undefined {
  const { body } = message;
  if (body === undefined || body === '') return undefined;
  const type = message.get('content-type') ?? '';
  const boundary = /^\s*multipart\/[^;]*;(?:.*;)?\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(type);
  if (boundary) return sdpPart(body, boundary[1] ?? boundary[2] ?? '');
  if (/^\s*application\/sdp\s*(;|$)/i.test(type)) return body;
  return type === '' && body.startsWith('v=0') ? body : undefined;
}

/** RFC 2046 5.1.1: the line end before a delimiter belongs to the delimiter. */
function sdpPart(body: string, boundary: string): string | undefined {
  for (const part of `\r\n${body}`.split(`\r\n--${boundary}`).slice(1)) {
    const end = part.indexOf('\r\n\r\n');
    if (end < 0) continue;
    if (/^content-type\s*:\s*application\/sdp\s*(;|$)/im.test(part.slice(0, end))) return `${part.slice(end + 4)}\r\n`;
  }
  return undefined;
}
