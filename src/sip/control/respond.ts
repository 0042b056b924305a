import { Dialog } from '../dialog/dialog.ts';
import { Draft } from '../message/draft.ts';
import { tagOf } from '../transaction/prepare-response.ts';
import { remoteOf } from '../transaction/wire.ts';
import type { Application } from './application.ts';
import { headerOf, type ApplicationResponse } from './application-message.ts';
import { addBody, addHeaders } from './complete.ts';
import { none, type DialogEntry, type Exchange, type PendingServer } from './exchange.ts';
import { sentResponse } from './leaders.ts';
import { rewriteContact } from './local-names.ts';
import { agreeAsServer } from './session.ts';
import { notified, subscribed } from './subscription.ts';
import { ReliableProvisionals } from './reliable-provisional.ts';

/** What a response takes from its request, whatever the application writes (RFC 3261 8.2.6.2). */
const copied = new Set(['via', 'from', 'to', 'call-id', 'cseq', 'record-route']);

/** Methods whose responses carry our Contact, and those that begin a dialog. */
const withContact = new Set(['INVITE', 'SUBSCRIBE', 'UPDATE', 'REFER']);
const beginsDialog = new Set(['INVITE', 'SUBSCRIBE', 'REFER']);

/** `<id>|sip|<transaction id>|` and a response: the answer to a request that arrived. */
export function respond(
  exchange: Exchange,
  application: Application,
  id: string,
  transactionId: string,
  message: ApplicationResponse,
): void {
  const pending = exchange.answerable.get(transactionId);
  if (!pending || pending.application !== application) {
    application.notOk(id, 'Response not sent due to unknown transaction');
    return;
  }
  const { transaction } = pending;
  const { method, flow, request } = transaction; // the request is let go with its answer
  const draft = write(exchange, pending, message);
  const { status } = message;

  if (status > 100 && status < 300 && beginsDialog.has(method)) begin(exchange, pending, draft, status);
  const reliable = status > 100 && status < 200 && method === 'INVITE' && isReliable(message);
  const sequence = reliable && pending.entry ? number(exchange, pending, pending.entry, draft) : undefined;
  if (pending.entry && status >= 200 && status < 300) {
    agreeAsServer(exchange, pending.entry, request, draft);
    subscribed(exchange, pending.entry, method, request, draft);
  }
  const octets = transaction.respond(draft);
  if (status === 403 && !pending.entry) exchange.layer.forbade(flow);
  if (sequence !== undefined) pending.entry?.reliable?.sent(sequence, octets);
  const { entry } = pending;
  if (status >= 200) close(exchange, pending, status);
  if (entry && status >= 200 && method === 'NOTIFY') notified(entry, request, status);
  const dialog = method === 'BYE' ? '' : (entry?.id ?? '');
  application.ok(id, sentResponse(exchange.clock, octets.length, flow, method, transactionId, dialog), octets);
  const began = method === 'INVITE' && (!entry || entry.transactionId === pending.id);
  if (began && status >= 200) exchange.records.outcome('application', 'uas', status, octets);
}

/** RFC 3262 3: `Require: 100rel` (drachtio-srf's users also write RSeq) makes a provisional response reliable. */
function isReliable(message: ApplicationResponse): boolean {
  return headerOf(message, 'rseq') !== undefined || /\b100rel\b/i.test(headerOf(message, 'require') ?? '');
}

/** RSeq is the server's, whatever the application wrote (recorded). */
function number(exchange: Exchange, pending: PendingServer, entry: DialogEntry, draft: Draft): number {
  const { transaction } = pending;
  entry.reliable ??= new ReliableProvisionals({
    clock: exchange.clock,
    timers: exchange.layer.timers,
    resend: (octets) => transaction.resend(octets),
    givenUp: () => {
      exchange.log.warn({ callId: entry.callId }, 'a reliable provisional response got no PRACK');
      if (!transaction.answered) transaction.respond(Draft.answering(transaction.request, 504));
      close(exchange, pending, 504);
    },
  });
  const sequence = entry.reliable.nextSequence();
  draft.set('RSeq', String(sequence));
  if (!/\b100rel\b/i.test(draft.all('Require').join(','))) draft.add('Require', '100rel');
  return sequence;
}

