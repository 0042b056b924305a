import { connect, createServer, isIP, type Server, type Socket } from 'node:net';
import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../../shared/log.ts';
import { DeadlineExceeded } from '../../shared/deadline.ts';
import { remoteKey, type ListenAddress, type Target } from './addresses.ts';
import type { TransportLimits } from './limits.ts';
import { bindError } from './listen-error.ts';
import { TcpConnection, type ConnectionEvents } from './tcp-connection.ts';

/** All TCP connections: those that peers opened to the listening addresses, and those that we opened. */
export class TcpConnections {
  readonly #events: ConnectionEvents;
  readonly #limits: TransportLimits;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #servers: Server[] = [];
  readonly #byId = new Map<number, TcpConnection>();
  /** By the remote address and port; the newest stands for several. */
  readonly #byRemote = new Map<string, TcpConnection>();
  readonly #perAddress = new Map<string, number>();
  readonly #opening = new Map<string, Promise<TcpConnection>>();
  readonly #connecting = new Set<Socket>();
  #onEmpty: (() => void) | undefined;
  #lastId = 0;
  #closed = false;

  constructor(events: ConnectionEvents, limits: TransportLimits, clock: Clock, log: Logger) {
    this.#limits = limits;
    this.#clock = clock;
    this.#log = log;
    this.#events = {
      octets: (octets, connection) => events.octets(octets, connection),
      broken: (error, connection) => events.broken(error, connection),
      closed: (connection, error) => {
        this.#remove(connection);
        events.closed(connection, error);
      },
    };
  }

  get size(): number {
    return this.#byId.size;
  }

  /** @throws ListenError */
  async listen(listen: ListenAddress): Promise<ListenAddress> {
    const server = createServer((socket) => this.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(bindError(listen, error)));
      server.listen(
        { host: listen.address, port: listen.port, ipv6Only: isIP(listen.address) === 6, exclusive: true },
        resolve,
      );
    });
    server.on('error', (error) => this.#log.warn({ err: error, listen }, 'TCP server error'));
    this.#servers.push(server);
    const bound = server.address();
    return bound !== null && typeof bound === 'object'
      ? { transport: 'tcp', address: bound.address, port: bound.port }
      : listen;
  }

  /**
   * Sends on connection `connectionId` while it stands, else on one to the target, which is opened when there is none
   * (RFC 3261 18.1.1, 18.2.2). `localAddress`: where to connect from.
   */
  async send(octets: Buffer, target: Target, connectionId?: number, localAddress?: string): Promise<void> {
    const own = connectionId === undefined ? undefined : this.#byId.get(connectionId);
    const standing = own?.usable ? own : this.#byRemote.get(remoteKey(target.address, target.port));
    const connection = standing?.usable ? standing : await this.#open(target, localAddress);
    await connection.send(octets);
  }

  /** Listens and connects no more; connections get `closeWithin` to send what is waiting. */
  async close(): Promise<void> {
    this.#closed = true;
    const servers = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const socket of this.#connecting) socket.destroy(new Error('transport is closed'));
    const empty = this.#byId.size === 0 ? undefined : new Promise<void>((resolve) => (this.#onEmpty = resolve));
    for (const connection of this.#byId.values()) connection.end();
    await Promise.all([...servers, empty]);
  }

  #open(target: Target, localAddress: string | undefined): Promise<TcpConnection> {
    const key = remoteKey(target.address, target.port);
    const opening = this.#opening.get(key);
    if (opening) return opening;
    const promise = this.#connect(target, localAddress).finally(() => this.#opening.delete(key));
    this.#opening.set(key, promise);
    return promise;
  }

  #connect(target: Target, localAddress: string | undefined): Promise<TcpConnection> {
    if (this.#closed) return Promise.reject(new Error('transport is closed'));
    if (isIP(target.address) === 0) return Promise.reject(new Error(`${target.address} is no IP address`));
    if (this.#byId.size >= this.#limits.connections) return Promise.reject(new Error('too many TCP connections'));
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: target.address,
        port: target.port,
        ...(localAddress === undefined ? {} : { localAddress }),
      });
      const deadline = this.#clock.after(this.#limits.connectWithin, () => {
        socket.destroy(
          new DeadlineExceeded(`TCP connection to ${target.address}:${target.port}`, this.#limits.connectWithin),
        );
      });
      this.#connecting.add(socket);
      const refused = (error: Error): void => {
        deadline.clear();
        this.#connecting.delete(socket);
        reject(error);
      };
      socket.once('error', refused);
      socket.once('connect', () => {
        deadline.clear();
        this.#connecting.delete(socket);
        socket.removeListener('error', refused);
        const connection = this.#adopt(socket, { address: target.address, port: target.port, ours: true });
        resolve(connection);
      });
    });
  }

  #accept(socket: Socket): void {
    const { remoteAddress: address, remotePort: port } = socket;
    if (address === undefined || port === undefined) {
      socket.destroy();
      return;
    }
    const tooMany =
      this.#byId.size >= this.#limits.connections ||
      (this.#perAddress.get(address) ?? 0) >= this.#limits.connectionsPerAddress;
    if (tooMany || this.#closed) {
      this.#log.warn({ address, connections: this.#byId.size }, 'TCP connection refused: too many');
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    this.#adopt(socket, { address, port, ours: false });
  }

  #adopt(socket: Socket, remote: { address: string; port: number; ours: boolean }): TcpConnection {
    const connection = new TcpConnection(++this.#lastId, socket, remote, this.#events, this.#limits, this.#clock);
    this.#byId.set(connection.id, connection);
    this.#byRemote.set(remoteKey(remote.address, remote.port), connection);
    this.#perAddress.set(remote.address, (this.#perAddress.get(remote.address) ?? 0) + 1);
    return connection;
  }

  #remove(connection: TcpConnection): void {
    this.#byId.delete(connection.id);
    const key = remoteKey(connection.remoteAddress, connection.remotePort);
    if (this.#byRemote.get(key) === connection) this.#byRemote.delete(key);
    const left = (this.#perAddress.get(connection.remoteAddress) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(connection.remoteAddress, left);
    else this.#perAddress.delete(connection.remoteAddress);
    if (this.#byId.size === 0) this.#onEmpty?.();
  }
}
