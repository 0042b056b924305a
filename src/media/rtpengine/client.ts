import type { RemoteInfo } from 'node:dgram';
import rtpengineClient, { type NgParameters, type NgSocket, type NgTarget } from 'rtpengine-client';
import type { Clock, Timer } from '../../shared/clock.ts';
import { DeadlineExceeded } from '../../shared/deadline.ts';
import { Failure, messageOf } from '../../shared/errors.ts';
import { readReply, type NgReply } from './reply.ts';

/** The commands that we use, by the names that the library gives them. */
export type NgCommand =
  | 'ping'
  | 'offer'
  | 'answer'
  | 'delete'
  | 'query'
  | 'list'
  | 'statistics'
  | 'playMedia'
  | 'stopMedia'
  | 'blockMedia'
  | 'unblockMedia'
  | 'blockDTMF'
  | 'unblockDTMF'
  | 'playDTMF';

/** Each datagram begins with its cookie: a UUID of 36 characters. */
const cookieOf = (datagram: Buffer) => datagram.toString('latin1', 0, 36);

const noTimer: Timer = { clear: () => undefined };

/** Milliseconds between two sendings: 100, 200, 300, 400, then 500 for ever. */
const resendAfter = (sendings: number) => Math.min(sendings * 100, 500);

/**
 * Requests that are on their way at once. A burst of more would overflow the receive buffer of the engine's socket
 * (some 200 datagrams by default), and be sent again as the same burst.
 */
const mostOnTheWay = 64;

interface Pending {
  datagram: Buffer;
  timers: { resend: Timer; deadline: Timer };
  /** Whether it was sent, or still waits for its turn. */
  onTheWay: boolean;
  sendError?: Error;
  resolve(reply: NgReply): void;
  reject(error: Error): void;
}

/**
 * One engine's ng client, made safe. rtpengine-client writes the datagrams and reads them; this class adds what it
 * does not do: the same datagram is sent again until an answer comes (rtpengine answers a cookie it knows from its
 * cache, so a request is carried out once), every request has a deadline, and only an answer of the engine itself to
 * a request that still waits is taken; the library would print all others on the console and throw.
 */
export class NgClient extends rtpengineClient.Client {
  readonly #clock: Clock;
  readonly #udp: NgSocket;
  /** Requests without an answer, by cookie. */
  readonly #pending = new Map<string, Pending>();
  /** Those of them that were not sent yet, in their order, by cookie. */
  readonly #waiting = new Map<string, Pending>();
  #onTheWay = 0;
  #target: NgTarget | undefined;
  /** What the library wrote for the request that is being made. */
  readonly #written: Buffer[] = [];
  #closed = false;
  /** Datagrams that were sent again. */
  resent = 0;
  /** Datagrams that were thrown away. */
  strays = 0;

  /** Resolves when the socket is bound; rejects when it cannot be. */
  static open(clock: Clock): Promise<NgClient> {
    return new Promise((resolve, reject) => {
      const client = new NgClient(clock);
      client.once('listening', () => resolve(client));
      // Errors of the socket after this show as requests without an answer; unheard they would end the process.
      client.on('error', (error: unknown) => reject(new Error(messageOf(error), { cause: error })));
    });
  }

  private constructor(clock: Clock) {
    super({ localPort: 0 });
    this.#clock = clock;
    this.#udp = this.socket;
    // The library hands each datagram to `send`, once, within the call that asks for it: we keep it and send it.
    this.socket = {
      send: (datagram) => void this.#written.push(datagram),
      close: () => this.#udp.close(),
    };
  }

  /** Where requests go from now on, and from where answers are taken: an IPv4 address, no name. */
  set target(target: NgTarget) {
    this.#target = target;
  }

  /** The address of that target. */
  get host(): string | undefined {
    return this.#target?.host;
  }