function write(exchange: Exchange, pending: PendingServer, message: ApplicationResponse): Draft {
  const { transaction } = pending;
  const { request, flow, method } = transaction;
  const { status } = message;
  const draft = Draft.answering(request, status, message.reason === '' ? undefined : message.reason);
  const tag = forcedTag(message);
  if (tag !== undefined && !request.to.parameters.has('tag')) draft.set('To', `${request.get('To') ?? ''};tag=${tag}`);

  const mayBegin = status > 100 && status < 300;
  // 12.1.1: the route set is copied into responses that begin a dialog
  if (mayBegin && beginsDialog.has(method))
    for (const route of request.all('Record-Route')) draft.add('Record-Route', route);
  addHeaders(draft, message, (name) => copied.has(name) || name === 'contact');
  const contact = headerOf(message, 'contact');
  if (status >= 300 || method === 'REGISTER') {
    // 3xx name other places (8.1.3.4), REGISTER's are bindings (10.3): not ours to rewrite
    if (contact !== undefined) draft.add('Contact', contact);
  } else if (contact !== undefined || (mayBegin && withContact.has(method))) {
    draft.add('Contact', rewriteContact(contact, exchange.localFor(remoteOf(flow))));
  }
  if (exchange.userAgent !== undefined && status >= 200 && !draft.has('Server'))
    draft.add('Server', exchange.userAgent);
  addBody(draft, message);
  return draft;
}

/** drachtio-srf's way to choose the To tag: it stands in the To of the response. */
function forcedTag(message: ApplicationResponse): string | undefined {
  return /(?:^|;)\s*tag=([^;\s,>]+)\s*$/.exec(headerOf(message, 'to') ?? '')?.[1];
}

/** A 101 to 299 makes or confirms the dialog (12.1.1). Within a dialog nothing begins, and a 2xx refreshes no more than the request did. */
function begin(exchange: Exchange, pending: PendingServer, draft: Draft, status: number): void {
  const { request } = pending.transaction;
  if (pending.entry) {
    if (status >= 200) pending.entry.dialog.confirm();
    return;
  }
  const localTag = tagOf(draft.get('To') ?? '') ?? pending.transaction.localTag;
  const state = status < 200 ? 'early' : 'confirmed';
  const fromTag = request.from.parameters.get('tag') ?? '';
  const dialog = Dialog.asServer(request, localTag, state);
  const entry: DialogEntry = {
    id: exchange.newDialogId(request.callId, fromTag),
    callId: dialog.callId,
    localTag: dialog.localTag,
    application: pending.application,
    method: pending.transaction.method,
    dialog,
    forks: undefined,
    transactionId: pending.id,
    awaitingAck: undefined,
    unanswered: pending,
    inviting: none,
    reliable: undefined,
  };
  pending.entry = entry;
  exchange.dialogs.add(entry);
}

/** After a final response: the application may not answer again, and dialogs end where the response says so. */
function close(exchange: Exchange, pending: PendingServer, status: number): void {
  exchange.answerable.delete(pending.id);
  const { entry } = pending;
  if (!entry) return;
  if (pending.transaction.method === 'INVITE') entry.reliable?.stop();
  if (entry.unanswered === pending) entry.unanswered = undefined;
  if (entry.updated === pending) entry.updated = undefined;
  const refused = status >= 300 && entry.transactionId === pending.id;
  if (refused) exchange.forget(entry);
  if (pending.transaction.method !== 'BYE') return;
  exchange.forget(entry);
  // 15.1.2: an INVITE that is still open when its dialog ends is answered 487
  const { unanswered } = entry;
  if (!unanswered) return;
  unanswered.transaction.respond(Draft.answering(unanswered.transaction.request, 487));
}
