import type { Application } from './application.ts';
import type { ApplicationRequest } from './application-message.ts';
import { addBody, addHeaders } from './complete.ts';
import { dialogHeaders } from './acknowledge.ts';
import type { Exchange } from './exchange.ts';
import { rewriteContact } from './local-names.ts';
import { headerOf } from './application-message.ts';
import { offerSession } from './session.ts';
import { send } from './send.ts';

/** Methods that carry our Contact within a dialog: those that may move the remote target (RFC 3261 12.2.1.1). */
const withContact = new Set(['INVITE', 'UPDATE', 'SUBSCRIBE', 'NOTIFY', 'REFER']);

/** `<id>|sip||<dialog id>` and a request: Request-URI, route, tags and CSeq are the dialog's, whatever the application writes. */
export function requestInDialog(
  exchange: Exchange,
  application: Application,
  id: string,
  dialogId: string,
  message: ApplicationRequest,
): void {
  const entry = exchange.dialogs.get(dialogId);
  if (!entry || entry.application !== application) {
    application.notOk(id, 'Server error: unable to find dialog for dialog id provided');
    return;
  }
  const { method } = message;
  const sequence = Number.parseInt(headerOf(message, 'rack') ?? '', 10);
  const dialog = (method === 'PRACK' ? entry.provisionals?.get(sequence) : undefined) ?? entry.dialog;
  const draft = dialog.request(method);
  addHeaders(draft, message, (name) => dialogHeaders.has(name));
  addBody(draft, message);
  offerSession(entry, draft);
  const contact = headerOf(message, 'contact');
  send(exchange, application, id, draft, {
    entry,
    nextHop: dialog.nextHop,
    adorn: (copy, local) => {
      if (contact !== undefined || withContact.has(method)) copy.add('Contact', rewriteContact(contact, local));
    },
  });
}
