import type { SipUri } from '../sip/message/uri.ts';
import type { PhoneNumber } from './phone-number.ts';

/** RFC 3261 25.1: unreserved, escaped, and of user-unreserved what needs no care anywhere it is shown or written. */
const plainUser = /^(?:[A-Za-z0-9._~!*'&=+$/-]|%[0-9A-Fa-f]{2})+$/;
const hasLetter = /[A-Za-z]/;
const escapedControl = /%(?:[01][0-9A-Fa-f]|7[Ff]|[89A-Fa-f][0-9A-Fa-f])/;

/**
 * `sip:user@host` out of a SIP URI, without password, parameters and headers; the host in lower case.
 * Undefined when the user is absent or holds anything that might do harm in a header, a log or on a screen.
 */
export function sipAddress(uri: SipUri, withPort: boolean): PhoneNumber | undefined {
  const user = uri.user?.split(';')[0] ?? '';
  if (user.length > 128 || uri.host.length > 255 || !plainUser.test(user) || escapedControl.test(user))
    return undefined;
  const port = withPort && uri.port !== undefined ? `:${uri.port}` : '';
  return `sip:${user}@${uri.host.toLowerCase()}${port}`;
}

/** Whether the user of a URI is a name, and no string of digits. */
export function isName(user: string): boolean {
  return hasLetter.test(user);
}
