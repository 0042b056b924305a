import { createSocket, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import type { Logger } from '../../shared/log.ts';
import { remoteKey, type Flow, type ListenAddress, type Target } from './addresses.ts';
import { bindError, isAddressInUse } from './listen-error.ts';

/** What a UDP socket tells. */
export interface UdpEvents {
  datagram(octets: Buffer, flow: Flow): void;
  /** An ICMP error came back for a datagram sent to that target. */
  failure(target: Target, error: Error): void;
}

/** Told once: null when the system has taken the datagram, or why it did not. */
type Done = (error: Error | null) => void;

interface Watched {
  readonly socket: Socket;
  /** Settles when the socket is connected. */
  readonly ready: Promise<void>;
  connected: boolean;
}

/**
 * Linux gives ICMP errors (port unreachable) only to a *connected* UDP socket. SO_REUSEPORT lets further sockets of the same user
 * share the listening address, each connected to one target; the kernel then prefers the connected one for that target's
 * datagrams and its ICMP errors. Elsewhere everything goes through the listening socket, and only timers notice a dead target.
 */
const hearsIcmp = process.platform === 'linux';

/** Octets asked for as receive buffer, so that a burst outlasts a pause of the event loop; the kernel may grant less. */
const RECEIVE_BUFFER = 2_097_152;
/** A socket bound to a free port gives it up to be bound again for sharing; somebody else may be quicker. */
const BIND_ATTEMPTS = 5;

/** One listening UDP address and the sockets that watch its targets. */
export class UdpSocket {
  readonly local: ListenAddress;
  readonly #socket: Socket;
  readonly #family: number;
  readonly #events: UdpEvents;
  readonly #log: Logger;
  readonly #watchedTargets: number;
  /** In the order of their last use. */
  readonly #watched = new Map<string, Watched>();
  #closed = false;

  private constructor(socket: Socket, events: UdpEvents, watchedTargets: number, log: Logger) {
    const { address, port } = socket.address();
    this.local = { transport: 'udp', address, port };
    this.#socket = socket;
    this.#family = isIP(address);
    this.#events = events;
    this.#log = log;
    this.#watchedTargets = watchedTargets;
    this.#receive(socket);
    socket.on('error', (error) => log.warn({ err: error, local: this.local }, 'UDP socket error'));
  }

  /** `watchedTargets`: see `TransportLimits`. @throws ListenError */
  static async open(listen: ListenAddress, events: UdpEvents, watchedTargets: number, log: Logger): Promise<UdpSocket> {
    for (let attempt = 1; ; attempt++) {
      try {
        return new UdpSocket(await bindListening(listen), events, watchedTargets, log);
      } catch (error) {
        const again = listen.port === 0 && isAddressInUse(error) && attempt < BIND_ATTEMPTS;
        if (!again) throw bindError(listen, error);
      }
    }
  }

  /**
   * Sends one datagram. `watch` asks for ICMP errors about this target.
   * @param done told later; its error says why the system refuses the datagram: too long, no route, wrong address family
   */
  send(octets: Buffer, target: Target, watch: boolean, done: Done): void {
    if (isIP(target.address) !== this.#family) {
      queueMicrotask(() => done(new Error(`${target.address} cannot be reached from ${this.local.address}`)));
      return;
    }
    const watched = watch && hearsIcmp ? this.#watch(target) : undefined;
    if (!watched) this.#sendUnwatched(octets, target, done);
    else if (watched.connected) this.#sendWatched(watched, octets, target, done);
    else {
      watched.ready.then(
        () => this.#sendWatched(watched, octets, target, done),
        () => this.#giveUpWatching(watched, octets, target, done),
      );
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const { socket } of this.#watched.values()) socket.close();
    this.#watched.clear();
    await new Promise<void>((resolve) => this.#socket.close(resolve));
  }

  #sendUnwatched(octets: Buffer, target: Target, done: Done): void {
    try {
      this.#socket.send(octets, target.port, target.address, done);
    } catch (error) {
      queueMicrotask(() => done(asError(error))); // the socket is closed
    }
  }

  #sendWatched(watched: Watched, octets: Buffer, target: Target, done: Done): void {
    sendConnected(watched.socket, octets, (error) => {
      if (!error) done(null);
      else if (!isRefusal(error)) this.#giveUpWatching(watched, octets, target, done);
      else {
        // An ICMP error that an earlier datagram brought back takes the place of this one: once more.
        this.#events.failure(target, error);
        sendConnected(watched.socket, octets, (again) => {
          if (again) this.#giveUpWatching(watched, octets, target, done);
          else done(null);
        });
      }
    });
  }

  /** No socket of the target's own can send: the listening one tries, and says why it cannot. */
  #giveUpWatching(watched: Watched, octets: Buffer, target: Target, done: Done): void {
    this.#forget(target, watched);
    this.#sendUnwatched(octets, target, done);
  }

  #watch(target: Target): Watched | undefined {
    const key = remoteKey(target.address, target.port);
    const known = this.#watched.get(key);
    if (known) {
      // Last in the map is last used.
      this.#watched.delete(key);
      this.#watched.set(key, known);
      return known;
    }
    if (this.#closed || this.#watchedTargets === 0) return undefined;
    this.#makeRoom();
    const socket = createSocket(socketOptions(this.local, true));
    this.#receive(socket);
    socket.on('error', (error) => {
      // A socket that could not be made leaves the sending to the listening one: that is no failure of the target.
      if (this.#closed || !isAnswerOfTheNetwork(error)) return;
      this.#log.debug({ err: error, target }, 'UDP target cannot be reached');
      this.#events.failure(target, error);
    });
    const ready = connect(socket, this.local, target);
    const watched: Watched = { socket, ready: ready.then(() => void (watched.connected = true)), connected: false };
    this.#watched.set(key, watched);
    return watched;
  }

  #makeRoom(): void {
    for (const [key, { socket }] of this.#watched) {
      if (this.#watched.size < this.#watchedTargets) return;
      this.#watched.delete(key);
      socket.close();
    }
  }

  #forget(target: Target, watched: Watched): void {
    const key = remoteKey(target.address, target.port);
    if (this.#watched.get(key) !== watched) return;
    this.#watched.delete(key);
    watched.socket.close();
  }

  #receive(socket: Socket): void {
    socket.on('message', (octets, { address, port }) => {
      if (this.#closed || port === 0) return;
      this.#events.datagram(octets, {
        transport: 'udp',
        localAddress: this.local.address,
        localPort: this.local.port,
        remoteAddress: address,
        remotePort: port,
      });
    });
  }
}

