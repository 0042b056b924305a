import { parseNameAddress } from '../sip/message/address.ts';
import { detached } from '../sip/message/detached.ts';
import { isSipUri, parseUri } from '../sip/message/uri.ts';
import { EmbeddedHeaders } from './embedded-headers.ts';
import { reasonOfEmbedded } from './embedded-reason.ts';
import type { NumberingSettings, PhoneNumber } from './phone-number.ts';
import { readNumber } from './party.ts';
import { hidesDiversions, privacyValues } from './privacy.ts';
import { parseCause, type RedirectReason } from './redirect-reason.ts';
import { rewritable } from './rewritable.ts';

/** One entry of History-Info, RFC 7044 5 (hi-entry). */
export interface HistoryEntry {
  /** As received; it holds no white space, quotes, angle brackets or octets beyond ASCII. */
  readonly uri: string;
  readonly number: PhoneNumber | null;
  /** '' when absent. */
  readonly index: string;
  /** How it came from an earlier entry: another user was mapped (mp), the same user at a contact (rc), or no change (np). */
  readonly mp: string | undefined;
  readonly rc: string | undefined;
  readonly np: string | undefined;
  /** RFC 4458 cause URI parameter: why the call came to this entry; undefined when absent or no number. */
  readonly cause: number | undefined;
  /** Reason header embedded in the URI: why the call went away from this entry (RFC 4244, RFC 7044 10.2). */
  readonly leftBecause: RedirectReason | undefined;
  readonly private: boolean;
  /** Its further parameters (hi-extension), those that are safe to be written again. */
  readonly extensions: ReadonlyMap<string, string | undefined>;
}

/** Reads one entry; undefined when it is malformed. */
export function readHistoryEntry(value: string, settings: NumberingSettings): HistoryEntry | undefined {
  const address = parseNameAddress(value);
  if (!address) return undefined;
  // A tel URI has no headers (RFC 3966), and some senders put them there all the same.
  const question = /^tel:/i.test(address.uri) ? address.uri.indexOf('?') : -1;
  const bare = question < 0 ? address.uri : address.uri.slice(0, question);
  const uri = parseUri(bare);
  if (!uri) return undefined;
  const headers = isSipUri(uri) ? uri.headers : address.uri.slice(bare.length + 1);
  const embedded = new EmbeddedHeaders(headers);
  return {
    uri: detached(address.uri),
    number: readNumber(bare, settings),
    index: address.parameters.get('index') ?? '',
    mp: address.parameters.get('mp'),
    rc: address.parameters.get('rc'),
    np: address.parameters.get('np'),
    cause: 'parameters' in uri ? parseCause(uri.parameters.get('cause')) : undefined,
    leftBecause: reasonOfEmbedded(embedded.all('reason')),
    private: hidesDiversions(privacyValues(embedded.all('privacy').join(';'))),
    extensions: rewritable(address.parameters, ['index', 'mp', 'rc', 'np']),
  };
}

/**
 * In the order of their indexes when all are well formed, else as they appeared (RFC 7044 11). A part 0 marks a gap and
 * is no error; parts have any length.
 */
export function inHistoryOrder(entries: readonly HistoryEntry[]): HistoryEntry[] {
  if (!entries.every((entry) => isIndex(entry.index))) return [...entries];
  const keyed = entries.map((entry) => ({ entry, key: entry.index.split('.').map(withoutLeadingZeros) }));
  return keyed.sort((a, b) => compareKeys(a.key, b.key)).map(({ entry }) => entry);
}

export function isIndex(index: string): boolean {
  return /^\d+(?:\.\d+)*$/.test(index);
}

function withoutLeadingZeros(part: string): string {
  return part.replace(/^0+(?=\d)/, '');
}

/** Numbers of any length, part by part; an ancestor stands before its descendants. */
function compareKeys(a: readonly string[], b: readonly string[]): number {
  for (const [i, part] of a.entries()) {
    const other = b[i];
    if (other === undefined) return 1;
    if (part.length !== other.length) return part.length - other.length;
    if (part !== other) return part < other ? -1 : 1;
  }
  return a.length - b.length;
}
