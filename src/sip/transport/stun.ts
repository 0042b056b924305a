// Keep-alives of RFC 5626 4.4.2: the little of STUN (RFC 5389) that a SIP server answers.
import { isIP } from 'node:net';
import { withoutZone } from './addresses.ts';

const MAGIC_COOKIE = 0x2112a442;
const HEADER = 20;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const BINDING_ERROR = 0x0111;
const ERROR_CODE = 0x0009;
const UNKNOWN_ATTRIBUTES = 0x000a;
const XOR_MAPPED_ADDRESS = 0x0020;

/** Attributes that must be understood and are, in that nothing is asked of us: USERNAME, MESSAGE-INTEGRITY, REALM, NONCE (RFC 5389 18.2). */
const understood = new Set([0x0006, 0x0008, 0x0014, 0x0015]);

/** Whether a datagram is STUN's and not SIP's: two zero bits first, and the cookie (RFC 5389 6). */
export function isStun(datagram: Buffer): boolean {
  return datagram.length >= HEADER && (datagram[0] ?? 0xff) < 0x40 && datagram.readUInt32BE(4) === MAGIC_COOKIE;
}

/**
 * The answer to a STUN message from `address` and `port`: to a Binding request the address that it was seen to come from
 * (RFC 5389 7.3.1); undefined for anything else, and for what is malformed.
 */
export function answerStun(datagram: Buffer, address: string, port: number): Buffer | undefined {
  if (!isStun(datagram) || datagram.readUInt16BE(0) !== BINDING_REQUEST) return undefined;
  if (datagram.readUInt16BE(2) !== datagram.length - HEADER) return undefined;
  const types = attributeTypes(datagram);
  if (!types) return undefined;
  const transaction = datagram.subarray(8, HEADER);
  // 7.3.1: an attribute below 0x8000 that is not known makes the request one that cannot be answered
  const unknown = types.filter((type) => type < 0x8000 && !understood.has(type));
  if (unknown.length > 0)
    return message(BINDING_ERROR, transaction, [errorCode(420, 'Unknown Attribute'), listOf(unknown)]);
  return message(BINDING_SUCCESS, transaction, [mappedAddress(transaction, withoutZone(address), port)]);
}

/** The types of all attributes; undefined when they do not fill the message exactly. */
function attributeTypes(datagram: Buffer): number[] | undefined {
  const types: number[] = [];
  let at = HEADER;
  while (at < datagram.length) {
    if (at + 4 > datagram.length) return undefined;
    types.push(datagram.readUInt16BE(at));
    at += 4 + padded(datagram.readUInt16BE(at + 2));
  }
  return at === datagram.length ? types : undefined;
}

/** RFC 5389 15.2 */
function mappedAddress(transaction: Buffer, address: string, port: number): Buffer {
  const octets = addressOctets(address);
  const mask = Buffer.alloc(16);
  mask.writeUInt32BE(MAGIC_COOKIE, 0);
  mask.set(transaction, 4);
  const value = Buffer.alloc(4 + octets.length);
  value[1] = octets.length === 4 ? 1 : 2;
  value.writeUInt16BE(port ^ (MAGIC_COOKIE >>> 16), 2);
  octets.forEach((octet, index) => (value[4 + index] = octet ^ (mask[index] ?? 0)));
  return attribute(XOR_MAPPED_ADDRESS, value);
}

/** The 4 or 16 octets of an IP address. */
function addressOctets(address: string): number[] {
  if (isIP(address) !== 6) return address.split('.').map(Number);
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const before = groups(head);
  const after = groups(tail ?? '');
  const all = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  return all.flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

/** RFC 5389 15.6 */
function errorCode(code: number, reason: string): Buffer {
  const value = Buffer.concat([Buffer.alloc(4), Buffer.from(reason)]);
  value[2] = Math.floor(code / 100);
  value[3] = code % 100;
  return attribute(ERROR_CODE, value);
}

/** RFC 5389 15.9 */
function listOf(types: readonly number[]): Buffer {
  const value = Buffer.alloc(types.length * 2);
  types.forEach((type, index) => value.writeUInt16BE(type, index * 2));
  return attribute(UNKNOWN_ATTRIBUTES, value);
}

function attribute(type: number, value: Buffer): Buffer {
  const octets = Buffer.alloc(4 + padded(value.length));
  octets.writeUInt16BE(type, 0);
  octets.writeUInt16BE(value.length, 2);
  octets.set(value, 4);
  return octets;
}

function message(type: number, transaction: Buffer, attributes: readonly Buffer[]): Buffer {
  const body = Buffer.concat(attributes);
  const header = Buffer.alloc(HEADER);
  header.writeUInt16BE(type, 0);
  header.writeUInt16BE(body.length, 2);
  header.writeUInt32BE(MAGIC_COOKIE, 4);
  header.set(transaction, 8);
  return Buffer.concat([header, body]);
}

/** RFC 5389 15: to a multiple of four */
function padded(length: number): number {
  return (length + 3) & ~3;
}
