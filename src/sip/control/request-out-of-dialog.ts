import { formatNameAddress, parseNameAddress } from '../message/address.ts';
import { Draft } from '../message/draft.ts';
import { parseUri } from '../message/uri.ts';
import { newCallId, newSequence, newTag } from '../transaction/ids.ts';
import type { Target } from '../transaction/wire.ts';
import type { Application } from './application.ts';
import { headerOf, type ApplicationRequest } from './application-message.ts';
import { addBody, addHeaders } from './complete.ts';
import type { Exchange } from './exchange.ts';
import { localUri, rewriteContact, rewriteParty } from './local-names.ts';
import { send } from './send.ts';

/** Methods that begin dialogs, so that the peer must learn where we are (RFC 3261 8.1.1.8). */
const withContact = new Set(['INVITE', 'SUBSCRIBE', 'REFER', 'NOTIFY', 'UPDATE']);

/** Written by the server, out of what the application gave. */
const ours = new Set(['via', 'from', 'to', 'contact', 'call-id', 'cseq']);

/** `<id>|sip||` and a request: begins a dialog, or stands alone. `proxy` is a URI to send it to in place of the Request-URI. */
export function requestOutOfDialog(
  exchange: Exchange,
  application: Application,
  id: string,
  message: ApplicationRequest,
  proxy: string,
): void {
  const { method, requestUri } = message;
  if (!parseUri(requestUri) || method === 'ACK') {
    application.notOk(id, `invalid request-uri: ${message.startLine}`);
    return;
  }
  const draft = Draft.request(method, requestUri);
  const tag = newTag();
  draft.add('Max-Forwards', headerOf(message, 'max-forwards') ?? '70');
  draft.add('From', tagged(headerOf(message, 'from') ?? `<${requestUri}>`, tag));
  draft.add('To', headerOf(message, 'to') ?? `<${requestUri}>`);
  draft.add('Call-ID', headerOf(message, 'call-id') ?? newCallId());
  const sequence = Number.parseInt(headerOf(message, 'cseq') ?? '', 10);
  draft.add(
    'CSeq',
    `${Number.isSafeInteger(sequence) && sequence > 0 && sequence < 2 ** 31 ? sequence : newSequence()} ${method}`,
  );
  addHeaders(draft, message, (name) => ours.has(name) || name === 'max-forwards');
  if (exchange.userAgent !== undefined && !draft.has('User-Agent')) draft.add('User-Agent', exchange.userAgent);
  addBody(draft, message);
  send(exchange, application, id, draft, {
    ...(proxy === '' ? {} : { nextHop: proxy }),
    adorn: (copy, local) => nameParties(copy, message, local, tag),
  });
}

/** A From with its tag: the dialog that begins is named by it before an address to send to is known. */
function tagged(from: string, tag: string): string {
  const address = parseNameAddress(from);
  if (!address || address.parameters.get('tag')) return from;
  address.parameters.set('tag', tag);
  return formatNameAddress(address);
}

function nameParties(draft: Draft, message: ApplicationRequest, local: Target, tag: string): void {
  const { method } = message;
  const from = rewriteParty(headerOf(message, 'from') ?? `<${localUri(local)}>`, local);
  if (!from) throw new Error(`From cannot be read: ${headerOf(message, 'from') ?? ''}`);
  if (!from.parameters.get('tag')) from.parameters.set('tag', tag);
  draft.set('From', formatNameAddress(from));

  const to = rewriteParty(headerOf(message, 'to') ?? `<${message.requestUri}>`, local);
  if (!to) throw new Error(`To cannot be read: ${headerOf(message, 'to') ?? ''}`);
  draft.set('To', formatNameAddress(to));

  const contact = headerOf(message, 'contact');
  if (method === 'REGISTER') {
    if (contact !== undefined) draft.add('Contact', contact); // bindings of others, perhaps `*`: kept as recorded
  } else if (contact !== undefined || withContact.has(method)) {
    draft.add('Contact', rewriteContact(contact, local));
  }
}
