import type { Socket } from 'node:net';
import type { Logger } from '../../shared/log.ts';
import { remoteKey, type Target, type TransportName } from './addresses.ts';
import type { Connection, ConnectionEvents } from './connection.ts';
import type { TransportLimits } from './limits.ts';

/** All connections that stand, how they are found again, and how many there may be. */
export class Connections {
  /** What a connection made here is to tell: it is forgotten when it ends. */
  readonly events: ConnectionEvents;
  readonly #limits: TransportLimits;
  readonly #log: Logger;
  readonly #byId = new Map<number, Connection>();
  /** By the remote end; the newest stands for several. */
  readonly #byRemote = new Map<string, Connection>();
  /** Sockets, those of unfinished handshakes included. */
  readonly #sockets = new Set<Socket>();
  readonly #perAddress = new Map<string, number>();
  #onEmpty: (() => void) | undefined;
  #lastId = 0;
  #closed = false;

  constructor(events: ConnectionEvents, limits: TransportLimits, log: Logger) {
    this.#limits = limits;
    this.#log = log;
    this.events = {
      octets: (octets, connection, framing) => events.octets(octets, connection, framing),
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

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether one more connection may be opened by us. */
  get hasRoom(): boolean {
    return this.#sockets.size < this.#limits.connections;
  }

  nextId(): number {
    return ++this.#lastId;
  }

  /** Counts a socket that a peer opened, before any handshake; destroys it and gives false when there are too many. */
  admit(socket: Socket): boolean {
    const { remoteAddress: address } = socket;
    const known = address === undefined ? 0 : (this.#perAddress.get(address) ?? 0);
    if (address === undefined || this.#closed || !this.hasRoom || known >= this.#limits.connectionsPerAddress) {
      this.#log.warn({ address, connections: this.#sockets.size }, 'SIP connection refused: too many');
      socket.on('error', () => undefined);
      socket.destroy();
      return false;
    }
    this.count(socket, address);
    return true;
  }

  /** Counts a socket until it is closed. */
  count(socket: Socket, address: string): void {
    this.#sockets.add(socket);
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      const left = (this.#perAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#perAddress.set(address, left);
      else this.#perAddress.delete(address);
    });
  }

  add(connection: Connection): void {
    this.#byId.set(connection.id, connection);
    this.#byRemote.set(keyOf(connection.remote), connection);
  }

  byId(id: number | undefined): Connection | undefined {
    const connection = id === undefined ? undefined : this.#byId.get(id);
    return connection?.usable === true ? connection : undefined;
  }

  /** One that stands to the target; under TLS only when the peer has shown that it stands for the target's domain. */
  to(target: Target): Connection | undefined {
    const connection = this.#byRemote.get(keyOf(target));
    return connection?.usable === true ? connection : undefined;
  }

  /** Whether a connection over `transport` stands to any port of that address. */
  someTo(transport: TransportName, address: string): boolean {
    for (const { remote } of this.#byId.values()) {
      if (remote.transport === transport && remote.address === address) return true;
    }
    return false;
  }

  /** Ends all; resolves when they are gone, after `closeWithin` at the latest. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#byId.size > 0) {
      const empty = new Promise<void>((resolve) => (this.#onEmpty = resolve));
      for (const connection of this.#byId.values()) connection.end();
      await empty;
    }
    // What is left never became a connection: handshakes that are not over.
    for (const socket of this.#sockets) socket.destroy();
  }

  #remove(connection: Connection): void {
    this.#byId.delete(connection.id);
    const key = keyOf(connection.remote);
    if (this.#byRemote.get(key) === connection) this.#byRemote.delete(key);
    if (this.#byId.size === 0) this.#onEmpty?.();
  }
}

function keyOf({ transport, address, port, domain }: Target): string {
  const key = `${transport} ${remoteKey(address, port)}`;
  return domain === undefined ? key : `${key} ${domain.toLowerCase()}`;
}
