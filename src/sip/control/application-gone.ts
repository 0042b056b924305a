import { Draft } from '../message/draft.ts';
import type { Application } from './application.ts';
import { endDialog, endUnwanted } from './end-dialog.ts';
import type { Exchange } from './exchange.ts';

/**
 * An application's connection is over. As recorded of drachtio-server, requests within its dialogs are answered 481 from now
 * on, or ended with BYE where that is set. Calls that it had not decided are not left hanging, other than there: callers hear 503, so that the network can try
 * elsewhere, and INVITEs that it had sent are cancelled.
 */
export function applicationGone(exchange: Exchange, application: Application): void {
  exchange.applications.remove(application);
  for (const pending of [...exchange.answerable.values()]) {
    if (pending.application !== application) continue;
    exchange.answerable.delete(pending.id);
    const { transaction } = pending;
    if (!transaction.answered) transaction.respond(Draft.answering(transaction.request, 503));
  }
  for (const pending of [...exchange.sent.values()]) {
    if (pending.application === application) exchange.layer.cancel(pending.transaction);
  }
  for (const entry of [...exchange.dialogs]) {
    if (entry.application !== application) continue;
    if (entry.awaitingAck) {
      endUnwanted(exchange, entry.awaitingAck.transaction, entry.dialog); // it was answered a moment ago, and nobody is there
      exchange.forget(entry);
    } else if (exchange.hangUpOrphans && entry.method === 'INVITE' && entry.dialog.state === 'confirmed') {
      endDialog(exchange, entry, 'The application is gone', 'system-initiated-termination');
    } else exchange.forget(entry);
  }
}
