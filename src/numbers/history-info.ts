import type { Request } from '../sip/message/message.ts';
import type { DivertingUser } from './diverting.ts';
import type { Evidence } from './explanation.ts';
import { inHistoryOrder, readHistoryEntry, type HistoryEntry } from './history-entry.ts';
import type { NumberingSettings, PhoneNumber } from './phone-number.ts';
import { reasonOfCause, translationCause, type RedirectReason } from './redirect-reason.ts';

/** What History-Info tells. */
export interface History {
  /** Oldest first. */
  readonly chain: readonly DivertingUser[];
  /** A number that was translated, not diverted (cause 380, RFC 8119). */
  readonly serviceNumber: PhoneNumber | null;
  readonly serviceNumberPrivate: boolean;
  /** Well-formed entries in order; another target may be added behind `target`. */
  readonly entries: readonly HistoryEntry[];
  /** The last entry that the call was diverted to. */
  readonly target: HistoryEntry | undefined;
  /** What told who diverted: cause parameters, `mp` alone, embedded Reasons, or only that other numbers are listed. */
  readonly readBy: 'cause' | 'mp' | 'reason' | 'untagged' | undefined;
}

/** Reads History-Info (RFC 7044); malformed entries are dropped with a warning. `second` is our own number in this call. */
export function readHistory(
  request: Request,
  second: PhoneNumber,
  settings: NumberingSettings,
  evidence: Evidence,
): History {
  const received = request.list('History-Info');
  const read = received.map((value) => readHistoryEntry(value, settings)).filter((entry) => entry !== undefined);
  if (read.length < received.length)
    evidence.warn('diversion', 'History-Info', '1.8', 'malformed entries were ignored');
  const entries = inHistoryOrder(read);
  if (entries.some((entry) => isTagged(entry))) return { ...walkBack(entries, second), entries };
  return { ...oldestOfAnother(entries, second), entries };
}

type Walk = Omit<History, 'entries'>;

const nothing: Walk = {
  chain: [],
  serviceNumber: null,
  serviceNumberPrivate: false,
  target: undefined,
  readBy: undefined,
};

/** A cause outside RFC 4458 is a tag all the same: its sender does mark diversions. */
function isTagged(entry: HistoryEntry): boolean {
  const { mp, rc, np, cause, leftBecause } = entry;
  return [mp, rc, np, cause, leftBecause].some((tag) => tag !== undefined);
}

/** Why the call came to this entry, when somebody diverted it there: RFC 4458 cause, or `mp` alone (RFC 7044 11 item 5). */
function divertedTo(entry: HistoryEntry): RedirectReason | 'translation' | undefined {
  if (entry.cause === translationCause) return 'translation';
  return reasonOfCause(entry.cause) ?? (entry.mp === undefined ? undefined : 'unknown');
}

/** From the last diverted-to entry back along who diverted to whom (RFC 7544 6); failed branches beside it do not count. */
function walkBack(entries: readonly HistoryEntry[], second: PhoneNumber): Walk {
  const last = entries.findLastIndex((entry) => divertedTo(entry) !== undefined);
  if (last < 0) return fromEmbeddedReasons(entries, second);
  const positions = positionsByIndex(entries);
  const newestFirst: DivertingUser[] = [];
  let service: DivertingUser | undefined;
  let at: number | undefined = last;
  while (at !== undefined) {
    const reason: RedirectReason | 'translation' | undefined = divertedToAt(entries, at);
    if (reason === undefined) {
      at = cameFrom(entries, positions, at);
      continue;
    }
    // The diverting user is the entry named by mp, else the entry before (RFC 7544 6; TS 29.163).
    const by: number = earlier(positions, entries[at]?.mp, at) ?? at - 1;
    const user = divertingUser(entries, positions, by, entries[at]);
    if (reason === 'translation') service ??= user;
    else newestFirst.push(user);
    at = by < 0 ? undefined : by;
  }
  return {
    chain: newestFirst.reverse(),
    serviceNumber: service?.number ?? null,
    serviceNumberPrivate: service?.private ?? false,
    target: entries[last],
    readBy: entries[last]?.cause === undefined ? 'mp' : 'cause',
  };
}

