import { z } from 'zod';
import type { NumberingPlan } from './numbering-plan.ts';

const digits = z.string().regex(/^\d+$/);
/** A pattern over a whole digit string: anchored here, so that no file forgets it. */
const pattern = z.string().transform((text) => new RegExp(`^(?:${text})$`));

const planSchema = z.strictObject({
  about: z.string(),
  country: z.string().length(2),
  countryCode: digits,
  internationalPrefix: digits,
  trunkPrefix: digits,
  mobile: pattern,
  nonGeographic: pattern,
  fixed: z.strictObject({ pattern, why: z.string() }),
  local: pattern,
  areaCode: pattern,
  shortCodes: z.array(z.strictObject({ pattern, is: z.string() })),
  carrierPrefixes: z.array(digits),
  bareCountryCode: z.strictObject({ lengths: z.array(z.int()), why: z.string() }),
  emergency: z.array(digits),
});

/**
 * A numbering plan out of its file in config/numbering-plans.
 * @throws ZodError naming what is wrong with the file
 */
export function readPlan(file: unknown): NumberingPlan {
  const { about: _, fixed, shortCodes, bareCountryCode, emergency, ...plan } = planSchema.parse(file);
  return {
    ...plan,
    fixed: fixed.pattern,
    shortCodes: shortCodes.map((code) => code.pattern),
    bareCountryCodeLengths: bareCountryCode.lengths,
    emergency: new Set(emergency),
  };
}

const emergencySchema = z.strictObject({
  about: z.string(),
  everywhere: z.array(digits),
  byCountry: z.record(z.string().length(2), z.array(digits)),
});

/** The emergency numbers of countries without a plan, out of their file: of a country, those of everywhere included. */
export function readEmergencyNumbers(file: unknown): (country: string) => ReadonlySet<string> {
  const { everywhere, byCountry } = emergencySchema.parse(file);
  const known = new Map(Object.entries(byCountry).map(([country, own]) => [country, new Set([...everywhere, ...own])]));
  const elsewhere: ReadonlySet<string> = new Set(everywhere);
  return (country) => known.get(country) ?? elsewhere;
}
