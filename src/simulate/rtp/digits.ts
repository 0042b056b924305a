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

/** Packets of an event, one with each 20 ms of it, and of its end again (RFC 4733 2.5.1.4); voice between two events. */
const updates = 8;
const endings = 3;
const pause = 5;

/** A telephone-event packet: what goes out in the place of voice. */
type EventPacket = Pick<RtpPacket, 'marker' | 'timestamp' | 'payload'>;

/** Writes digits as telephone-events (RFC 4733 2.5.1): a packet each time that one of voice is due. */
export class DigitWriter {
  #waiting = '';
  #event: { code: number; timestamp: number } | undefined;
  /** Packets since the last key was pressed. */
  #packets = 0;

  press(digits: string): void {
    this.#waiting += digits;
  }

  /** Whether all has gone out. */
  get done(): boolean {
    return this.#waiting === '' && this.#event === undefined;
  }

  /** What goes out at `timestamp` in the place of so many samples of voice; undefined: the voice. */
  next(timestamp: number, samples: number): EventPacket | undefined {
    if (!this.#event) {
      if (this.#waiting === '') return undefined;
      this.#event = { code: keys.indexOf(this.#waiting.charAt(0)), timestamp };
      this.#waiting = this.#waiting.slice(1);
      this.#packets = 0;
    }
    const event = this.#event;
    const sent = ++this.#packets;
    if (sent > updates + endings - 1) {
      if (sent === updates + endings - 1 + pause) this.#event = undefined;
      return undefined;
    }
    const payload = Buffer.of(event.code, sent >= updates ? 0x8a : 0x0a, 0, 0); // E bit; -10 dBm0
    payload.writeUInt16BE(Math.min(sent, updates) * samples, 2);
    return { marker: sent === 1, timestamp: event.timestamp, payload };
  }
}
