import { isSipUri, isTelUri, parseUri } from '../sip/message/uri.ts';
import type { NormalisedNumber, NumberHints } from './phone-number.ts';
import { sipAddress } from './sip-address.ts';
import { uriUser } from './uri-user.ts';

/** Takes a typed target apart; `number` reads digits with the hints that came with them. */
export function dialledAddress(
  text: string,
  number: (digits: string, hints: NumberHints) => NormalisedNumber | undefined,
): NormalisedNumber | undefined {
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:/.test(text)) return number(text, {});
  // A person writes "tel:0755 2000 0001"; RFC 3966 knows no space.
  const uri = parseUri(/^tel:/i.test(text) ? text.replaceAll(' ', '') : text);
  if (!uri) return undefined;
  if (isTelUri(uri) || (isSipUri(uri) && uri.parameters.get('user')?.toLowerCase() === 'phone')) {
    const { user, phoneContext } = uriUser(uri) ?? {};
    return user === undefined ? undefined : number(user, phoneContext === undefined ? {} : { phoneContext });
  }
  // "sips:" asks for TLS on every hop, which this form could not keep: better refused than weakened (RFC 3261 26.2.2).
  if (!isSipUri(uri) || uri.scheme !== 'sip' || uri.host.toLowerCase().endsWith('.invalid')) return undefined;
  const address = sipAddress(uri, true);
  return address === undefined ? undefined : { number: address, kind: 'sip' };
}
