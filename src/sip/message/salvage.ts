import { unfold } from './head.ts';
import { messageLimits } from './limits.ts';
import type { MalformedDetails, Salvage } from './malformed.ts';
import { headerKey } from './names.ts';
import { breaksLine, isToken, trimSpace } from './syntax.ts';

/** Which field of a salvage each header goes to. */
const fields = new Map<string, Exclude<keyof Salvage, 'via'>>([
  ['from', 'from'],
  ['to', 'to'],
  ['call-id', 'callId'],
  ['cseq', 'cseq'],
]);

/** True when a message that could not be parsed looks like a response. */
export function isResponse(octets: Buffer): boolean {
  return octets.toString('latin1', 0, 4).toUpperCase() === 'SIP/';
}

/** Looks for what an answer needs (RFC 3261 8.2.6.2) in a request that could not be parsed. Forgives what the parser does not. */
export function salvage(octets: Buffer): MalformedDetails {
  const text = octets.toString('latin1', 0, Math.min(octets.length, messageLimits.messageOctets));
  // Without any CRLF it was written with bare LFs: that is its fault, and whoever sent it shall hear of it.
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  const end = text.indexOf(lineEnd + lineEnd);
  const lines = (end < 0 ? text : text.substring(0, end)).split(lineEnd, messageLimits.headerLines);
  const vias: string[] = [];
  const found: Omit<Salvage, 'via'> = { from: '', to: '', callId: '', cseq: '' };

  for (let i = 1; i < lines.length; i++) {
    let line = lines[i] ?? '';
    while (isFold(lines[i + 1])) line += `\r\n${lines[++i] ?? ''}`;
    const colon = line.indexOf(':');
    if (colon < 0 || line.length > messageLimits.headerLineOctets) continue;
    const key = headerKey(trimSpace(line.substring(0, colon)));
    const value = unfold(line.substring(colon + 1));
    // What is repeated in an answer must not itself break the answer.
    if (value === '' || breaksLine(value)) continue;
    if (key === 'via') vias.push(utf8(value));
    const field = fields.get(key);
    if (field !== undefined && found[field] === '') found[field] = utf8(value);
  }

  const details: MalformedDetails = {};
  const method = (lines[0] ?? '').split(' ', 1)[0] ?? '';
  if (isToken(method)) details.method = method;
  if (vias.length > 0) details.salvage = { via: vias.join(', '), ...found };
  return details;
}

function isFold(line: string | undefined): boolean {
  return line !== undefined && (line.startsWith(' ') || line.startsWith('\t'));
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}
