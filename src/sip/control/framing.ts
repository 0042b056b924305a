/**
 * Framing of the drachtio control protocol: `<length in octets>#<payload>`, the payload being fields joined with "|" and, where
 * there is one, CRLF and a SIP message.
 */

/** A frame's length has at most five digits, as with drachtio-server. */
const lengthDigits = 5;
const hash = 0x23;

/** Octets that do not begin with a length and "#": the connection cannot be used any further. */
export class FramingError extends Error {
  constructor() {
    super('a frame of the control protocol begins with its length, at most five digits, and "#"');
    this.name = 'FramingError';
  }
}

export interface Frame {
  /** The fields of the first line. */
  readonly fields: readonly string[];
  /** What follows the first line; empty when nothing does. */
  readonly message: Buffer;
}

/** Writes a frame. */
export function encodeFrame(fields: readonly string[], message?: Buffer): Buffer {
  const leader = message ? `${fields.join('|')}\r\n` : fields.join('|');
  const leaderLength = Buffer.byteLength(leader);
  const prefix = `${leaderLength + (message?.length ?? 0)}#`;
  const frame = Buffer.allocUnsafe(prefix.length + leaderLength + (message?.length ?? 0));
  frame.write(prefix, 0, 'latin1');
  frame.write(leader, prefix.length, 'utf8');
  if (message) frame.set(message, prefix.length + leaderLength);
  return frame;
}

/** Cuts a stream into frames. */
export class FrameReader {
  #buffered: Buffer = Buffer.alloc(0);

  /**
   * @returns the frames that are complete with `chunk`
   * @throws FramingError
   */
  push(chunk: Buffer): Frame[] {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
    const frames: Frame[] = [];
    for (let start = 0; ;) {
      const bounds = this.#next(start);
      if (!bounds) {
        this.#buffered = this.#buffered.subarray(start);
        return frames;
      }
      frames.push(split(this.#buffered.subarray(bounds.from, bounds.to)));
      start = bounds.to;
    }
  }

  #next(start: number): { from: number; to: number } | undefined {
    let length = 0;
    for (let i = start; i < this.#buffered.length; i++) {
      const octet = this.#buffered[i] ?? 0;
      if (octet === hash && i > start) {
        const from = i + 1;
        return this.#buffered.length >= from + length ? { from, to: from + length } : undefined;
      }
      if (octet < 0x30 || octet > 0x39 || i - start >= lengthDigits) throw new FramingError();
      length = length * 10 + octet - 0x30;
    }
    return undefined;
  }
}

function split(payload: Buffer): Frame {
  const end = payload.indexOf('\r\n');
  const leader = end < 0 ? payload : payload.subarray(0, end);
  return {
    fields: leader.toString('utf8').split('|'),
    message: end < 0 ? Buffer.alloc(0) : payload.subarray(end + 2),
  };
}
