// The plans are data, in config/numbering-plans; reading them is part of loading this module, so that what uses them
// stays pure.
import china from '#numbering-plans/CN.json' with { type: 'json' };
import emergency from '#numbering-plans/emergency.json' with { type: 'json' };
import type { NumberingPlan } from './numbering-plan.ts';
import { readEmergencyNumbers, readPlan } from './read-plan.ts';

const plans: ReadonlyMap<string, NumberingPlan> = new Map([china].map(readPlan).map((plan) => [plan.country, plan]));
const emergencyElsewhere = readEmergencyNumbers(emergency);

/** The plan that we keep for `country` (ISO 3166-1 alpha-2), if any; elsewhere libphonenumber's data serve. */
export function planOf(country: string): NumberingPlan | undefined {
  return plans.get(country);
}

/** The plan whose country code begins `digits`. */
export function planByCountryCode(digits: string): NumberingPlan | undefined {
  for (const plan of plans.values()) if (digits.startsWith(plan.countryCode)) return plan;
  return undefined;
}

/** Numbers of the emergency services of `country`; 112 everywhere (3GPP TS 22.101 10.1). */
export function emergencyNumbersOf(country: string): ReadonlySet<string> {
  return planOf(country)?.emergency ?? emergencyElsewhere(country);
}
