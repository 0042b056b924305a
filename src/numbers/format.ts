import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import type { PhoneNumber } from './phone-number.ts';

/** How an operator wants numbers written: `+8675520000001`, `8675520000001`, or `075520000001`. */
export type NumberFormat = 'plus' | 'country-code' | 'national';

const wellFormed = /^(?:\+?\d{2,20}|sip:[A-Za-z0-9._~!*'&=+$/%-]+@[A-Za-z0-9.:[\]-]+)$/;

/** The digits of a number as the operator wants them; short codes stay as they are. `country` is that of "national". */
export function formatNumber(number: PhoneNumber, format: NumberFormat, country: string): string {
  if (!number.startsWith('+') || format === 'plus') return number;
  if (format === 'country-code') return number.slice(1);
  const parsed = parsePhoneNumberFromString(number);
  return parsed?.country === country ? parsed.formatNational().replaceAll(/\D/g, '') : number;
}

/**
 * A SIP URI for a number: `sip:+86…@domain;user=phone`, or the `sip:user@host` that it is already.
 * Undefined when `number` is in none of the forms, so that nothing else can ever come into a header.
 */
export function numberUri(
  number: PhoneNumber,
  domain: string,
  format: NumberFormat,
  country: string,
): string | undefined {
  if (!wellFormed.test(number)) return undefined;
  return number.startsWith('sip:') ? number : `sip:${formatNumber(number, format, country)}@${domain};user=phone`;
}
