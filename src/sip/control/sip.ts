import { acknowledge } from './acknowledge.ts';
import type { Application } from './application.ts';
import { headerOf, readApplicationMessage } from './application-message.ts';
import { cancel } from './cancel.ts';
import type { Exchange } from './exchange.ts';
import type { Frame } from './framing.ts';
import { requestInDialog } from './request-in-dialog.ts';
import { requestOutOfDialog } from './request-out-of-dialog.ts';
import { respond } from './respond.ts';

/** `<id>|sip|<transaction id>|<dialog id>|<proxy>` and a SIP message: which of the two ids is there says what it is. */
export function sip(exchange: Exchange, application: Application, frame: Frame): void {
  const [id = '', , transactionId = '', dialogId = '', proxy = ''] = frame.fields;
  const message = readApplicationMessage(frame.message);
  try {
    if (!message) application.notOk(id, `invalid request-uri: ${firstLine(frame.message)}`);
    else if (message.kind === 'response') respond(exchange, application, id, transactionId, message);
    else if (message.method === 'CANCEL') cancel(exchange, application, id, transactionId, message);
    else if (dialogId === '') requestOutOfDialog(exchange, application, id, message, proxy);
    else if (message.method === 'ACK') acknowledge(exchange, application, id, dialogId, message);
    else requestInDialog(exchange, application, id, dialogId, message);
  } catch (error) {
    // What an application writes may be unwritable (a line break in a value): its own error, its own answer.
    const callId = message && headerOf(message, 'call-id');
    exchange.log.warn({ err: error, callId }, 'a SIP message of the application was not sent');
    application.notOk(id, error instanceof Error ? error.message : String(error));
  }
}

function firstLine(message: Buffer): string {
  const end = message.indexOf('\r\n');
  return message.toString('utf8', 0, end < 0 ? Math.min(message.length, 200) : end);
}
