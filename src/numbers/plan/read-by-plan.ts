import type { NatureOfAddress, NormalisedNumber } from '../phone-number.ts';
import type { NumberingPlan } from './numbering-plan.ts';
import { isKnownValid, readForeign } from './world.ts';

/** How a number was dialled. Empty strings where a setting is absent. */
export interface DiallingContext {
  readonly areaCode: string;
  readonly outsidePrefix: string;
  readonly internationalPrefix: string;
  readonly nai: NatureOfAddress;
}

/** Reads bare ASCII digits by one of our own plans; undefined when they are no number of it. */
export function readByPlan(
  digits: string,
  plan: NumberingPlan,
  context: DiallingContext,
): NormalisedNumber | undefined {
  // Q.763: what the nature of address says comes first; a switch that says it wrongly is still understood.
  return (
    readByNature(digits, plan, context) ??
    readDialled(digits, plan, context) ??
    readAfterPrefixes(digits, plan, context)
  );
}

function readByNature(
  digits: string,
  plan: NumberingPlan,
  { nai, areaCode }: DiallingContext,
): NormalisedNumber | undefined {
  switch (nai) {
    case 'subscriber':
      return readShort(digits, plan) ?? readLocal(digits, plan, areaCode);
    case 'national':
      // Q.763 3.9: a national (significant) number needs no 0 before its area to be told from anything else.
      if (isSignificant(digits, plan)) return e164(plan, digits);
      return readNational(digits, plan) ?? readShort(digits, plan) ?? readAreaAndShort(digits, plan);
    case 'international':
    case 'unknown':
      return undefined;
  }
}

/** A number without carrier and outside prefixes. */
function readDialled(digits: string, plan: NumberingPlan, context: DiallingContext): NormalisedNumber | undefined {
  return readWhole(digits, plan, context) ?? readShort(digits, plan) ?? readLocal(digits, plan, context.areaCode);
}

/** A number that says by itself which it is: international, with country code, or with area code. */
function readWhole(digits: string, plan: NumberingPlan, context: DiallingContext): NormalisedNumber | undefined {
  const { internationalPrefix } = context;
  if (internationalPrefix !== '' && digits.startsWith(internationalPrefix)) {
    const global = digits.slice(internationalPrefix.length);
    // 00755… is +7 55…, never a Chinese area code: it is read as dialled or refused.
    return readGlobal(global, plan);
  }
  return readNational(digits, plan) ?? readBareCountryCode(digits, plan);
}

/** An international number, without its plus or prefix. */
export function readGlobal(digits: string, plan: NumberingPlan | undefined): NormalisedNumber | undefined {
  if (plan && digits.startsWith(plan.countryCode))
    return readAfterCountryCode(digits.slice(plan.countryCode.length), plan);
  return readForeign(digits);
}

/** National forms: mobile, service and fixed numbers, with or without the trunk prefix. */
function readNational(digits: string, plan: NumberingPlan): NormalisedNumber | undefined {
  const { trunkPrefix } = plan;
  if (digits.startsWith(trunkPrefix)) {
    const significant = digits.slice(trunkPrefix.length);
    if (isSignificant(significant, plan)) return e164(plan, significant);
    return readAreaAndShort(significant, plan);
  }
  if (plan.mobile.test(digits) || plan.nonGeographic.test(digits)) return e164(plan, digits);
  // An area code without its 0 is accepted only where the whole number is known to exist.
  if (plan.fixed.test(digits) && isKnownValid(plan.countryCode + digits)) return e164(plan, digits);
  return undefined;
}

/** An area code before a short code, as banks send their calling number: the area means nothing. */
function readAreaAndShort(significant: string, plan: NumberingPlan): NormalisedNumber | undefined {
  for (const length of [2, 3]) {
    if (!plan.areaCode.test(significant.slice(0, length))) continue;
    const short = readShort(significant.slice(length), plan);
    if (short) return short;
  }
  return undefined;
}

/** The country code without plus, as Chinese trunks send it, at the lengths where nothing else is meant. */
function readBareCountryCode(digits: string, plan: NumberingPlan): NormalisedNumber | undefined {
  // A subscriber's number within the area may begin with the same digits.
  if (!digits.startsWith(plan.countryCode) || plan.local.test(digits)) return undefined;
  const rest = digits.slice(plan.countryCode.length);
  if (!plan.bareCountryCodeLengths.includes(digits.length) && !rest.startsWith(plan.trunkPrefix)) return undefined;
  return readAfterCountryCode(rest, plan);
}

/** What follows the plan's country code; a trunk prefix kept there by mistake is dropped. */
function readAfterCountryCode(rest: string, plan: NumberingPlan): NormalisedNumber | undefined {
  const significant = rest.startsWith(plan.trunkPrefix) ? rest.slice(plan.trunkPrefix.length) : rest;
  if (isSignificant(significant, plan)) return e164(plan, significant);
  return (
    readShort(significant, plan) ??
    readAreaAndShort(significant, plan) ??
    readAfterCarrier(significant, plan, readNational)
  );
}

function readShort(digits: string, plan: NumberingPlan): NormalisedNumber | undefined {
  const known = plan.emergency.has(digits) || plan.shortCodes.some((pattern) => pattern.test(digits));
  return known ? { number: digits, kind: 'short' } : undefined;
}

/** A subscriber's number within the area; only where the area's numbers have this length. */
function readLocal(digits: string, plan: NumberingPlan, areaCode: string): NormalisedNumber | undefined {
  const area = areaCode.startsWith(plan.trunkPrefix) ? areaCode.slice(plan.trunkPrefix.length) : areaCode;
  if (!plan.areaCode.test(area) || !plan.local.test(digits)) return undefined;
  const significant = area + digits;
  return plan.fixed.test(significant) && isKnownValid(plan.countryCode + significant)
    ? e164(plan, significant)
    : undefined;
}

/** Carrier prefix or outside prefix, each removed once and only when a number follows. */
function readAfterPrefixes(
  digits: string,
  plan: NumberingPlan,
  context: DiallingContext,
): NormalisedNumber | undefined {
  const whole = readAfterCarrier(digits, plan, (number) => readWhole(number, plan, context));
  if (whole) return whole;
  const { outsidePrefix } = context;
  if (outsidePrefix === '' || !digits.startsWith(outsidePrefix)) return undefined;
  const outside = digits.slice(outsidePrefix.length);
  return readDialled(outside, plan, context) ?? readAfterPrefixes(outside, plan, { ...context, outsidePrefix: '' });
}

/** What `read` makes of the digits behind a carrier prefix, when they are a whole number. */
function readAfterCarrier(
  digits: string,
  plan: NumberingPlan,
  read: (digits: string, plan: NumberingPlan) => NormalisedNumber | undefined,
): NormalisedNumber | undefined {
  for (const prefix of plan.carrierPrefixes) {
    const whole = digits.startsWith(prefix) ? read(digits.slice(prefix.length), plan) : undefined;
    if (whole?.kind === 'e164') return whole;
  }
  return undefined;
}

function isSignificant(significant: string, plan: NumberingPlan): boolean {
  return plan.mobile.test(significant) || plan.nonGeographic.test(significant) || plan.fixed.test(significant);
}

function e164(plan: NumberingPlan, significant: string): NormalisedNumber {
  return { number: `+${plan.countryCode}${significant}`, kind: 'e164' };
}
