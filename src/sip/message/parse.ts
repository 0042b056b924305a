import { parseNameAddress, type NameAddress } from './address.ts';
import { indexHead, type Head } from './head.ts';
import { messageLimits } from './limits.ts';
import { MalformedMessage } from './malformed.ts';
import { Request, Response, type CSeq, type Essentials, type Message } from './message.ts';
import { knownMethods } from './methods.ts';
import { isResponse, salvage } from './salvage.ts';
import { isToken, parseDecimal, skipSpace, splitList, tokenEnd } from './syntax.ts';
import { isSipUri, parseUri } from './uri.ts';
import { parseVia, type Via } from './via.ts';

export { MalformedMessage } from './malformed.ts';

const HIGHEST_SEQUENCE = 2 ** 31 - 1;

/**
 * Reads one SIP message out of a datagram, or out of the octets that a stream's framing has cut out.
 * CRLFs before the start line are skipped (RFC 3261 7.5), octets after Content-Length dropped (18.3).
 * @throws MalformedMessage and nothing else, whatever the octets are
 */
export function parseMessage(octets: Buffer, framing: 'datagram' | 'stream' = 'datagram'): Message {
  const message = withoutLeadingLines(octets);
  try {
    if (message.length > messageLimits.messageOctets) throw new MalformedMessage(513, 'Message too large');
    const head = indexHead(message);
    return head.startLine.startsWith('SIP/')
      ? readResponse(head, message, framing)
      : readRequest(head, message, framing);
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
    throw withDetails(error, message);
  }
}

/** A fault that the framing of a stream found, with what the octets at hand say about the message. */
export function malformedBy(status: number, reason: string, octets: Buffer): MalformedMessage {
  return withDetails(new MalformedMessage(status, reason), withoutLeadingLines(octets));
}

/**
 * The Content-Length of a message whose head (up to and with its empty line) has arrived; undefined when there is none.
 * It is read as `parseMessage` reads it, so that framing and parser never disagree about where a message ends.
 * @throws MalformedMessage
 */
export function contentLength(octets: Buffer): number | undefined {
  try {
    let length: number | undefined;
    for (const line of indexHead(octets).lines) {
      if (line.key === 'content-length') length = readContentLength(line.value, length);
    }
    return length;
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
    throw withDetails(error, octets);
  }
}

function withoutLeadingLines(octets: Buffer): Buffer {
  let start = 0;
  while (octets[start] === 0x0d && octets[start + 1] === 0x0a) start += 2;
  return start === 0 ? octets : octets.subarray(start);
}

/** A response is never answered, nor is a request that does not say where to. */
function withDetails(error: MalformedMessage, message: Buffer): MalformedMessage {
  if (isResponse(message)) return new MalformedMessage(0, error.reason);
  const details = salvage(message);
  return new MalformedMessage(details.salvage ? error.status : 0, error.reason, details);
}

/** Request-Line = Method SP Request-URI SP SIP-Version CRLF, RFC 3261 7.1: single spaces, none at its ends. */
function readRequest(head: Head, octets: Buffer, framing: 'datagram' | 'stream'): Request {
  const line = head.startLine;
  const methodEnd = tokenEnd(line, 0);
  const versionStart = line.lastIndexOf(' ') + 1;
  if (methodEnd === 0 || line.charCodeAt(methodEnd) !== 0x20 || versionStart <= methodEnd + 1)
    throw bad('Request-Line');
  const version = line.substring(versionStart);
  if (version !== 'SIP/2.0') checkVersion(version);
  const method = line.substring(0, methodEnd);
  const requestUri = line.substring(methodEnd + 1, versionStart - 1);
  const uri = parseUri(requestUri);
  if (!uri) throw bad('Request-URI');
  if (isSipUri(uri) && uri.headers !== undefined) throw new MalformedMessage(400, 'Request-URI with headers'); // 19.1.1

  const essentials = readEssentials(head, octets, framing);
  if (essentials.cseq.method !== method) {
    // A method to come may have rules of its own for CSeq: 501 says more than 400 (RFC 4475 3.1.2.18).
    throw new MalformedMessage(knownMethods.has(method) ? 400 : 501, 'CSeq method does not match');
  }
  return new Request(method, requestUri, uri, essentials);
}

/** Any case is right for the name (RFC 3261 7.1); another version is 505, anything else is no SIP. */
function checkVersion(version: string): void {
  const upper = version.toUpperCase();
  if (upper === 'SIP/2.0') return;
  if (/^SIP\/\d{1,9}\.\d{1,9}$/.test(upper)) throw new MalformedMessage(505, 'Version Not Supported');
  throw bad('Request-Line');
}

