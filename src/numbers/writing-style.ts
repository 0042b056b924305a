import { numberUri, type NumberFormat } from './format.ts';
import type { PhoneNumber } from './phone-number.ts';

/** How numbers are written towards one trunk. */
export interface WritingStyle {
  readonly domain: string;
  readonly format: NumberFormat;
  readonly country: string;
  /** Withheld numbers may be told, marked as private. */
  readonly trusted: boolean;
  /** Written into our own entries of Diversion and History-Info. */
  readonly legToken?: string | undefined;
}

/** Names the token of our own leg in Diversion (diversion-extension) and History-Info (hi-extension). */
export const legTokenParameter = 'leg-token';

/** RFC 3323 4.1 and RFC 7544 3.2. */
export const anonymousUri = 'sip:anonymous@anonymous.invalid';

export function styledUri(number: PhoneNumber, style: WritingStyle): string | undefined {
  return numberUri(number, style.domain, style.format, style.country);
}
