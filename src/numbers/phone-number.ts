/** One form only, for comparing and storing: `+E164`, bare digits of a national short code, or `sip:user@host`. */
export type PhoneNumber = string & { readonly __brand?: 'PhoneNumber' };

/** `short` and `private` are bare digits: of the national plan, or of somebody's private one. */
export type NumberKind = 'e164' | 'short' | 'sip' | 'private';

/** Where numbers are dialled from. */
export interface NumberingSettings {
  /** ISO 3166-1 alpha-2, such as CN. */
  readonly defaultCountry: string;
  /** Area of local numbers, without the trunk prefix, such as 755; empty or absent: local numbers are refused. */
  readonly areaCode?: string | undefined;
  /** What a PBX dials for an outside line, such as 9. */
  readonly outsidePrefix?: string | undefined;
  /** Dialled before a foreign country code; by default that of the country. */
  readonly internationalPrefix?: string | undefined;
}

/** ISUP nature of address indicator (ITU-T Q.763 3.9, 3.10). */
export type NatureOfAddress = 'subscriber' | 'unknown' | 'national' | 'international';

/** What came with the digits. */
export interface NumberHints {
  /** RFC 3966 5.1.5. */
  readonly phoneContext?: string | undefined;
  readonly nai?: NatureOfAddress | undefined;
}

export interface NormalisedNumber {
  readonly number: PhoneNumber;
  readonly kind: NumberKind;
}

/** Whether `text` already is in the one form that numbers are stored in. */
export function isPhoneNumber(text: string): text is PhoneNumber {
  return /^\+[1-9]\d{4,14}$/.test(text) || /^\d{2,20}$/.test(text) || /^sip:[^\s@<>"]+@[^\s@<>"]+$/.test(text);
}
