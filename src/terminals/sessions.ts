import type { DefaultEventsMap, Server, Socket } from 'socket.io';
import type { CallControl, PresentTerminal, Store, TerminalsPort } from '../call/ports.ts';
import type { Clock } from '../shared/clock.ts';
import { withDeadline } from '../shared/deadline.ts';
import type { Logger } from '../shared/log.ts';
import { ipPhones } from './addresses.ts';
import type { TerminalCounters } from './counters.ts';
import type { Call, ClientToServerEvents, LoginRefusal, ServerToClientEvents, SessionEndReason } from './events.ts';
import type { KeyedQueue } from './keyed-queue.ts';
import { terminalKey } from './login.ts';
import type { LoggedIn } from './login.ts';
import { Presence } from './presence.ts';
import { receipt } from './schemas.ts';
import { credentialOf } from './tokens.ts';

interface SocketData {
  login?: LoggedIn;
}
export type TerminalServer = Server<ClientToServerEvents, ServerToClientEvents, DefaultEventsMap, SocketData>;
type TerminalSocket = Socket<ClientToServerEvents, ServerToClientEvents, DefaultEventsMap, SocketData>;

/** Socket.IO hands `data` of it to the client with `connect_error`. */
export class LoginError extends Error {
  readonly data: LoginRefusal;
  constructor(data: LoginRefusal) {
    super(data.message);
    this.data = data;
  }
}

/** A connected terminal. */
export interface Session {
  readonly account: string;
  readonly terminalId: string;
  readonly ip: string;
  readonly present: PresentTerminal;
  /** Names the password that was valid when it connected. */
  readonly credential: string;
  readonly socket: TerminalSocket;
  /** The terminal did something: noted in the store now and then. */
  active(): void;
  /** Tells the terminal why and closes its connection; at most once. */
  end(reason: SessionEndReason): void;
}

export interface SessionsParts {
  store: Pick<Store, 'subscribers' | 'logins'>;
  clock: Clock;
  log: Logger;
  calls: () => CallControl;
  queue: KeyedQueue;
  counters: TerminalCounters;
  ipPhones: readonly string[];
}

const receiptWithin = 10_000;
const storeDeadline = 10_000;
const seenEvery = 300_000;
const recheckAgainAfter = 5_000;

