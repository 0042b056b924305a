// drachtio-srf as this product uses it: its own types do not describe the lower level (in-dialog ids, meta, sockets).
import DrachtioSrf from 'drachtio-srf';

/** A SIP message as drachtio-srf parsed it. Several headers of one name are joined with commas. */
export interface SipMessageView {
  get(name: string): string | undefined;
  has(name: string): boolean;
  readonly body?: string | undefined;
  /** The message as it came: decoded as UTF-8, so octets that are not UTF-8 are lost. */
  readonly raw?: string | undefined;
}

/** One TCP connection to a SIP server; only compared, never used. */
export type Socket = object;

export interface SrfRequest extends SipMessageView {
  readonly method: string;
  readonly uri: string;
  /** `network`, or `application` for what the server sent by itself (a BYE when no ACK came). */
  readonly source: string;
  readonly source_address: string;
  readonly source_port: number;
  readonly stackTxnId: string;
  /** `<Call-ID>;from-tag=<tag>`; empty or missing outside a dialog. */
  readonly stackDialogId?: string | undefined;
  readonly socket: Socket;
  readonly agent: unknown;
  on(event: 'cancel', listener: (cancel: SipMessageView) => void): unknown;
  on(event: 'response', listener: (response: SrfReceivedResponse, acknowledge: Acknowledge) => void): unknown;
  /** drachtio-srf has sent the request again, with credentials; what is heard of it from now on is heard of `again`. */
  on(event: 'authenticate', listener: (again: SrfRequest) => void): unknown;
  on(event: 'update', listener: (request: SrfRequest, response: SrfResponse) => void): unknown;
  cancel(options: SendOptions, callback: (error: unknown) => void): void;
}

/** ACK of a 2xx, or PRACK of a reliable provisional response. */
export type Acknowledge = (options?: SendOptions) => void;

export interface SendOptions {
  headers?: Record<string, string>;
  body?: string;
}

/** A response that came for a request of ours. */
export interface SrfReceivedResponse extends SipMessageView {
  readonly status: number;
  readonly reason?: string | undefined;
  /** Empty when the server made the response itself (no answer, closed port, DNS). */
  readonly source_address: string;
  readonly stackDialogId?: string | undefined;
  readonly socket: Socket;
}

/** The response that a request from outside gets. */
export interface SrfResponse {
  /** Set by the callback of `send`, out of the server's confirmation. */
  readonly stackDialogId?: string | undefined;
  send(status: number, reason: string | undefined, options: SendOptions, callback?: (error: unknown) => void): void;
}

export interface RequestOptions extends SendOptions {
  method: string;
  stackDialogId?: string;
  /** Of a request inside a dialog: the connection whose server has the dialog. */
  _socket?: Socket;
  auth?: { username: string; password: string };
}

export type Handler = (request: SrfRequest, response: SrfResponse) => void;

/** How drachtio-srf reaches a SIP server: it connects to one, or waits for it. */
export interface ServerSide {
  connect(options: {
    host: string;
    port: number;
    secret: string;
    reconnect?: { retryMaxDelay?: number; maxAttempts?: number };
    enablePing?: boolean;
    pingInterval?: number;
  }): unknown;
  /** `server`: a net.Server of one's own; otherwise a port (0 to 65535) and a host to listen on. */
  listen(options: { secret: string; server?: object; host?: string; port?: number }): unknown;
  disconnect(socket?: Socket): void;
  on<Event extends keyof ServerEvents>(event: Event, listener: (...values: ServerEvents[Event]) => void): unknown;
}

/** What drachtio-srf tells of its connections. */
export interface ServerEvents {
  connect: [error: Error | null, hostports?: string, serverVersion?: string | null];
  error: [error: Error];
  close: [socket: Socket];
  reconnecting: [how: { delay: number; attempt: number }];
}

export interface Srf extends ServerSide {
  use(method: string, handler: Handler): unknown;
  use(handler: Handler): unknown;
  /** Throws when there is no connection, calls back with an error when the server refuses. */
  request(uri: string, options: RequestOptions, callback: (error: unknown, sent?: SrfRequest) => void): unknown;
}

export function createSrf(): Srf {
  const srf: unknown = new DrachtioSrf();
  if (!isSrf(srf)) throw new TypeError('this version of drachtio-srf lacks what the trunk needs of it');
  return srf;
}

function isSrf(value: unknown): value is Srf {
  const needed = ['use', 'request', 'on', 'connect', 'listen', 'disconnect'];
  return (
    typeof value === 'object' &&
    value !== null &&
    needed.every((name) => typeof Reflect.get(value, name) === 'function')
  );
}
