/** What must hold for any octets whatever: each check throws what it finds wrong, as `Violation` or as it was thrown. */
import { formatNameAddress, parseNameAddress } from '../../src/sip/message/address.ts';
import { Draft, UnwritableMessage } from '../../src/sip/message/draft.ts';
import { messageLimits } from '../../src/sip/message/limits.ts';
import type { Message } from '../../src/sip/message/message.ts';
import { MalformedMessage, parseMessage } from '../../src/sip/message/parse.ts';
import { splitList } from '../../src/sip/message/syntax.ts';
import { formatUri, parseUri } from '../../src/sip/message/uri.ts';
import { formatVia, parseVia } from '../../src/sip/message/via.ts';
import type { Flow } from '../../src/sip/transport/addresses.ts';
import { StreamFramer, type Frame } from '../../src/sip/transport/framing.ts';
import { refusal } from '../../src/sip/transport/refusal.ts';
import { sourceStamped, responseTarget } from '../../src/sip/transport/routing.ts';
import type { Random } from './random.ts';

/** Something that no input may bring about. */
export class Violation extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'Violation';
  }
}

const flow: Flow = {
  transport: 'udp',
  localAddress: '127.0.0.1',
  localPort: 5060,
  remoteAddress: '192.0.2.77',
  remotePort: 5070,
};

/** The answers of 8.2.6 and what 4475 adds; 0: none. */
const refusalStatuses = new Set([0, 400, 414, 501, 505, 513]);

/** What breaks a line: a quoted-pair may hold NUL. */
const breaking = /[\r\n]|(?<!\\)\0/;

/** What became of an input, to see that the fuzzer reaches both. */
export type Outcome = 'read' | 'refused';

/** The parser on every input; the serialiser, the value readers and the answers, which cost more, now and then. */
export function checkMessage(octets: Buffer, random: Random): Outcome {
  const framing = random.once(6) ? 'stream' : 'datagram';
  let message: Message;
  try {
    message = parseMessage(octets, framing);
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
    if (random.once(8)) checkRefusal(error);
    return 'refused';
  }
  checkLimits(message, octets);
  if (random.once(6)) {
    checkValues(message);
    checkRoundTrip(message, octets);
  }
  return 'read';
}

/** An answer is one message of whole lines, none of them from outside but for the values that are copied. */
function checkRefusal(error: MalformedMessage): void {
  if (!refusalStatuses.has(error.status)) throw new Violation(`refused with ${error.status}`);
  const answer = Draft.answeringMalformed(error)?.toBuffer();
  const sent = refusal(error, flow)?.octets;
  for (const octets of [answer, sent]) {
    if (!octets) continue;
    const text = octets.toString('latin1');
    const lines = text.split('\r\n');
    const [first = ''] = lines;
    if (!first.startsWith(`SIP/2.0 ${error.status} `)) throw new Violation(`answered with ${first}`);
    // Status line, at most Via, From, To, Call-ID, CSeq and Content-Length, and the empty line.
    if (
      lines.length > 9 ||
      lines.slice(1, -2).some((line) => !/^(Via|From|To|Call-ID|CSeq|Content-Length): /.test(line))
    ) {
      throw new Violation('the answer to a malformed message has lines of others');
    }
    if (lines.some((line) => breaking.test(line))) throw new Violation('the answer has CR, LF or NUL in a line');
  }
}

