import { isIP } from 'node:net';
import { systemClock, type Clock } from '../../shared/clock.ts';
import { Emitter } from '../../shared/emitter.ts';
import type { Logger } from '../../shared/log.ts';
import type { Message } from '../message/message.ts';
import { MalformedMessage, parseMessage } from '../message/parse.ts';
import {
  isWebSocket,
  type AdvertisedAddress,
  type Flow,
  type ListenAddress,
  type Target,
  type TransportName,
} from './addresses.ts';
import type { Connection, ConnectionCounters, Framing } from './connection.ts';
import { Connections } from './connections.ts';
import { Dialer } from './dial.ts';
import { InvalidHosts } from './invalid-hosts.ts';
import { defaultTransportLimits, type TransportLimits } from './limits.ts';
import { listenForConnections, type StreamListener } from './listen.ts';
import { Listening } from './listening.ts';
import { stampSource } from './routing.ts';
import { answerStun, isStun } from './stun.ts';
import { TlsContexts, type TlsSettings } from './tls.ts';
import { UdpSocket } from './udp.ts';

export { TlsFault, type TlsSettings } from './tls.ts';
export { parseListenAddress, formatListenAddress, uriHost, hostAddress } from './addresses.ts';
export type { Flow, ListenAddress, Target, TransportName } from './addresses.ts';
export { ListenError } from './listen-error.ts';
export { refusal, type Refusal } from './refusal.ts';
export { responseTarget } from './routing.ts';

export interface TransportEvents {
  /** A message in form; a request's topmost Via says already where it came from (RFC 3261 18.2.1, RFC 3581). */
  message: [message: Message, flow: Flow];
  /** Octets that are no usable message; an answer sent within the listener goes out before a broken stream is closed. */
  malformed: [error: MalformedMessage, flow: Flow];
  /** A send to that target failed, perhaps after `send` had resolved: ICMP unreachable, connection refused or lost. */
  failure: [target: Target, error: Error];
}

export interface TransportOptions {
  log: Logger;
  limits?: Partial<TransportLimits>;
  clock?: Clock;
  /** What Via and Contact say where the listening address advertises nothing itself, for a machine behind NAT. */
  advertised?: AdvertisedAddress;
  /** Without it TLS connections are opened and none accepted. */
  tls?: TlsSettings;
  /** Origins of web pages that may open a WebSocket (RFC 6455 10.2); `*`, which is also the default, is any. */
  origins?: readonly string[];
}

/** Told once: null when the octets were handed to the network, or why not. */
type Done = (error: Error | null) => void;

/** What TLS does where nothing is set. */
const defaultTls: TlsSettings = {
  certificates: [],
  requireClientCertificate: false,
  verifyServers: true,
  minVersion: 'TLSv1.2',
};

/** SIP over UDP, TCP, TLS (RFC 3261 18), WS and WSS (RFC 7118), IPv4 and IPv6. */
export class TransportLayer {
  readonly #emitter: Emitter<TransportEvents>;
  readonly #log: Logger;
  readonly #limits: TransportLimits;
  readonly #origins: readonly string[];
  readonly #clock: Clock;
  readonly #udp: UdpSocket[] = [];
  readonly #listeners: StreamListener[] = [];
  readonly #connections: Connections;
  readonly #tls: TlsContexts;
  readonly #dialer: Dialer;
  readonly #invalidHosts = new InvalidHosts();
  readonly #listening: Listening;
  #closed = false;

