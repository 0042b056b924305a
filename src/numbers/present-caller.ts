import type { PhoneNumber } from './phone-number.ts';
import type { PrivacyValue } from './privacy.ts';
import type { Reading } from './read.ts';
import { anonymousUri, styledUri, type WritingStyle } from './writing-style.ts';

/** Which numbers stand where. */
interface CallerChoice {
  readonly from: 'caller' | 'subscriber';
  readonly assert: 'caller' | 'subscriber' | 'none';
  readonly hidesHistory: boolean;
}

/** From, P-Asserted-Identity and Privacy. */
export function presentCaller(
  reading: Reading,
  subscriber: PhoneNumber,
  style: WritingStyle,
  choice: CallerChoice,
): { from: string; headers: [string, string][] } {
  const headers: [string, string][] = [];
  const asserted = assertedUri(reading, subscriber, style, choice);
  if (asserted !== undefined) headers.push(['P-Asserted-Identity', `<${asserted}>`]);
  const showsCaller = choice.from === 'caller' || choice.assert === 'caller';
  const privacy = privacyValues(reading, showsCaller, choice.hidesHistory);
  if (privacy.length > 0) headers.push(['Privacy', privacy.join(';')]);
  return { from: fromValue(reading, subscriber, style, choice), headers };
}

function fromValue(reading: Reading, subscriber: PhoneNumber, style: WritingStyle, choice: CallerChoice): string {
  if (choice.from === 'caller' && reading.callerPrivate) return `"Anonymous" <${anonymousUri}>`;
  const number = choice.from === 'caller' ? reading.caller : subscriber;
  const uri = number === null ? undefined : styledUri(number, style);
  // Not known is another thing than withheld (TS 29.163).
  return `<${uri ?? 'sip:unavailable@unknown.invalid'}>`;
}

/** RFC 3325 5: a withheld identity does not leave the trust domain. */
function assertedUri(
  reading: Reading,
  subscriber: PhoneNumber,
  style: WritingStyle,
  choice: CallerChoice,
): string | undefined {
  switch (choice.assert) {
    case 'none':
      return undefined;
    case 'subscriber':
      return styledUri(subscriber, style);
    case 'caller':
      if (reading.caller === null || (reading.callerPrivate && !style.trusted)) return undefined;
      return styledUri(reading.caller, style);
  }
}

/** The caller's Privacy is kept, and made explicit where it was only implied by From or the IAM. */
function privacyValues(reading: Reading, showsCaller: boolean, hidesHistory: boolean): PrivacyValue[] {
  const values = new Set<PrivacyValue>();
  if (reading.callerPrivate && showsCaller) {
    for (const value of reading.privacy) if (value !== 'none') values.add(value);
    values.add('id');
  }
  if (hidesHistory) values.add('history');
  if (values.size > 0) return [...values];
  // RFC 3323 4.2: "none" asks the network not to hide what it otherwise would.
  return reading.privacy.has('none') ? ['none'] : [];
}
