import type { DivertingUser } from './diverting.ts';
import { formatParameters, type Parameters } from '../sip/message/parameters.ts';
import { unquote } from '../sip/message/syntax.ts';
import { isIndex, type HistoryEntry } from './history-entry.ts';
import type { History } from './history-info.ts';
import type { PhoneNumber } from './phone-number.ts';
import type { Reading } from './read.ts';
import { causeOfReason, reasonOfToken, type RedirectReason } from './redirect-reason.ts';
import { isPlainUri } from './rewritable.ts';
import { anonymousUri, legTokenParameter, styledUri, type WritingStyle } from './writing-style.ts';

/** Who diverted, oldest first, the subscriber among them: a call that comes plainly is diverted by the subscriber alone. */
export function divertingUsers(reading: Reading, subscriber: PhoneNumber): readonly DivertingUser[] {
  const { chain, firstCalled } = reading;
  if (chain.some((user) => user.number === subscriber)) return chain;
  const user = (number: PhoneNumber, reason: RedirectReason): DivertingUser => ({
    number,
    reason,
    private: number === firstCalled && reading.firstCalledPrivate,
    counter: 1,
    source: 'diversion',
  });
  // The subscriber deflects the ringing call, unless the network said why it came.
  const known = reading.reason === null || reading.reason === 'service-number-translation' ? undefined : reading.reason;
  const last = user(subscriber, (chain.length === 0 ? known : undefined) ?? 'deflection');
  if (chain.length > 0 || firstCalled === null || firstCalled === subscriber) return [...chain, last];
  return [user(firstCalled, 'unknown'), last];
}

/** The values of Diversion header lines, newest first (RFC 5806). */
export function presentDiversion(reading: Reading, users: readonly DivertingUser[], style: WritingStyle): string[] {
  const sum = users.reduce((total, user) => total + user.counter, 0);
  return users.toReversed().map((user, i) => {
    // What the network counted beyond its entries goes with the newest one (RFC 7544 5).
    const counter = Math.min(99, user.counter + (i === 0 ? Math.max(0, reading.counter - sum) : 0));
    const parameters = diversionParameters(user, counter, style);
    if (i === 0 && style.legToken !== undefined) parameters.set(legTokenParameter, style.legToken);
    return `<${diversionUri(user, style)}>${formatParameters(parameters)}`;
  });
}

/** Another node's parameters stay as it wrote them, but for what we know better. */
function diversionParameters(user: DivertingUser, counter: number, style: WritingStyle): Parameters {
  const hidden = user.private && !style.trusted;
  const parameters: Parameters = new Map(hidden ? [] : user.parameters);
  const written = unquote(parameters.get('reason') ?? '');
  if (written === '' || reasonOfToken(written) !== user.reason) parameters.set('reason', user.reason);
  parameters.set('counter', String(counter));
  if (user.limit !== undefined) parameters.set('limit', String(user.limit));
  const privacy = unquote(parameters.get('privacy') ?? '').toLowerCase();
  if (user.private && privacy !== 'full' && privacy !== 'uri') parameters.set('privacy', 'full');
  return parameters;
}

function diversionUri(user: DivertingUser, style: WritingStyle): string {
  if (user.number === null || (user.private && !style.trusted)) return anonymousUri;
  // Another node's entry stays as it wrote it; out of History-Info it may have a cause and headers that do not belong here.
  if (user.source === 'diversion' && isPlainUri(user.uri)) return user.uri;
  return styledUri(user.number, style) ?? anonymousUri;
}

/**
 * The entries of History-Info (RFC 7044), oldest first: those received, with the final called number as one more branch
 * of the last diversion; those received and the chain behind them, where they tell of no diversion; or, where none came
 * or they cannot stay, entries built from the chain.
 */