  private constructor(options: TransportOptions) {
    this.#log = options.log;
    this.#limits = { ...defaultTransportLimits, ...options.limits };
    this.#listening = new Listening(options.advertised);
    this.#origins = options.origins?.map((origin) => origin.toLowerCase()) ?? ['*'];
    this.#clock = options.clock ?? systemClock;
    this.#emitter = new Emitter((error, event) => {
      this.#log.error({ err: error, event }, 'a listener of the SIP transport failed');
    });
    this.#tls = new TlsContexts(options.tls ?? defaultTls, this.#clock, this.#log);
    this.#connections = new Connections(
      {
        octets: (octets, connection, framing) => this.#receive(octets, connection.flow, framing, connection),
        broken: (error, { flow }) => this.#emitter.emit('malformed', error, flow),
        closed: (connection, error) => this.#disconnected(connection, error),
      },
      this.#limits,
      this.#log,
    );
    this.#dialer = new Dialer(this.#connections, this.#tls, this.#limits, this.#clock);
  }

  /**
   * Listens on all addresses, or on none.
   * @throws ListenError naming the first address that could not be had, TlsFault
   */
  static async open(listen: readonly ListenAddress[], options: TransportOptions): Promise<TransportLayer> {
    const layer = new TransportLayer(options);
    try {
      for (const address of listen) await layer.#listen(address);
      layer.#tls.watch();
    } catch (error) {
      await layer.close();
      throw error;
    }
    return layer;
  }

  /** What is listened on, with the ports that the system chose for 0. */
  get listening(): readonly ListenAddress[] {
    return this.#listening.all;
  }

  /** Connections that stand. */
  get connections(): number {
    return this.#connections.size;
  }

  /** And what became of others. */
  get connectionCounters(): ConnectionCounters {
    return this.#connections.counters;
  }

  /**
   * Reads the TLS certificates again; it happens by itself when a file changes. Connections that stand are not touched.
   * @returns false when the files cannot be used: the log says why, and the old certificates stay in force
   */
  reloadCertificates(): boolean {
    return this.#tls.reload();
  }

  /**
   * Where a request for a host goes that only its own connection leads to: a WebSocket client's `.invalid` name, or the address
   * that it came from (RFC 7118 5). Undefined: no such connection stands.
   */
  connectedTo(host: string, port: number | undefined): Target | undefined {
    const named = this.#invalidHosts.find(host);
    if (named?.usable === true) return targetOf(named);
    if (port === undefined) return undefined;
    for (const transport of ['wss', 'ws'] as const) {
      const target = { transport, address: host, port };
      if (this.#connections.to(target)) return target;
    }
    return undefined;
  }

  /** Whether something of ours listens for that transport. */
  listensOn(transport: TransportName): boolean {
    return this.#listening.has(transport);
  }

  /** The address families that a transport can send to. */
  families(transport: TransportName): readonly (4 | 6)[] {
    return this.#listening.families(transport);
  }

  /** Whether a TCP connection with that address stands: then it has TCP, whoever opened it. */
  hasTcp(address: string): boolean {
    return this.#connections.someTo('tcp', address);
  }

  /** Calls `listener` at each `event`; the function returned takes it off again. */
  on<E extends keyof TransportEvents>(event: E, listener: (...payload: TransportEvents[E]) => void): () => void {
    return this.#emitter.on(event, listener);
  }

  /**
   * Sends one message. `via` is the flow that a response answers: UDP leaves from the socket that it came to (RFC 3581 4), all else
   * takes the same connection while it stands (RFC 3261 18.2.2). Without it UDP reports ICMP errors as `failure` where the system tells them.
   * Rejects when the octets could not be handed to the network (then `failure` comes too); never throws.
   */
  send(octets: Buffer, target: Target, via?: Flow): Promise<void> {
    return new Promise((resolve, reject) => this.post(octets, target, via, reject, resolve));
  }

  /** The same without a promise, for the many. One of the two is told, later and once: `failed`, or `sent`. */
  post(octets: Buffer, target: Target, via: Flow | undefined, failed: (error: Error) => void, sent?: () => void): void {
    const done = (error: Error | null): void => {
      if (!error) sent?.();
      else {
        this.#fail(target, error);
        failed(error);
      }
    };
    if (this.#closed) queueMicrotask(() => done(new Error('transport is closed')));
    else if (target.transport === 'udp') this.#sendUdp(octets, target, via, done);
    else this.#sendConnected(octets, target, via, done);
  }

  /** The address and port that a target shall send to, for Via and Contact (without brackets, see `uriHost`). */
  localFor(target: Target): { address: string; port: number; transport: TransportName } {
    return this.#listening.shownTo(target);
  }

  /** Closes all sockets; connections get a moment to send what is waiting. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#tls.close();
    this.#dialer.close();
    const listeners = this.#listeners.map((listener) => listener.close());
    await Promise.all([this.#connections.close(), ...listeners, ...this.#udp.map((socket) => socket.close())]);
  }

  async #listen(address: ListenAddress): Promise<void> {
    if (address.transport !== 'udp') {
      const listener = await listenForConnections(address, {
        connections: this.#connections,
        tls: this.#tls,
        limits: this.#limits,
        origins: this.#origins,
        clock: this.#clock,
        log: this.#log,
      });
      this.#listeners.push(listener);
      this.#listening.add(listener.local);
      return;
    }
    const events = {
      datagram: (octets: Buffer, flow: Flow) => this.#receiveDatagram(octets, flow),
      failure: (target: Target, error: Error) => this.#fail(target, error),
    };
    const socket = await UdpSocket.open(address, events, this.#limits.watchedTargets, this.#log);
    this.#udp.push(socket);
    this.#listening.add(address.advertised ? { ...socket.local, advertised: address.advertised } : socket.local);
  }

  #receiveDatagram(octets: Buffer, flow: Flow): void {
    if (isStun(octets)) this.#answerStun(octets, flow);
    else if (!isKeepAlive(octets)) this.#receive(octets, flow, 'datagram');
  }

  /** RFC 5626 4.4.2: a STUN request on the SIP port keeps a NAT binding open and tells what it is. */
  #answerStun(octets: Buffer, flow: Flow): void {
    const answer = answerStun(octets, flow.remoteAddress, flow.remotePort);
    if (!answer) return;
    const target: Target = { transport: 'udp', address: flow.remoteAddress, port: flow.remotePort };
    this.#sendUdp(answer, target, flow, (error) => {
      if (error) this.#log.debug({ err: error, target }, 'a STUN answer was not sent');
    });
  }

  #receive(octets: Buffer, flow: Flow, framing: Framing, connection?: Connection): void {
    if (this.#closed) return;
    let message: Message;
    try {
      message = parseMessage(octets, framing);
      if (message.kind === 'request') stampSource(message, flow);
      if (connection && isWebSocket(flow.transport)) this.#invalidHosts.learn(message, connection);
    } catch (error) {
      if (error instanceof MalformedMessage) this.#emitter.emit('malformed', error, flow);
      else this.#log.error({ err: error }, 'the SIP parser failed');
      return;
    }
    this.#emitter.emit('message', message, flow);
  }

  #sendUdp(octets: Buffer, target: Target, via: Flow | undefined, done: Done): void {
    const socket = via ? this.#udpSocket(via.localAddress, via.localPort) : this.#udpSocketTowards(target);
    if (socket) socket.send(octets, target, via === undefined, done);
    else queueMicrotask(() => done(new Error(`no UDP socket for ${target.address}`)));
  }

  #udpSocketTowards(target: Target): UdpSocket | undefined {
    const local = this.#listening.towards(target);
    return local && this.#udpSocket(local.address, local.port);
  }

  #udpSocket(address: string, port: number): UdpSocket | undefined {
    for (const socket of this.#udp) if (socket.local.port === port && socket.local.address === address) return socket;
    return undefined;
  }

  #sendConnected(octets: Buffer, target: Target, via: Flow | undefined, done: Done): void {
    const standing = this.#connections.byId(via?.connectionId) ?? this.#connections.to(target);
    const sent = standing ? standing.send(octets) : this.#dial(target).then((connection) => connection.send(octets));
    sent.then(
      () => done(null),
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
    );
  }

  async #dial(target: Target): Promise<Connection> {
    if (isIP(target.address) === 0) throw new Error(`${target.address} is no IP address`);
    return this.#dialer.open(target, this.#listening.connectFrom(target));
  }

  #disconnected(connection: Connection, error: Error | undefined): void {
    this.#invalidHosts.forget(connection);
    if (error) this.#fail(targetOf(connection), error);
  }

  #fail(target: Target, error: Error): void {
    if (this.#closed) return;
    this.#emitter.emit('failure', target, error);
  }
}

function targetOf({ remote }: Connection): Target {
  return { transport: remote.transport, address: remote.address, port: remote.port };
}

/** Empty datagrams and CRLFs or NULs alone keep a NAT binding open; they say nothing. */
function isKeepAlive(octets: Buffer): boolean {
  if (octets.length > 4) return false;
  return octets.every((octet) => octet === 0x0d || octet === 0x0a || octet === 0);
}
