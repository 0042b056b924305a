/** Captures written octet by octet, as tcpdump and Wireshark would. */
export interface CaptureForm {
  little: boolean;
  linkType: number;
  /** What stands before the IP packet. */
  link: Buffer;
}

const u16 = (value: number) => Buffer.from([value >> 8, value & 255]);

/** An IPv4 packet of UDP from 192.0.2.1:5060 to 192.0.2.9:5060, cut into pieces of at most `piece` octets. */
export function ipv4(payload: Buffer, piece = 65_000): Buffer[] {
  const whole = udp(payload);
  const packets: Buffer[] = [];
  for (let offset = 0; offset < whole.length; offset += piece) {
    const part = whole.subarray(offset, offset + piece);
    const more = offset + piece < whole.length ? 0x2000 : 0;
    packets.push(
      Buffer.concat([
        Buffer.from([0x45, 0]),
        u16(20 + part.length),
        u16(7),
        u16(more | (offset / 8)),
        Buffer.from([64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 9]),
        part,
      ]),
    );
  }
  return packets;
}

/** The same over IPv6, in one packet or, with `piece`, behind fragment headers. */
export function ipv6(payload: Buffer, piece?: number): Buffer[] {
  const whole = udp(payload);
  const size = piece ?? whole.length;
  const packets: Buffer[] = [];
  for (let offset = 0; offset < whole.length; offset += size) {
    const part = whole.subarray(offset, offset + size);
    const more = offset + size < whole.length ? 1 : 0;
    const fragment =
      piece === undefined ? Buffer.alloc(0) : Buffer.concat([Buffer.from([17, 0]), u16(offset | more), u16(0), u16(9)]);
    const address = (last: number) => Buffer.from([0x20, 1, 0x0d, 0xb8, ...Array<number>(11).fill(0), last]);
    packets.push(
      Buffer.concat([
        Buffer.from([0x60, 0, 0, 0]),
        u16(fragment.length + part.length),
        Buffer.from([piece === undefined ? 17 : 44, 64]),
        address(1),
        address(9),
        fragment,
        part,
      ]),
    );
  }
  return packets;
}

function udp(payload: Buffer): Buffer {
  return Buffer.concat([u16(5060), u16(5060), u16(8 + payload.length), u16(0), payload]);
}

export function pcap(packets: readonly Buffer[], { little, linkType, link }: CaptureForm): Buffer {
  const u32 = writer(little);
  const header = [u32(0xa1b2c3d4), little ? Buffer.from([2, 0, 4, 0]) : Buffer.from([0, 2, 0, 4])];
  const records = packets.map((packet) => {
    const octets = Buffer.concat([link, packet]);
    return Buffer.concat([u32(1), u32(2), u32(octets.length), u32(octets.length), octets]);
  });
  return Buffer.concat([...header, u32(0), u32(0), u32(65_535), u32(linkType), ...records]);
}

export function pcapng(packets: readonly Buffer[], { little, linkType, link }: CaptureForm): Buffer {
  const u32 = writer(little);
  const block = (type: number, content: Buffer) => {
    const padded = Buffer.concat([content, Buffer.alloc((4 - (content.length % 4)) % 4)]);
    const length = u32(12 + padded.length);
    return Buffer.concat([u32(type), length, padded, length]);
  };
  const version = little ? Buffer.from([1, 0, 0, 0]) : Buffer.from([0, 1, 0, 0]);
  const section = Buffer.concat([u32(0x1a2b3c4d), version, Buffer.alloc(8, 255)]);
  const type = little ? Buffer.from([linkType & 255, linkType >> 8]) : u16(linkType);
  const blocks = packets.map((packet, i) => {
    const octets = Buffer.concat([link, packet]);
    if (i % 2 === 1) return block(3, Buffer.concat([u32(octets.length), octets]));
    return block(6, Buffer.concat([u32(0), u32(1), u32(2), u32(octets.length), u32(octets.length), octets]));
  });
  const name = block(5, Buffer.alloc(16));
  return Buffer.concat([block(0x0a0d0d0a, section), block(1, Buffer.concat([type, u16(0), u32(0)])), name, ...blocks]);
}

function writer(little: boolean): (value: number) => Buffer {
  return (value) => {
    const octets = Buffer.alloc(4);
    if (little) octets.writeUInt32LE(value);
    else octets.writeUInt32BE(value);
    return octets;
  };
}
