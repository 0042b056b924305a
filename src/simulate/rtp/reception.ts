import type { RtpPacket } from './packet.ts';
import { sampleRate } from './g711.ts';

/** RFC 3550 A.1: a jump of more than this is a new beginning of the stream, not a loss. */
const largestGap = 3_000;

/** What came in of one stream, and what did not (RFC 3550 6.4.1 and A.3, A.8). */
export class Reception {
  received = 0;
  /** Packets that came after one with a higher number. */
  disordered = 0;
  /** Senders, and new beginnings of one sender. */
  streams = 0;
  #expectedBefore = 0;
  #first: number | undefined;
  #highest = 0;
  #ssrc: number | undefined;
  #last: { at: number; timestamp: number } | undefined;
  #jitter = 0;

  /**
   * Counts a packet that arrived at `at` (milliseconds, monotonic).
   * @returns how it stands to the one before: `next`, `gap` (some are missing, or a stream begins) or `old`
   */
  take(packet: RtpPacket, at: number): 'next' | 'gap' | 'old' {
    this.received += 1;
    const stands = this.#order(packet);
    // RFC 3550 A.8: the change of the time under way, smoothed by 1/16, in samples; timestamps wrap at 32 bits.
    if (this.#last) {
      const travelled = ((at - this.#last.at) * sampleRate) / 1_000 - ((packet.timestamp - this.#last.timestamp) | 0);
      this.#jitter += (Math.abs(travelled) - this.#jitter) / 16;
    }
    this.#last = { at, timestamp: packet.timestamp };
    return stands;
  }

  /** Packets that never came; a doubled one makes up for a lost one, as RFC 3550 counts. */
  get lost(): number {
    return Math.max(0, this.#expected - this.received);
  }

  /** Milliseconds. */
  get jitterMs(): number {
    return (this.#jitter * 1_000) / sampleRate;
  }

  get #expected(): number {
    return this.#expectedBefore + (this.#first === undefined ? 0 : this.#highest - this.#first + 1);
  }

  #order(packet: RtpPacket): 'next' | 'gap' | 'old' {
    if (this.#first === undefined || packet.ssrc !== this.#ssrc) return this.#begin(packet);
    const ahead = (packet.sequence - this.#highest) & 0xffff;
    if (ahead !== 0 && ahead < largestGap) {
      this.#highest += ahead;
      return ahead === 1 ? 'next' : 'gap';
    }
    if (ahead !== 0 && ahead < 0x10000 - largestGap) return this.#begin(packet);
    this.disordered += 1;
    return 'old';
  }

  /** Another sender, or the same one that began anew: its numbers have nothing to do with those before. */
  #begin(packet: RtpPacket): 'gap' {
    this.#expectedBefore = this.#expected;
    this.#first = this.#highest = packet.sequence;
    this.#ssrc = packet.ssrc;
    this.#last = undefined;
    this.streams += 1;
    return 'gap';
  }
}
