import type { DivertingUser } from './diverting.ts';
import { isIndex, type HistoryEntry } from './history-entry.ts';
import type { PhoneNumber } from './phone-number.ts';
import type { Reading } from './read.ts';
import { causeOfReason, type RedirectReason } from './redirect-reason.ts';
import { anonymousUri, styledUri, type WritingStyle } from './writing-style.ts';

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
    const limit = user.limit === undefined ? '' : `;limit=${user.limit}`;
    const privacy = user.private ? ';privacy=full' : '';
    return `<${diversionUri(user, style)}>;reason=${user.reason};counter=${counter}${limit}${privacy}`;
  });
}

function diversionUri(user: DivertingUser, style: WritingStyle): string {
  if (user.number === null || (user.private && !style.trusted)) return anonymousUri;
  // Another node's entry stays as it wrote it; out of History-Info it may have a cause and headers that do not belong here.
  if (user.source === 'diversion' && isPlainUri(user.uri)) return user.uri;
  return styledUri(user.number, style) ?? anonymousUri;
}

/**
 * The entries of History-Info (RFC 7044), oldest first: those received, with the final called number as one more branch
 * of the last diversion; or, where none came or they cannot be continued, entries built from the chain.
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
  return continued(reading, newest, target, style) ?? built(users, target, style);
}

function continued(reading: Reading, newest: DivertingUser, target: string, style: WritingStyle): string[] | undefined {
  const { entries, target: before } = reading.history;
  const anotherWay = !style.trusted && (entries.some((entry) => entry.private) || newest.private);
  if (!before || newest.source !== 'history-info' || newest.index === undefined || anotherWay) return undefined;
  if (!entries.every((entry) => isIndex(entry.index) && isPlainUri(entry.uri))) return undefined;
  const index = nextBranch(before.index, entries);
  if (index === undefined) return undefined;
  return [...entries.map(writeEntry), `<${withCause(target, newest.reason)}>;index=${index};mp=${newest.index}`];
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
  return `<${entry.uri}>;index=${entry.index}${links}`;
}

function built(users: readonly DivertingUser[], target: string, style: WritingStyle): string[] {
  const entries: string[] = [];
  let index = '';
  let cause: RedirectReason | undefined;
  const add = (uri: string) => {
    const mp = index === '' ? '' : `;mp=${index}`;
    index = index === '' ? '1' : `${index}.1`;
    entries.push(`<${cause === undefined ? uri : withCause(uri, cause)}>;index=${index}${mp}`);
  };
  for (const user of users) {
    const uri = user.number === null || (user.private && !style.trusted) ? undefined : styledUri(user.number, style);
    // RFC 7044 10.1.2: the entry itself says that it is private.
    add(uri === undefined ? anonymousUri : user.private ? `${uri}?Privacy=history` : uri);
    cause = user.reason;
  }
  add(target);
  return entries;
}

/** RFC 4458: cause is a URI parameter, so it stands before embedded headers. */
function withCause(uri: string, reason: RedirectReason): string {
  const [address = '', headers] = uri.split('?');
  return `${address};cause=${causeOfReason(reason)}${headers === undefined ? '' : `?${headers}`}`;
}

/** Nothing that could end the URI, the entry or the line. */
function isPlainUri(uri: string | undefined): uri is string {
  return uri !== undefined && /^(?:sips?|tel):[\x21\x23-\x3b\x3d\x3f-\x7e]+$/i.test(uri);
}
