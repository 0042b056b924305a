import type { Application } from './application.ts';
import type { ApplicationRequest } from './application-message.ts';
import { addHeaders } from './complete.ts';
import type { Exchange } from './exchange.ts';
import { sentRequest } from './leaders.ts';
import { randomUUID } from 'node:crypto';

/** A CANCEL is a copy of its INVITE (RFC 3261 9.1); the application may add to it, mostly Reason. */
const fixed = new Set([
  'via',
  'from',
  'to',
  'call-id',
  'cseq',
  'max-forwards',
  'route',
  'contact',
  'require',
  'proxy-require',
]);

/** `<id>|sip|<transaction id of the INVITE>|` and a CANCEL. Its own response is not passed up, the INVITE's is. */
export function cancel(
  exchange: Exchange,
  application: Application,
  id: string,
  transactionId: string,
  message: ApplicationRequest,
): void {
  const pending = exchange.sent.get(transactionId);
  const draft =
    pending?.application === application
      ? exchange.layer.cancel(pending.transaction, (request) => addHeaders(request, message, (name) => fixed.has(name)))
      : undefined;
  if (!pending || !draft) {
    application.notOk(id, `unable to cancel unknown transaction id: ${transactionId}`);
    return;
  }
  pending.cancelled = true;
  const octets = draft.toBuffer();
  const local = exchange.localFor(pending.transaction.target);
  application.ok(id, sentRequest(exchange.clock, octets.length, local, randomUUID()), octets);
}
