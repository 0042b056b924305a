import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Clock } from '../../shared/clock.ts';
import { DeadlineExceeded } from '../../shared/deadline.ts';
import { isWebSocket, remoteKey, type Target } from './addresses.ts';
import type { Connection } from './connection.ts';
import type { Connections } from './connections.ts';
import type { TransportLimits } from './limits.ts';
import { StreamConnection } from './stream-connection.ts';
import type { TlsContexts } from './tls.ts';

/** Opens connections to peers over TCP and TLS. */
export class Dialer {
  readonly #connections: Connections;
  readonly #tls: TlsContexts;
  readonly #limits: TransportLimits;
  readonly #clock: Clock;
  /** Those that are being opened: many messages at once need one. */
  readonly #opening = new Map<string, Promise<Connection>>();
  readonly #sockets = new Set<Socket>();

  constructor(connections: Connections, tls: TlsContexts, limits: TransportLimits, clock: Clock) {
    this.#connections = connections;
    this.#tls = tls;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** @param localAddress where to connect from; undefined: the system's choice */
  open(target: Target, localAddress: string | undefined): Promise<Connection> {
    const key = `${target.transport} ${remoteKey(target.address, target.port)} ${target.domain ?? ''}`;
    const opening = this.#opening.get(key);
    if (opening) return opening;
    const promise = this.#connect(target, localAddress).finally(() => this.#opening.delete(key));
    this.#opening.set(key, promise);
    return promise;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy(new Error('transport is closed'));
  }

  #connect(target: Target, localAddress: string | undefined): Promise<Connection> {
    if (this.#connections.closed) return Promise.reject(new Error('transport is closed'));
    // RFC 7118 5: a WebSocket client listens for no connections.
    if (isWebSocket(target.transport)) return Promise.reject(new Error('the WebSocket of that client is closed'));
    if (isIP(target.address) === 0) return Promise.reject(new Error(`${target.address} is no IP address`));
    const where = {
      host: target.address,
      port: target.port,
      ...(localAddress === undefined ? {} : { localAddress }),
    };
    const secure = target.transport === 'tls';
    return new Promise((resolve, reject) => {
      const socket = secure ? connectTls({ ...this.#tls.clientOptions(target), ...where }) : connect(where);
      if (!this.#connections.admitOurs(socket, target.address, target.port)) {
        socket.on('error', () => undefined);
        socket.destroy();
        reject(new Error('too many connections'));
        return;
      }
      const deadline = this.#clock.after(this.#limits.connectWithin, () => {
        const what = `${target.transport.toUpperCase()} connection to ${target.address}:${target.port}`;
        socket.destroy(new DeadlineExceeded(what, this.#limits.connectWithin));
      });
      this.#sockets.add(socket);
      const over = (error?: Error): void => {
        deadline.clear();
        this.#sockets.delete(socket);
        reject(error ?? new Error('the connection was closed before it stood'));
      };
      const closed = (): void => over();
      socket.once('error', over);
      socket.once('close', closed);
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        deadline.clear();
        this.#sockets.delete(socket);
        socket.removeListener('error', over);
        socket.removeListener('close', closed);
        resolve(this.#adopt(socket, target));
      });
    });
  }

  #adopt(socket: Socket, target: Target): Connection {
    const { transport, address, port, domain } = target;
    const remote = { transport, address, port, ours: true, ...(domain === undefined ? {} : { domain }) };
    const id = this.#connections.nextId();
    const connection = new StreamConnection(id, socket, remote, this.#connections.events, this.#limits, this.#clock);
    this.#connections.add(connection);
    return connection;
  }
}
