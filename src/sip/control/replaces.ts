import { Draft } from '../message/draft.ts';
import type { Request } from '../message/message.ts';
import { readReplaces, type Replaces } from '../message/replaces.ts';
import type { DialogEntry, Exchange } from './exchange.ts';

/** What is to be done with a request that may hold a Replaces. */
export type ReplacesVerdict =
  | { readonly kind: 'none' }
  | { readonly kind: 'refused'; readonly response: Draft }
  /** It goes to the application that has the dialog, which answers it and then ends (or cancels) what it replaces. */
  | { readonly kind: 'replaces'; readonly entry: DialogEntry };

/**
 * Judges the Replaces of a request outside of dialogs by RFC 3891 3. Whether the sender may do this at all is for the application
 * to say.
 */
export function judgeReplaces(exchange: Exchange, request: Request): ReplacesVerdict {
  const values = request.all('Replaces');
  const [value] = values;
  if (value === undefined) return { kind: 'none' };
  const refuse = (status: number, reason?: string): ReplacesVerdict => ({
    kind: 'refused',
    response: Draft.answering(request, status, reason),
  });
  const replaces = readReplaces(value);
  if (request.method !== 'INVITE' || values.length > 1 || request.get('Join') !== undefined || !replaces) {
    return refuse(400, 'Bad Replaces');
  }
  const entry = find(exchange, replaces);
  if (!entry) {
    if (exchange.ended.has(replaces.callId, replaces.toTag)) return refuse(603);
    return exchange.passUnknownReplaces ? { kind: 'none' } : refuse(481);
  }
  if (entry.method !== 'INVITE') return refuse(481);
  if (entry.dialog.state === 'confirmed') return replaces.earlyOnly ? refuse(486) : { kind: 'replaces', entry };
  // An early dialog may be taken over only from who called
  return entry.ownsCallId === true ? { kind: 'replaces', entry } : refuse(481);
}

function find(exchange: Exchange, { callId, toTag, fromTag }: Replaces): DialogEntry | undefined {
  const entry = exchange.dialogs.find(callId, toTag);
  if (!entry) return undefined;
  // A peer of RFC 2543 has no tag, which is written 0 (RFC 3891 3)
  const known = [entry.dialog, ...(entry.forks?.values() ?? [])].map(({ remoteTag }) => remoteTag);
  return known.includes(fromTag) || (fromTag === '0' && known.includes('')) ? entry : undefined;
}
