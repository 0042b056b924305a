import { dialledAddress } from './dialled.ts';
import type { NormalisedNumber, NumberHints, NumberingSettings, PhoneNumber } from './phone-number.ts';
import type { NumberingPlan } from './plan/numbering-plan.ts';
import { emergencyNumbersOf, planByCountryCode, planOf } from './plan/plans.ts';
import { readByPlan, readGlobal } from './plan/read-by-plan.ts';
import { readElsewhere, readInContext } from './plan/world.ts';
import { unescape } from './uri-user.ts';

export { isPhoneNumber } from './phone-number.ts';
export type {
  NatureOfAddress,
  NormalisedNumber,
  NumberHints,
  NumberingSettings,
  NumberKind,
  PhoneNumber,
} from './phone-number.ts';

/** Longer than any number with its prefixes and separators. */
const longestInput = 64;

/**
 * The one form of a number as it arrives in a message, without scheme and parameters (they are `hints`).
 * Never guesses: undefined when the text is no number under these settings. libphonenumber is asked only where its
 * answer is right.
 */
export function normalise(
  input: string,
  settings: NumberingSettings,
  hints: NumberHints = {},
): NormalisedNumber | undefined {
  const bare = withoutSeparators(input);
  if (bare === undefined) return undefined;
  if (bare.startsWith('+')) return readPlus(bare.slice(1));
  if (isPrivateContext(hints.phoneContext)) return { number: bare, kind: 'private' };
  if (hints.nai === 'international') return readPlus(bare);

  // RFC 3966 5.1.5: a global context (+CC[area]) selects the plan and the area; a domain means our own settings.
  const context = hints.phoneContext?.startsWith('+') ? withoutSeparators(hints.phoneContext)?.slice(1) : undefined;
  if (context !== undefined) {
    const plan = planByCountryCode(context);
    if (!plan) return readInContext(bare, context);
    const area = areaOf(context.slice(plan.countryCode.length), plan);
    return readWithPlan(bare, plan, area === undefined ? settings : { ...settings, areaCode: area }, hints);
  }

  const plan = planOf(settings.defaultCountry);
  if (plan) return readWithPlan(bare, plan, settings, hints);
  return readElsewhere(bare, settings.defaultCountry, {
    areaCode: settings.areaCode ?? '',
    outsidePrefix: settings.outsidePrefix ?? '',
    internationalPrefix: settings.internationalPrefix ?? '',
    nai: hints.nai ?? 'unknown',
    emergency: emergencyNumbersOf(settings.defaultCountry),
  });
}

/**
 * What a person or an app typed as a target: `0755-2000 0001`, `+86…`, `tel:…`, `sip:user@host:port`.
 * Undefined when it is none of these. A SIP address keeps its port, and stays an address even when its user is a
 * number, except with `user=phone` (RFC 3261 19.1.1).
 */
export function parseDialled(input: string, settings: NumberingSettings): NormalisedNumber | undefined {
  return dialledAddress(input.trim(), (text, hints) => normalise(text, settings, hints));
}

/**
 * Whether `number` (in its one form) calls the emergency services where the settings say we are; so does a SIP address
 * whose user is such a number, whatever its host.
 */
export function isEmergency(number: PhoneNumber, settings: NumberingSettings): boolean {
  const emergency = emergencyNumbersOf(settings.defaultCountry);
  if (!number.startsWith('sip:')) return emergency.has(number);
  const user = unescape(number.slice('sip:'.length, number.indexOf('@'))) ?? '';
  return emergency.has(normalise(user, settings)?.number ?? '');
}

/** RFC 3966 5.1.1: visual separators go; anything else that is no digit makes it no number (full-width digits too). */
function withoutSeparators(input: string): string | undefined {
  if (input.length > longestInput) return undefined;
  const bare = input.replaceAll(/[-.() ]/g, '');
  return /^\+?\d+$/.test(bare) ? bare : undefined;
}

/** After a plus: an international number, `+00…` as some gateways write it, or a short code behind its country code. */
function readPlus(digits: string): NormalisedNumber | undefined {
  const international = digits.startsWith('00') ? digits.slice(2) : digits;
  return readGlobal(international, planByCountryCode(international));
}

function readWithPlan(
  digits: string,
  plan: NumberingPlan,
  settings: NumberingSettings,
  hints: NumberHints,
): NormalisedNumber | undefined {
  return readByPlan(digits, plan, {
    areaCode: settings.areaCode ?? '',
    outsidePrefix: settings.outsidePrefix ?? '',
    internationalPrefix: settings.internationalPrefix ?? plan.internationalPrefix,
    nai: hints.nai ?? 'unknown',
  });
}

/** The area that begins `digits` of a context: it may go on with the exchange (RFC 3966 5.1.5: `+1-914-555`). */
function areaOf(digits: string, { trunkPrefix, areaCode }: NumberingPlan): string | undefined {
  const significant = digits.startsWith(trunkPrefix) ? digits.slice(trunkPrefix.length) : digits;
  return [2, 3].map((length) => significant.slice(0, length)).find((area) => areaCode.test(area));
}

/** A private plan's context, as PBXs write it: `cdp.udp`, `udp`, `pbx` (Nortel and Avaya CS1000). */
function isPrivateContext(phoneContext: string | undefined): boolean {
  if (phoneContext === undefined || phoneContext.startsWith('+')) return false;
  const labels = phoneContext.toLowerCase().split('.');
  return labels.some((label) => label === 'cdp' || label === 'udp' || label === 'pbx');
}
