import type { Server, Socket } from 'node:net';
import type { Clock } from '../shared/clock.ts';
import { QueuedClock } from '../shared/queued-clock.ts';
import type { Logger } from '../shared/log.ts';
import { passArrivals } from './control/arrivals.ts';
import type { ServerIdentity } from './control/authenticate.ts';
import { serveConnection } from './control/connection.ts';
import { Exchange } from './control/exchange.ts';
import { inMemoryPair } from './control/in-memory-socket.ts';
import { ControlListener } from './control/listener.ts';
import { OutboundConnections, type OutboundAddress } from './control/outbound.ts';
import type { AdmissionLimits } from './transaction/admission.ts';
import type { CounterValues } from './transaction/counters.ts';
import { TransactionLayer } from './transaction/layer.ts';
import type { TimerSettings } from './transaction/timers.ts';
import {
  formatListenAddress,
  parseListenAddress,
  type AdvertisedAddress,
  type ListenAddress,
} from './transport/addresses.ts';
import { Locator } from './transport/locator.ts';
import { SystemNameServer } from './transport/name-server.ts';
import type { ConnectionCounters } from './transport/connection.ts';
import { defaultTransportLimits, type ConnectionLimits } from './transport/limits.ts';
import type { TlsSettings } from './transport/tls.ts';
import { TransportLayer } from './transport/transport.ts';

/** What drachtio-srf is told: at least v0.8.2, or it would not ping. */
const version = 'v0.9.10-ringaway';

/** As drachtio-server does it. Milliseconds. */
const defaultControlKeepAlive = 45_000;

/** How often `drain` looks whether the last call is over. Milliseconds. */
const drainInterval = 100;

export interface SipServerOptions {
  /** `udp://127.0.0.1:5060`, `tls://[::1]:5061`, `udp://10.0.0.5:5060?advertised=203.0.113.7`; port 0: the system chooses. */
  readonly listen: readonly (string | ListenAddress)[];
  /** Where applications connect with their secret; or `in-process`: only through `attach`. */
  readonly control: { readonly address: string; readonly port: number; readonly secret: string } | 'in-process';
  /** Applications that listen, to which the server connects, and the secret that they know. */
  readonly outbound?: { readonly applications: readonly OutboundAddress[]; readonly secret: string };
  /** Whether applications that ask for them get records of calls (`cdr:attempt`, `cdr:start`, `cdr:stop`). */
  readonly callRecords?: boolean;
  readonly clock: Clock;
  readonly log: Logger;
  /** RFC 3261's T1, T2 and T4, milliseconds, where they are not to be 500, 4000 and 5000. */
  readonly timers?: Partial<TimerSettings>;
  /** INVITEs whose Replaces names a dialog that is not of this server: 481 (RFC 3891 3), or to an application like any other. */
  readonly passUnknownReplaces?: boolean;
  /** Whether the calls of an application that is gone are ended; unless so, requests within them are answered 481. */
  readonly hangUpOrphans?: boolean;
  /** User-Agent and Server where the application sets none. */
  readonly userAgent?: string;
  /** New requests of one source, scanners, connections; all requests are taken unless given. */
  readonly limits?: AdmissionLimits & Partial<ConnectionLimits>;
  /** What Via and Contact say instead of the listening address, behind NAT. */
  readonly advertised?: AdvertisedAddress | undefined;
  /** Certificates for `tls://` and `wss://`, and whom we trust. */
  readonly tls?: TlsSettings;
  /** Origins of web pages that may open a WebSocket; without it any. */
  readonly origins?: readonly string[];
  /** Whom names are asked of, as `192.0.2.53` or `127.0.0.1:5353`; without it the machine's own. */
  readonly nameServers?: readonly string[];
  /** Octets from which on a request prefers TCP to UDP where it may; RFC 3261 18.1.1's 1300 unless given. */
  readonly largeRequest?: number;
  /** How often a silent control connection is looked at, milliseconds; 0: never. 45 s unless given. */
  readonly controlKeepAlive?: number;
}

export interface SipServerStats extends CounterValues {
  readonly transactions: { readonly clients: number; readonly servers: number };
  readonly dialogs: number;
  readonly connections: ConnectionCounters;
  readonly applications: number;
}

/** The built-in SIP server: SIP on one side, the drachtio control protocol on the other. */
export interface SipServer {
  /** What is listened on, as `udp://address:port`, with the ports that the system chose. */
  readonly listening: readonly string[];
  /** Where applications connect; undefined in the same process. */
  readonly controlAddress: { readonly address: string; readonly port: number } | undefined;
  /**
   * Connects an application of this process: the other end of an in-memory connection is given to `netServer` as a `connection`,
   * so that `srf.listen({ server: netServer, secret })` works on a `net.Server` that listens on nothing. Any secret is right.
   * Routes that the application never names are taken as all but OPTIONS. The function returned ends the connection.
   */
  attach(netServer: Server): () => void;
  stats(): SipServerStats;
  /** No new calls (503 with Retry-After) from now on; resolves when no dialog is left, or after `milliseconds`: true when none was left. */
  drain(milliseconds: number): Promise<boolean>;
  /** Reads the TLS certificates again; false when they cannot be used and the old ones stay (the log says why). */
  reloadCertificates(): boolean;
  /** Ends all connections and sockets at once; nothing is left running. */
  close(): Promise<void>;
}

