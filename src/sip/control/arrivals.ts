import { randomInt, randomUUID } from 'node:crypto';
import { Draft } from '../message/draft.ts';
import type { Request } from '../message/message.ts';
import type { ServerTransaction } from '../transaction/server-transaction.ts';
import type { Flow } from '../transaction/wire.ts';
import type { Application } from './application.ts';
import type { DialogEntry, Exchange, PendingServer } from './exchange.ts';
import { forApplication } from './for-application.ts';
import { endDialog } from './end-dialog.ts';
import { arrivedRequest } from './leaders.ts';
import { mergeKey } from './merge-key.ts';
import { judgeReplaces } from './replaces.ts';
import { relayAck, relayRequest } from './proxy/relay.ts';
import { intervalTooSmall } from './session.ts';
import { beginByNotify } from './subscription.ts';
import { extensionRequired, unacceptable } from './unacceptable.ts';

/** What the server itself can do, for OPTIONS that no application takes (RFC 3261 11.2). */
const allowed =
  'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, MESSAGE, NOTIFY, PRACK, PUBLISH, REFER, REGISTER, SUBSCRIBE, UPDATE';

/** Seconds after which a caller may try again while we drain. */
const retryAfter = '30';

/** Connects the network's side: every request goes to an application, or is answered here. */
export function passArrivals(exchange: Exchange): void {
  exchange.layer.tellsDialogsBy(
    (request) => exchange.dialogs.of(request) !== undefined || exchange.recordRoutes.remaining(request) !== undefined,
  );
  exchange.layer.on('request', (transaction) => arrived(exchange, transaction));
  exchange.layer.on('strayAck', (ack) => {
    if (!relayAck(exchange, ack)) exchange.layer.counters.stray();
  });
  exchange.layer.on('ack', (ack, flow, invite) => acknowledged(exchange, ack, flow, invite));
}

function arrived(exchange: Exchange, transaction: ServerTransaction): void {
  const { request } = transaction;
  if (request.to.parameters.has('tag')) {
    if (!relayRequest(exchange, transaction)) inDialog(exchange, transaction);
  } else outOfDialog(exchange, transaction);
}

function inDialog(exchange: Exchange, transaction: ServerTransaction): void {
  const { request, method } = transaction;
  const entry = exchange.dialogs.of(request) ?? beginByNotify(exchange, request);
  const remoteTag = request.from.parameters.get('tag') ?? '';
  const dialog = entry?.dialog.remoteTag === remoteTag ? entry.dialog : entry?.forks?.get(remoteTag);
  if (!entry || !dialog) {
    transaction.respond(Draft.answering(request, 481)); // 12.2.2
    return;
  }
  if (!dialog.accept(request)) {
    transaction.respond(Draft.answering(request, 500, 'CSeq out of order')); // 12.2.2
    return;
  }
  const crossing = collision(request, entry);
  if (crossing) {
    transaction.respond(crossing);
    return;
  }
  const tooSmall = intervalTooSmall(request);
  if (tooSmall) {
    transaction.respond(tooSmall);
    return;
  }
  if (method === 'PRACK' && entry.reliable?.acknowledge(request.get('RAck')) !== true) {
    transaction.respond(Draft.answering(request, 481)); // RFC 3262 3
    return;
  }
  deliver(exchange, entry.application, transaction, entry);
}

/**
 * The answer to an INVITE or UPDATE that comes while another is open; undefined when none is. One that comes too early hears 500
 * with Retry-After, one that crosses ours 491 (14.2; RFC 3311 5.2: for UPDATE as far as both hold offers).
 */
function collision(request: Request, entry: DialogEntry): Draft | undefined {
  const { method } = request;
  if (method !== 'INVITE' && method !== 'UPDATE') return undefined;
  const offers = method === 'INVITE' || request.body.length > 0;
  if (method === 'INVITE' ? entry.unanswered : entry.updated) {
    return Draft.answering(request, 500, `Overlapping ${method}`).add('Retry-After', String(randomInt(11)));
  }
  // Before the call is answered an UPDATE may follow an answer that came reliably: only the peers can tell
  const crosses = offers && entry.inviting.length > 0 && (method === 'INVITE' || entry.dialog.state === 'confirmed');
  return crosses ? Draft.answering(request, 491) : undefined;
}

