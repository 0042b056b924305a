import { readMediaType, type MediaType } from './media-type.ts';

/** A part of a multipart body that is no multipart itself. */
export interface BodyPart {
  readonly type: MediaType;
  /** Its Content-Disposition, as written; '' when absent. */
  readonly disposition: string;
  readonly body: Buffer;
}

const mostParts = 16;
const deepest = 2;

/** Takes a multipart body apart (RFC 2046 5.1.1), nested ones too; in linear time, or says what is wrong. */
export function readMultipart(body: Buffer, type: MediaType): BodyPart[] | { malformed: string } {
  const parts: BodyPart[] = [];
  const malformed = collect(body, type, 1, parts);
  return malformed === undefined ? parts : { malformed };
}

/** Adds the parts of one level to `parts`; the text says what is malformed. */
function collect(body: Buffer, type: MediaType, depth: number, parts: BodyPart[]): string | undefined {
  if (depth > deepest) return 'multipart bodies are nested too deeply';
  const boundary = type.parameters.get('boundary') ?? '';
  // RFC 2046 5.1.1: 1 to 70 characters.
  if (boundary === '' || boundary.length > 70) return 'a multipart body without a boundary';
  const sections = split(body, Buffer.from(`\r\n--${boundary}`, 'latin1'));
  if (sections.length === 0) return 'a multipart body in which its boundary does not occur';
  for (const section of sections) {
    const part = readPart(section);
    if (part.type.name.startsWith('multipart/')) {
      const malformed = collect(part.body, part.type, depth + 1, parts);
      if (malformed !== undefined) return malformed;
    } else {
      parts.push(part);
      if (parts.length > mostParts) return 'a multipart body with too many parts';
    }
  }
  return undefined;
}

/** The octets between delimiter lines; a missing last delimiter is forgiven. */
function split(body: Buffer, delimiter: Buffer): Buffer[] {
  const sections: Buffer[] = [];
  // The first delimiter may stand at the very beginning, without its CRLF.
  const atOnce = body.subarray(0, delimiter.length - 2).equals(delimiter.subarray(2));
  let at = atOnce ? -2 : nextDelimiter(body, delimiter, 0);
  while (at !== undefined && sections.length <= mostParts) {
    const after = at + delimiter.length;
    const lineEnd = body.indexOf('\r\n', after, 'latin1');
    if (isLast(body, after) || lineEnd < 0) break;
    at = nextDelimiter(body, delimiter, lineEnd);
    sections.push(body.subarray(lineEnd, at ?? body.length));
  }
  return sections;
}

/** A delimiter ends its line, but for white space: the boundary "b1" is not found in "b10" (RFC 2046 5.1.1). */
function nextDelimiter(body: Buffer, delimiter: Buffer, from: number): number | undefined {
  for (let at = body.indexOf(delimiter, from); at >= 0; at = body.indexOf(delimiter, at + 1)) {
    const after = at + delimiter.length;
    const next = body[after];
    if (next === undefined || next === 0x0d || next === 0x20 || next === 0x09 || isLast(body, after)) return at;
  }
  return undefined;
}

function isLast(body: Buffer, after: number): boolean {
  return body[after] === 0x2d && body[after + 1] === 0x2d;
}

/** A section begins with the CRLF that ends its delimiter line: so the blank line of a part without headers is found too. */
function readPart(section: Buffer): BodyPart {
  const headEnd = section.indexOf('\r\n\r\n');
  const head = section.toString('latin1', 0, headEnd < 0 ? section.length : headEnd);
  let type = readMediaType('text/plain');
  let disposition = '';
  for (const line of head.replaceAll(/\r\n[ \t]/g, ' ').split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    if (name === 'content-type' || name === 'c') type = readMediaType(line.slice(colon + 1));
    else if (name === 'content-disposition') disposition = line.slice(colon + 1).trim();
  }
  return { type, disposition, body: headEnd < 0 ? Buffer.alloc(0) : section.subarray(headEnd + 4) };
}
