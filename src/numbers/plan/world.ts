import {
  getCountries,
  getCountryCallingCode,
  isSupportedCountry,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/max';
import type { NatureOfAddress, NormalisedNumber } from '../phone-number.ts';

/*
 * Countries without a plan of our own, through libphonenumber. What it gets wrong is kept from it: it folds
 * full-width digits (only ASCII digits come here), knows no short codes, and calls valid what is merely well-formed.
 */

const callingCodes: ReadonlySet<string> = new Set(getCountries().map((country) => getCountryCallingCode(country)));

/** Services that most countries number so (ITU-T E.164 has no form for them). */
const commonShortCode = /^1\d{2,5}$/;

/** Whether libphonenumber knows `digits` (country code first) as a number in use. */
export function isKnownValid(digits: string): boolean {
  return knownNumber(digits) !== undefined;
}

/** `digits` (country code first) in its one form, when libphonenumber knows it as a number in use. */
function knownNumber(digits: string): NormalisedNumber | undefined {
  const parsed = parsePhoneNumberFromString(`+${digits}`);
  // It drops a trunk prefix behind the country code.
  return parsed?.isValid() ? { number: parsed.number, kind: 'e164' } : undefined;
}

/** An international number of any country, country code first. New ranges are merely "possible": that is enough. */
export function readForeign(digits: string): NormalisedNumber | undefined {
  if (digits.startsWith('0')) return undefined;
  const parsed = parsePhoneNumberFromString(`+${digits}`);
  return parsed?.isPossible() ? { number: parsed.number, kind: 'e164' } : undefined;
}

/** How a number was dialled in a country without a plan of our own. Empty strings where a setting is absent. */
export interface ElsewhereContext {
  readonly areaCode: string;
  readonly outsidePrefix: string;
  readonly internationalPrefix: string;
  readonly nai: NatureOfAddress;
  /** Numbers of the emergency services there. */
  readonly emergency: ReadonlySet<string>;
}

/** Reads ASCII digits dialled in `country` (ISO 3166-1 alpha-2). */
export function readElsewhere(
  digits: string,
  country: string,
  context: ElsewhereContext,
): NormalisedNumber | undefined {
  const { internationalPrefix, outsidePrefix, areaCode, emergency } = context;
  if (emergency.has(digits)) return { number: digits, kind: 'short' };
  if (!isSupportedCountry(country)) return undefined;
  if (internationalPrefix !== '' && digits.startsWith(internationalPrefix)) {
    return readForeign(digits.slice(internationalPrefix.length));
  }
  const local = areaCode === '' ? undefined : knownNumber(`${getCountryCallingCode(country)}${areaCode}${digits}`);
  // Q.763 3.10: the nature of address says that it is local.
  if (local && context.nai === 'subscriber') return local;
  const national = parsePhoneNumberFromString(digits, country);
  if (national?.isValid()) return { number: national.number, kind: 'e164' };
  if (local) return local;
  if (commonShortCode.test(digits)) return { number: digits, kind: 'short' };
  // A prefix that was not understood stays before what is "possible" only.
  if (national?.isPossible() && !national.nationalNumber.startsWith('0')) {
    return { number: national.number, kind: 'e164' };
  }
  if (outsidePrefix === '' || !digits.startsWith(outsidePrefix)) return undefined;
  return readElsewhere(digits.slice(outsidePrefix.length), country, { ...context, outsidePrefix: '' });
}

/** Reads a local number whose phone-context (`+CC[area]`, without the plus) names another country than ours. */
export function readInContext(digits: string, context: string): NormalisedNumber | undefined {
  const callingCode = [1, 2, 3].map((length) => context.slice(0, length)).find((code) => callingCodes.has(code));
  if (callingCode === undefined) return undefined;
  // The context may go on with the exchange, which the number repeats (RFC 3966 5.1.5: 863-1234 in +1-914-555).
  for (let length = Math.min(context.length, 15); length > callingCode.length; length--) {
    const local = knownNumber(context.slice(0, length) + digits);
    if (local) return local;
  }
  const national = readForeign(callingCode + digits);
  if (national) return national;
  return commonShortCode.test(digits) ? { number: digits, kind: 'short' } : undefined;
}
