import { Draft } from '../message/draft.ts';
import type { Message } from '../message/message.ts';

/** Compact forms that drachtio-srf does not know: it would find no such header. */
const unknownToSrf = new Map([
  ['a', 'Accept-Contact'],
  ['b', 'Referred-By'],
  ['d', 'Request-Disposition'],
  ['j', 'Reject-Contact'],
  ['o', 'Event'],
  ['r', 'Refer-To'],
  ['u', 'Allow-Events'],
  ['x', 'Session-Expires'],
  ['y', 'Identity'],
]);

/** A challenge as drachtio-srf's digest client can read it; on anything else it throws. */
const challenge = /^\S+\s+[^\s,"=]+\s*=/;

/**
 * The octets of a message as an application gets them: as they came, unless drachtio-srf would stumble over something that
 * RFC 3261 allows or that a lenient server repairs. Then it is written anew:
 * - the topmost Via was noted (received, rport);
 * - a line ends in LF alone, a header is folded, Content-Length is missing, or a compact form is unknown to drachtio-srf;
 * - a challenge cannot be parsed: it is left out, so that the 401 or 407 is a plain refusal.
 */
export function forApplication(message: Message): Buffer {
  const badChallenges = unreadableChallenges(message);
  const asItCame =
    badChallenges.length === 0 &&
    !topViaNoted(message) &&
    message.headers.every((header) => isPlain(header.name)) &&
    isPlainText(message);
  if (asItCame) return message.raw;

  const draft = Draft.from(message);
  for (const name of badChallenges) draft.remove(name);
  writeLongNames(draft, message);
  return draft.toBuffer();
}

function topViaNoted(message: Message): boolean {
  const via = message.vias[0];
  return (
    message.kind === 'request' && via !== undefined && (via.parameters.has('received') || via.parameters.has('rport'))
  );
}

function isPlain(name: string): boolean {
  return name.length > 1 || !unknownToSrf.has(name.toLowerCase());
}

/** Content-Length is there, and every line of the head ends in CRLF and begins a header. */
function isPlainText(message: Message): boolean {
  if (message.get('Content-Length') === undefined) return false;
  const head = message.raw.subarray(0, message.raw.length - message.body.length);
  if (!head.subarray(-4).equals(endOfHead)) return false;
  for (let at = head.indexOf(0x0a); at >= 0; at = head.indexOf(0x0a, at + 1)) {
    const next = head[at + 1];
    if (head[at - 1] !== 0x0d || next === 0x20 || next === 0x09) return false;
  }
  return true;
}

const endOfHead = Buffer.from('\r\n\r\n');

function unreadableChallenges(message: Message): string[] {
  if (message.kind !== 'response' || (message.status !== 401 && message.status !== 407)) return [];
  return ['WWW-Authenticate', 'Proxy-Authenticate'].filter((name) =>
    message.all(name).some((value) => !challenge.test(value)),
  );
}

function writeLongNames(draft: Draft, message: Message): void {
  for (const { name } of message.headers) {
    const long = unknownToSrf.get(name.toLowerCase());
    if (long === undefined) continue;
    const values = draft.all(long);
    draft.remove(long);
    for (const value of values) draft.add(long, value);
  }
}
