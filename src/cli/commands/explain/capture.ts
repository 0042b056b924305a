// The frames of a capture file: classic pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng), either byte
// order. A file that is cut off gives the frames before the cut.

/** One captured frame. */
export interface Frame {
  /** 1 for the first of the file, as Wireshark counts. */
  readonly number: number;
  /** LINKTYPE_ value of what `octets` begin with. */
  readonly linkType: number;
  readonly octets: Buffer;
}

const classicMagics: ReadonlySet<number> = new Set([0xa1b2c3d4, 0xa1b23c4d]);
const sectionHeader = 0x0a0d0d0a;
const interfaceDescription = 1;
const simplePacket = 3;
const enhancedPacket = 6;

/** Numbers in the byte order of a file. */
class Reader {
  readonly #octets: Buffer;
  readonly #little: boolean;

  constructor(octets: Buffer, little: boolean) {
    this.#octets = octets;
    this.#little = little;
  }

  get length(): number {
    return this.#octets.length;
  }

  u16(at: number): number {
    return this.#little ? this.#octets.readUInt16LE(at) : this.#octets.readUInt16BE(at);
  }

  u32(at: number): number {
    return this.#little ? this.#octets.readUInt32LE(at) : this.#octets.readUInt32BE(at);
  }

  slice(from: number, length: number): Buffer {
    return this.#octets.subarray(from, from + length);
  }
}

/** The frames of a capture; undefined when `octets` are none. */
export function readCapture(octets: Buffer): Frame[] | undefined {
  if (octets.length < 24) return undefined;
  if (octets.readUInt32BE(0) === sectionHeader) return readBlocks(octets);
  for (const little of [false, true]) {
    const reader = new Reader(octets, little);
    if (classicMagics.has(reader.u32(0))) return readClassic(reader);
  }
  return undefined;
}

/** A header of 24 octets, then for each frame: seconds, fraction, captured length, length, octets. */
function readClassic(reader: Reader): Frame[] {
  const linkType = reader.u32(20) & 0xffff;
  const frames: Frame[] = [];
  for (let at = 24; at + 16 <= reader.length;) {
    const length = reader.u32(at + 8);
    if (at + 16 + length > reader.length) break;
    frames.push({ number: frames.length + 1, linkType, octets: reader.slice(at + 16, length) });
    at += 16 + length;
  }
  return frames;
}

/** Blocks of type, length, content, length; a section says its byte order and begins the interfaces anew. */
function readBlocks(octets: Buffer): Frame[] {
  const frames: Frame[] = [];
  let linkTypes: number[] = [];
  let reader = new Reader(octets, true);
  for (let at = 0; at + 12 <= octets.length;) {
    if (octets.readUInt32BE(at) === sectionHeader) {
      reader = new Reader(octets, octets.readUInt32LE(at + 8) === 0x1a2b3c4d);
      linkTypes = [];
    }
    const length = reader.u32(at + 4);
    if (length < 12 || at + length > octets.length) break;
    const type = reader.u32(at);
    if (type === interfaceDescription && length >= 20) linkTypes.push(reader.u16(at + 8));
    const packet = packetIn(reader, at, type, length);
    if (packet) {
      const linkType = linkTypes[packet.from];
      if (linkType !== undefined) frames.push({ number: frames.length + 1, linkType, octets: packet.octets });
    }
    at += length;
  }
  return frames;
}

function packetIn(
  reader: Reader,
  at: number,
  type: number,
  length: number,
): { from: number; octets: Buffer } | undefined {
  if (type === enhancedPacket && length >= 32) {
    const captured = Math.min(reader.u32(at + 20), length - 32);
    return { from: reader.u32(at + 8), octets: reader.slice(at + 28, captured) };
  }
  if (type === simplePacket && length >= 16) {
    return { from: 0, octets: reader.slice(at + 12, Math.min(reader.u32(at + 8), length - 16)) };
  }
  return undefined;
}
