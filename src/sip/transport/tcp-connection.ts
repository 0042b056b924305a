import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../shared/clock.ts';
import type { MalformedMessage } from '../message/parse.ts';
import type { Flow } from './addresses.ts';
import { StreamFramer, type Frame } from './framing.ts';
import type { TransportLimits } from './limits.ts';

/** Milliseconds of silence after which the system asks whether a peer still lives. */
const KEEP_ALIVE = 60_000;

/** What a TCP connection tells. */
export interface ConnectionEvents {
  /** One message as framed. */
  octets(octets: Buffer, connection: TcpConnection): void;
  /** The stream cannot be followed any more. What is sent on the connection within this call still goes out. */
  broken(error: MalformedMessage, connection: TcpConnection): void;
  /** Once, when it is gone; `error` is undefined when we closed it on purpose, or the peer one that it had opened. */
  closed(connection: TcpConnection, error: Error | undefined): void;
}

/** One TCP connection that speaks SIP, whoever opened it. `flow` is right from the moment it stands. */
export class TcpConnection {
  readonly id: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** We opened it, the peer did not. */
  readonly ours: boolean;
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  readonly #limits: TransportLimits;
  readonly #clock: Clock;
  readonly #framer = new StreamFramer();
  #idle: Timer | undefined;
  #partial: Timer | undefined;
  #closing: Timer | undefined;
  #error: Error | undefined;
  #onPurpose = false;
  #gone = false;

  constructor(
    id: number,
    socket: Socket,
    remote: { address: string; port: number; ours: boolean },
    events: ConnectionEvents,
    limits: TransportLimits,
    clock: Clock,
  ) {
    this.id = id;
    this.remoteAddress = remote.address;
    this.remotePort = remote.port;
    this.ours = remote.ours;
    this.#socket = socket;
    this.#events = events;
    this.#limits = limits;
    this.#clock = clock;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => {
      this.#error ??= error;
    });
    socket.on('close', () => this.#finish());
    this.#expectWithin(limits.firstMessageWithin);
  }

  get flow(): Flow {
    return {
      transport: 'tcp',
      localAddress: this.#socket.localAddress ?? '',
      localPort: this.#socket.localPort ?? 0,
      remoteAddress: this.remoteAddress,
      remotePort: this.remotePort,
      connectionId: this.id,
    };
  }

  /** False from the moment on when nothing more may be sent. */
  get usable(): boolean {
    return !this.#gone && !this.#onPurpose && this.#socket.writable;
  }

  /** Resolves when the system has taken the octets; rejects when the connection ends before. */
  send(octets: Buffer | string): Promise<void> {
    if (!this.usable) return Promise.reject(this.#error ?? new Error('connection is closed'));
    if (this.#socket.writableLength > this.#limits.unwrittenOctets) {
      this.cut(new Error('peer does not read'));
      return Promise.reject(new Error('peer does not read'));
    }
    return new Promise((resolve, reject) => {
      this.#socket.write(octets, (error) => {
        if (error) {
          reject(this.#error ?? error);
          return;
        }
        this.#expectWithin(this.#limits.idle);
        resolve();
      });
    });
  }

  /** Closes after what is written has gone out; what still comes is thrown away. */
  end(): void {
    if (this.#gone || this.#onPurpose) return;
    this.#onPurpose = true;
    this.#clearTimers();
    this.#closing = this.#clock.after(this.#limits.closeWithin, () => this.#socket.destroy());
    this.#socket.end();
  }

  /** Closes at once, because of `error`. */
  cut(error: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    if (this.#isOver()) return;
    for (const frame of this.#framer.push(chunk)) {
      this.#handle(frame);
      if (this.#isOver()) return;
    }
    this.#watchPartial();
  }

  #handle(frame: Frame): void {
    this.#partial?.clear();
    this.#partial = undefined;
    this.#expectWithin(this.#limits.idle);
    switch (frame.kind) {
      case 'message':
        this.#events.octets(frame.octets, this);
        break;
      case 'ping':
        // A pong that cannot be sent means that the connection is ending, which is told elsewhere.
        this.send('\r\n').catch(() => undefined);
        break;
      case 'broken':
        this.#events.broken(frame.error, this);
        this.end();
        break;
    }
  }

  /** A message that has begun must end in time: its first octet starts the clock, later ones do not wind it up. */
  #watchPartial(): void {
    if (!this.#framer.withinMessage) {
      this.#partial?.clear();
      this.#partial = undefined;
      return;
    }
    this.#partial ??= this.#clock.after(this.#limits.messageWithin, () =>
      this.cut(new Error('peer sends a message too slowly')),
    );
  }

  #expectWithin(milliseconds: number): void {
    this.#idle?.clear();
    this.#idle = undefined;
    if (this.#gone || this.#onPurpose) return;
    this.#idle = this.#clock.after(milliseconds, () => this.end());
  }

  #isOver(): boolean {
    return this.#gone || this.#onPurpose;
  }

  #clearTimers(): void {
    this.#idle?.clear();
    this.#partial?.clear();
    this.#closing?.clear();
  }

  #finish(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#clearTimers();
    const closedByPeer = this.ours ? new Error('connection closed by the peer') : undefined;
    this.#events.closed(this, this.#onPurpose ? undefined : (this.#error ?? closedByPeer));
  }
}