export function presentHistory(
  reading: Reading,
  users: readonly DivertingUser[],
  to: PhoneNumber,
  style: WritingStyle,
): string[] {
  const target = styledUri(to, style);
  const newest = users.at(-1);
  if (target === undefined || !newest) return [];
  const before = keptEntries(reading.history, newest, style);
  return (
    continued(before, reading.history, newest, target, style) ?? built(before, reading.history, users, target, style)
  );
}

/** The entries that came, when all of them may go on as they are. */
function keptEntries({ entries }: History, newest: DivertingUser, style: WritingStyle): readonly HistoryEntry[] {
  if (!style.trusted && (entries.some((entry) => entry.private) || newest.private)) return [];
  return entries.every((entry) => isIndex(entry.index) && isPlainUri(entry.uri)) ? entries : [];
}

function continued(
  entries: readonly HistoryEntry[],
  { target: before }: History,
  newest: DivertingUser,
  target: string,
  style: WritingStyle,
): string[] | undefined {
  if (!before || entries.length === 0 || newest.source !== 'history-info' || newest.index === undefined)
    return undefined;
  const index = nextBranch(before.index, entries);
  if (index === undefined) return undefined;
  return [...entries.map(writeEntry), writeTarget(withCause(target, newest.reason), index, newest.index, style)];
}

/** An index beside `index` that stands behind all others of its parent. */
function nextBranch(index: string, entries: readonly HistoryEntry[]): string | undefined {
  const cut = index.lastIndexOf('.') + 1;
  const parent = index.slice(0, cut);
  const siblings = entries
    .filter((entry) => entry.index.startsWith(parent))
    .map((entry) => Number.parseInt(entry.index.slice(cut), 10));
  const next = Math.max(...siblings) + 1;
  return Number.isSafeInteger(next) ? `${parent}${next}` : undefined;
}

function writeEntry(entry: HistoryEntry): string {
  const link = (name: string, index: string | undefined) =>
    index !== undefined && isIndex(index) ? `;${name}=${index}` : '';
  const links = link('rc', entry.rc) + link('mp', entry.mp) + link('np', entry.np);
  return `<${entry.uri}>;index=${entry.index}${links}${formatParameters(entry.extensions)}`;
}

/** Our own entry: where the call goes now. */
function writeTarget(uri: string, index: string, mp: string, { legToken }: WritingStyle): string {
  const token = legToken === undefined ? '' : `;${legTokenParameter}=${legToken}`;
  return `<${uri}>;index=${index};mp=${mp}${token}`;
}

function built(
  before: readonly HistoryEntry[],
  { chain }: History,
  users: readonly DivertingUser[],
  target: string,
  style: WritingStyle,
): string[] {
  // Entries that tell of who diverted are told anew, out of the chain.
  const kept = chain.length === 0 ? before : [];
  const entries = kept.map(writeEntry);
  let index = kept.at(-1)?.index;
  let diverting: { index: string; reason: RedirectReason } | undefined;
  for (const user of users) {
    const uri = user.number === null || (user.private && !style.trusted) ? undefined : styledUri(user.number, style);
    // RFC 7044 10.1.2: the entry itself says that it is private.
    const shown = uri === undefined ? anonymousUri : user.private ? `${uri}?Privacy=history` : uri;
    index = index === undefined ? '1' : `${index}.1`;
    const came = diverting && { uri: withCause(shown, diverting.reason), mp: `;mp=${diverting.index}` };
    entries.push(`<${came?.uri ?? shown}>;index=${index}${came?.mp ?? ''}`);
    diverting = { index, reason: user.reason };
  }
  if (diverting)
    entries.push(writeTarget(withCause(target, diverting.reason), `${diverting.index}.1`, diverting.index, style));
  return entries;
}

/** RFC 4458: cause is a URI parameter, so it stands before embedded headers. */
function withCause(uri: string, reason: RedirectReason): string {
  const [address = '', headers] = uri.split('?');
  return `${address};cause=${causeOfReason(reason)}${headers === undefined ? '' : `?${headers}`}`;
}
