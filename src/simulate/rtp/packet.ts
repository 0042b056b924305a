/** An RTP packet (RFC 3550 5.1) as far as phones use it. */
export interface RtpPacket {
  payloadType: number;
  marker: boolean;
  /** 0 to 65,535. */
  sequence: number;
  /** 0 to 2^32 - 1, in samples. */
  timestamp: number;
  ssrc: number;
  payload: Buffer;
}

export function writeRtp(packet: RtpPacket): Buffer {
  const datagram = Buffer.alloc(12 + packet.payload.length);
  datagram[0] = 0x80;
  datagram[1] = (packet.marker ? 0x80 : 0) | packet.payloadType;
  datagram.writeUInt16BE(packet.sequence, 2);
  datagram.writeUInt32BE(packet.timestamp, 4);
  datagram.writeUInt32BE(packet.ssrc, 8);
  packet.payload.copy(datagram, 12);
  return datagram;
}

/** Reads a datagram; undefined when it is no RTP of version 2 (RFC 3550 A.1), or RTCP (RFC 5761 4). */
export function readRtp(datagram: Buffer): RtpPacket | undefined {
  if (datagram.length < 12) return undefined;
  const first = datagram.readUInt8(0);
  const second = datagram.readUInt8(1);
  if (first >> 6 !== 2) return undefined;
  const payloadType = second & 0x7f;
  if (payloadType >= 64 && payloadType <= 95) return undefined;
  let start = 12 + 4 * (first & 0x0f);
  if (first & 0x10) {
    if (datagram.length < start + 4) return undefined;
    start += 4 + 4 * datagram.readUInt16BE(start + 2);
  }
  const padding = first & 0x20 ? datagram.readUInt8(datagram.length - 1) : 0;
  const end = datagram.length - padding;
  if (start > end) return undefined;
  return {
    payloadType,
    marker: (second & 0x80) !== 0,
    sequence: datagram.readUInt16BE(2),
    timestamp: datagram.readUInt32BE(4),
    ssrc: datagram.readUInt32BE(8),
    payload: datagram.subarray(start, end),
  };
}
