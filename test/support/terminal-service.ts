import { hash } from '@node-rs/argon2';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { Socket as NetSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { io } from 'socket.io-client';
import type { Socket } from 'socket.io-client';
import type { NewSubscriber, Store } from '../../src/call/ports.ts';
import { systemClock } from '../../src/shared/clock.ts';
import type { Timer } from '../../src/shared/clock.ts';
import { withDeadline } from '../../src/shared/deadline.ts';
import { silentLog } from '../../src/shared/log.ts';
import { openEmbeddedStore } from '../../src/store/embedded/open.ts';
import type { ClientToServerEvents, LoginRefusal, ServerToClientEvents } from '../../src/terminals/events.ts';
import type { SessionStart } from '../../src/terminals/events.ts';
import { createTerminals } from '../../src/terminals/gateway.ts';
import type { Terminals, TerminalSettings } from '../../src/terminals/gateway.ts';
import { FakeCalls } from './fake-calls.ts';
import { FakeClock } from './fake-clock.ts';

export type TerminalSocket = Socket<ServerToClientEvents, ClientToServerEvents>;

/** Stands still as FakeClock does, but short waits (the guard's) are over at once; they are noted. */
export class QuickClock extends FakeClock {
  readonly waits: number[] = [];
  override after(milliseconds: number, action: () => void): Timer {
    if (milliseconds > 1_000) return super.after(milliseconds, action);
    this.waits.push(milliseconds);
    const immediate = setImmediate(action);
    return { clear: () => clearImmediate(immediate) };
  }
}

export const settings: TerminalSettings = {
  tokenLifetime: 30 * 86_400_000,
  maxPerAccount: 20,
  loginFailures: { perAccount: 10, perAddress: 50, window: 900_000, lockFor: 300_000 },
  trustProxy: false,
  corsOrigins: [],
  ipPhones: [],
  decideWithin: 60_000,
};

/** A gateway with its own store on an HTTP server of its own, and the terminals that a test connects to it. */
export class TerminalService {
  readonly calls = new FakeCalls();
  readonly clock = new QuickClock();
  readonly store: Store;
  readonly terminals: Terminals;
  readonly url: string;
  readonly #sockets: Socket[] = [];
  readonly #end: () => Promise<void>;
  readonly #connections = new Set<NetSocket>();

  private constructor(
    store: Store,
    parts: (service: TerminalService) => Terminals,
    http: Server,
    url: string,
    end: () => Promise<void>,
  ) {
    this.store = store;
    this.url = url;
    http.on('connection', (connection) => {
      this.#connections.add(connection);
      connection.once('close', () => this.#connections.delete(connection));
    });
    this.#end = end;
    this.terminals = parts(this);
  }

  static async start(changed: Partial<TerminalSettings> = {}): Promise<TerminalService> {
    const path = await mkdtemp(join(tmpdir(), 'ringaway-terminals-'));
    const store = await openEmbeddedStore({ path, log: silentLog, clock: systemClock });
    const http = createServer((_request, response) => response.writeHead(404).end());
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const address = http.address();
    if (address === null || typeof address === 'string') throw new Error('the HTTP server has no port');
    const service = new TerminalService(
      store,
      ({ clock, calls }) =>
        createTerminals({
          store,
          clock,
          log: silentLog,
          calls: () => calls,
          settings: { ...settings, ...changed },
          numbering: { defaultCountry: 'CN', areaCode: '755' },
        }),
      http,
      `http://127.0.0.1:${address.port}`,
      async () => {
        http.closeAllConnections();
        await new Promise((resolve) => http.close(resolve));
        await store.close();
        await rm(path, { recursive: true });
      },
    );
    service.terminals.attach(http);
    return service;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.disconnect();
    await this.terminals.close();
    await this.#end();
  }

  /** Breaks every connection as a network does: without a word. The server goes on listening. */
  cutConnections(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  async addSubscriber(
    account: string,
    password: string,
    more: Partial<NewSubscriber> & { pin?: string } = {},
  ): Promise<void> {
    const { pin, ...subscriber } = more;
    await this.store.subscribers.add({
      account,
      ownerName: 'Owner of the number',
      numbers: [{ number: '+8675520000001' }],
      proof: 'session',
      secrets: { passwordHash: await cheapHash(password), ...(pin !== undefined && { pinHash: await cheapHash(pin) }) },
      ...subscriber,
    });
  }

  /** A socket of the official client that has not connected yet; `auth` goes as it is. */
  socket(auth: object, headers: Record<string, string> = {}): TerminalSocket {
    const socket: TerminalSocket = io(`${this.url}/terminal`, {
      auth,
      autoConnect: false,
      forceNew: true,
      reconnection: false,
      transports: ['websocket'],
      extraHeaders: headers,
    });
    this.#sockets.push(socket);
    return socket;
  }

  /** Logs in; resolves with the session, or with why not. */
  async login(
    auth: object,
    headers: Record<string, string> = {},
  ): Promise<{ socket: TerminalSocket; session: SessionStart } | { refusal: LoginRefusal }> {
    const socket = this.socket(auth, headers);
    const outcome = new Promise<SessionStart | LoginRefusal>((resolve, reject) => {
      socket.once('session', resolve);
      socket.once('connect_error', (error: Error & { data?: LoginRefusal }) => {
        if (error.data) resolve(error.data);
        else reject(error);
      });
    });
    socket.connect();
    const came = await soon('the outcome of the login', outcome);
    return 'code' in came ? { refusal: came } : { socket, session: came };
  }

  /** Logs in and fails the test when that is refused. */
  async connect(
    account: string,
    password: string,
    terminal: object & { id: string },
  ): Promise<{ socket: TerminalSocket; session: SessionStart }> {
    const outcome = await this.login({ account, password, terminal });
    if ('refusal' in outcome) throw new Error(`login refused: ${outcome.refusal.message}`);
    return outcome;
  }

  /** Logs in and fails the test when that works. */
  async refusal(auth: object, headers: Record<string, string> = {}): Promise<LoginRefusal> {
    const outcome = await this.login(auth, headers);
    if ('session' in outcome) throw new Error('the login was not refused');
    return outcome.refusal;
  }
}

/** The event's first payload, or a failure of the test when it does not come. */
export function next<Name extends keyof ServerToClientEvents>(
  socket: TerminalSocket,
  name: Name,
): Promise<Parameters<ServerToClientEvents[Name]>[0]> {
  const came = new Promise<Parameters<ServerToClientEvents[Name]>[0]>((resolve) => {
    const listener = (event: string, payload: Parameters<ServerToClientEvents[Name]>[0]): void => {
      if (event !== name) return;
      socket.offAny(listener);
      resolve(payload);
    };
    socket.onAny(listener);
  });
  return soon(`the event ${name}`, came);
}

/** The reason of the disconnection that is to come. */
export function disconnection(socket: TerminalSocket): Promise<string> {
  return soon('the disconnection', new Promise((resolve) => socket.once('disconnect', resolve)));
}

/** A bound for what must happen: generous, as it is only reached by a failing test. */
export function soon<T>(what: string, promise: Promise<T>): Promise<T> {
  return withDeadline(systemClock, 20_000, what, promise);
}

/** Argon2id at its weakest: tests log in a lot. The parameters stand in the hash. */
export function cheapHash(plain: string): Promise<string> {
  return hash(plain, { memoryCost: 8, timeCost: 1, parallelism: 1 });
}
