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
