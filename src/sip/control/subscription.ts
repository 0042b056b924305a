import { Dialog } from '../dialog/dialog.ts';
import { Subscriptions } from '../dialog/subscriptions.ts';
import type { Draft } from '../message/draft.ts';
import type { Message, Request } from '../message/message.ts';
import { giveUpAfter } from '../transaction/timers.ts';
import { none, type DialogEntry, type Exchange } from './exchange.ts';

/** Subscriptions (RFC 6665, RFC 3515): what begins a dialog of theirs, and when it is over, as nobody sends BYE in it. */

/** Methods that begin a subscription, and a dialog where they stand outside of any. */
export const subscribes = new Set(['SUBSCRIBE', 'REFER']);

/** How long a subscription lasts of which nothing is said. Seconds. */
const untoldExpiry = 3600;
const longestExpiry = 86_400;

/** A 2xx to a SUBSCRIBE or REFER, of either side, where a subscription began the dialog. */
export function subscribed(
  exchange: Exchange,
  entry: DialogEntry,
  method: string,
  request: Message | Draft,
  response: Message | Draft,
): void {
  if (!subscribes.has(method) || !subscribes.has(entry.method) || entry.dialog.state === 'terminated') return;
  const { clock, layer } = exchange;
  entry.subscriptions ??= new Subscriptions(clock, giveUpAfter(layer.timers), () => exchange.forget(entry));
  const said = response.get('Expires') ?? (method === 'SUBSCRIBE' ? request.get('Expires') : undefined);
  entry.subscriptions.stands(method === 'REFER' ? 'refer' : eventOf(request), secondsOf(said));
}

/** A NOTIFY of either side has its final response (RFC 6665 4.1.3, 4.2.2). */
export function notified(entry: DialogEntry, notify: Message | Draft, status: number): void {
  const state = notify.get('Subscription-State') ?? '';
  if (!entry.subscriptions) return;
  if (/^\s*terminated\b/i.test(state) || status === 481 || status === 408) {
    entry.subscriptions.terminated(eventOf(notify));
  } else if (status < 300) {
    const expires = /;\s*expires\s*=\s*(\d+)/i.exec(state)?.[1];
    if (expires !== undefined) entry.subscriptions.stands(eventOf(notify), secondsOf(expires));
  }
}

/** RFC 6665 4.1.2.4: a NOTIFY may overtake the 2xx to its SUBSCRIBE; it begins the dialog. */
export function beginByNotify(exchange: Exchange, notify: Request): DialogEntry | undefined {
  if (notify.method !== 'NOTIFY') return undefined;
  const pending = exchange.subscribing.get(subscriberKey(notify.callId, notify.to.parameters.get('tag') ?? ''));
  if (!pending || pending.entry) return undefined;
  const dialog = Dialog.asSubscriber(pending.transaction.request, notify);
  const { application, transaction } = pending;
  const entry: DialogEntry = {
    id: pending.dialogId,
    callId: dialog.callId,
    localTag: dialog.localTag,
    application,
    method: transaction.method,
    dialog,
    forks: undefined,
    transactionId: pending.id,
    awaitingAck: undefined,
    unanswered: undefined,
    ownsCallId: true,
    inviting: none,
    reliable: undefined,
  };
  pending.entry = entry;
  exchange.dialogs.add(entry);
  // Should no 2xx come any more, the NOTIFY alone stands for the subscription
  subscribed(exchange, entry, transaction.method, transaction.request, notify);
  return entry;
}

export function subscriberKey(callId: string, localTag: string): string {
  return `${localTag} ${callId}`;
}

/** Event with its id (RFC 6665 8.2.1); all REFERs count as one. */
function eventOf(message: Message | Draft): string {
  const event = (message.get('Event') ?? 'refer').toLowerCase().replaceAll(/\s/g, '');
  return event.startsWith('refer;') ? 'refer' : event;
}

function secondsOf(value: string | undefined): number {
  const seconds = Number.parseInt(value ?? '', 10);
  return Number.isNaN(seconds) ? untoldExpiry : Math.min(seconds, longestExpiry);
}
