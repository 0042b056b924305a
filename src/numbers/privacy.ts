import type { Request } from '../sip/message/message.ts';

/** The values of the Privacy header, RFC 3323 4.2, RFC 3325 9.3, RFC 7044 10.1. */
export type PrivacyValue = 'none' | 'id' | 'user' | 'header' | 'session' | 'history' | 'critical';

const values: ReadonlySet<string> = new Set<PrivacyValue>([
  'none',
  'id',
  'user',
  'header',
  'session',
  'history',
  'critical',
]);

const none: ReadonlySet<PrivacyValue> = new Set();

/** The Privacy values of a message: any case, several lines, separated by ';' or, as some send it, by ','. */
export function readPrivacy(request: Request): ReadonlySet<PrivacyValue> {
  return privacyValues(request.all('Privacy').join(';'));
}

/** The known values in a Privacy header's text; others are dropped. */
export function privacyValues(text: string): ReadonlySet<PrivacyValue> {
  if (text === '') return none; // nearly always: one for all of the calls that wait
  return new Set(
    text
      .split(/[;,]/)
      .map((token) => token.trim().toLowerCase())
      .filter(isPrivacyValue),
  );
}

function isPrivacyValue(token: string): token is PrivacyValue {
  return values.has(token);
}

/** Whether the diverting users must not be shown (RFC 7544 3.2; RFC 7044 10.1.2). */
export function hidesDiversions(privacy: ReadonlySet<PrivacyValue>): boolean {
  return privacy.has('history') || privacy.has('header') || privacy.has('session');
}
