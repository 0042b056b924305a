import type { Uri } from '../sip/message/uri.ts';
import { isSipUri, isTelUri } from '../sip/message/uri.ts';

/** What a URI says about a number: the digits as written and the context of a local number. */
export interface UriUser {
  /** Unescaped; telephone parameters and password are not in it. Undefined when its escapes are malformed. */
  readonly user: string | undefined;
  /** RFC 3966 5.1.5, from the telephone parameters or, as some senders place it, from the URI's. */
  readonly phoneContext: string | undefined;
}

/**
 * The user of a SIP URI, or the number of a tel URI, RFC 3261 19.1.6 and RFC 3966: what stands before the first ';'.
 * rn, cic, tgrp, isub and their like are routing and never part of the number (RFC 4694 5, RFC 4904 5).
 */
export function uriUser(uri: Uri): UriUser | undefined {
  if (isTelUri(uri)) {
    return { user: unescape(uri.number), phoneContext: unescapeValue(uri.parameters.get('phone-context')) };
  }
  if (!isSipUri(uri) || uri.user === undefined || uri.user === '') return undefined;
  const [first = '', ...parameters] = uri.user.split(';');
  const inUser = parameters.find((parameter) => parameter.toLowerCase().startsWith('phone-context='));
  const context = inUser?.slice('phone-context='.length) ?? uri.parameters.get('phone-context');
  return { user: unescape(first), phoneContext: unescapeValue(context) };
}

/** %XX resolved to octets; one character an octet, so that nothing beyond ASCII is ever taken for a digit. */
export function unescape(text: string): string | undefined {
  if (!text.includes('%')) return text;
  let octets = '';
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '%') {
      octets += text.charAt(i);
      continue;
    }
    const hex = text.slice(i + 1, i + 3);
    if (!/^[0-9A-Fa-f]{2}$/.test(hex)) return undefined;
    octets += String.fromCharCode(Number.parseInt(hex, 16));
    i += 2;
  }
  return octets;
}

function unescapeValue(value: string | undefined): string | undefined {
  return value === undefined ? undefined : unescape(value);
}
