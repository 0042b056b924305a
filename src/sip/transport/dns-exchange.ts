import { decode, encode, RECURSION_DESIRED, streamEncode, type DecodedPacket, type Packet } from 'dns-packet';
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createConnection, isIP } from 'node:net';
import type { Clock } from '../../shared/clock.ts';
import { withDeadline } from '../../shared/deadline.ts';

/** The kinds of records that SIP asks for (RFC 3263, RFC 3596). */
export type RecordKind = 'A' | 'AAAA' | 'NAPTR' | 'SRV';

export interface Question {
  readonly name: string;
  readonly type: RecordKind;
}

export interface NameServerAddress {
  /** An IP address without brackets. */
  readonly address: string;
  readonly port: number;
}

/** An answer over TCP is at most as long as its two octets of length can say. */
const longestStream = 65_537;

/**
 * Asks one name server one question: over UDP, and over TCP when the answer was cut short (RFC 1035 4.2, RFC 7766 5).
 * A datagram that is no answer to this question counts as if it had not come (RFC 5452 9.1).
 * @param within milliseconds, for each of the two
 * @throws DeadlineExceeded, or the system's error when nobody listens there
 */
export async function exchange(
  server: NameServerAddress,
  question: Question,
  within: number,
  clock: Clock,
): Promise<DecodedPacket> {
  const query: Packet = {
    type: 'query',
    id: randomInt(65_536),
    flags: RECURSION_DESIRED,
    questions: [{ ...question, class: 'IN' }],
  };
  const brief = await overUdp(server, query, within, clock);
  return brief.flag_tc ? overTcp(server, query, within, clock) : brief;
}

async function overUdp(server: NameServerAddress, query: Packet, within: number, clock: Clock): Promise<DecodedPacket> {
  // A socket of its own, so that the port is hard to guess; connected, so that others' datagrams do not come in.
  const socket = createSocket(isIP(server.address) === 6 ? 'udp6' : 'udp4');
  const answered = new Promise<DecodedPacket>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('message', (octets) => {
      const packet = read(octets, query);
      if (packet) resolve(packet);
    });
    socket.connect(server.port, server.address, () => socket.send(encode(query)));
  });
  try {
    return await withDeadline(clock, within, `the name server ${server.address}`, answered);
  } finally {
    socket.removeAllListeners('error').on('error', () => undefined);
    socket.close();
  }
}

async function overTcp(server: NameServerAddress, query: Packet, within: number, clock: Clock): Promise<DecodedPacket> {
  const socket = createConnection(server.port, server.address, () => socket.write(streamEncode(query)));
  const answered = new Promise<DecodedPacket>((resolve, reject) => {
    let received = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`the name server ${server.address} closed the connection`)));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const end = received.length < 2 ? longestStream : 2 + received.readUInt16BE(0);
      if (received.length < end) return;
      const packet = read(received.subarray(2, end), query);
      if (packet) resolve(packet);
      else reject(new Error(`the name server ${server.address} answered something else`));
    });
  });
  try {
    return await withDeadline(clock, within, `the name server ${server.address}`, answered);
  } finally {
    socket.on('error', () => undefined);
    socket.destroy();
  }
}

/** What the octets say, when they are an answer to that query (RFC 5452 9.1); undefined when they are not. */
function read(octets: Buffer, query: Packet): DecodedPacket | undefined {
  let packet: DecodedPacket;
  try {
    packet = decode(octets);
  } catch {
    return undefined;
  }
  const [asked] = query.questions ?? [];
  const [told] = packet.questions ?? [];
  const same = asked?.type === told?.type && asked?.name.toLowerCase() === told?.name.toLowerCase();
  return packet.flag_qr && packet.id === query.id && same ? packet : undefined;
}
