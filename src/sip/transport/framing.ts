import { messageLimits } from '../message/limits.ts';
import { MalformedMessage, contentLength, malformedBy } from '../message/parse.ts';

const CR = 0x0d;
const LF = 0x0a;
/** Octets; more than most messages have. */
const FIRST_BUFFER = 4_096;

/** What a chunk of a stream brought to its end. */
export type Frame =
  | { readonly kind: 'message'; readonly octets: Buffer }
  /** The double CRLF of RFC 5626 3.5.1, to be answered with one CRLF. */
  | { readonly kind: 'ping' }
  /** Where the next message begins can no longer be known: answer, then close. */
  | { readonly kind: 'broken'; readonly error: MalformedMessage };

/**
 * Cuts a stream into messages by Content-Length (RFC 3261 18.3). Each octet is looked at once, however small the chunks are,
 * and no more is kept than one message may have.
 */
export class StreamFramer {
  #buffer: Buffer = Buffer.allocUnsafe(FIRST_BUFFER);
  #length = 0;
  /** Up to here the end of the head has been looked for. */
  #searched = 0;
  /** The whole message's length, once its head is there. */
  #wanted: number | undefined;
  /** The last octets between messages were one CRLF. */
  #halfPing = false;
  #broken = false;

  /** True when a message has begun and not ended. */
  get withinMessage(): boolean {
    return this.#length > 0;
  }

  /** Takes the next octets; gives what is whole now, in order. After `broken` nothing more comes. */
  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    let rest = chunk;
    while (rest.length > 0 && !this.#broken) rest = this.#take(rest, frames);
    return frames;
  }

  /** Takes what belongs to the message at hand; gives what is left. */
  #take(chunk: Buffer, frames: Frame[]): Buffer {
    if (this.#wanted !== undefined) return this.#takeBody(chunk, this.#wanted, frames);
    if (this.#length === 0) {
      const start = this.#skipEmptyLines(chunk, frames);
      if (start > 0) return chunk.subarray(start);
    }
    if (this.#length === 1 && this.#buffer[0] === CR && chunk[0] === LF) {
      // A CRLF between messages whose two octets came apart.
      this.#length = 0;
      this.#emptyLine(frames);
      return chunk.subarray(1);
    }
    return this.#takeHead(chunk, frames);
  }

  #skipEmptyLines(chunk: Buffer, frames: Frame[]): number {
    let i = 0;
    while (chunk[i] === CR && chunk[i + 1] === LF) {
      this.#emptyLine(frames);
      i += 2;
    }
    return i;
  }

  #emptyLine(frames: Frame[]): void {
    if (this.#halfPing) frames.push({ kind: 'ping' });
    this.#halfPing = !this.#halfPing;
  }

  #takeHead(chunk: Buffer, frames: Frame[]): Buffer {
    const before = this.#length;
    // One octet more than may be: enough to see that it is too much.
    const taken = chunk.subarray(0, messageLimits.messageOctets + 1 - before);
    this.#append(taken);
    const headEnd = this.#findHeadEnd();
    if (headEnd < 0) {
      if (this.#length > messageLimits.messageOctets) this.#break(513, 'Message too large', frames);
      return chunk.subarray(taken.length);
    }
    this.#halfPing = false;
    this.#length = headEnd;
    const head = this.#buffer.subarray(0, headEnd);
    try {
      const length = contentLength(head);
      if (length === undefined) this.#break(400, 'Content-Length is missing', frames);
      else if (headEnd + length > messageLimits.messageOctets) this.#break(513, 'Message too large', frames);
      else this.#wanted = headEnd + length;
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      this.#broken = true;
      frames.push({ kind: 'broken', error });
    }
    if (this.#wanted === headEnd) this.#finish(frames);
    return chunk.subarray(headEnd - before);
  }

  #takeBody(chunk: Buffer, wanted: number, frames: Frame[]): Buffer {
    const taken = chunk.subarray(0, wanted - this.#length);
    this.#append(taken);
    if (this.#length === wanted) this.#finish(frames);
    return chunk.subarray(taken.length);
  }

  #finish(frames: Frame[]): void {
    const octets = this.#buffer.subarray(0, this.#length);
    if (this.#buffer.length > FIRST_BUFFER) {
      // A large buffer goes away with its message: many connections must not each keep one.
      frames.push({ kind: 'message', octets });
      this.#buffer = Buffer.allocUnsafe(FIRST_BUFFER);
    } else {
      frames.push({ kind: 'message', octets: Buffer.from(octets) });
    }
    this.#length = 0;
    this.#searched = 0;
    this.#wanted = undefined;
    this.#halfPing = false;
  }

  #break(status: number, reason: string, frames: Frame[]): void {
    this.#broken = true;
    frames.push({ kind: 'broken', error: malformedBy(status, reason, this.#buffer.subarray(0, this.#length)) });
  }

  #append(octets: Buffer): void {
    const length = this.#length + octets.length;
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, this.#buffer.length * 2));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(octets, this.#length);
    this.#length = length;
  }

  /** The position after the first empty line; -1 when it has not come. */
  #findHeadEnd(): number {
    const found = this.#buffer.subarray(0, this.#length).indexOf('\r\n\r\n', this.#searched, 'latin1');
    if (found >= 0) return found + 4;
    this.#searched = Math.max(0, this.#length - 3);
    return -1;
  }
}
