import type { Socket } from 'node:net';
import type { Logger } from '../../shared/log.ts';
import { remoteKey, type Target, type TransportName } from './addresses.ts';
import type { Connection, ConnectionCounters, ConnectionEvents, GivenUp } from './connection.ts';
import type { TransportLimits } from './limits.ts';
import { Sockets } from './sockets.ts';

/** Of refused connections, every so-many-th is logged. */
const logEvery = 1000;

/** All connections that stand, how they are found again, and how many there may be. */
export class Connections {
  /** What a connection made here is to tell: it is forgotten when it ends. */
  readonly events: ConnectionEvents;
  readonly #limits: TransportLimits;
  readonly #log: Logger;
  readonly #byId = new Map<number, Connection>();
  /** By the remote end; the newest stands for several. */
  readonly #byRemote = new Map<string, Connection>();
  readonly #sockets = new Sockets();
  readonly #givenUp: Record<GivenUp, number> = {
    refused: 0,
    'crowded-out': 0,
    handshake: 0,
    silent: 0,
    slow: 0,
    unread: 0,
  };
  /** Attacks must not fill the log: one line for many that were refused. */
  #refusedUnlogged = 0;
  #onEmpty: (() => void) | undefined;
  #lastId = 0;
  #closed = false;

  constructor(events: Omit<ConnectionEvents, 'gaveUp'>, limits: TransportLimits, log: Logger) {
    this.#limits = limits;
    this.#log = log;
    this.events = {
      octets: (octets, connection, framing) => {
        this.#sockets.proven(connection.remote.address, connection.remote.port);
        events.octets(octets, connection, framing);
      },
      gaveUp: (why) => this.gaveUp(why),
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

  get counters(): ConnectionCounters {
    return { standing: this.#byId.size, givenUp: { ...this.#givenUp } };
  }

  gaveUp(why: GivenUp): void {
    this.#givenUp[why]++;
  }

  nextId(): number {
    return ++this.#lastId;
  }

  /** Counts a socket that a peer opened, before any handshake; destroys it and gives false when there are too many of its address. */
  admit(socket: Socket): boolean {
    const { remoteAddress: address, remotePort: port } = socket;
    if (address === undefined || port === undefined || this.#closed || !this.#makeRoomFor(address)) {
      this.#refuse(socket, address);
      return false;
    }
    this.#sockets.add(socket, address, port, false);
    return true;
  }

  /** Counts a socket that we open, until it is closed; false: there is no room for it. */
  admitOurs(socket: Socket, address: string, port: number): boolean {
    if (!this.#makeRoom()) return false;
    this.#sockets.add(socket, address, port, true);
    return true;
  }

  /** One address may have so many; those that have said nothing yet give way to new ones. */
  #makeRoomFor(address: string): boolean {
    if (this.#sockets.from(address) >= this.#limits.connectionsPerAddress) {
      const idle = this.#sockets.unprovenOf(address);
      if (!idle) return false;
      this.#crowdOut(idle);
    }
    return this.#makeRoom();
  }

  #makeRoom(): boolean {
    if (this.#sockets.size < this.#limits.connections) return true;
    const other = this.#sockets.crowdingOut();
    if (!other) return false;
    this.#crowdOut(other);
    return true;
  }

  #crowdOut(socket: Socket): void {
    this.#givenUp['crowded-out']++;
    this.#sockets.evict(socket);
  }

  #refuse(socket: Socket, address: string | undefined): void {
    this.#givenUp.refused++;
    socket.on('error', () => undefined);
    socket.destroy();
    if (this.#refusedUnlogged++ % logEvery === 0) {
      this.#log.warn(
        { address, connections: this.#sockets.size, refused: this.#givenUp.refused },
        'SIP connections are refused: too many',
      );
    }
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
    this.#sockets.destroy();
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