function outOfDialog(exchange: Exchange, transaction: ServerTransaction): void {
  const { request, method } = transaction;
  const replacing = judgeReplaces(exchange, request);
  if (replacing.kind === 'refused') {
    transaction.respond(replacing.response);
    return;
  }
  const application =
    replacing.kind === 'replaces' ? replacing.entry.application : exchange.applications.choose(method);
  const refusal = unacceptable(request, application !== undefined);
  if (refusal) {
    transaction.respond(refusal);
    return;
  }
  if (method === 'INVITE' && request.get('Contact') === undefined) {
    // 8.1.1.8; without it drachtio-srf could not make a dialog, nor could we send anything within it
    transaction.respond(Draft.answering(request, 400, 'Missing Contact'));
    return;
  }
  if (exchange.draining && method !== 'OPTIONS') {
    transaction.respond(Draft.answering(request, 503).add('Retry-After', retryAfter));
    return;
  }
  const tooSmall = intervalTooSmall(request);
  if (tooSmall && application) {
    transaction.respond(tooSmall);
    return;
  }
  if (exchange.unmerged.has(mergeKey(request))) {
    transaction.respond(Draft.answering(request, 482)); // 8.2.2.2: it came here by several ways
    return;
  }
  if (application) deliver(exchange, application, transaction, undefined);
  else if (method === 'OPTIONS') transaction.respond(capabilities(exchange, request));
  else transaction.respond(Draft.answering(request, 503));
}

function capabilities(exchange: Exchange, request: Request): Draft {
  if (exchange.draining) return Draft.answering(request, 503).add('Retry-After', retryAfter);
  return (
    extensionRequired(request) ?? Draft.answering(request, 200).add('Allow', allowed).add('Accept', 'application/sdp')
  );
}

function deliver(
  exchange: Exchange,
  application: Application,
  transaction: ServerTransaction,
  entry: DialogEntry | undefined,
): void {
  const { request, flow, method } = transaction;
  const pending: PendingServer = { id: randomUUID(), application, transaction, entry };
  exchange.answerable.set(pending.id, pending);
  exchange.arrived.set(transaction, pending);
  if (entry && method === 'INVITE') entry.unanswered = pending;
  if (entry && method === 'UPDATE') entry.updated = pending;
  const key = entry ? undefined : mergeKey(request);
  if (key !== undefined) exchange.unmerged.add(key);
  transaction.handle({
    cancelled: (cancel) => cancelled(exchange, pending, cancel),
    unacknowledged: () => unacknowledged(exchange, pending),
    settled: () => {
      exchange.answerable.delete(pending.id);
      exchange.arrived.delete(transaction);
      const { entry } = pending;
      if (!entry) return;
      entry.reliable?.stop();
      if (entry.unanswered === pending) entry.unanswered = undefined;
      if (entry.updated === pending) entry.updated = undefined;
    },
    ...(key !== undefined && { ended: forgetting(exchange, key) }),
  });
  const fields = arrivedRequest(exchange.clock, request.raw.length, flow, pending.id, entry?.id ?? '', method);
  const octets = forApplication(request);
  application.send(fields, octets);
  if (method === 'INVITE' && !entry) exchange.records.attempt('network', octets);
  if (method === 'BYE' && entry) exchange.records.stop('network', 'normal-release', octets);
}

/** Made apart from the other handlers: it outlives them, and what they hold is to be let go. */
function forgetting(exchange: Exchange, key: string): () => void {
  return () => void exchange.unmerged.delete(key);
}

/** As recorded, the INVITE is answered 487 here; the application is told, and its own 487 finds no transaction. */
function cancelled(exchange: Exchange, pending: PendingServer, cancel: Request): void {
  const { transaction, application, entry } = pending;
  const { flow, request } = transaction;
  transaction.respond(Draft.answering(request, 487));
  const fields = arrivedRequest(exchange.clock, request.raw.length, flow, pending.id, entry?.id ?? '', 'CANCEL');
  const octets = forApplication(cancel);
  application.send(fields, octets);
  if (entry && entry.transactionId !== pending.id) return;
  exchange.records.stop('network', 'call-canceled', octets);
  if (entry) exchange.forget(entry);
}

/** The ACK for a 2xx: for the INVITE that began the dialog it carries that one's id, else one of its own (recorded). */
function acknowledged(exchange: Exchange, ack: Request, flow: Flow, invite: ServerTransaction): void {
  const pending = exchange.arrived.get(invite);
  const entry = pending?.entry;
  if (!pending || !entry) return;
  const id = entry.transactionId === pending.id ? pending.id : randomUUID();
  const fields = arrivedRequest(exchange.clock, ack.raw.length, flow, id, entry.id, 'ACK');
  entry.application.send(fields, forApplication(ack));
}

/** 13.3.1.4: no ACK within 64*T1, so the dialog is ended with a BYE of our own, and the application is told. */
function unacknowledged(exchange: Exchange, pending: PendingServer): void {
  const { entry } = pending;
  if (entry) endDialog(exchange, entry, 'ACK timeout', 'system-initiated-termination');
}
