import { Dialog } from '../dialog/dialog.ts';
import { sequenceOf } from '../transaction/derive.ts';
import type { ClientTransaction, SurplusHandler } from '../transaction/client-transaction.ts';
import type { StopReason } from './call-records.ts';
import type { DialogEntry, Exchange } from './exchange.ts';
import { unsolicited } from './leaders.ts';

/** Ends a dialog with a BYE of the server's own, of which the application is told. `text` stands in its Reason (RFC 3326). */
export function endDialog(exchange: Exchange, entry: DialogEntry, text: string, stop: StopReason): void {
  if (entry.dialog.state === 'terminated') return;
  const bye = entry.dialog.request('BYE');
  bye.add('Reason', `SIP;cause=200;text="${text}"`);
  exchange.forget(entry);
  exchange.locator.locate(entry.dialog.nextHop).then(
    (target) => {
      const { octets } = exchange.layer.request(bye, target, { response: () => undefined });
      const fields = unsolicited(exchange.clock, octets.length, exchange.localFor(target), entry.id);
      entry.application.send(fields, octets);
      exchange.records.stop('application', stop, octets);
    },
    (error: unknown) => exchange.log.warn({ err: error, callId: entry.callId, text }, 'a BYE of ours was not sent'),
  );
}

/** RFC 3261 13.2.2.4: every 2xx to an INVITE of ours is acknowledged, and a dialog that nobody wants is ended with BYE. */
export function endUnwanted(exchange: Exchange, invite: ClientTransaction, dialog: Dialog): void {
  const ack = dialog.ack(sequenceOf(invite.request));
  const bye = dialog.request('BYE');
  exchange.locator.locate(dialog.nextHop).then(
    (target) => {
      exchange.layer.acknowledge(invite, dialog.remoteTag, ack, target);
      exchange.layer.request(bye, target, { response: () => undefined });
    },
    (error: unknown) => exchange.log.warn({ err: error, callId: dialog.callId }, 'a surplus call could not be ended'),
  );
}

/** For an INVITE that was acknowledged. It is kept for half a minute, and so knows nothing but the exchange. */
export function endingSurplus(exchange: Exchange): SurplusHandler {
  return (response, invite) => endUnwanted(exchange, invite, Dialog.asClient(invite.request, response));
}
