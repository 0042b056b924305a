// SRTP with AES_CM_128_HMAC_SHA1_80 and keys out of SDP (RFC 3711, RFC 4568), between a phone that speaks plain RTP and an engine.
import { createCipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import type { TestContext } from 'node:test';

const suite = 'AES_CM_128_HMAC_SHA1_80';
const tagLength = 10;

/** One direction of SRTP for streams below 65,536 packets from their first number on. */
export class SrtpStream {
  readonly #key: Buffer;
  readonly #salt: Buffer;
  readonly #authentication: Buffer;
  /** Roll-over counter and last sequence number, by SSRC (RFC 3711 3.3.1). */
  readonly #seen = new Map<number, { rollOver: number; sequence: number }>();

  /** @param inline 30 octets of master key and salt, in base64 as in a=crypto */
  constructor(inline: string) {
    const master = Buffer.from(inline, 'base64');
    const [key, salt] = [master.subarray(0, 16), master.subarray(16, 30)];
    this.#key = derive(key, salt, 0, 16);
    this.#authentication = derive(key, salt, 1, 20);
    this.#salt = derive(key, salt, 2, 14);
  }

  protect(packet: Buffer): Buffer {
    const rollOver = this.#rollOver(packet);
    const sealed = this.#cipher(packet, rollOver);
    return Buffer.concat([sealed, this.#tag(sealed, rollOver)]);
  }

  /** Undefined when it is not authentic. */
  unprotect(packet: Buffer): Buffer | undefined {
    if (packet.length < 12 + tagLength) return undefined;
    const sealed = packet.subarray(0, -tagLength);
    const rollOver = this.#rollOver(sealed);
    if (!timingSafeEqual(this.#tag(sealed, rollOver), packet.subarray(-tagLength))) return undefined;
    return this.#cipher(sealed, rollOver);
  }

  #rollOver(packet: Buffer): number {
    const sequence = packet.readUInt16BE(2);
    const ssrc = packet.readUInt32BE(8);
    const last = this.#seen.get(ssrc);
    const rollOver = last === undefined ? 0 : last.rollOver + (last.sequence - sequence > 32_768 ? 1 : 0);
    this.#seen.set(ssrc, { rollOver, sequence });
    return rollOver;
  }

  /** RFC 3711 4.1.1. */
  #cipher(packet: Buffer, rollOver: number): Buffer {
    const header = 12 + 4 * (packet.readUInt8(0) & 0x0f);
    const iv = Buffer.alloc(16);
    this.#salt.copy(iv);
    const mix = Buffer.alloc(16);
    packet.copy(mix, 4, 8, 12);
    mix.writeUInt32BE(rollOver, 8);
    packet.copy(mix, 12, 2, 4);
    mix.forEach((octet, at) => (iv[at] = (iv[at] ?? 0) ^ octet));
    const cipher = createCipheriv('aes-128-ctr', this.#key, iv);
    return Buffer.concat([packet.subarray(0, header), cipher.update(packet.subarray(header))]);
  }

  #tag(sealed: Buffer, rollOver: number): Buffer {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(rollOver);
    return createHmac('sha1', this.#authentication).update(sealed).update(counter).digest().subarray(0, tagLength);
  }
}

/** RFC 3711 4.3.1: session keys, with a derivation rate of 0. */
function derive(key: Buffer, salt: Buffer, label: number, length: number): Buffer {
  const iv = Buffer.alloc(16);
  salt.copy(iv);
  iv[7] = (iv[7] ?? 0) ^ label;
  return createCipheriv('aes-128-ctr', key, iv).update(Buffer.alloc(length));
}

export interface SecureLine {
  /** Where the phone is to send, and the engine. */
  readonly port: number;
  /** The phone's description with this line's port, SRTP and a key. */
  secure(sdp: string): string;
  /** Takes the engine's description: its key and port; returns the phone's plain view of it. */
  plain(sdp: string): string;
  /** Packets that were not authentic. */
  readonly forged: number;
}

/** A line between a phone on loopback that speaks plain RTP and an engine that speaks SRTP. */
export async function secureLine(t: TestContext, phonePort: number): Promise<SecureLine> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => void socket.close());
  const { port } = socket.address();
  const inline = randomBytes(30).toString('base64');
  const ours = new SrtpStream(inline);
  let theirs: SrtpStream | undefined;
  let enginePort = 0;
  /** Tag of the crypto line; an answer names that of the offer which it takes (RFC 4568 5.1.2). */
  let chosen = '1';
  let forged = 0;
  socket.on('message', (packet: Buffer, from: RemoteInfo) => {
    if (from.port === phonePort) {
      if (enginePort !== 0) socket.send(ours.protect(packet), enginePort, '127.0.0.1');
      return;
    }
    const opened = theirs?.unprotect(packet);
    if (opened) socket.send(opened, phonePort, '127.0.0.1');
    else forged += 1;
  });
  return {
    port,
    secure: (sdp) =>
      sdp.replace(
        /^m=audio \d+ RTP\/AVP(.*)\r$/m,
        `m=audio ${port} RTP/SAVP$1\r\na=crypto:${chosen} ${suite} inline:${inline}\r`,
      ),
    plain: (sdp) => {
      const [, number, key] = new RegExp(`a=crypto:(\\d+) ${suite} inline:([A-Za-z0-9+/=]+)`).exec(sdp) ?? [];
      if (number === undefined || key === undefined) throw new Error(`no key in ${sdp}`);
      chosen = number;
      theirs = new SrtpStream(key);
      enginePort = Number(/^m=audio (\d+)/m.exec(sdp)?.[1]);
      return sdp
        .replace(/^m=audio \d+ RTP\/SAVP/m, `m=audio ${port} RTP/AVP`)
        .replace(/^c=.*\r$/m, 'c=IN IP4 127.0.0.1\r');
    },
    get forged() {
      return forged;
    },
  };
}
