import { isSipUri, isTelUri, parseUri } from '../sip/message/uri.ts';
import { normalise } from './number.ts';
import type { NumberHints, NumberingSettings, NumberKind, PhoneNumber } from './phone-number.ts';
import { isName, sipAddress } from './sip-address.ts';
import { unescape, uriUser } from './uri-user.ts';

/** Whom a URI names. */
export type Party =
  | { readonly kind: 'number'; readonly number: PhoneNumber; readonly form: NumberKind }
  /** A user with letters; `number` is its `sip:user@host`. */
  | { readonly kind: 'name'; readonly number: PhoneNumber; readonly user: string }
  /** RFC 3323 4.1: somebody who does not want to be known. */
  | { readonly kind: 'anonymous' }
  /** Nobody knows: `unavailable`, `unknown`, hosts under `.invalid` (RFC 7544 3.2, TS 29.163). */
  | { readonly kind: 'unavailable' }
  /** A host without a user. */
  | { readonly kind: 'no-user' }
  /** Digits that are no number under the settings, other characters, another scheme, or no URI at all. */
  | { readonly kind: 'unusable' };

const unusable: Party = { kind: 'unusable' };

/** Reads a URI of any scheme; what cannot be read is `unusable`, never an error. */
export function readParty(uriText: string, settings: NumberingSettings): Party {
  const uri = parseUri(uriText);
  if (!uri || (!isSipUri(uri) && !isTelUri(uri))) return unusable;
  if (isSipUri(uri)) {
    const hidden = hiddenParty(unescape(uri.user?.split(';')[0] ?? '') ?? '', uri.host);
    if (hidden) return hidden;
  }
  const found = uriUser(uri);
  if (!found) return { kind: 'no-user' };
  const { user, phoneContext } = found;
  if (user === undefined) return unusable;
  const hints: NumberHints = phoneContext === undefined ? {} : { phoneContext };
  const normalised = normalise(user, settings, hints);
  if (normalised) return { kind: 'number', number: normalised.number, form: normalised.kind };
  if (!isSipUri(uri) || !isName(user)) return unusable;
  const number = sipAddress(uri, false);
  return number === undefined ? unusable : { kind: 'name', number, user };
}

/** The number that a URI names, if it names one. */
export function readNumber(uriText: string, settings: NumberingSettings): PhoneNumber | null {
  const party = readParty(uriText, settings);
  return party.kind === 'number' ? party.number : null;
}

function hiddenParty(user: string, host: string): Party | undefined {
  const name = user.toLowerCase();
  const domain = host.toLowerCase();
  if (name === 'anonymous' || domain === 'anonymous.invalid') return { kind: 'anonymous' };
  if (name === 'unavailable' || name === 'unknown' || domain.endsWith('.invalid')) return { kind: 'unavailable' };
  return undefined;
}
