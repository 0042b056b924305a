import { isUtf8 } from 'node:buffer';
import { messageLimits } from './limits.ts';
import { MalformedMessage } from './malformed.ts';
import { extendNameHash, knownHeaderKey } from './names.ts';
import { tokenOctets, trimSpace } from './syntax.ts';

const CR = 0x0d;
const LF = 0x0a;
const BACKSLASH = 0x5c;

/** One header as it came. */
export interface Header {
  /** As on the wire. */
  readonly name: string;
  /** Unfolded, without white space at its ends. Octets that are not UTF-8 are read as ISO 8859-1. */
  readonly value: string;
}

/** A value of more than one line on the wire (RFC 3261 7.3.1). */
const FOLDED = 1;
/** A value with octets of 0x80 and above. */
const BEYOND_ASCII = 2;

/** Octets of a message and the same octets as characters 0 to 255, made once for all headers. */
interface Source {
  readonly octets: Buffer;
  text: string;
}

/** A header by its place in the octets; its strings are made when they are asked for. */
export class HeaderLine implements Header {
  /** The name's key, see `headerKey`. */
  readonly key: string;
  readonly #source: Source;
  readonly #nameStart: number;
  readonly #nameEnd: number;
  readonly #valueStart: number;
  readonly #valueEnd: number;
  /** `FOLDED`, `BEYOND_ASCII` */
  readonly #marks: number;
  #value: string | undefined;

  constructor(
    source: Source,
    key: string,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
    marks: number,
  ) {
    this.#source = source;
    this.key = key;
    this.#nameStart = nameStart;
    this.#nameEnd = nameEnd;
    this.#valueStart = valueStart;
    this.#valueEnd = valueEnd;
    this.#marks = marks;
  }

  get name(): string {
    return this.#source.text.substring(this.#nameStart, this.#nameEnd);
  }

  get value(): string {
    return (this.#value ??= this.#read());
  }

  /** The value's octets where a string could not give them back: those that are not UTF-8. */
  get opaqueOctets(): Buffer | undefined {
    if (this.#marks !== BEYOND_ASCII) return undefined;
    const octets = this.#source.octets.subarray(this.#valueStart, this.#valueEnd);
    return isUtf8(octets) ? undefined : octets;
  }

  #read(): string {
    let value = this.#source.text.substring(this.#valueStart, this.#valueEnd);
    if (this.#marks === 0) return value;
    if ((this.#marks & BEYOND_ASCII) !== 0) {
      const octets = this.#source.octets.subarray(this.#valueStart, this.#valueEnd);
      if (isUtf8(octets)) value = octets.toString('utf8');
    }
    return (this.#marks & FOLDED) === 0 ? value : unfold(value);
  }
}

/** Each fold with the white space around it means one SP (RFC 3261 7.3.1). */
export function unfold(value: string): string {
  return value
    .split('\r\n')
    .map(trimSpace)
    .filter((line) => line !== '')
    .join(' ');
}

/** Where the parts of a message's head stand. */
export interface Head {
  readonly startLine: string;
  readonly lines: HeaderLine[];
  /** The first octet of the body. */
  readonly bodyStart: number;
}

/**
 * Finds the start line and the header lines in one pass over the octets, which begin with the start line.
 * @throws MalformedMessage (400, 414) without details: the caller knows what the message is
 */
export function indexHead(octets: Buffer): Head {
  const startLineEnd = findStartLineEnd(octets);
  const source: Source = { octets, text: '' };
  const lines: HeaderLine[] = [];
  let physicalLines = 0;
  let i = startLineEnd + 2;

  while (octets[i] !== CR) {
    const nameStart = i;
    let hash = 0;
    let octet = octets[i] ?? 0;
    while (tokenOctets[octet] === 1) {
      hash = extendNameHash(hash, octet);
      octet = octets[++i] ?? 0;
    }
    const nameEnd = i;
    // White space before the colon is allowed (HCOLON, RFC 3261 25.1).
    while (octet === 0x20 || octet === 0x09) octet = octets[++i] ?? 0;
    if (octet !== 0x3a || nameEnd === nameStart) throw badLine(octets, i);
    i++;
    while (octets[i] === 0x20 || octets[i] === 0x09) i++;
    const valueStart = i;

    let marks = 0;
    let seen = 0;
    for (;;) {
      octet = octets[i] ?? 0;
      while (octet > CR || (octet !== CR && octet !== LF && octet !== 0)) {
        seen |= octet;
        octet = octets[++i] ?? 0;
      }
      if (octet === 0 && octets[i - 1] === BACKSLASH && i < octets.length) {
        i++; // a quoted-pair may hold NUL (RFC 3261 25.1)
        continue;
      }
      if (octet !== CR || octets[i + 1] !== LF) throw badLine(octets, i);
      physicalLines++;
      const next = octets[i + 2];
      if (next !== 0x20 && next !== 0x09) break;
      marks = FOLDED;
      i += 3;
    }
    if (i - nameStart > messageLimits.headerLineOctets) throw new MalformedMessage(400, 'Header line too long');
    if (physicalLines > messageLimits.headerLines) throw new MalformedMessage(400, 'Too many header lines');
    if ((seen & 0x80) !== 0) marks |= BEYOND_ASCII;
    const key =
      knownHeaderKey(octets, nameStart, nameEnd, hash) ?? octets.toString('latin1', nameStart, nameEnd).toLowerCase();
    lines.push(new HeaderLine(source, key, nameStart, nameEnd, valueStart, trimmedEnd(octets, valueStart, i), marks));
    i += 2;
  }
  if (octets[i + 1] !== LF) throw badLine(octets, i);
  source.text = octets.toString('latin1', 0, i);
  return { startLine: source.text.substring(0, startLineEnd), lines, bodyStart: i + 2 };
}

function findStartLineEnd(octets: Buffer): number {
  let i = 0;
  let octet = octets[0] ?? 0;
  while (octet > CR || (octet !== CR && octet !== LF && octet !== 0)) octet = octets[++i] ?? 0;
  if (octet !== CR || octets[i + 1] !== LF) throw badLine(octets, i);
  if (i > messageLimits.startLineOctets) throw new MalformedMessage(414, 'Start line too long');
  return i;
}

function trimmedEnd(octets: Buffer, start: number, end: number): number {
  let i = end;
  while (i > start) {
    const octet = octets[i - 1];
    if (octet !== 0x20 && octet !== 0x09 && octet !== CR && octet !== LF) break;
    i--;
  }
  return i;
}

/** Says what is wrong at octet `i`, where a line could not go on. */
function badLine(octets: Buffer, i: number): MalformedMessage {
  if (i >= octets.length || (octets[i] === CR && i + 1 >= octets.length)) {
    return new MalformedMessage(400, 'Message ends within its head');
  }
  switch (octets[i]) {
    case 0:
      return new MalformedMessage(400, 'NUL in the head');
    case CR:
      return new MalformedMessage(400, 'CR without LF in the head');
    case LF:
      return new MalformedMessage(400, 'LF without CR in the head');
    default:
      return new MalformedMessage(400, 'Header line without a name and a colon');
  }
}
