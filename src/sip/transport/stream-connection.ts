import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../shared/clock.ts';
import type { Flow } from './addresses.ts';
import type { Connection, ConnectionEvents, Remote } from './connection.ts';
import { StreamFramer, type Frame } from './framing.ts';
import type { TransportLimits } from './limits.ts';

/** Milliseconds of silence after which the system asks whether a peer still lives. */
const KEEP_ALIVE = 60_000;

/** One TCP or TLS connection. */
export class StreamConnection implements Connection {
  readonly id: number;
  readonly remote: Remote;
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
  /** A message has come, or was sent: until then nothing else keeps it open. */
  #spoken: boolean;

  constructor(
    id: number,
    socket: Socket,
    remote: Remote,
    events: ConnectionEvents,
    limits: TransportLimits,
    clock: Clock,
  ) {
    this.id = id;
    this.remote = remote;
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
    this.#spoken = remote.ours;
    this.#expectWithin(limits.firstMessageWithin);
  }

  get flow(): Flow {
    return {
      transport: this.remote.transport,
      localAddress: this.#socket.localAddress ?? '',
      localPort: this.#socket.localPort ?? 0,
      remoteAddress: this.remote.address,
      remotePort: this.remote.port,
      connectionId: this.id,
    };
  }

  get usable(): boolean {
    return !this.#gone && !this.#onPurpose && this.#socket.writable;
  }

  send(octets: Buffer | string): Promise<void> {
    if (!this.usable) return Promise.reject(this.#error ?? new Error('connection is closed'));
    if (this.#socket.writableLength > this.#limits.unwrittenOctets) {
      this.#events.gaveUp('unread');
      this.cut(new Error('peer does not read'));
      return Promise.reject(new Error('peer does not read'));
    }
    return new Promise((resolve, reject) => {
      this.#socket.write(octets, (error) => {
        if (error) {
          reject(this.#error ?? error);
          return;
        }
        this.#used();
        resolve();
      });
    });
  }

  end(): void {
    if (this.#gone || this.#onPurpose) return;
    this.#onPurpose = true;
    this.#clearTimers();
    this.#closing = this.#clock.after(this.#limits.closeWithin, () => this.#socket.destroy());
    this.#socket.end();
  }

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
    if (frame.kind === 'message') this.#spoken = true;
    this.#used();
    switch (frame.kind) {
      case 'message':
        this.#events.octets(frame.octets, this, 'stream');
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
    this.#partial ??= this.#clock.after(this.#limits.messageWithin, () => {
      this.#events.gaveUp('slow');
      this.cut(new Error('peer sends a message too slowly'));
    });
  }

  #expectWithin(milliseconds: number): void {
    this.#idle?.clear();
    this.#idle = undefined;
    if (this.#gone || this.#onPurpose) return;
    this.#idle = this.#clock.after(milliseconds, () => {
      if (!this.#spoken) this.#events.gaveUp('silent');
      this.end();
    });
  }

  /** RFC 5626 4.4: keep-alives keep a connection that is used; before its first message they do not. */
  #used(): void {
    if (this.#spoken) this.#expectWithin(this.#limits.idle);
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
    const closedByPeer = this.remote.ours ? new Error('connection closed by the peer') : undefined;
    this.#events.closed(this, this.#onPurpose ? undefined : (this.#error ?? closedByPeer));
  }
}
