// A terminal in TypeScript: what the CLI, the demo and the tests log in with.
import { io } from 'socket.io-client';
import type { Socket } from 'socket.io-client';
import { Emitter } from '../shared/emitter.ts';
import type {
  Answer,
  Call,
  ClientToServerEvents,
  DigitsRequest,
  HandshakeAuth,
  HistoryPage,
  HistoryRequest,
  LoginRefusal,
  LoginRefusalCode,
  ServerToClientEvents,
  SessionEndReason,
  SessionStart,
  TerminalInfo,
  TransferRequest,
} from './events.ts';

export interface TerminalClientOptions {
  /** `http://host:port` of the service. */
  server: string;
  /** With what to log in first; afterwards the client uses the token of its session. */
  login: { account: string; password: string } | { token: string };
  terminal: TerminalInfo;
  /** Milliseconds that a request waits for its answer; 35000 when absent. */
  answerWithin?: number;
  /** Whether to come back when the connection breaks; true when absent. */
  reconnect?: boolean;
  transports?: ('polling' | 'websocket')[];
}

export interface TerminalClientEvents {
  session: [session: SessionStart];
  incoming: [call: Call];
  changed: [call: Call];
  ended: [call: Call];
  /** The server ended the session; the client does not come back by itself, except after `service-down`. */
  sessionEnded: [reason: SessionEndReason];
  /** The service refused the login; nothing more happens until `connect` is called again. */
  refused: [refusal: LoginRefusal];
  /** The service was not reached; the client goes on trying unless `reconnect` is false. */
  unreachable: [why: string];
  disconnected: [why: string];
}

/** One terminal of one account. Requests resolve with the server's answer, also with a refusal. */
export class TerminalClient {
  readonly events: Emitter<TerminalClientEvents>;
  readonly #socket: Socket<ServerToClientEvents, ClientToServerEvents>;
  readonly #answerWithin: number;
  readonly #terminal: TerminalInfo;
  #login: TerminalClientOptions['login'];
  #session: SessionStart | undefined;

  /** Does not connect yet. A listener that throws is told to `onListenerError`. */
  constructor(options: TerminalClientOptions, onListenerError: (error: unknown) => void) {
    this.events = new Emitter<TerminalClientEvents>(onListenerError);
    this.#answerWithin = options.answerWithin ?? 35_000;
    this.#terminal = options.terminal;
    this.#login = options.login;
    this.#socket = io(`${options.server.replace(/\/+$/, '')}/terminal`, {
      path: '/socket.io',
      autoConnect: false,
      forceNew: true,
      reconnection: options.reconnect ?? true,
      reconnectionDelay: 500,
      reconnectionDelayMax: 10_000,
      transports: options.transports ?? ['websocket', 'polling'],
      auth: (give) => give(this.#auth()),
    });
    this.#listen();
  }

  /** The last `session` of the server, with the newest token. */
  get session(): SessionStart | undefined {
    return this.#session;
  }
  get connected(): boolean {
    return this.#socket.connected;
  }

  /** Connects with what is known: the token, or `login` when it is given. Resolves with the session that began. */
  connect(login?: TerminalClientOptions['login']): Promise<SessionStart> {
    if (login) this.#login = login;
    return new Promise((resolve, reject) => {
      const ends = [
        this.events.on('session', (session) => settle(() => resolve(session))),
        this.events.on('refused', (refusal) => settle(() => reject(new LoginRefused(refusal)))),
        this.events.on('unreachable', (why) => settle(() => reject(new Error(`the service was not reached: ${why}`)))),
        this.events.on('disconnected', (why) => settle(() => reject(new Error(`the connection ended: ${why}`)))),
      ];
      const settle = (how: () => void): void => {
        for (const end of ends) end();
        how();
      };
      this.#socket.connect();
    });
  }

  /** Ends the connection; the login and its token stay valid. */
  disconnect(): void {
    this.#socket.disconnect();
  }

  transfer(request: TransferRequest): Promise<Answer> {
    return this.#waiting.emitWithAck('call:transfer', request);
  }
  decline(callId: string): Promise<Answer> {
    return this.#waiting.emitWithAck('call:decline', { callId });
  }
  hangUp(callId: string): Promise<Answer> {
    return this.#waiting.emitWithAck('call:hangup', { callId });
  }
  hold(callId: string): Promise<Answer> {
    return this.#waiting.emitWithAck('call:hold', { callId });
  }
  resume(callId: string): Promise<Answer> {
    return this.#waiting.emitWithAck('call:resume', { callId });
  }
  /** Ends the talk of an attended move: the caller is connected with the new party. */
  complete(callId: string): Promise<Answer> {
    return this.#waiting.emitWithAck('call:complete', { callId });
  }
  digits(request: DigitsRequest): Promise<Answer> {
    return this.#waiting.emitWithAck('call:digits', request);
  }
  history(request: HistoryRequest = {}): Promise<Answer<HistoryPage>> {
    return this.#waiting.emitWithAck('history:list', request);
  }
  /** The token dies; the server then ends the session. */
  logOut(): Promise<Answer> {
    return this.#waiting.emitWithAck('session:logout', {});
  }

  get #waiting() {
    return this.#socket.timeout(this.#answerWithin);
  }

  #auth(): HandshakeAuth {
    return { ...this.#login, terminal: this.#terminal };
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('session', (session) => {
      this.#session = session;
      this.#login = { token: session.token };
      this.events.emit('session', session);
    });
    socket.on('call:incoming', (call, acknowledge) => {
      acknowledge({ received: true });
      this.events.emit('incoming', call);
    });
    socket.on('call:changed', (call) => this.events.emit('changed', call));
    socket.on('call:ended', (call) => this.events.emit('ended', call));
    socket.on('session:ended', ({ reason }) => this.events.emit('sessionEnded', reason));
    socket.on('connect_error', (error) => {
      const refusal = refusalOf(error);
      if (refusal) this.events.emit('refused', refusal);
      else this.events.emit('unreachable', error.message);
    });
    socket.on('disconnect', (why) => this.events.emit('disconnected', why));
  }
}

/** The service refused the login. */
export class LoginRefused extends Error {
  readonly refusal: LoginRefusal;
  constructor(refusal: LoginRefusal) {
    super(refusal.message);
    this.name = 'LoginRefused';
    this.refusal = refusal;
  }
}

const codes: Record<LoginRefusalCode, true> = {
  'bad-credentials': true,
  'token-expired': true,
  locked: true,
  'too-many-terminals': true,
  malformed: true,
  unavailable: true,
  internal: true,
};

/** The refusal in a `connect_error`; undefined when the connection itself failed. */
function refusalOf(error: Error & { data?: unknown }): LoginRefusal | undefined {
  const { data } = error;
  if (typeof data !== 'object' || data === null || !('code' in data) || !('message' in data)) return undefined;
  const { code, message } = data;
  if (typeof code !== 'string' || typeof message !== 'string') return undefined;
  const known = Object.keys(codes).find((known): known is LoginRefusalCode => known === code) ?? 'internal';
  const retryAfter = 'retryAfter' in data && typeof data.retryAfter === 'number' ? data.retryAfter : undefined;
  return { code: known, message, ...(retryAfter !== undefined && { retryAfter }) };
}