function checkLimits(message: Message, octets: Buffer): void {
  const { headers, raw, body } = message;
  if (raw.length > octets.length || raw.length > messageLimits.messageOctets) throw new Violation('longer than may be');
  if (headers.length > messageLimits.headerLines) throw new Violation('more header lines than may be');
  const starts = message.kind === 'request' ? message.requestUri.length : message.reason.length;
  if (starts > messageLimits.startLineOctets) throw new Violation('a start line longer than may be');
  for (const name of ['Diversion', 'History-Info']) {
    if (message.list(name).length > messageLimits.diversionEntries) throw new Violation(`more ${name} than may be`);
  }
  for (const { name, value } of headers) {
    if (Buffer.byteLength(value, 'latin1') > messageLimits.headerLineOctets)
      throw new Violation('a line longer than may be');
    if (breaking.test(value)) throw new Violation('CR, LF or NUL in a value');
    if (!/^[\w\-.!%*+`'~]+$/.test(name)) throw new Violation('a name that is no token');
  }
  const { sequence } = message.cseq;
  if (!(sequence >= 0 && sequence <= 2 ** 31 - 1)) throw new Violation(`CSeq ${sequence}`);
  if (message.vias.length === 0 || message.callId === '') throw new Violation('an essential header is missing');
  const declared = message.get('Content-Length');
  if (declared !== undefined && body.length !== Number(declared)) throw new Violation('a body of another length');
}

/** What the readers of single values take they write in a form that they take again and that says the same. */
function checkValues(message: Message): void {
  for (const { value } of message.headers.slice(0, 24)) {
    splitList(value);
    const address = parseNameAddress(value);
    if (address) same(parseNameAddress(formatNameAddress(address)), address, 'a name-addr');
    const via = parseVia(value);
    if (via) same(parseVia(formatVia(via)), via, 'a Via');
    const uri = parseUri(value);
    if (uri) same(parseUri(formatUri(uri)), uri, 'a URI');
  }
  const [top] = message.vias;
  if (top) responseTarget(sourceStamped(top, flow), flow);
  if (message.kind === 'request') same(parseUri(formatUri(message.uri)), message.uri, 'the Request-URI');
}

function same(left: unknown, right: unknown, what: string): void {
  if (canonical(left) !== canonical(right))
    throw new Violation(`${what} is written as another: ${canonical(right)} as ${canonical(left)}`);
}

function canonical(value: unknown): string {
  return JSON.stringify([value], (_, inner: unknown) => (inner instanceof Map ? [...inner] : inner));
}

/** What is written is read again and says the same; written once more it is the same octets. */
function checkRoundTrip(message: Message, octets: Buffer): void {
  // Octets in no known character set, folded, take two octets each: near a limit they may go beyond it.
  if (octets.length > 16_000) return;
  const written = Draft.from(message).toBuffer();
  const again = parseMessage(written, 'stream');
  const facts = (one: Message): unknown => [
    one.kind === 'request' ? [one.method, one.requestUri] : [one.status, one.reason],
    one.headers.filter(({ key }) => key !== 'content-length').map(({ name, value }) => [name, value]),
    one.from,
    one.to,
    one.callId,
    one.cseq,
    one.vias,
  ];
  same(facts(again), facts(message), 'a message');
  if (!again.body.equals(message.body)) throw new Violation('the body is another after a round trip');
  if (!Draft.from(again).toBuffer().equals(written)) throw new Violation('written twice it is not the same');
  if (message.kind !== 'request') return;
  const answer = parseMessage(Draft.answering(message, 200).toBuffer(), 'stream');
  same(answer.vias, message.vias, 'the Vias of an answer');
}

/** The same octets in any pieces make the same frames, and what is framed the parser never takes for cut off. */
export function checkFraming(octets: Buffer, random: Random): void {
  const whole = new StreamFramer().push(octets);
  const framer = new StreamFramer();
  const pieces: Frame[] = [];
  for (let at = 0; at < octets.length;) {
    const size = random.once(4) ? 1 : 1 + random.below(random.once(3) ? 4_000 : 200);
    pieces.push(...framer.push(octets.subarray(at, at + size)));
    at += size;
  }
  if (describe(whole) !== describe(pieces))
    throw new Violation(`frames: ${describe(whole)}; in pieces: ${describe(pieces)}`);
  const broken = whole.findIndex(({ kind }) => kind === 'broken');
  if (broken >= 0 && broken !== whole.length - 1) throw new Violation('frames behind a broken one');
  for (const frame of whole) {
    if (frame.kind === 'broken') checkRefusal(frame.error);
    if (frame.kind !== 'message') continue;
    if (frame.octets.length > messageLimits.messageOctets) throw new Violation('a frame longer than may be');
    const message = parsedFrame(frame.octets);
    if (message && message.raw.length !== frame.octets.length)
      throw new Violation('framing and parser disagree about the end');
  }
}

function parsedFrame(octets: Buffer): Message | undefined {
  try {
    return parseMessage(octets, 'stream');
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
    if (/Content-Length|ends within/.test(error.reason)) throw new Violation(`framed, but: ${error.reason}`);
    return undefined;
  }
}

function describe(frames: readonly Frame[]): string {
  return frames
    .map((frame) => {
      if (frame.kind === 'message') return `message ${frame.octets.length} ${frame.octets.toString('latin1', 0, 20)}`;
      return frame.kind === 'broken' ? `broken ${frame.error.status} ${frame.error.reason}` : frame.kind;
    })
    .join(', ');
}

/** A draft takes any value or refuses it, and what it took stands on one line of its own. */
export function checkDraft(name: string, value: string): void {
  try {
    const octets = Draft.request('OPTIONS', 'sip:h')
      .add('Via', 'SIP/2.0/UDP h')
      .add('X-Mark', '1')
      .add(name, value)
      .toBuffer();
    const lines = octets.toString('latin1').split(/\r\n|\r|\n/);
    const own = /^content-length$|^l$/i.test(name) ? 0 : 1;
    if (lines.length !== 6 + own)
      throw new Violation(`${JSON.stringify(name)} and its value took ${lines.length - 6} lines`);
  } catch (error) {
    if (!(error instanceof UnwritableMessage)) throw error;
  }
}
