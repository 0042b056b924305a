import type { Socket } from 'node:net';
import { Application, type ApplicationOrigin } from './application.ts';
import { authenticate, type ServerIdentity } from './authenticate.ts';
import type { Exchange } from './exchange.ts';
import { FrameReader, type Frame } from './framing.ts';
import { ping } from './ping.ts';
import { proxy } from './proxy/proxy.ts';
import { removeRoute, route } from './route.ts';
import { sip } from './sip.ts';
import { applicationGone } from './application-gone.ts';

/** How long a connection may stand before the right secret has come; milliseconds. */
const authenticateWithin = 5_000;

/** And how many octets it may bring until then: the secret and a few routes, which drachtio-server takes before it too. */
const strangeOctets = 8_192;

/** Serves one control connection until it ends: each frame goes to the handler of its kind. */
export function serveConnection(
  exchange: Exchange,
  identity: ServerIdentity,
  socket: Socket,
  origin: ApplicationOrigin,
): Application {
  const application = new Application(socket, origin);
  const reader = new FrameReader();
  exchange.applications.add(application);
  socket.setNoDelay(true);

  let strange = 0;
  const stranger = exchange.clock.after(authenticateWithin, () => {
    if (!application.authenticated) refuseStranger('no secret came in time');
  });
  const refuseStranger = (why: string): void => {
    exchange.log.warn({ address: socket.remoteAddress, why }, 'a control connection was ended');
    socket.destroy();
  };

  socket.on('data', (chunk: Buffer) => {
    if (!application.authenticated && (strange += chunk.length) > strangeOctets) {
      refuseStranger('too much came before the secret');
      return;
    }
    try {
      for (const frame of reader.push(chunk)) handle(exchange, identity, application, frame);
    } catch (error) {
      exchange.log.warn({ err: error }, 'a control connection was ended: it does not keep to the protocol');
      socket.destroy();
    }
  });
  socket.on('error', (error) => exchange.log.warn({ err: error }, 'a control connection failed'));
  socket.on('end', () => socket.end());
  socket.on('close', () => {
    stranger.clear();
    applicationGone(exchange, application);
  });
  return application;
}

function handle(exchange: Exchange, identity: ServerIdentity, application: Application, frame: Frame): void {
  const [id = '', kind = ''] = frame.fields;
  switch (kind) {
    case 'authenticate':
      authenticate(identity, application, frame);
      return;
    case 'route':
      route(application, frame);
      return;
    case 'remove_route':
      removeRoute(application, frame);
      return;
    case 'ping':
      ping(application, frame);
      return;
    case 'sip':
      if (application.authenticated) sip(exchange, application, frame);
      else application.refuse(id, 'not authenticated');
      return;
    case 'proxy':
      if (application.authenticated) proxy(exchange, application, frame);
      else application.refuse(id, 'not authenticated');
      return;
    default:
      application.refuse(id, 'Unknown message type');
  }
}
