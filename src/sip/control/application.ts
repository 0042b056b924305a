import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { encodeFrame } from './framing.ts';

/** Octets that may wait for an application that does not read, before it is given up. */
const unreadLimit = 64 * 1024 * 1024;

/** Routes that one application may ask for: more than there are methods and cdr events. */
const routeLimit = 100;

/** How an application's connection came about. */
export type ApplicationOrigin =
  /** A private pair of sockets within the process, trusted without a secret. */
  | 'in-process'
  /** It connected to the control port. */
  | 'connected'
  /** It listens, and the server connected to it. */
  | 'called';

/** One connected application: drachtio-srf at the other end of a control connection. */
export class Application {
  readonly origin: ApplicationOrigin;
  readonly #socket: Socket;
  readonly #routes = new Set<string>();
  authenticated = false;
  tags: readonly string[] = [];

  constructor(socket: Socket, origin: ApplicationOrigin) {
    this.#socket = socket;
    this.origin = origin;
  }

  /** False when the connection is over. */
  get connected(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  /** Takes requests of a method, or events such as `cdr:start`, lower case; asking twice changes nothing. */
  addRoute(verb: string): void {
    if (this.#routes.size < routeLimit) this.#routes.add(verb.toLowerCase());
  }

  /** drachtio-server removes all routes of the application, whichever is named (recorded). */
  removeRoutes(): void {
    this.#routes.clear();
  }

  /**
   * Whether requests of a method (or events such as `cdr:start`) come here. drachtio-srf in its listening role names no routes
   * for what was set up before the connection: then it takes every request but OPTIONS, which the server answers by itself.
   */
  takes(method: string): boolean {
    if (!this.authenticated || !this.connected) return false;
    const verb = method.toLowerCase();
    if (this.origin !== 'connected' && this.#routes.size === 0) return verb !== 'options' && !verb.includes(':');
    return this.#routes.has(verb);
  }

  send(fields: readonly string[], message?: Buffer): void {
    if (!this.connected) return;
    this.#socket.write(encodeFrame(fields, message));
    if (this.#socket.writableLength > unreadLimit) this.#socket.destroy(new Error('the application does not read'));
  }

  /** Answers a frame: OK with fields and perhaps the message that was sent. */
  ok(requestId: string, fields: readonly string[] = [], message?: Buffer): void {
    this.send([randomUUID(), 'response', requestId, 'OK', ...fields], message);
  }

  /** Answers a frame: it could not be done; the connection stays. */
  notOk(requestId: string, reason: string): void {
    this.send([randomUUID(), 'response', requestId, 'NOK', reason.replace(/[|\r\n]/g, ' ')]);
  }

  /** Answers a frame that breaks the protocol, and ends the connection. */
  refuse(requestId: string, reason: string): void {
    this.send([randomUUID(), 'response', requestId, 'NO', reason]);
    this.#socket.end();
  }

  disconnect(): void {
    this.#socket.end();
  }
}
