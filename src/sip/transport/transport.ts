import { isIP } from 'node:net';
import { systemClock, type Clock } from '../../shared/clock.ts';
import { Emitter } from '../../shared/emitter.ts';
import type { Logger } from '../../shared/log.ts';
import type { Message } from '../message/message.ts';
import { MalformedMessage, parseMessage } from '../message/parse.ts';
import type { Flow, ListenAddress, Target, TransportName } from './addresses.ts';
import { defaultTransportLimits, type TransportLimits } from './limits.ts';
import { addressTowards, isLoopback, isWildcard } from './local-address.ts';
import { stampSource } from './routing.ts';
import { TcpConnections } from './tcp.ts';
import { UdpSocket } from './udp.ts';

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
  /** What Via and Contact say instead of the listening address, for a machine behind NAT. Without a port: the listening one. */
  advertised?: { address: string; port?: number };
}

/** SIP over UDP and TCP, IPv4 and IPv6 (RFC 3261 18). */
export class TransportLayer {
  readonly #emitter: Emitter<TransportEvents>;
  readonly #log: Logger;
  readonly #limits: TransportLimits;
  readonly #advertised: { address: string; port?: number } | undefined;
  readonly #udp: UdpSocket[] = [];
  readonly #tcp: TcpConnections;
  readonly #listening: ListenAddress[] = [];
  #closed = false;

  private constructor(options: TransportOptions) {
    this.#log = options.log;
    this.#limits = { ...defaultTransportLimits, ...options.limits };
    this.#advertised = options.advertised;
    this.#emitter = new Emitter((error, event) => {
      this.#log.error({ err: error, event }, 'a listener of the SIP transport failed');
    });
    this.#tcp = new TcpConnections(
      {
        octets: (octets, { flow }) => this.#receive(octets, flow, 'stream'),
        broken: (error, { flow }) => this.#emitter.emit('malformed', error, flow),
        closed: ({ remoteAddress, remotePort }, error) => {
          if (error) this.#fail({ transport: 'tcp', address: remoteAddress, port: remotePort }, error);
        },
      },
      this.#limits,
      options.clock ?? systemClock,
      options.log,
    );
  }

  /**
   * Listens on all addresses, or on none.
   * @throws ListenError naming the first address that could not be had
   */
  static async open(listen: readonly ListenAddress[], options: TransportOptions): Promise<TransportLayer> {
    const layer = new TransportLayer(options);
    try {
      for (const address of listen) await layer.#listen(address);
    } catch (error) {
      await layer.close();
      throw error;
    }
    return layer;
  }

  /** What is listened on, with the ports that the system chose for 0. */
  get listening(): readonly ListenAddress[] {
    return this.#listening;
  }

  /** TCP connections that stand. */
  get connections(): number {
    return this.#tcp.size;
  }

  /** Calls `listener` at each `event`; the function returned takes it off again. */
  on<E extends keyof TransportEvents>(event: E, listener: (...payload: TransportEvents[E]) => void): () => void {
    return this.#emitter.on(event, listener);
  }

  /**
   * Sends one message. `via` is the flow that a response answers: UDP leaves from the socket that it came to (RFC 3581 4), TCP
   * takes the same connection while it stands. Without it UDP reports ICMP errors as `failure` where the system tells them.
   * Rejects when the octets could not be handed to the network (then `failure` comes too); never throws.
   */
  async send(octets: Buffer, target: Target, via?: Flow): Promise<void> {
    try {
      if (this.#closed) throw new Error('transport is closed');
      if (isIP(target.address) === 0) throw new Error(`${target.address} is no IP address`);
      if (target.transport === 'udp') await this.#sendUdp(octets, target, via);
      else await this.#tcp.send(octets, target, via?.connectionId, this.#connectFrom(target));
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      this.#fail(target, failure);
      throw failure;
    }
  }

  /** The address and port that a target shall send to, for Via and Contact (without brackets, see `uriHost`). */
  localFor(target: Target): { address: string; port: number; transport: TransportName } {
    const { transport } = target;
    const local = this.#listenerFor(target) ?? this.#listening.find((other) => sameFamily(other, target));
    const port = this.#advertised?.port ?? local?.port ?? 5060;
    if (this.#advertised && !isLoopback(target.address)) return { transport, address: this.#advertised.address, port };
    const listened = local && !isWildcard(local.address) ? local.address : addressTowards(target.address);
    return { transport, address: listened ?? '127.0.0.1', port: local?.port ?? port };
  }

  /** Closes all sockets; connections get a moment to send what is waiting. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([this.#tcp.close(), ...this.#udp.map((socket) => socket.close())]);
  }

  async #listen(address: ListenAddress): Promise<void> {
    if (address.transport === 'tcp') {
      this.#listening.push(await this.#tcp.listen(address));
      return;
    }
    const events = {
      datagram: (octets: Buffer, flow: Flow) => {
        if (!isKeepAlive(octets)) this.#receive(octets, flow, 'datagram');
      },
      failure: (target: Target, error: Error) => this.#fail(target, error),
    };
    const socket = await UdpSocket.open(address, events, this.#limits.watchedTargets, this.#log);
    this.#udp.push(socket);
    this.#listening.push(socket.local);
  }

  #receive(octets: Buffer, flow: Flow, framing: 'datagram' | 'stream'): void {
    if (this.#closed) return;
    let message: Message;
    try {
      message = parseMessage(octets, framing);
      if (message.kind === 'request') stampSource(message, flow);
    } catch (error) {
      if (error instanceof MalformedMessage) this.#emitter.emit('malformed', error, flow);
      else this.#log.error({ err: error }, 'the SIP parser failed');
      return;
    }
    this.#emitter.emit('message', message, flow);
  }

  async #sendUdp(octets: Buffer, target: Target, via: Flow | undefined): Promise<void> {
    const local = via ? { address: via.localAddress, port: via.localPort } : this.#listenerFor(target);
    const socket = this.#udp.find(
      (candidate) => candidate.local.address === local?.address && candidate.local.port === local.port,
    );
    if (!socket) throw new Error(`no UDP socket for ${target.address}`);
    await socket.send(octets, target, via === undefined);
  }

  /** The listening address of the target's transport and family: its own loopback for loopback, and the first that fits otherwise. */
  #listenerFor(target: Target): ListenAddress | undefined {
    const fitting = this.#listening.filter(
      (local) => local.transport === target.transport && sameFamily(local, target),
    );
    const loopback = isLoopback(target.address);
    return fitting.find((local) => isWildcard(local.address) || isLoopback(local.address) === loopback) ?? fitting[0];
  }

  /** Connects from the address that is listened on, so that the peer recognises us by it. */
  #connectFrom(target: Target): string | undefined {
    const local = this.#listenerFor(target);
    return local && !isWildcard(local.address) ? local.address : undefined;
  }

  #fail(target: Target, error: Error): void {
    if (this.#closed) return;
    this.#emitter.emit('failure', target, error);
  }
}

function sameFamily(local: ListenAddress, target: Target): boolean {
  return isIP(local.address) === isIP(target.address);
}

/** Empty datagrams and CRLFs or NULs alone keep a NAT binding open; they say nothing. */
function isKeepAlive(octets: Buffer): boolean {
  if (octets.length > 4) return false;
  return octets.every((octet) => octet === 0x0d || octet === 0x0a || octet === 0);
}
