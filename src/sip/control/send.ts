import { randomUUID } from 'node:crypto';
import { nextHop } from '../dialog/dialog.ts';
import { Unlocatable, type Located } from '../transport/locator.ts';
import { parseNameAddress } from '../message/address.ts';
import type { Draft } from '../message/draft.ts';
import type { ClientTransaction } from '../transaction/client-transaction.ts';
import type { Target } from '../transaction/wire.ts';
import type { Application } from './application.ts';
import type { DialogEntry, Exchange, PendingClient } from './exchange.ts';
import { madeUpResponse, sentRequest } from './leaders.ts';
import { madeUp } from './made-up.ts';
import { subscriberKey, subscribes } from './subscription.ts';
import { answersOf } from './answers.ts';
import { attempt } from './attempts.ts';

interface SendOptions {
  /** The dialog that the request belongs to. */
  readonly entry?: DialogEntry;
  /** A URI to send to, in place of Route and Request-URI. */
  readonly nextHop?: string;
  /** Writes what depends on the address we send from. */
  adorn(draft: Draft, local: Target): void;
}

/** What Via, From, To and Contact may add to a request once its target is known. */
const addedOctets = 200;

/** Sends a request of the application in a new transaction, and answers its frame with the echo. */
export function send(
  exchange: Exchange,
  application: Application,
  id: string,
  draft: Draft,
  options: SendOptions,
): void {
  const hop = options.nextHop ?? nextHop(draft);
  const octets = draft.length + addedOctets;
  const notSent = (error: unknown): void => {
    if (error instanceof Unlocatable) nowhere(exchange, application, id, draft, options);
    else {
      exchange.log.warn({ err: error, callId: draft.get('Call-ID') }, 'a request of the application was not sent');
      application.notOk(id, error instanceof Error ? error.message : String(error));
    }
  };
  const targets = exchange.locator.locateNow(hop, octets);
  const acknowledging = options.entry?.acknowledging;
  if (targets && !acknowledging) {
    sendTo(exchange, application, id, draft, targets, options); // what it throws is answered as any other fault of the frame
    return;
  }
  Promise.all([targets ?? exchange.locator.locateAll(hop, octets), acknowledging])
    .then(([found]) => sendTo(exchange, application, id, draft, found, options))
    .catch(notSent);
}

function sendTo(
  exchange: Exchange,
  application: Application,
  id: string,
  draft: Draft,
  targets: Located,
  options: SendOptions,
): void {
  const transactionId = randomUUID();
  const dialogId = options.entry?.id ?? beginningDialog(exchange, draft);
  if (!options.entry && dialogId !== '') exchange.beginning.add(dialogId);
  const subscriber = options.entry ? undefined : beginningSubscription(draft);
  const pending: PendingClient = {
    id: transactionId,
    ...(subscriber !== undefined && { subscriber }),
    application,
    dialogId,
    entry: options.entry,
    cancelled: false,
    transaction: attempt(exchange, {
      draft,
      targets,
      handlers: answersOf(exchange, () => pending),
      adorn: (copy, target) => options.adorn(copy, exchange.localFor(target)),
      replaced: (transaction) => void (pending.transaction = transaction),
      wanted: () => !pending.cancelled && application.connected,
    }),
  };
  exchange.sent.set(transactionId, pending);
  if (subscriber !== undefined) exchange.subscribing.set(subscriber, pending);
  if (options.entry && offers(pending.transaction)) options.entry.inviting = [...options.entry.inviting, pending];
  const { octets, method, target } = pending.transaction;
  const local = exchange.localFor(target);
  if (method === 'INVITE' && !options.entry) exchange.records.attempt('application', octets);
  if (method === 'BYE' && options.entry) exchange.records.stop('application', 'normal-release', octets);
  application.ok(id, sentRequest(exchange.clock, octets.length, local, transactionId), octets);
}

/** The id of the dialog that an INVITE, SUBSCRIBE or REFER begins: on its failures too it stands in the frames (recorded for INVITE). */
function beginningDialog(exchange: Exchange, draft: Draft): string {
  if (draft.startLine.kind !== 'request') return '';
  const { method } = draft.startLine;
  if (method !== 'INVITE' && !subscribes.has(method)) return '';
  return exchange.newDialogId(draft.get('Call-ID') ?? '', fromTagOf(draft));
}

/** Whether it excludes an INVITE of the peer meanwhile, and an offer in its UPDATE (RFC 3261 14.1, RFC 3311 5.2). */
function offers({ method, request }: ClientTransaction): boolean {
  return method === 'INVITE' || (method === 'UPDATE' && request.body.length > 0);
}

/** What a NOTIFY will carry to a SUBSCRIBE or REFER outside of dialogs. */
function beginningSubscription(draft: Draft): string | undefined {
  if (draft.startLine.kind !== 'request' || !subscribes.has(draft.startLine.method)) return undefined;
  return subscriberKey(draft.get('Call-ID') ?? '', fromTagOf(draft));
}

function fromTagOf(draft: Draft): string {
  return parseNameAddress(draft.get('From') ?? '')?.parameters.get('tag') ?? '';
}

/** No address: as recorded, the application hears OK without one, and then 503. */
function nowhere(exchange: Exchange, application: Application, id: string, draft: Draft, options: SendOptions): void {
  const transactionId = randomUUID();
  application.ok(id, sentRequest(exchange.clock, 0, undefined, transactionId), draft.toBuffer());
  const dialog = options.entry?.id ?? beginningDialog(exchange, draft);
  application.send(
    madeUpResponse(exchange.clock, 'unknown', transactionId, dialog),
    madeUp(draft, 503, 'DNS Error').toBuffer(),
  );
}
