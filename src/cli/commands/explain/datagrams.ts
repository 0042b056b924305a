// UDP datagrams out of captured frames: Ethernet with VLAN tags, Linux cooked, BSD loopback and raw IP; IPv4 (RFC 791) and
// IPv6 (RFC 8200), fragments put together.
import type { Frame } from './capture.ts';

export interface Datagram {
  /** The frame that it, or its last fragment, came in. */
  readonly frame: number;
  /** `address:port`, IPv6 in brackets. */
  readonly from: string;
  readonly to: string;
  readonly payload: Buffer;
}

/** What an IP packet carries, or a piece of it. */
interface Piece {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly octets: Buffer;
  /** Where it belongs when it is a fragment. */
  readonly fragment?: { readonly id: number; readonly offset: number; readonly last: boolean };
}

const udp = 17;
const tcp = 6;
const ipv4Type = 0x0800;
const ipv6Type = 0x86dd;
const vlanTypes: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100]);

/** The datagrams of a capture in order, and how many TCP segments with content were passed over. */
export function datagramsOf(frames: readonly Frame[]): { datagrams: Datagram[]; segments: number } {
  const datagrams: Datagram[] = [];
  const fragments = new Map<string, Piece[]>();
  let segments = 0;
  for (const frame of frames) {
    const packet = ipPacketOf(frame);
    const piece = packet && readIp(packet);
    const whole = piece && defragment(piece, fragments);
    if (whole?.protocol === udp) {
      const datagram = readUdp(whole, frame.number);
      if (datagram) datagrams.push(datagram);
    } else if (whole?.protocol === tcp && hasContent(whole.octets)) segments += 1;
  }
  return { datagrams, segments };
}

function ipPacketOf({ linkType, octets }: Frame): Buffer | undefined {
  switch (linkType) {
    case 0: // BSD loopback: an address family in the sender's byte order
    case 108:
      return octets.subarray(4);
    case 1:
      return behindEthernet(octets);
    case 12: // raw IP, as different systems number it
    case 14:
    case 101:
    case 228:
    case 229:
      return octets;
    case 113: // Linux cooked
      return octets.length >= 16 && isIp(octets.readUInt16BE(14)) ? octets.subarray(16) : undefined;
    case 276: // Linux cooked, version 2
      return octets.length >= 20 && isIp(octets.readUInt16BE(0)) ? octets.subarray(20) : undefined;
    default:
      return undefined;
  }
}

function behindEthernet(octets: Buffer): Buffer | undefined {
  for (let at = 12; at + 2 <= octets.length; at += 4) {
    const type = octets.readUInt16BE(at);
    if (!vlanTypes.has(type)) return isIp(type) ? octets.subarray(at + 2) : undefined;
  }
  return undefined;
}

function isIp(type: number): boolean {
  return type === ipv4Type || type === ipv6Type;
}

function readIp(packet: Buffer): Piece | undefined {
  const version = (packet[0] ?? 0) >> 4;
  if (version === 4) return readIpv4(packet);
  return version === 6 ? readIpv6(packet) : undefined;
}

function readIpv4(packet: Buffer): Piece | undefined {
  if (packet.length < 20) return undefined;
  const header = (packet.readUInt8(0) & 15) * 4;
  // 0 where the network card cuts the packet into pieces.
  const length = packet.readUInt16BE(2) || packet.length;
  if (header < 20 || header > packet.length || length < header) return undefined;
  const flags = packet.readUInt16BE(6);
  const more = (flags & 0x2000) !== 0;
  const offset = (flags & 0x1fff) * 8;
  return {
    source: packet.subarray(12, 16).join('.'),
    destination: packet.subarray(16, 20).join('.'),
    protocol: packet.readUInt8(9),
    octets: packet.subarray(header, length),
    ...((more || offset > 0) && { fragment: { id: packet.readUInt16BE(4), offset, last: !more } }),
  };
}

/** Hop-by-hop, routing and destination options are passed over; fragment is 44 (RFC 8200 4). */
function readIpv6(packet: Buffer): Piece | undefined {
  if (packet.length < 40) return undefined;
  const end = 40 + (packet.readUInt16BE(4) || packet.length - 40);
  let next = packet.readUInt8(6);
  let at = 40;
  let fragment: Piece['fragment'];
  while ((next === 0 || next === 43 || next === 60 || next === 44) && at + 8 <= packet.length) {
    if (next === 44) {
      const field = packet.readUInt16BE(at + 2);
      fragment = { id: packet.readUInt32BE(at + 4), offset: field & 0xfff8, last: (field & 1) === 0 };
    }
    const length = next === 44 ? 8 : (packet.readUInt8(at + 1) + 1) * 8;
    next = packet.readUInt8(at);
    at += length;
  }
  return {
    source: ipv6Text(packet.subarray(8, 24)),
    destination: ipv6Text(packet.subarray(24, 40)),
    protocol: next,
    octets: packet.subarray(at, end),
    ...(fragment && { fragment }),
  };
}

function ipv6Text(octets: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => octets.readUInt16BE(i * 2).toString(16));
  return `[${groups.join(':')}]`;
}

/** The whole of which `piece` is the last to arrive; undefined while others are missing. */
function defragment(piece: Piece, waiting: Map<string, Piece[]>): Piece | undefined {
  if (!piece.fragment) return piece;
  const key = [piece.source, piece.destination, piece.fragment.id].join();
  const pieces = [...(waiting.get(key) ?? []), piece].toSorted((a, b) => offsetOf(a) - offsetOf(b));
  let end = 0;
  for (const { octets, fragment } of pieces) {
    if (!fragment || fragment.offset > end) break;
    end = Math.max(end, fragment.offset + octets.length);
    if (!fragment.last) continue;
    waiting.delete(key);
    const whole = Buffer.alloc(end);
    for (const part of pieces) part.octets.copy(whole, offsetOf(part));
    // In IPv6 every fragment names the protocol, in IPv4 as well.
    return { source: piece.source, destination: piece.destination, protocol: piece.protocol, octets: whole };
  }
  waiting.set(key, pieces);
  return undefined;
}

function offsetOf(piece: Piece): number {
  return piece.fragment?.offset ?? 0;
}

function readUdp({ source, destination, octets }: Piece, frame: number): Datagram | undefined {
  if (octets.length < 8) return undefined;
  const length = octets.readUInt16BE(4) || octets.length;
  return {
    frame,
    from: `${source}:${octets.readUInt16BE(0)}`,
    to: `${destination}:${octets.readUInt16BE(2)}`,
    payload: octets.subarray(8, length),
  };
}

function hasContent(segment: Buffer): boolean {
  return segment.length > 12 && segment.length > (segment.readUInt8(12) >> 4) * 4;
}
