import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { messageLimits } from '../message/limits.ts';
import type { ListenTools } from './listen-tools.ts';
import { WebSocketConnection } from './web-socket-connection.ts';

/** RFC 7118 4.1. */
const SUBPROTOCOL = 'sip';

/** Takes the WebSockets that clients open on an HTTP server (RFC 7118 4): subprotocol `sip`, from pages of allowed origins. */
export function acceptWebSockets(server: HttpServer, transport: 'ws' | 'wss', tools: ListenTools): void {
  const { connections, limits, clock, log } = tools;
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: messageLimits.messageOctets,
    handleProtocols: () => SUBPROTOCOL,
  });
  server.on('connection', (socket: Socket) => void connections.admit(socket));
  server.on('clientError', (error, socket) => {
    // no request, or none in time: nobody there would understand an answer
    connections.gaveUp('handshake');
    log.debug({ err: error }, 'a WebSocket handshake failed');
    socket.destroy();
  });
  server.on('request', (_request, response) => {
    response.writeHead(426, { Upgrade: 'websocket', Connection: 'close' });
    response.end('This address speaks SIP over WebSocket (RFC 7118).\n');
  });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', (error) => log.debug({ err: error }, 'a WebSocket handshake failed'));
    const refusal = refusalOf(request, tools.origins);
    if (refusal) {
      log.debug(
        { from: request.socket.remoteAddress, status: refusal, origin: request.headers.origin },
        'WebSocket refused',
      );
      refuse(socket, refusal);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      const { remoteAddress: address, remotePort: port, localAddress = '', localPort = 0 } = request.socket;
      if (address === undefined || port === undefined || connections.closed) {
        client.terminate();
        return;
      }
      const remote = { transport, address, port, ours: false };
      const id = connections.nextId();
      const local = { address: localAddress, port: localPort };
      connections.add(new WebSocketConnection(id, client, remote, local, connections.events, limits, clock));
    });
  });
}

/** The HTTP status that a handshake is refused with; undefined: it may go on. */
function refusalOf(
  request: IncomingMessage,
  origins: readonly string[],
): '400 Bad Request' | '403 Forbidden' | undefined {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim().toLowerCase());
  // RFC 7118 4.1: the client must offer it
  if (!offered.includes(SUBPROTOCOL)) return '400 Bad Request';
  // RFC 6455 10.2: only browsers say where their page comes from
  const { origin } = request.headers;
  const allowed = origin === undefined || origins.includes('*') || origins.includes(origin.toLowerCase());
  return allowed ? undefined : '403 Forbidden';
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => void socket.destroy());
}
