import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer, isIP, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { isSecure, type ListenAddress } from './addresses.ts';
import { bindError, ListenError } from './listen-error.ts';
import type { TransportLimits } from './limits.ts';
import type { ListenTools } from './listen-tools.ts';
import { StreamConnection } from './stream-connection.ts';
import { acceptWebSockets } from './web-socket-server.ts';

export interface StreamListener {
  readonly local: ListenAddress;
  /** Takes no more connections; those that stand are not touched. */
  close(): Promise<void>;
}

/** Listens for connections on a TCP, TLS, WS or WSS address. @throws ListenError */
export async function listenForConnections(listen: ListenAddress, tools: ListenTools): Promise<StreamListener> {
  if (isSecure(listen.transport) && !tools.tls.canServe) {
    throw new ListenError(listen, 'there is no certificate; give one in sip.tls.certificates', undefined);
  }
  const server = serverFor(listen, tools);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(bindError(listen, error)));
    server.listen(
      { host: listen.address, port: listen.port, ipv6Only: isIP(listen.address) === 6, exclusive: true },
      resolve,
    );
  });
  server.on('error', (error) => tools.log.warn({ err: error, listen }, 'a listening SIP socket failed'));
  const bound = server.address();
  const local = bound !== null && typeof bound === 'object' ? { ...listen, port: bound.port } : listen;
  return { local, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

function serverFor(listen: ListenAddress, tools: ListenTools): Server {
  const { tls, limits, log } = tools;
  const secure = { ...tls.serverOptions(), handshakeTimeout: limits.handshakeWithin };
  switch (listen.transport) {
    case 'tls': {
      const server = createTlsServer(secure, (socket) => adoptStream(socket, 'tls', tools));
      tls.follow(server);
      server.on('connection', (socket: Socket) => void tools.connections.admit(socket));
      server.on('tlsClientError', (error, socket) => {
        tools.connections.gaveUp('handshake');
        log.debug({ err: error, from: socket.remoteAddress }, 'a TLS handshake failed');
        socket.destroy();
      });
      return server;
    }
    case 'ws': {
      const server = createHttpServer(upgradeTimes(limits));
      acceptWebSockets(server, 'ws', tools);
      return server;
    }
    case 'wss': {
      const server = createHttpsServer({ ...secure, ...upgradeTimes(limits) });
      tls.follow(server);
      server.on('tlsClientError', (error, socket) => {
        tools.connections.gaveUp('handshake');
        log.debug({ err: error, from: socket.remoteAddress }, 'a TLS handshake failed');
        socket.destroy();
      });
      acceptWebSockets(server, 'wss', tools);
      return server;
    }
    default:
      return createServer((socket) => {
        if (tools.connections.admit(socket)) adoptStream(socket, 'tcp', tools);
      });
  }
}

/** Node looks for requests that take too long only so often; by itself every 30 s. */
function upgradeTimes({ handshakeWithin }: TransportLimits): {
  headersTimeout: number;
  requestTimeout: number;
  connectionsCheckingInterval: number;
} {
  return {
    headersTimeout: handshakeWithin,
    requestTimeout: handshakeWithin,
    connectionsCheckingInterval: Math.min(1000, handshakeWithin),
  };
}

function adoptStream(socket: Socket, transport: 'tcp' | 'tls', { connections, limits, clock }: ListenTools): void {
  const { remoteAddress: address, remotePort: port } = socket;
  if (address === undefined || port === undefined || connections.closed) {
    socket.on('error', () => undefined);
    socket.destroy();
    return;
  }
  const remote = { transport, address, port, ours: false };
  connections.add(new StreamConnection(connections.nextId(), socket, remote, connections.events, limits, clock));
}
