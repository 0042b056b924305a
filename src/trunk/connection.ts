import type { Clock } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { Seldom } from './seldom.ts';
import type { ServerSide, Socket, Srf } from './srf.ts';

/** drachtio-srf reconnects after 255 ms, then ever later; not later than this. Milliseconds. */
const longestRetryDelay = 5_000;

/** A server that stays away is logged once in this time. Milliseconds. */
const logInterval = 30_000;

/** The connections to SIP servers: which stand, and what the log hears of them. */
export class Connections {
  #connected = false;
  #closed = false;

  constructor(
    srf: Srf,
    clock: Clock,
    log: Logger,
    events: { connected: (serverVersion: string) => void; lost: (socket: Socket) => void },
  ) {
    const trouble = new Seldom(clock, logInterval);
    srf.on('connect', (error, hostports, serverVersion) => {
      if (this.#closed) {
        disconnect(srf);
        return;
      }
      if (error) {
        trouble.do(() =>
          log.error({ reason: error.message }, 'the SIP server refuses us; check the secret in sip.server'),
        );
        return;
      }
      this.#connected = true;
      log.info({ listening: hostports, version: serverVersion }, 'connected to the SIP server');
      events.connected(serverVersion ?? '');
    });
    srf.on('error', (error) => {
      trouble.do(() => log.warn({ reason: messageOf(error) }, 'no connection to the SIP server; it is tried again'));
    });
    srf.on('close', (socket) => {
      const stood = this.#connected;
      this.#connected = false;
      if (!this.#closed && stood) log.warn('the connection to the SIP server was lost; its calls have ended');
      events.lost(socket);
    });
  }

  get connected(): boolean {
    return this.#connected;
  }

  close(srf: Srf): void {
    this.#closed = true;
    disconnect(srf);
  }
}

/** drachtio-srf throws when there is nothing to disconnect. */
function disconnect(srf: Srf): void {
  try {
    srf.disconnect();
  } catch {
    return; // there was no connection
  }
}

/** Where a drachtio-server is, as the setting `sip.server` says it. */
export interface DrachtioServer {
  host: string;
  port: number;
  secret: string;
}

/**
 * Connects to a drachtio-server, again and again until `closing` is aborted. The function returned is what
 * `startTrunk` wants as `connect`; it resolves with the first connection that stands, or when closing.
 */
export function connectTo(server: DrachtioServer, closing: AbortSignal): (srf: ServerSide) => Promise<void> {
  return (srf) =>
    new Promise((resolve) => {
      const reconnect: { retryMaxDelay: number; maxAttempts?: number } = { retryMaxDelay: longestRetryDelay };
      srf.on('connect', (error) => {
        if (!error) resolve();
      });
      closing.addEventListener('abort', () => {
        reconnect.maxAttempts = 1; // drachtio-srf has no other way to be told to stop trying
        resolve();
      });
      srf.connect({ ...server, reconnect, enablePing: true, pingInterval: 15_000 });
    });
}