/** The sessions that stand, and what the calls may tell them. */
export class Sessions implements TerminalsPort {
  readonly #parts: SessionsParts;
  readonly #presence = new Presence<Session>();
  readonly #ipPhone: ReturnType<typeof ipPhones>;
  #closing = false;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
    this.#ipPhone = ipPhones(parts.ipPhones);
  }

  get size(): number {
    return this.#presence.size;
  }
  get accounts(): number {
    return this.#presence.accounts;
  }
  others(account: string, terminalId: string): number {
    return this.#presence.others(account, terminalId);
  }

  // -------------------------------------------------------------- what the calls tell

  present(account: string): PresentTerminal[] {
    return this.#presence.of(account).map(({ present }) => present);
  }

  incoming(account: string, call: Call, received: (terminalId: string) => void): string[] {
    return this.#presence.of(account).map((session) => {
      this.#notify(session, call, received);
      return session.terminalId;
    });
  }

  changed(account: string, call: Call): void {
    for (const { socket } of this.#presence.of(account)) socket.emit('call:changed', call);
  }

  ended(account: string, call: Call): void {
    for (const { socket } of this.#presence.of(account)) socket.emit('call:ended', call);
  }

  #notify({ socket, terminalId }: Session, call: Call, received: (terminalId: string) => void): void {
    const { counters, log } = this.#parts;
    counters.notified++;
    socket.timeout(receiptWithin).emit('call:incoming', call, (error: Error | null, answer: unknown) => {
      if (error || !receipt.safeParse(answer).success) return;
      counters.received++;
      try {
        received(terminalId);
      } catch (fault) {
        counters.faults++;
        log.error({ err: fault, callId: call.id, terminalId }, 'a receipt could not be noted');
      }
    });
  }

  // -------------------------------------------------------------- a session's life

  /** Begins the session of a socket that logged in; undefined when the account has no room any more. */
  start(socket: TerminalSocket, maxPerAccount: number): Session | undefined {
    const { login } = socket.data;
    if (!login) throw new Error('a socket came without a login');
    const { counters, log } = this.#parts;
    const session = this.#session(socket, login);
    const { account, terminalId } = session;
    // The login counted before it waited for the store; two of them may have found the last place free.
    if (this.others(account, terminalId) >= maxPerAccount || this.#closing) {
      session.end(this.#closing ? 'service-down' : 'too-many-terminals');
      return undefined;
    }
    counters.logins.ok++;
    this.#presence.add(session)?.end('replaced');
    socket.on('disconnect', (why) => {
      if (!this.#presence.remove(session)) return;
      log.info({ account, terminalId, why }, 'terminal disconnected');
      this.#note('the last sign of a terminal', (at) => this.#parts.store.logins.seen(account, terminalId, at));
    });
    socket.conn.on('heartbeat', () => session.active());
    log.info({ account, terminalId, ip: session.ip }, 'terminal connected');
    this.#welcome(session, login);
    // The password may have changed, or the account gone, between its check and this moment.
    this.recheck(account);
    return session;
  }

  #session(socket: TerminalSocket, login: LoggedIn): Session {
    const { account, credential, publicAddress, terminal } = login;
    const { clock, counters, store } = this.#parts;
    const ipPhone = this.#ipPhone(account, terminal.internalAddress);
    const present: PresentTerminal = {
      terminalId: terminal.id,
      ...(terminal.name !== undefined && { name: terminal.name }),
      ...(ipPhone !== undefined && { ipPhone }),
    };
    let seenAt = clock.monotonic();
    let ended = false;
    return {
      account,
      terminalId: terminal.id,
      ip: publicAddress.ip,
      present,
      credential,
      socket,
      active: () => {
        if (clock.monotonic() - seenAt < seenEvery) return;
        seenAt = clock.monotonic();
        this.#note('the sign of a terminal', (at) => store.logins.seen(account, terminal.id, at));
      },
      end: (reason) => {
        if (ended) return;
        ended = true;
        counters.ended[reason]++;
        socket.emit('session:ended', { reason });
        // Socket.IO's client comes back by itself when only the connection ends, not when the server disconnects it.
        if (reason === 'service-down') socket.conn.close();
        else socket.disconnect(true);
      },
    };
  }

  /** Tells a terminal where it stands: in one tick, so that no change of a call falls between. */
  #welcome(session: Session, login: LoggedIn): void {
    const { account, terminalId, socket } = session;
    const calls = this.#parts.calls();
    const standing = calls.callsOf(account);
    socket.emit('session', {
      version: 1,
      token: login.token,
      expiresAt: new Date(login.expiresAt).toISOString(),
      account,
      ownerName: login.ownerName,
      numbers: login.numbers,
      calls: standing,
    });
    for (const call of standing) {
      if (call.state === 'waiting') this.#notify(session, call, () => calls.received(account, call.id, terminalId));
    }
    calls.terminalArrived(account, terminalId);
  }

  /** Logs a terminal out: its tokens die with the promise's success. The caller ends the session. */
  logOut(account: string, terminalId: string): Promise<void> {
    const { clock, queue, store } = this.#parts;
    return queue.run(terminalKey(account, terminalId), () =>
      withDeadline(clock, storeDeadline, 'noting the logout', store.logins.loggedOut(account, terminalId, clock.now())),
    );
  }

  /** Ends the account's sessions if it was removed or its password changed; in the background, and again if it cannot tell. */
  recheck(account: string): void {
    const { clock, log, store } = this.#parts;
    const sessions = this.#presence.of(account);
    if (sessions.length === 0 || this.#closing) return;
    const reading = withDeadline(clock, storeDeadline, 'checking the account', store.subscribers.credentials(account));
    reading.then(
      (found) => {
        const credential = found && credentialOf(found.secrets.passwordHash);
        for (const session of sessions) {
          if (credential === undefined) session.end('account-removed');
          else if (credential !== session.credential) session.end('password-changed');
        }
      },
      (error: unknown) => {
        log.warn({ err: error, account }, 'the account could not be checked; it is tried again');
        clock.after(recheckAgainAfter, () => this.recheck(account));
      },
    );
  }

  /** Ends all sessions; resolves when their connections are closed. */
  async close(reason: SessionEndReason): Promise<void> {
    this.#closing = true;
    const sessions = this.#presence.all();
    const closed = sessions.map(
      ({ socket }) =>
        new Promise<void>((resolve) => {
          if (socket.connected) socket.once('disconnect', () => resolve());
          else resolve();
        }),
    );
    for (const session of sessions) session.end(reason);
    await Promise.all(closed);
  }

  /** Writes a time into the store; nobody waits for it, a failure is logged. */
  #note(what: string, write: (at: number) => Promise<void>): void {
    const { clock, log } = this.#parts;
    withDeadline(clock, storeDeadline, what, write(clock.now())).catch((error: unknown) => {
      log.warn({ err: error }, `${what} could not be noted`);
    });
  }
}
