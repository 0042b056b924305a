import { isUtf8 } from 'node:buffer';
import type { RawData, WebSocket } from 'ws';
import type { Clock, Timer } from '../../shared/clock.ts';
import type { Flow } from './addresses.ts';
import type { Connection, ConnectionEvents, Remote } from './connection.ts';
import type { TransportLimits } from './limits.ts';

/** RFC 7118 6, RFC 5626 3.5.1. */
const PING = '\r\n\r\n';
const PONG = Buffer.from('\r\n');

/** RFC 6455 7.4.1: normal closure. */
const NORMAL = 1000;

/** One WebSocket that carries SIP, a message a frame (RFC 7118 4.1). Its client opened it. */
export class WebSocketConnection implements Connection {
  readonly id: number;
  readonly remote: Remote;
  readonly flow: Flow;
  readonly #socket: WebSocket;
  readonly #events: ConnectionEvents;
  readonly #limits: TransportLimits;
  readonly #clock: Clock;
  #firstMessage: Timer | undefined;
  #ping: Timer | undefined;
  #closing: Timer | undefined;
  #awaitingPong = false;
  #error: Error | undefined;
  #onPurpose = false;
  #gone = false;

  constructor(
    id: number,
    socket: WebSocket,
    remote: Remote,
    local: { readonly address: string; readonly port: number },
    events: ConnectionEvents,
    limits: TransportLimits,
    clock: Clock,
  ) {
    this.id = id;
    this.remote = remote;
    this.flow = {
      transport: remote.transport,
      localAddress: local.address,
      localPort: local.port,
      remoteAddress: remote.address,
      remotePort: remote.port,
      connectionId: id,
    };
    this.#socket = socket;
    this.#events = events;
    this.#limits = limits;
    this.#clock = clock;
    socket.on('message', (data) => this.#receive(octetsOf(data)));
    socket.on('pong', () => (this.#awaitingPong = false));
    socket.on('error', (error) => (this.#error ??= error));
    socket.on('close', () => this.#finish());
    this.#firstMessage = clock.after(limits.firstMessageWithin, () => {
      events.gaveUp('silent');
      this.end();
    });
    this.#pingLater();
  }

  get usable(): boolean {
    return !this.#gone && !this.#onPurpose && this.#socket.readyState === this.#socket.OPEN;
  }

  send(octets: Buffer): Promise<void> {
    if (!this.usable) return Promise.reject(this.#error ?? new Error('WebSocket is closed'));
    if (this.#socket.bufferedAmount > this.#limits.unwrittenOctets) {
      this.#events.gaveUp('unread');
      const error = new Error('peer does not read');
      this.cut(error);
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      // RFC 7118 4.1: what is no UTF-8 goes in a binary frame
      this.#socket.send(octets, { binary: !isUtf8(octets) }, (error) => {
        if (error) reject(this.#error ?? error);
        else resolve();
      });
    });
  }

  end(): void {
    if (this.#gone || this.#onPurpose) return;
    this.#onPurpose = true;
    this.#clearTimers();
    this.#closing = this.#clock.after(this.#limits.closeWithin, () => this.#socket.terminate());
    this.#socket.close(NORMAL);
  }

  cut(error: Error): void {
    this.#error ??= error;
    this.#socket.terminate();
  }

  #receive(octets: Buffer): void {
    if (this.#gone || this.#onPurpose) return;
    if (octets.length === PING.length && octets.toString('latin1') === PING) {
      // A pong that cannot be sent means that the connection is ending, which is told elsewhere.
      this.send(PONG).catch(() => undefined);
      return;
    }
    if (octets.length <= PONG.length && PONG.subarray(0, octets.length).equals(octets)) return;
    this.#firstMessage?.clear();
    this.#events.octets(octets, this, 'datagram');
  }

  /** RFC 7118 6, RFC 6455 5.5.2: a client that does not answer is gone, whatever TCP believes. */
  #pingLater(): void {
    this.#ping = this.#clock.after(this.#limits.pingEvery, () => {
      if (this.#awaitingPong) {
        this.cut(new Error('the WebSocket client does not answer pings'));
        return;
      }
      this.#awaitingPong = true;
      if (this.usable) this.#socket.ping();
      this.#pingLater();
    });
  }

  #clearTimers(): void {
    this.#firstMessage?.clear();
    this.#ping?.clear();
    this.#closing?.clear();
  }

  #finish(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#clearTimers();
    this.#events.closed(this, this.#onPurpose ? undefined : this.#error);
  }
}

function octetsOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