  /**
   * Asks the engine and waits for its answer at most `milliseconds`.
   * @throws DeadlineExceeded when none came; its cause is the last error of sending, if there was one
   * @throws Failure `no-media` when this client is closed, or has no target yet
   */
  request(command: NgCommand, parameters: NgParameters, milliseconds: number): Promise<NgReply> {
    const target = this.#target;
    if (this.#closed || !target) {
      return Promise.reject(new Failure('no-media', 'the media engine is not connected'));
    }
    return new Promise((resolve, reject) => {
      const { cookie, datagram } = this.#write(command, target, parameters);
      const deadline = this.#clock.after(milliseconds, () =>
        this.#fail(cookie, new DeadlineExceeded(`rtpengine (${command})`, milliseconds)),
      );
      const pending: Pending = { datagram, timers: { resend: noTimer, deadline }, onTheWay: false, resolve, reject };
      this.#pending.set(cookie, pending);
      // A ping tells whether the engine is there, however many wait for it.
      if (command === 'ping' || this.#onTheWay < mostOnTheWay) this.#begin(pending, target);
      else this.#waiting.set(cookie, pending);
    });
  }

  /** Fails what waits and closes the socket; idempotent. */
  override close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const cookie of [...this.#pending.keys()]) {
      this.#fail(cookie, new Failure('no-media', 'the media engine was disconnected'));
    }
    super.close();
  }

  #write(command: NgCommand, target: NgTarget, parameters: NgParameters): { cookie: string; datagram: Buffer } {
    this[command](target, parameters, () => undefined);
    const datagram = this.#written.pop();
    if (!datagram) throw new Error(`rtpengine-client wrote no datagram for ${command}`);
    const cookie = cookieOf(datagram);
    // Its own book of requests would keep this entry for ever.
    this.messages.delete(cookie);
    return { cookie, datagram };
  }

  #begin(pending: Pending, target: NgTarget): void {
    pending.onTheWay = true;
    this.#onTheWay += 1;
    this.#send(pending, target, 1);
  }

  #send(pending: Pending, target: NgTarget, sendings: number): void {
    pending.timers.resend = this.#clock.after(resendAfter(sendings), () => {
      this.resent += 1;
      this.#send(pending, target, sendings + 1);
    });
    this.#udp.send(pending.datagram, target.port, target.host, (error) => {
      if (error) pending.sendError = error;
    });
  }

  /** Takes the request out of the book, so that it is settled once. */
  #take(cookie: string): Pending | undefined {
    const pending = this.#pending.get(cookie);
    if (!pending) return undefined;
    this.#pending.delete(cookie);
    this.#waiting.delete(cookie);
    pending.timers.resend.clear();
    pending.timers.deadline.clear();
    if (pending.onTheWay) {
      this.#onTheWay -= 1;
      this.#beginNext();
    }
    return pending;
  }

  #beginNext(): void {
    const target = this.#target;
    if (this.#closed || !target || this.#onTheWay >= mostOnTheWay) return;
    for (const [cookie, next] of this.#waiting) {
      this.#waiting.delete(cookie);
      this.#begin(next, target);
      return;
    }
  }

  #fail(cookie: string, error: Error): void {
    const pending = this.#take(cookie);
    if (pending?.sendError) error.cause = pending.sendError;
    pending?.reject(error);
  }

  /** Takes a datagram from the socket; what is no answer to a request that waits is counted and forgotten. */
  protected override _onMessage(datagram: Buffer, from: RemoteInfo): void {
    const reply = this.#read(datagram, from);
    const pending = reply && this.#take(cookieOf(datagram));
    if (pending) pending.resolve(reply);
    else this.strays += 1;
  }

  #read(datagram: Buffer, from: RemoteInfo): NgReply | undefined {
    if (from.address !== this.#target?.host || from.port !== this.#target.port) return undefined;
    // Only what carries a cookie of ours is decoded at all.
    if (!this.#pending.has(cookieOf(datagram))) return undefined;
    try {
      return readReply(NgClient.decodeMessage(datagram).data);
    } catch {
      return undefined;
    }
  }

  /** The library would read the environment here (sizes of buffers), which only our settings may do. */
  protected override _onListening(): void {
    this.emit('listening');
  }
}