function divertedToAt(entries: readonly HistoryEntry[], at: number): RedirectReason | 'translation' | undefined {
  const entry = entries[at];
  return entry && divertedTo(entry);
}

/**
 * The user at position `at`, who diverted to `target`. Where the entry is only the user's contact (rc) or a copy (np) and
 * names no number, the entry that it came from does. Before the first entry stands somebody who was not recorded.
 */
function divertingUser(
  entries: readonly HistoryEntry[],
  positions: ReadonlyMap<string, number>,
  at: number,
  target: HistoryEntry | undefined,
): DivertingUser {
  const origin = entries[at];
  let known = origin;
  let hidden = origin?.private ?? false;
  for (let i: number | undefined = at; known?.number === null && divertedTo(known) === undefined;) {
    i = earlier(positions, known.rc ?? known.np, i);
    const from: HistoryEntry | undefined = i === undefined ? undefined : entries[i];
    if (!from || i === undefined) break;
    known = from;
    hidden ||= from.private;
  }
  const named = known?.number === null ? origin : known;
  // A Reason never overrides a cause parameter (RFC 7544 4.1).
  const reason = reasonOfCause(target?.cause) ?? origin?.leftBecause ?? 'unknown';
  return {
    number: named?.number ?? null,
    reason,
    private: hidden,
    counter: 1,
    source: 'history-info',
    ...(named === undefined ? {} : { uri: named.uri }),
    ...(origin === undefined || origin.index === '' ? {} : { index: origin.index }),
  };
}

/** Where the entry stands that an entry without a diversion came from: by rc or np, else its parent. */
function cameFrom(
  entries: readonly HistoryEntry[],
  positions: ReadonlyMap<string, number>,
  at: number,
): number | undefined {
  const entry = entries[at];
  if (!entry) return undefined;
  const linked = earlier(positions, entry.rc ?? entry.np, at);
  if (linked !== undefined) return linked;
  // A part 0 marks a gap: the parent itself may be missing (RFC 7044 10.3), so the nearest ancestor counts.
  const ancestor = entries.slice(0, at).findLastIndex((before) => entry.index.startsWith(`${before.index}.`));
  return ancestor < 0 ? undefined : ancestor;
}

function positionsByIndex(entries: readonly HistoryEntry[]): ReadonlyMap<string, number> {
  const positions = new Map<string, number>();
  for (const [i, { index }] of entries.entries()) if (!positions.has(index)) positions.set(index, i);
  return positions;
}

/** Where the entry with that index stands, if before `at`: so every walk ends. */
function earlier(positions: ReadonlyMap<string, number>, index: string | undefined, at: number): number | undefined {
  const position = index === undefined ? undefined : positions.get(index);
  return position !== undefined && position < at ? position : undefined;
}

/** RFC 4244 senders: no cause and no mp; the entries with an embedded Reason are those who diverted (RFC 7544 4.1). */
function fromEmbeddedReasons(entries: readonly HistoryEntry[], second: PhoneNumber): Walk {
  const chain: DivertingUser[] = [];
  for (const entry of entries) {
    if (entry.leftBecause === undefined || entry.number === second) continue;
    const user = asDivertingUser(entry, entry.leftBecause);
    // The same user again is the repeated target of one diversion (Avaya sends it so).
    if (user.number !== null && chain.at(-1)?.number === user.number) chain[chain.length - 1] = user;
    else chain.push(user);
  }
  return { ...nothing, chain, readBy: 'reason' };
}

/** No tags at all: the oldest entry of another number (RFC 7044 11, last paragraph). */
function oldestOfAnother(entries: readonly HistoryEntry[], second: PhoneNumber): Walk {
  const oldest = entries.find((entry) => entry.number !== null && entry.number !== second);
  return oldest ? { ...nothing, chain: [asDivertingUser(oldest, 'unknown')], readBy: 'untagged' } : nothing;
}

function asDivertingUser(entry: HistoryEntry, reason: RedirectReason): DivertingUser {
  return {
    number: entry.number,
    reason,
    private: entry.private,
    counter: 1,
    source: 'history-info',
    uri: entry.uri,
    ...(entry.index === '' ? {} : { index: entry.index }),
  };
}
