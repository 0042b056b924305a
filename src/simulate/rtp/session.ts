import { randomInt } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { Clock, Timer } from '../../shared/clock.ts';
import { withDeadline } from '../../shared/deadline.ts';
import { DigitReader, DigitWriter } from './digits.ts';
import { Ear, type Heard } from './ear.ts';
import { decodeG711, encodeG711, sampleRate, type G711Law } from './g711.ts';
import { readRtp, writeRtp, type RtpPacket } from './packet.ts';
import { Reception } from './reception.ts';
import type { SoundSource } from './sources.ts';

/** Milliseconds of sound in a packet that we send. */
const packetTime = 20;
const packetSamples = (sampleRate * packetTime) / 1_000;

/** A sender that is later than this (a stalled process) leaves out what it missed, instead of a burst. */
const largestDelay = 200;

/** Static payload types of RFC 3551, table 4. */
const laws: Readonly<Record<number, G711Law>> = { 0: 'PCMU', 8: 'PCMA' };
const payloadTypes: Readonly<Record<G711Law, number>> = { PCMU: 0, PCMA: 8 };

export interface RtpSessionOptions {
  clock: Clock;
  /** Own IP address. */
  address: string;
  /** Own port; 0 (the default) for a free one. */
  port?: number;
  /** Hz; the tones that are listened for. */
  expect?: readonly number[];
  /** Gets what is heard (8 kHz), for whoever looks for more in it than single tones. */
  listen?: (samples: Int16Array) => void;
  /** Send to where packets come from rather than to where the description says. Off by default. */
  symmetric?: boolean;
}

export interface RtpDestination {
  address: string;
  port: number;
  law: G711Law;
  /** Payload type of digits (RFC 4733) there; absent where they are not taken. */
  telephoneEvent?: number;
}

/** What came in and what was in it. */
export interface Measured extends Heard {
  /** RTP packets with G.711. */
  packets: number;
  lost: number;
  disordered: number;
  /** Interarrival jitter of RFC 3550, in milliseconds. */
  jitterMs: number;
  /** More than one: several senders reached this port, or one began anew. */
  streams: number;
  /** Digits that were heard as RFC 4733 events. */
  digits: string;
  /** Packets with DTMF (RFC 4733) or a payload that is not G.711. */
  otherPackets: number;
  /** Datagrams that are no RTP. */
  strays: number;
  /** Where the last packet came from. */
  source?: string;
}

/** The sound of one simulated phone: a UDP socket that says one thing and measures what it hears (RFC 3550, G.711). */
export class RtpSession {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #symmetric: boolean;
  readonly #ear: Ear;
  readonly #listen: ((samples: Int16Array) => void) | undefined;
  readonly #reception = new Reception();
  readonly #digits = new DigitReader();
  readonly #keys = new DigitWriter();
  readonly #waiting = new Set<() => void>();
  readonly #ssrc = randomInt(2 ** 32);
  #sequence = randomInt(2 ** 16);
  #timestamp = randomInt(2 ** 32);
  #destination: RtpDestination | undefined;
  #source: SoundSource | undefined;
  #timer: Timer | undefined;
  /** When the next packet is due, or would have been. */
  #due: number | undefined;
  #closed = false;
  #sent = 0;
  #otherPackets = 0;
  #strays = 0;
  #from: RemoteInfo | undefined;

  /** @throws the socket's error when the port is taken or the address is not ours */
  static async open(options: RtpSessionOptions): Promise<RtpSession> {
    const socket = createSocket(isIPv6(options.address) ? 'udp6' : 'udp4');
    socket.bind(options.port ?? 0, options.address);
    await once(socket, 'listening');
    return new RtpSession(socket, options);
  }

