// The Socket.IO side of the terminals: connects their sessions with the calls. login.ts says who may in, requests.ts what
// they may ask, dispatch.ts keeps what they send from doing harm.
import type { Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { Server } from 'socket.io';
import type { CallControl, Store, TerminalsPort } from '../call/ports.ts';
import type { NumberingSettings } from '../numbers/number.ts';
import type { Clock } from '../shared/clock.ts';
import { withDeadline } from '../shared/deadline.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { publicAddress } from './addresses.ts';
import { newCounters } from './counters.ts';
import type { TerminalCounters } from './counters.ts';
import { dispatcher } from './dispatch.ts';
import { Guard } from './guard.ts';
import { KeyedQueue } from './keyed-queue.ts';
import { Login } from './login.ts';
import type { SessionEndReason } from './events.ts';
import { requestHandlers } from './requests.ts';
import { LoginError, Sessions } from './sessions.ts';
import type { TerminalServer } from './sessions.ts';
import type { TerminalSettings } from './settings.ts';
import { makeTokenKey, Tokens } from './tokens.ts';

export type { TerminalCounters } from './counters.ts';
export type { TerminalSettings } from './settings.ts';

export interface TerminalsOptions {
  store: Pick<Store, 'subscribers' | 'logins' | 'records' | 'secret'>;
  clock: Clock;
  log: Logger;
  /** Asked for at each use, so that gateway and calls can be built in either order. */
  calls: () => CallControl;
  settings: TerminalSettings;
  numbering: NumberingSettings;
}

export interface Terminals {
  readonly port: TerminalsPort;
  /** Takes over `/socket.io` of an HTTP server; once, before or after it listens. The server stays the caller's. */
  attach(server: HttpServer | HttpsServer): void;
  /** A snapshot of what was counted. */
  counters(): TerminalCounters;
  /** Tells every terminal why, ends the connections and resolves when they are gone (at most 3 s). */
  close(reason?: SessionEndReason): Promise<void>;
}

const maxPayload = 64 * 1024;
const closeWithin = 3_000;

/**
 * The terminals' gateway.
 * @throws Failure `bad-setting` for a network of `ipPhones` that is none
 */
export function createTerminals(options: TerminalsOptions): Terminals {
  const { store, clock, settings, numbering, calls } = options;
  const log = options.log.child({ part: 'terminals' });
  const counters = newCounters();
  const queue = new KeyedQueue();
  const tokens = new Tokens(
    lazily(() => store.secret('token-key', makeTokenKey)),
    clock,
    settings.tokenLifetime,
  );
  const sessions = new Sessions({ store, clock, log, calls, queue, counters, ipPhones: settings.ipPhones });
  const login = new Login({
    store,
    clock,
    numbering,
    tokens,
    queue,
    guard: new Guard(clock, settings.loginFailures),
    others: (account, terminalId) => sessions.others(account, terminalId),
    maxPerAccount: settings.maxPerAccount,
  });
  const handlers = requestHandlers({
    store,
    clock,
    calls,
    guard: new Guard(clock, settings.loginFailures),
    decideWithin: settings.decideWithin,
    logOut: (from) => sessions.logOut(from.account, from.terminalId),
  });
  const dispatch = dispatcher({ clock, log, counters, handlers });

  const io: TerminalServer = new Server({
    path: '/socket.io',
    serveClient: false,
    maxHttpBufferSize: maxPayload,
    ...(settings.corsOrigins.length > 0 && { cors: { origin: [...settings.corsOrigins] } }),
  });
  io.use((_socket, next) =>
    next(new LoginError({ code: 'malformed', message: 'Connect to the namespace /terminal.' })),
  );
  const namespace = io.of('/terminal');

  namespace.use((socket, next) => {
    const { socket: peer, headers } = socket.request;
    const from = publicAddress(
      { ip: peer.remoteAddress, port: peer.remotePort },
      headers['x-forwarded-for'],
      settings.trustProxy,
    );
    const auth: unknown = socket.handshake.auth;
    login.admit(auth, from).then(
      (outcome) => {
        if (outcome.ok) {
          socket.data.login = outcome.login;
          next();
          return;
        }
        counters.logins[outcome.refusal.code]++;
        log.info({ ip: from.ip, code: outcome.refusal.code }, 'login refused');
        next(new LoginError(outcome.refusal));
      },
      (error: unknown) => {
        counters.logins.unavailable++;
        log.error({ ip: from.ip, err: error }, 'login failed');
        const message = 'The login could not be checked just now. Try again in a few seconds.';
        next(new LoginError({ code: 'unavailable', message, retryAfter: 5 }));
      },
    );
  });

  namespace.on('connection', (socket) => {
    try {
      const session = sessions.start(socket, settings.maxPerAccount);
      if (session) dispatch(session);
    } catch (error) {
      counters.faults++;
      log.error({ err: error }, 'a session could not be started');
      socket.disconnect(true);
    }
  });

  let attached = false;
  const unwatch = store.subscribers.watch((account) => sessions.recheck(account));

  return {
    port: sessions,
    attach(server) {
      io.attach(server);
      attached = true;
    },
    counters: () => ({
      ...structuredClone(counters),
      terminals: sessions.size,
      accounts: sessions.accounts,
    }),
    async close(reason = 'service-down') {
      unwatch();
      try {
        await withDeadline(clock, closeWithin, 'ending the sessions', sessions.close(reason));
      } catch (error) {
        log.warn({ reason: messageOf(error) }, 'not every terminal could be told that the service goes down');
      }
      if (attached) io.engine.close();
    },
  };
}

/** Makes a value at its first use, and again when that failed. */
function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () =>
    (made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    }));
}