/** A listen address that cannot be read. */
export class BadListenAddress extends Error {
  constructor(text: string) {
    super(`"${text}" is no address to listen on; expected udp, tcp, tls, ws or wss://address:port with an IP address`);
    this.name = 'BadListenAddress';
  }
}

/**
 * Starts the server; it listens when the promise is fulfilled.
 * @throws BadListenAddress, ListenError, TlsFault, or the system's error for the control port
 */
export async function startSipServer(options: SipServerOptions): Promise<SipServer> {
  const { log } = options;
  const clock = new QueuedClock(options.clock); // transactions set many timers and clear nearly all of them
  const transport = await TransportLayer.open(options.listen.map(readAddress), {
    log,
    clock,
    ...(options.advertised ? { advertised: options.advertised } : {}),
    ...(options.tls ? { tls: options.tls } : {}),
    ...(options.origins ? { origins: options.origins } : {}),
    ...(options.limits ? { limits: connectionLimits(options.limits) } : {}),
  });
  const layer = new TransactionLayer(transport, {
    clock,
    log,
    ...(options.limits ? { limits: options.limits } : {}),
    ...(options.timers ? { timers: options.timers } : {}),
  });
  const exchange = new Exchange({
    layer,
    locator: new Locator({
      reach: transport,
      names: new SystemNameServer(options.nameServers ?? [], clock),
      clock,
      ...(options.largeRequest === undefined ? {} : { largeRequest: options.largeRequest }),
    }),
    clock,
    log,
    userAgent: options.userAgent,
    callRecords: options.callRecords ?? false,
    passUnknownReplaces: options.passUnknownReplaces ?? false,
    hangUpOrphans: options.hangUpOrphans ?? false,
  });
  passArrivals(exchange);

  const { control } = options;
  const identity: ServerIdentity = {
    hostPorts: transport.listening.map(({ transport: name, address, port }) => `${name}/${address}:${port}`),
    version,
    secret: control === 'in-process' ? '' : control.secret,
  };
  const keepAlive = options.controlKeepAlive ?? defaultControlKeepAlive;
  const serve = (socket: Socket, secret: string, origin: 'connected' | 'called'): void => {
    socket.setKeepAlive(keepAlive > 0, keepAlive);
    serveConnection(exchange, { ...identity, secret }, socket, origin);
  };
  const listener =
    control === 'in-process'
      ? undefined
      : await openControl(control, log, (socket) => serve(socket, control.secret, 'connected'), transport);
  const outbound = new OutboundConnections(clock, log, (socket) => {
    serve(socket, options.outbound?.secret ?? '', 'called');
  });
  outbound.open(options.outbound?.applications ?? []);
  const attached = new Set<Socket>();

  return {
    listening: transport.listening.map(formatListenAddress),
    controlAddress: listener?.address,
    attach(netServer) {
      const [ours, theirs] = inMemoryPair();
      attached.add(ours);
      ours.on('close', () => attached.delete(ours));
      serveConnection(exchange, identity, ours, 'in-process');
      netServer.emit('connection', theirs);
      return () => void ours.destroy();
    },
    stats: () => ({
      ...layer.counters.values(),
      transactions: layer.alive,
      dialogs: exchange.dialogs.size,
      connections: transport.connectionCounters,
      applications: exchange.applications.size,
    }),
    reloadCertificates: () => transport.reloadCertificates(),
    drain: (milliseconds) => drain(exchange, clock, milliseconds),
    async close() {
      for (const entry of exchange.dialogs) {
        entry.reliable?.stop();
        entry.session?.stop();
      }
      layer.close();
      outbound.close();
      for (const socket of attached) socket.destroy();
      await listener?.close();
      await transport.close();
    },
  };
}

function readAddress(text: string | ListenAddress): ListenAddress {
  if (typeof text !== 'string') return text;
  const address = parseListenAddress(text);
  if (!address) throw new BadListenAddress(text);
  return address;
}

async function openControl(
  control: { readonly address: string; readonly port: number },
  log: Logger,
  serve: (socket: Socket) => void,
  transport: TransportLayer,
): Promise<ControlListener> {
  try {
    return await ControlListener.open(control.address, control.port, log, serve);
  } catch (error) {
    await transport.close();
    throw error;
  }
}

async function drain(exchange: Exchange, clock: Clock, milliseconds: number): Promise<boolean> {
  exchange.draining = true;
  const until = clock.monotonic() + milliseconds;
  const busy = (): boolean =>
    exchange.dialogs.size > 0 || exchange.answerable.size > 0 || exchange.sent.size > 0 || exchange.proxied.size > 0;
  while (busy() && clock.monotonic() < until) {
    await new Promise<void>((resolve) => void clock.after(drainInterval, resolve));
  }
  return !busy();
}

function connectionLimits(limits: Partial<ConnectionLimits>): ConnectionLimits {
  const { connections, connectionsPerAddress, handshakeWithin, firstMessageWithin, messageWithin } = {
    ...defaultTransportLimits,
    ...limits,
  };
  return { connections, connectionsPerAddress, handshakeWithin, firstMessageWithin, messageWithin };
}
