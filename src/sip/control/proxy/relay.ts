import { nextHop } from '../../dialog/dialog.ts';
import { Draft } from '../../message/draft.ts';
import type { Request, Response } from '../../message/message.ts';
import type { ClientHandlers, ClientTransaction } from '../../transaction/client-transaction.ts';
import type { ServerTransaction } from '../../transaction/server-transaction.ts';
import type { Target } from '../../transaction/wire.ts';
import type { Exchange } from '../exchange.ts';
import { forApplication } from '../for-application.ts';
import { hasTravelledEnough, onward, upstream } from './pass-on.ts';

/**
 * Passes a request on that belongs to a dialog in which we stayed as a proxy (RFC 3261 16.4: it came by our Record-Route).
 * @returns false when it did not, and is to be treated as any other
 */
export function relayRequest(exchange: Exchange, transaction: ServerTransaction): boolean {
  const { request } = transaction;
  const way = exchange.recordRoutes.remaining(request);
  if (!way) return false;
  if (hasTravelledEnough(request)) {
    transaction.respond(Draft.answering(request, 483));
    return true;
  }
  const draft = onward(request, way.requestUri, way.routes);
  let cancelled = false;
  let client: ClientTransaction | undefined;
  transaction.handle({
    cancelled: () => {
      cancelled = true;
      if (client) exchange.layer.cancel(client);
      else transaction.respond(Draft.answering(request, 487));
    },
  });
  exchange.locator.locate(nextHop(draft)).then(
    (target) => {
      if (!cancelled) client = send(exchange, transaction, draft, target);
    },
    (error: unknown) => {
      exchange.log.info({ err: error, callId: request.callId }, 'a request within a proxied dialog leads nowhere');
      if (!transaction.answered) transaction.respond(Draft.answering(request, 500));
    },
  );
  return true;
}

function send(exchange: Exchange, transaction: ServerTransaction, draft: Draft, target: Target): ClientTransaction {
  const { request, method } = transaction;
  const passUp = (response: Response): void => {
    if (response.status > 100) transaction.relay(upstream(request, response));
  };
  const handlers: ClientHandlers = {
    response: passUp,
    repeated: passUp,
    timeout: () => {
      // RFC 4320 4.2: a 408 to anything but INVITE would come too late to be of use
      if (method === 'INVITE' && !transaction.answered) transaction.respond(Draft.answering(request, 408));
    },
    transportError: () => {
      // 16.9: as if the branch had said 503, which goes upstream as 500 (16.7 step 6)
      if (!transaction.answered) transaction.respond(Draft.answering(request, 500));
    },
  };
  const client = exchange.layer.request(draft, target, handlers);
  if (method === 'BYE') {
    exchange.records.stop('network', 'normal-release', forApplication(request));
    exchange.records.stop('application', 'normal-release', client.octets);
  }
  return client;
}

/**
 * Passes the ACK for a 2xx on, which came by our Record-Route.
 * @returns false when it did not
 */
export function relayAck(exchange: Exchange, ack: Request): boolean {
  const way = exchange.recordRoutes.remaining(ack);
  if (!way) return false;
  if (hasTravelledEnough(ack)) return true;
  const draft = onward(ack, way.requestUri, way.routes);
  exchange.locator.locate(nextHop(draft)).then(
    (target) => exchange.layer.forward(draft, target),
    (error: unknown) => exchange.log.info({ err: error, callId: ack.callId }, 'an ACK to be passed on leads nowhere'),
  );
  return true;
}
