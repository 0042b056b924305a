import type { RtpPacket } from './packet.ts';

/** RFC 4733, table 3. */
const keys = '0123456789*#ABCD';

/** Reads the digits out of telephone-event packets (RFC 4733 2.3). */
export class DigitReader {
  #digits = '';
  #last: number | undefined;

  /** Whether it is such a packet: a dynamic payload type and an event of four octets. */
  take({ payloadType, payload, timestamp }: RtpPacket): boolean {
    const event = payload[0];
    if (payloadType < 96 || payload.length !== 4 || event === undefined || event >= keys.length) return false;
    // All packets of an event carry the time of its beginning (RFC 4733 2.2.2).
    if (timestamp !== this.#last) this.#digits += keys.charAt(event);
    this.#last = timestamp;
    return true;
  }

  get digits(): string {
    return this.#digits;
  }
}
