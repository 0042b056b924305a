import type { Clock } from '../../../shared/clock.ts';
import { Failure } from '../../../shared/errors.ts';
import type { TerminalClient, TerminalClientOptions } from '../../../terminals/client.ts';
import type { Call, LoginRefusal, SessionEndReason, SessionStart } from '../../../terminals/events.ts';
import { Calls } from './calls.ts';
import type { Destination } from './commands.ts';
import type { Happening, Standing, View } from './happenings.ts';
import { Requests } from './requests.ts';
import { sessionEndInWords } from './words.ts';

export interface RunOptions {
  clock: Clock;
  server: string;
  /** Transfers each call there as soon as it is known. */
  autoTransfer?: Destination;
  /** Ends when the first call is over. */
  once: boolean;
  /** Keeps the token of each session; without it the terminal logs out when it quits. */
  keep?: (session: SessionStart) => Promise<void>;
  /** For logging in again when the token is refused. */
  login?: Extract<TerminalClientOptions['login'], { password: string }>;
}

/** Milliseconds to wait after a refusal that did not say how long. */
const retryAfter = 5_000;

/** A terminal in the shell, from its login to its end. */
export class TerminalRun {
  readonly #client: TerminalClient;
  readonly #view: View;
  readonly #options: RunOptions;
  readonly #calls = new Calls();
  readonly #requests: Requests;
  readonly #over = Promise.withResolvers<undefined>();
  #connection: Standing['connection'] = 'connecting';
  #session: SessionStart | undefined;
  #toldUnreachable = false;
  /** Whether the login that is under way is by password. */
  #usesPassword = false;
  #quitting = false;

  constructor(client: TerminalClient, view: View, options: RunOptions) {
    this.#client = client;
    this.#view = view;
    this.#options = options;
    this.#requests = new Requests({
      client,
      calls: this.#calls,
      tell: (happening) => this.#tell(happening),
      changed: () => this.#show(),
      quit: () => this.quit(),
    });
    const { events } = client;
    events.on('session', (session) => this.#began(session));
    events.on('incoming', (call) => this.#came(call));
    events.on('changed', (call) => this.#follow('call:changed', call));
    events.on('ended', (call) => this.#follow('call:ended', call));
    events.on('sessionEnded', (reason) => this.#sessionEnded(reason));
    events.on('refused', (refusal) => this.#refused(refusal));
    events.on('unreachable', (reason) => this.#unreachable(reason));
    events.on('disconnected', (reason) => this.#disconnected(reason));
  }

  /**
   * Connects and goes on until the person quits, or the terminal must not go on.
   * @throws Failure `login-refused`, `service-unreachable`, `bad-input`
   */
  async run(): Promise<void> {
    this.#show();
    this.#connect();
    try {
      await this.#over.promise;
    } finally {
      this.#leave();
      this.#client.disconnect();
    }
  }

  /** Takes a line that a person typed or a program wrote. */
  line(text: string): void {
    this.#requests.line(text);
  }

  /** Logs out unless the token is kept, and ends. */
  quit(): void {
    if (this.#quitting) return;
    this.#leave();
    const leave = this.#options.keep || !this.#client.connected ? Promise.resolve() : this.#client.logOut();
    const end = (): void => this.#over.resolve(undefined);
    leave.then(end, end);
    this.#options.clock.after(3_000, end);
  }

  #leave(): void {
    this.#quitting = true;
    this.#requests.end();
  }

  /** Ends with a fault of our own. */
  fail(error: unknown): void {
    this.#over.reject(error);
  }

  // -------------------------------------------------------------- what the service says

  #began(session: SessionStart): void {
    const { token: _token, ...shown } = session;
    this.#session = session;
    this.#connection = 'online';
    this.#toldUnreachable = false;
    const lost = this.#calls.renew(session.calls);
    this.#tell({ event: 'session', session: shown });
    this.#show();
    this.#options.keep?.(session).catch((error: unknown) => this.#over.reject(error));
    if (lost && this.#options.once) this.#over.resolve(undefined);
  }

  #came(call: Call): void {
    const known = this.#calls.wasAnnounced(call.id);
    this.#calls.put(call);
    this.#show();
    if (known) return;
    this.#tell({ event: 'call:incoming', call });
    const to = this.#options.autoTransfer;
    if (to) this.#requests.transfer({ do: 'transfer', ...to }, call.id);
  }

  #follow(event: 'call:changed' | 'call:ended', call: Call): void {
    this.#calls.put(call);
    this.#tell({ event, call });
    if (event === 'call:ended') {
      this.#calls.drop(call.id);
      this.#requests.forget(call.id);
    }
    this.#show();
    if (event === 'call:ended' && this.#options.once) this.quit();
  }

  #sessionEnded(reason: SessionEndReason): void {
    if (this.#quitting) return;
    this.#tell({ event: 'session:ended', reason });
    if (reason === 'service-down') return;
    if (reason === 'logged-out') this.#over.resolve(undefined);
    else this.#over.reject(new Failure('login-refused', sessionEndInWords(reason)));
  }

  #refused(refusal: LoginRefusal): void {
    const { login, clock } = this.#options;
    const stale = refusal.code === 'token-expired' || (refusal.code === 'bad-credentials' && this.#session);
    if (stale && login && !this.#usesPassword) {
      this.#connect(login);
      return;
    }
    this.#tell({ event: 'refused', refusal });
    if (refusal.code === 'unavailable' && this.#session) {
      clock.after((refusal.retryAfter ?? retryAfter / 1000) * 1000, () => this.#connect());
      return;
    }
    this.#over.reject(new Failure('login-refused', refusal.message));
  }

  #unreachable(reason: string): void {
    if (!this.#session) {
      const { server } = this.#options;
      const message = `the service was not reached at ${server} (${reason}): is it running, and is --server right?`;
      this.#over.reject(new Failure('service-unreachable', message));
      return;
    }
    if (!this.#toldUnreachable) this.#tell({ event: 'unreachable', reason });
    this.#toldUnreachable = true;
  }

  #disconnected(reason: string): void {
    this.#connection = 'offline';
    if (this.#quitting) return;
    this.#tell({ event: 'disconnected', reason });
    this.#show();
  }

  // -------------------------------------------------------------- what is shown

  #connect(login?: TerminalClientOptions['login']): void {
    this.#usesPassword = login !== undefined && 'password' in login;
    // Each way in which it may fail comes as an event of the client too, and is told there.
    this.#client.connect(login).catch(() => undefined);
  }

  #tell(happening: Happening): void {
    const callId = 'call' in happening ? happening.call.id : 'callId' in happening ? happening.callId : undefined;
    this.#view.tell(happening, this.#calls.numberOf(callId));
  }

  #show(): void {
    const { needs } = this.#requests;
    this.#view.show({
      connection: this.#connection,
      account: this.#session?.account ?? '',
      numbers: this.#session?.numbers ?? [],
      calls: this.#calls.all(),
      ...(needs && { asks: needs === 'pin' ? ('PIN' as const) : ('password' as const) }),
    });
  }
}