/** Status-Line = SIP-Version SP Status-Code SP Reason-Phrase CRLF, RFC 3261 7.2; a missing SP before an empty phrase is forgiven. */
function readResponse(head: Head, octets: Buffer, framing: 'datagram' | 'stream'): Response {
  const line = head.startLine;
  const status = parseDecimal(line.substring(8, 11), 699);
  const separated = line.length === 11 || line.charCodeAt(11) === 0x20;
  if (!line.startsWith('SIP/2.0 ') || status === undefined || status < 100 || !separated) throw bad('Status-Line');
  const reason = Buffer.from(line.substring(12), 'latin1').toString('utf8');
  return new Response(status, reason, readEssentials(head, octets, framing));
}

function readEssentials(head: Head, octets: Buffer, framing: 'datagram' | 'stream'): Essentials {
  let from: NameAddress | undefined;
  let to: NameAddress | undefined;
  let callId: string | undefined;
  let cseq: CSeq | undefined;
  let length: number | undefined;
  const vias: Via[] = [];
  const { lines } = head;
  let diversions = 0;
  let history = 0;

  for (const line of lines) {
    switch (line.key) {
      case 'via':
        readVias(line.value, vias);
        break;
      case 'from':
        if (from) throw twice('From');
        from = parseNameAddress(line.value);
        if (!from) throw bad('From');
        break;
      case 'to':
        if (to) throw twice('To');
        to = parseNameAddress(line.value);
        if (!to) throw bad('To');
        break;
      case 'call-id':
        if (callId !== undefined) throw twice('Call-ID');
        callId = readCallId(line.value);
        break;
      case 'cseq':
        if (cseq) throw twice('CSeq');
        cseq = readCSeq(line.value);
        break;
      case 'content-length':
        length = readContentLength(line.value, length);
        break;
      case 'max-forwards':
        if (parseDecimal(line.value, 255) === undefined) throw bad('Max-Forwards');
        break;
      case 'diversion':
        diversions += limitedEntries(line.value, diversions);
        break;
      case 'history-info':
        history += limitedEntries(line.value, history);
        break;
    }
  }
  if (vias.length === 0) throw new MalformedMessage(0, 'Via is missing');
  if (!from) throw missing('From');
  if (!to) throw missing('To');
  if (callId === undefined) throw missing('Call-ID');
  if (!cseq) throw missing('CSeq');

  const bodyEnd = readBodyEnd(head.bodyStart, octets.length, length, framing);
  return {
    raw: bodyEnd === octets.length ? octets : octets.subarray(0, bodyEnd),
    bodyStart: head.bodyStart,
    lines,
    callId,
    cseq,
    from,
    to,
    vias,
  };
}

/** `before`: what an earlier line said; the same again is forgiven. */
function readContentLength(value: string, before: number | undefined): number {
  const length = parseDecimal(value, Number.MAX_SAFE_INTEGER);
  if (length === undefined) throw bad('Content-Length');
  if (before !== undefined && before !== length) throw twice('Content-Length');
  return length;
}

/** RFC 3261 18.3: without Content-Length a datagram's body goes to its end; a stream must have it. */
function readBodyEnd(
  start: number,
  available: number,
  length: number | undefined,
  framing: 'datagram' | 'stream',
): number {
  if (length === undefined) {
    if (framing === 'stream') throw missing('Content-Length');
    return available;
  }
  if (start + length > available) throw new MalformedMessage(400, 'Content-Length is longer than the message');
  return start + length;
}

function readVias(value: string, vias: Via[]): void {
  for (const entry of splitList(value)) {
    const via = parseVia(entry);
    if (!via) throw bad('Via');
    vias.push(via);
  }
}

/** callid = word [ "@" word ], RFC 3261 25.1; here any visible characters, as peers are not so strict. */
function readCallId(value: string): string {
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) <= 0x20) throw bad('Call-ID');
  if (value === '') throw bad('Call-ID');
  return value;
}

/** CSeq = 1*DIGIT LWS Method; the number stays below 2^31 (RFC 3261 8.1.1.5). */
function readCSeq(value: string): CSeq {
  let digitsEnd = 0;
  while (value.charCodeAt(digitsEnd) >= 0x30 && value.charCodeAt(digitsEnd) <= 0x39) digitsEnd++;
  const sequence = parseDecimal(value.substring(0, digitsEnd), HIGHEST_SEQUENCE);
  const methodStart = skipSpace(value, digitsEnd);
  const method = value.substring(methodStart);
  if (sequence === undefined || methodStart === digitsEnd || !isToken(method)) throw bad('CSeq');
  return { sequence, method };
}

/** A chain of diversions longer than any real one is an attack on whoever has to read it. `before`: entries of lines before. */
function limitedEntries(value: string, before: number): number {
  const entries = value.includes(',') ? splitList(value).length : 1;
  if (before + entries > messageLimits.diversionEntries) throw new MalformedMessage(400, 'Too many diversion entries');
  return entries;
}

function bad(what: string): MalformedMessage {
  return new MalformedMessage(400, `Malformed ${what}`);
}

function twice(what: string): MalformedMessage {
  return new MalformedMessage(400, `More than one ${what}`);
}

function missing(what: string): MalformedMessage {
  return new MalformedMessage(400, `${what} is missing`);
}