/** Binds for sharing, after making sure that the address belongs to nobody: a socket that shares would not be told. */
async function bindListening(listen: ListenAddress): Promise<Socket> {
  if (!hearsIcmp) return bind(createSocket(socketOptions(listen, false)), listen);
  const probe = await bind(createSocket(socketOptions(listen, false)), listen);
  const { port } = probe.address();
  await new Promise<void>((resolve) => probe.close(resolve));
  return bind(createSocket(socketOptions(listen, true)), { ...listen, port });
}

function socketOptions(listen: ListenAddress, shared: boolean): Parameters<typeof createSocket>[0] {
  const ipv6 = isIP(listen.address) === 6;
  return {
    type: ipv6 ? 'udp6' : 'udp4',
    ipv6Only: ipv6,
    reusePort: shared,
    recvBufferSize: RECEIVE_BUFFER,
    // All addresses here are numbers: nothing is ever looked up.
    lookup: (address, _options, callback) => callback(null, address, ipv6 ? 6 : 4),
  };
}

function bind(socket: Socket, listen: ListenAddress): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const refused = (error: Error): void => {
      socket.close();
      reject(error);
    };
    socket.once('error', refused);
    socket.bind({ address: listen.address, port: listen.port, exclusive: true }, () => {
      socket.removeListener('error', refused);
      resolve(socket);
    });
  });
}

async function connect(socket: Socket, local: ListenAddress, target: Target): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address: local.address, port: local.port, exclusive: true }, () => {
      socket.removeListener('error', reject);
      socket.connect(target.port, target.address, (error?: Error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  });
}

function sendConnected(socket: Socket, octets: Buffer, done: Done): void {
  try {
    socket.send(octets, done);
  } catch (error) {
    queueMicrotask(() => done(asError(error))); // the socket is closed
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

function isRefusal(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
}

/** What ICMP errors come as: port, host and network unreachable, and prohibited. */
const icmpErrors = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'EACCES', 'EPROTO']);

function isAnswerOfTheNetwork(error: Error): boolean {
  return 'syscall' in error && error.syscall === 'recvmsg' && 'code' in error && icmpErrors.has(String(error.code));
}