  private constructor(socket: Socket, options: RtpSessionOptions) {
    this.#socket = socket;
    this.#clock = options.clock;
    this.#symmetric = options.symmetric ?? false;
    this.#ear = new Ear(options.expect ?? []);
    this.#listen = options.listen;
    socket.on('message', (datagram, from) => this.#take(datagram, from));
    // Nobody at the other end (ECONNREFUSED): that is seen in what is measured there.
    socket.on('error', () => undefined);
  }

  get address(): string {
    return this.#socket.address().address;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Packets sent. */
  get sent(): number {
    return this.#sent;
  }

  /** Where to send from now on; `undefined` while there is nowhere (on hold, refused). What is said goes on. */
  sendTo(destination: RtpDestination | undefined): void {
    this.#destination = destination;
  }

  /** Says this from now on, a packet every 20 ms; `undefined` ends it. */
  say(source: SoundSource | undefined): void {
    const speaking = this.#source !== undefined;
    this.#source = source;
    if (!source) this.#timer?.clear();
    if (!source || speaking) return;
    const now = this.#clock.monotonic();
    // RFC 3550 5.1: the timestamp goes on while nothing is sent.
    this.#skip(now - (this.#due ?? now));
    this.#speak(now, true);
  }

  /** Presses keys (`0-9 * # A-D`), one after the other: events of RFC 4733 in what is said. False where they are not taken. */
  press(digits: string): boolean {
    if (this.#destination?.telephoneEvent === undefined) return false;
    this.#keys.press(digits);
    return true;
  }

  get measured(): Measured {
    const { received, lost, disordered, jitterMs, streams } = this.#reception;
    return {
      ...this.#ear.heard,
      ...{ packets: received, lost, disordered, jitterMs, streams },
      ...{ digits: this.#digits.digits, otherPackets: this.#otherPackets, strays: this.#strays },
      ...(this.#from && { source: `${this.#from.address}:${this.#from.port}` }),
    };
  }

  /**
   * Resolves as soon as what was measured satisfies `enough`, which is asked after each packet.
   * @param milliseconds how long to wait at most
   * @throws DeadlineExceeded
   */
  until(enough: (measured: Measured) => boolean, milliseconds: number): Promise<Measured> {
    let look = (): void => undefined;
    const waiting = new Promise<Measured>((resolve) => {
      look = () => {
        const { measured } = this;
        if (enough(measured)) resolve(measured);
      };
      this.#waiting.add(look);
      look();
    });
    const result = withDeadline(this.#clock, milliseconds, 'the sound that was awaited', waiting);
    return result.finally(() => this.#waiting.delete(look));
  }

  /** Resolves when the tone was heard for that long in all. @throws DeadlineExceeded */
  hears(frequency: number, seconds: number, milliseconds: number): Promise<Measured> {
    const heard = (tone: { frequency: number; seconds: number }) =>
      tone.frequency === frequency && tone.seconds >= seconds;
    return this.until((measured) => measured.tones.some(heard), milliseconds);
  }

  /** Stops sending and frees the port; idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.say(undefined);
    this.#socket.close();
  }

  /** Sends the packet that is due at `due` and sets the time of the next one from it, so that delays do not add up. */
  #speak(due: number, marker: boolean): void {
    const source = this.#source;
    if (!source || this.#closed) return;
    const samples = source(packetSamples);
    if (this.#destination) this.#send(this.#destination, samples, marker);
    let next = due + packetTime;
    const now = this.#clock.monotonic();
    if (now - next > largestDelay) next += this.#skip(now - next);
    this.#skip(packetTime);
    this.#due = next;
    this.#timer = this.#clock.after(Math.max(0, next - now), () => this.#speak(next, !this.#destination));
  }

  /** Lets the timestamp go on by whole packets; returns their milliseconds. */
  #skip(milliseconds: number): number {
    const packets = Math.max(0, Math.floor(milliseconds / packetTime));
    this.#timestamp = (this.#timestamp + packets * packetSamples) % 2 ** 32;
    return packets * packetTime;
  }

  #send({ address, port, law, telephoneEvent }: RtpDestination, samples: Int16Array, marker: boolean): void {
    const to = this.#symmetric && this.#from ? this.#from : { address, port };
    const key = telephoneEvent === undefined ? undefined : this.#keys.next(this.#timestamp, samples.length);
    const packet: RtpPacket = {
      payloadType: key && telephoneEvent !== undefined ? telephoneEvent : payloadTypes[law],
      sequence: this.#sequence,
      ssrc: this.#ssrc,
      ...(key ?? { marker, timestamp: this.#timestamp, payload: encodeG711(law, samples) }),
    };
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#sent += 1;
    this.#socket.send(writeRtp(packet), to.port, to.address, () => undefined);
  }

  #take(datagram: Buffer, from: RemoteInfo): void {
    const packet = readRtp(datagram);
    if (!packet) {
      this.#strays += 1;
      return;
    }
    this.#from = from;
    const law = laws[packet.payloadType];
    if (!law) {
      this.#otherPackets += 1;
      this.#digits.take(packet);
      for (const look of this.#waiting) look();
      return;
    }
    const stands = this.#reception.take(packet, this.#clock.monotonic());
    if (stands !== 'old') {
      const samples = decodeG711(law, packet.payload);
      this.#ear.hear(samples, stands === 'gap');
      this.#listen?.(samples);
    }
    for (const look of this.#waiting) look();
  }
}
