/** Alterations of a message that keep most of it as it is. Text is octets: characters 0 to 255. */
import type { Random } from './random.ts';
import { address, number, parameters, quoted, via } from './values.ts';

export type Mutator = (text: string, random: Random, other: () => string) => string;

const marks = [
  '\r\n',
  '\r',
  '\n',
  '\0',
  '"',
  '\\',
  '<',
  '>',
  ',',
  ';',
  ':',
  '=',
  '@',
  ' ',
  '\t',
  '[',
  ']',
  '%',
  '\xff',
  '\xc0\x80',
  '\xed\xa0\x80',
  '\r\n\r\n',
  '\r\n ',
  'SIP/2.0',
];

const compact: readonly (readonly [string, string])[] = [
  ['Via', 'v'],
  ['From', 'f'],
  ['To', 't'],
  ['Call-ID', 'i'],
  ['Contact', 'm'],
  ['Content-Length', 'l'],
  ['Content-Type', 'c'],
  ['Subject', 's'],
  ['Supported', 'k'],
];

/** Longest text that is repeated or put together. */
const largest = 70_000;

function insert(text: string, at: number, what: string): string {
  return text.slice(0, at) + what + text.slice(at);
}

/** One line's start and end (without CRLF), the start line among them. */
function lineOf(text: string, random: Random): [start: number, end: number] {
  const start = text.lastIndexOf('\r\n', random.below(text.length));
  const begin = start < 0 ? 0 : start + 2;
  const end = text.indexOf('\r\n', begin);
  return [begin, end < 0 ? text.length : end];
}

function repeated(what: string, random: Random): string {
  return what.repeat(Math.min(random.size(1, 600), Math.max(1, Math.floor(largest / Math.max(1, what.length)))));
}

export const mutators: readonly Mutator[] = [
  // single octets
  function flip(text, random) {
    const at = random.below(text.length);
    const octet = text.charCodeAt(at) ^ (1 << random.below(8));
    return text.slice(0, at) + String.fromCharCode(octet & 0xff) + text.slice(at + 1);
  },
  function mark(text, random) {
    return insert(text, random.below(text.length + 1), random.pick(marks));
  },
  function noise(text, random) {
    return insert(text, random.below(text.length + 1), random.octets(random.size(1, 8)));
  },
  // stretches
  function remove(text, random) {
    const at = random.below(text.length);
    return text.slice(0, at) + text.slice(at + random.size(1, 40));
  },
  function cut(text, random) {
    return text.slice(0, random.below(text.length + 1));
  },
  function repeat(text, random) {
    const at = random.below(text.length);
    return insert(text, at, repeated(text.slice(at, at + random.size(1, 30)), random));
  },
  function splice(text, random, other) {
    const tail = other();
    return text.slice(0, random.below(text.length + 1)) + tail.slice(random.below(tail.length + 1));
  },
  function append(text, random, other) {
    return (random.once(2) ? text + other() : `${text}\r\n\r\n${other()}`).slice(0, largest);
  },
  // lines
  function fold(text, random) {
    const at = text.indexOf(' ', random.below(text.length));
    return at < 0
      ? text
      : text.slice(0, at) + random.pick(['\r\n ', '\r\n\t', ' \r\n ', '\r\n \r\n ']) + text.slice(at);
  },
  function repeatLine(text, random) {
    const [start, end] = lineOf(text, random);
    return insert(text, start, repeated(`${text.slice(start, end)}\r\n`, random));
  },
  function dropLine(text, random) {
    const [start, end] = lineOf(text, random);
    return text.slice(0, start) + text.slice(end + 2);
  },
  function moveLine(text, random, other) {
    const from = other();
    const [start, end] = lineOf(from, random);
    const [at] = lineOf(text, random);
    return insert(text, at, `${from.slice(start, end)}\r\n`);
  },
  function manyLines(text, random) {
    const [start] = lineOf(text, random);
    // Around the limit of lines, now and then.
    const many = random.once(6) ? 480 + random.below(60) : random.below(20);
    const line = random.pick(['X: y', 'Via: SIP/2.0/UDP h', 'Diversion: <sip:1@h>', 'v:\r\n SIP/2.0/UDP h', 'a:']);
    return insert(text, start, `${line}\r\n`.repeat(many));
  },
  function lengthen(text, random) {
    const [, end] = lineOf(text, random);
    // Around the limit of one line, now and then.
    const many = random.once(8) ? 16_350 + random.below(100) : random.below(400);
    return insert(text, end, random.once(4) ? '\r\n x'.repeat(many >> 2) : 'x'.repeat(many));
  },
  // names
  function respell(text, random) {
    const [long, short] = random.pick(compact);
    return random.once(2)
      ? text.replace(`\n${long}:`, `\n${short} :`)
      : text.replace(`\n${short}:`, `\n${long.toUpperCase()}\t:`);
  },
  // values
  function length(text, random) {
    return text.replace(
      /^(Content-Length|l)( *: *)[^\r]*/im,
      (_, name: string, colon: string) => `${name}${colon}${number(random)}`,
    );
  },
  function value(text, random) {
    const [start, end] = lineOf(text, random);
    const colon = text.indexOf(':', start);
    if (colon < 0 || colon > end) return text;
    const made = random.pick([address, via, quoted, number, parameters])(random);
    return `${text.slice(0, colon + 1)} ${made}${text.slice(end)}`;
  },
  function deepen(text, random) {
    const [, end] = lineOf(text, random);
    return insert(
      text,
      end,
      random.once(2)
        ? parameters(random)
        : repeated(
            random.pick([';a=b', ';a', ',', ';', '"', '\\', '<', '>', ' ', '\t', '=', ':', '\r\n ', '(', '@']),
            random,
          ),
    );
  },
];
