/**
 * A country's numbering plan, as data: what libphonenumber does not know or reads wrongly.
 * All patterns are anchored and linear; they see ASCII digits only.
 */
export interface NumberingPlan {
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  /** E.164 country code, without the plus. */
  readonly countryCode: string;
  /** Dialled before a foreign country code. */
  readonly internationalPrefix: string;
  /** Dialled before an area code. */
  readonly trunkPrefix: string;
  /** National significant numbers of mobiles. */
  readonly mobile: RegExp;
  /** National significant numbers that have neither area code nor trunk prefix (free phone, shared cost). */
  readonly nonGeographic: RegExp;
  /** National significant numbers of fixed lines; the first group is the area code. */
  readonly fixed: RegExp;
  /** Subscriber numbers as dialled within an area. */
  readonly local: RegExp;
  /** An area code as a setting, a phone-context or a dialled prefix may give it. */
  readonly areaCode: RegExp;
  /** Codes without an E.164 form; they are kept as bare digits. */
  readonly shortCodes: readonly RegExp[];
  /** Carrier selection and IP-telephony prefixes: removed only when a whole number follows. */
  readonly carrierPrefixes: readonly string[];
  /** The lengths at which a number that begins with the country code, without plus, is read as such. */
  readonly bareCountryCodeLengths: readonly number[];
  readonly emergency: ReadonlySet<string>;
}
