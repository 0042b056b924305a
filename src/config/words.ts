// Kinds of values that several settings share.
import { isSupportedCountry } from 'libphonenumber-js/min';
import { digits, kind, text } from './kinds.ts';

export const name = text('a name of 1 to 64 letters, digits, dots, dashes or underscores', /^[\w.-]{1,64}$/);
export const soundFile = text('the path of a wav or mp3 file', /^[^\0]+$/);
export const numberPrefix = digits(
  'the beginning of a number (+, +86, 0755, 95588, sip:) or "" for all',
  /^(\+?\d{0,15}|sip:\S*)$/,
);
export const country = kind('a country in capitals such as CN', (input) =>
  typeof input === 'string' && isSupportedCountry(input) ? input : undefined,
);
export const areaCode = digits('an area code without its leading 0, such as "755", or ""', /^([1-9]\d{0,5})?$/);
