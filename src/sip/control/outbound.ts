import { createConnection, type Socket } from 'node:net';
import type { Clock, Timer } from '../../shared/clock.ts';
import type { Logger } from '../../shared/log.ts';

/** After a connection failed or ended it is tried again: first at once, then twice as long each time, milliseconds. */
const firstPause = 500;
const longestPause = 30_000;

export interface OutboundAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * Connections that the server makes to applications which listen (`srf.listen({ port, secret })`), and keeps. drachtio-server
 * asks a web callback, call by call, where to connect to; here the addresses are given, and such an application takes part in
 * the round robin like any other.
 */
export class OutboundConnections {
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<Timer>();
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #serve: (socket: Socket) => void;
  #closed = false;

  constructor(clock: Clock, log: Logger, serve: (socket: Socket) => void) {
    this.#clock = clock;
    this.#log = log;
    this.#serve = serve;
  }

  open(addresses: readonly OutboundAddress[]): void {
    for (const address of addresses) this.#connect(address, firstPause);
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) timer.clear();
    for (const socket of this.#sockets) socket.destroy();
  }

  #connect(to: OutboundAddress, pause: number): void {
    const socket = createConnection(to.port, to.address);
    this.#sockets.add(socket);
    let next = pause;
    socket.once('connect', () => {
      next = firstPause;
      this.#log.info({ application: to }, 'connected to an application that listens');
      this.#serve(socket);
    });
    socket.on('error', (error) => this.#log.debug({ err: error, application: to }, 'no connection to an application'));
    socket.once('close', () => {
      this.#sockets.delete(socket);
      if (this.#closed) return;
      const timer = this.#clock.after(next, () => {
        this.#timers.delete(timer);
        this.#connect(to, Math.min(2 * next, longestPause));
      });
      this.#timers.add(timer);
    });
  }
}
