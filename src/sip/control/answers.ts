import { Dialog } from '../dialog/dialog.ts';
import type { Response } from '../message/message.ts';
import type { ClientHandlers } from '../transaction/client-transaction.ts';
import type { Flow } from '../transaction/wire.ts';
import { endUnwanted } from './end-dialog.ts';
import { none, without, type DialogEntry, type Exchange, type PendingClient } from './exchange.ts';
import { forApplication } from './for-application.ts';
import { agreeAsClient } from './session.ts';
import { notified, subscribed, subscribes } from './subscription.ts';
import { arrivedResponse, madeUpResponse } from './leaders.ts';
import { madeUp } from './made-up.ts';

/** What becomes of the responses to a request that an application sent. */
export function answersOf(exchange: Exchange, pendingOf: () => PendingClient): ClientHandlers {
  return {
    response: (response, flow) => answered(exchange, pendingOf(), response, flow),
    repeated: () => pendingOf().entry?.sendAckAgain?.(),
    timeout: () => failed(exchange, pendingOf(), 408),
    transportError: () => failed(exchange, pendingOf(), 503),
  };
}

function answered(exchange: Exchange, pending: PendingClient, response: Response, flow: Flow): void {
  const { status } = response;
  if (status === 100) return; // never passed up (recorded)
  const success = status >= 200 && status < 300;
  const { method } = response.cseq;
  if (success && method === 'INVITE' && isSurplus(pending, response)) {
    endUnwanted(exchange, pending.transaction, Dialog.asClient(pending.transaction.request, response));
    if (!pending.application.connected) conclude(exchange, pending, 487);
    return;
  }
  if (!pending.application.connected) {
    if (status >= 200) conclude(exchange, pending, status);
    return; // nobody would end what begins now
  }
  if (success && method === 'INVITE' && pending.entry?.dialog.state === 'terminated') {
    // The call ended while this was on its way: it is acknowledged all the same, and as good as 487 (15.1.2)
    endUnwanted(exchange, pending.transaction, Dialog.asClient(pending.transaction.request, response));
    failed(exchange, pending, 487);
    return;
  }
  if (status < 300 && (method === 'INVITE' || subscribes.has(method))) updateDialog(exchange, pending, response);
  if (success && pending.entry) {
    pending.entry.dialog.refreshBy(response);
    subscribed(exchange, pending.entry, method, pending.transaction.request, response);
    agreeAsClient(exchange, pending.entry, pending.transaction.request, response);
  }
  if (status >= 200) conclude(exchange, pending, status);

  const octets = forApplication(response);
  const fields = arrivedResponse(exchange.clock, response.raw.length, flow, pending.id, pending.dialogId);
  pending.application.send(fields, octets);
  if (status >= 200 && isFirst(pending)) exchange.records.outcome('network', 'uac', status, octets);
}

/** A time-out is a 408, a transport error a 503 (RFC 3261 8.1.3.1). */
function failed(exchange: Exchange, pending: PendingClient, status: number): void {
  conclude(exchange, pending, status);
  const { request, target } = pending.transaction;
  const octets = madeUp(request, status).toBuffer();
  pending.application.send(madeUpResponse(exchange.clock, target.transport, pending.id, pending.dialogId), octets);
  if (isFirst(pending)) exchange.records.outcome('network', 'uac', status, octets);
}

/** The INVITE that begins a call, not one within it. */
function isFirst({ transaction, entry, id }: PendingClient): boolean {
  return transaction.method === 'INVITE' && (!entry || entry.transactionId === id);
}

/** No CANCEL any more; the id of the dialog that might have begun is free, or that of one that did. */
function settle(exchange: Exchange, pending: PendingClient): void {
  exchange.sent.delete(pending.id);
  if (pending.subscriber !== undefined) exchange.subscribing.delete(pending.subscriber);
  if (!pending.entry || pending.entry.transactionId === pending.id) exchange.beginning.delete(pending.dialogId);
}

/** After the final response: the dialog ends where the response says so. */
function conclude(exchange: Exchange, pending: PendingClient, status: number): void {
  settle(exchange, pending);
  const { entry } = pending;
  if (!entry) return;
  const { method } = pending.transaction;
  entry.inviting = without(entry.inviting, pending);
  if (method === 'NOTIFY') notified(entry, pending.transaction.request, status);
  const neverBegan = status >= 300 && entry.transactionId === pending.id && entry.dialog.state === 'early';
  if (method === 'BYE' || neverBegan) exchange.forget(entry);
}

/** Makes the dialog that the response begins, or confirms it (12.1.2, 13.2.2.4). */
function updateDialog(exchange: Exchange, pending: PendingClient, response: Response): void {
  const success = response.status >= 200;
  // 12.1.2: a 2xx without a tag comes from a peer of RFC 2543; its tag is null
  const toTag = response.to.parameters.get('tag') ?? (success ? '' : undefined);
  if (toTag === undefined) return;
  const entry = (pending.entry ??= begin(exchange, pending, response));
  if (entry.transactionId === pending.id) {
    const dialog = knownDialog(entry, toTag) ?? Dialog.asClient(pending.transaction.request, response);
    if (success) dialog.confirmBy(response);
    else entry.forks?.set(toTag, dialog);
    entry.dialog = dialog;
    const sequence = response.get('RSeq');
    if (sequence !== undefined) (entry.provisionals ??= new Map()).set(Number.parseInt(sequence, 10), dialog);
    if (response.status === 199) forget(entry, toTag);
    if (success) entry.forks = entry.provisionals = undefined;
  }
  if (!success || response.cseq.method !== 'INVITE') return;
  const hangUp = entry.transactionId === pending.id && response.get('Contact') === undefined;
  entry.awaitingAck = { transaction: pending.transaction, toTag, hangUp };
}

/** A fork of the call, or what a NOTIFY has begun before its 2xx. */
function knownDialog(entry: DialogEntry, tag: string): Dialog | undefined {
  return entry.forks?.get(tag) ?? (entry.dialog.remoteTag === tag ? entry.dialog : undefined);
}

/** RFC 6228 4: an early dialog is over, and others go on. Its PRACK is still to be sent. */
function forget(entry: DialogEntry, tag: string): void {
  entry.forks?.delete(tag);
  entry.dialog = [...(entry.forks?.values() ?? [])].at(-1) ?? entry.dialog;
}

function begin(exchange: Exchange, pending: PendingClient, response: Response): DialogEntry {
  const dialog = Dialog.asClient(pending.transaction.request, response);
  const entry: DialogEntry = {
    id: pending.dialogId,
    callId: dialog.callId,
    localTag: dialog.localTag,
    application: pending.application,
    method: pending.transaction.method,
    dialog,
    forks: new Map([[dialog.remoteTag, dialog]]),
    transactionId: pending.id,
    awaitingAck: undefined,
    unanswered: undefined,
    ownsCallId: true,
    inviting: pending.transaction.method === 'INVITE' ? [pending] : none,
    reliable: undefined,
  };
  exchange.dialogs.add(entry);
  return entry;
}

/** A 2xx of another branch after the call was answered, or after its application is gone. */
function isSurplus(pending: PendingClient, response: Response): boolean {
  if (!pending.application.connected) return true;
  const { entry } = pending;
  if (!entry || entry.transactionId !== pending.id || entry.dialog.state === 'early') return false;
  return entry.dialog.remoteTag !== (response.to.parameters.get('tag') ?? '');
}
