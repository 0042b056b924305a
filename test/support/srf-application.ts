import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { once, type EventEmitter } from 'node:events';

/** The parts of drachtio-srf's higher level that tests use; the package's own types leave much of it out. */
export interface AppRequest extends EventEmitter {
  readonly method: string;
  readonly uri: string;
  readonly body: string;
  readonly source: string;
  get(name: string): string | undefined;
  has(name: string): boolean;
  cancel(options: { headers?: Record<string, string> }, callback: (error: unknown) => void): void;
}

export interface AppResponse {
  readonly status: number;
  readonly reason: string;
  readonly body: string;
  get(name: string): string | undefined;
  /** `acknowledged` hears of the PRACK or ACK. */
  send(
    status: number,
    options?: Record<string, unknown>,
    callback?: (error: unknown) => void,
    acknowledged?: (request: unknown) => void,
  ): void;
}

export interface AppDialog extends EventEmitter {
  readonly id: string;
  readonly sip: { readonly callId: string; readonly localTag: string; readonly remoteTag: string };
  readonly remote: { readonly uri: string; readonly sdp: string };
  destroy(options?: { headers?: Record<string, string> }): Promise<AppRequest>;
  modify(sdp: string): Promise<string>;
  request(options: { method: string; headers?: Record<string, string>; body?: string }): Promise<AppResponse>;
}

/** What became of a request that was passed on: the final responses, by the target that gave them. */
export interface ProxyResult {
  readonly connected: boolean;
  readonly finalStatus: number | undefined;
  readonly responses: readonly { readonly port: number; readonly msgs: readonly { readonly status: number }[] }[];
}

export interface Application extends EventEmitter {
  connect(options: object): unknown;
  listen(options: object): unknown;
  disconnect(): void;
  unregisterForMessages(method: string): void;
  reregisterForMessages(method: string): void;
  use(method: string, handler: (req: AppRequest, res: AppResponse, next: () => void) => void): unknown;
  invite(handler: (req: AppRequest, res: AppResponse) => void): unknown;
  options(handler: (req: AppRequest, res: AppResponse) => void): unknown;
  request(uri: string, options: object): Promise<AppRequest>;
  proxyRequest(req: AppRequest, to: string | string[], options: object): Promise<ProxyResult>;
  createUAS(req: AppRequest, res: AppResponse, options: object): Promise<AppDialog>;
  findDialogByCallIDAndFromTag(callId: string, tag: string): AppDialog | undefined;
  createUAC(uri: string, options: object, progress?: object): Promise<AppDialog>;
}

export function newApplication(): Application {
  const load: (name: string) => unknown = createRequire(import.meta.url);
  const Srf = load('drachtio-srf');
  if (typeof Srf !== 'function') throw new TypeError('drachtio-srf is not what the tests know');
  const application: unknown = Reflect.construct(Srf, []);
  if (!isApplication(application)) throw new TypeError('drachtio-srf is not what the tests know');
  return application;
}

function isApplication(value: unknown): value is Application {
  return typeof value === 'object' && value !== null && 'createUAC' in value && 'listen' in value;
}

/** Connects an application in the server's own process; resolves when the two know each other. */
export async function attach(
  application: Application,
  server: { attach(control: ReturnType<typeof createServer>): () => void },
): Promise<() => void> {
  const control = createServer();
  const connected = once(application, 'connect');
  application.listen({ server: control, secret: 'any' });
  const detach = server.attach(control);
  await connected;
  return detach;
}

/** Connects an application over TCP; resolves with the server's SIP addresses (`udp/127.0.0.1:5060,…`). */
export async function connect(
  application: Application,
  options: { host: string; port: number; secret: string; tags?: readonly string[] },
): Promise<string> {
  const connected = event(application, 'connect');
  application.on('error', () => undefined);
  application.connect(options);
  const [error, hostPorts] = await connected;
  if (error instanceof Error) throw error;
  return String(hostPorts);
}

export interface IncomingInvite {
  readonly req: AppRequest;
  readonly res: AppResponse;
}

interface Queue {
  came: IncomingInvite[];
  waiting: ((invite: IncomingInvite) => void)[];
}

const queues = new WeakMap<Application, Queue>();

/** The next INVITE that the application gets and that nobody has asked for; one handler for all of them. */
export function nextInvite(application: Application): Promise<IncomingInvite> {
  const { came, waiting } = queues.get(application) ?? newQueue(application);
  const invite = came.shift();
  return invite ? Promise.resolve(invite) : new Promise((resolve) => waiting.push(resolve));
}

function newQueue(application: Application): Queue {
  const queue: Queue = { came: [], waiting: [] };
  queues.set(application, queue);
  application.invite((req, res) => {
    const waiter = queue.waiting.shift();
    if (waiter) waiter({ req, res });
    else queue.came.push({ req, res });
  });
  return queue;
}

/** Ends the application's connection; drachtio-srf throws when it is over already. */
export function disconnect(application: Application): void {
  try {
    application.disconnect();
  } catch {
    return;
  }
}

/** The arguments of the next `event`. */
export function event(emitter: EventEmitter, name: string): Promise<unknown[]> {
  return new Promise((resolve) => emitter.once(name, (...payload: unknown[]) => resolve(payload)));
}
