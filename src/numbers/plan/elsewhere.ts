/** Emergency numbers beside 112, by country (ITU-T E.161.1 and the national plans). */
const byCountry: ReadonlyMap<string, readonly string[]> = new Map([
  ['AU', ['000', '106']],
  ['CA', ['911']],
  ['CH', ['117', '118', '144']],
  ['DE', ['110']],
  ['FR', ['15', '17', '18', '114']],
  ['GB', ['999']],
  ['HK', ['999', '992']],
  ['IE', ['999']],
  ['IN', ['100', '101', '102', '108']],
  ['JP', ['110', '118', '119']],
  ['KR', ['119']],
  ['MO', ['999', '110']],
  ['NZ', ['111']],
  ['SG', ['995', '999']],
  ['TW', ['110', '119']],
  ['US', ['911']],
]);

const everywhere = ['112', '911'];

/** Emergency numbers of a country for which we keep no plan of our own. */
export function emergencyElsewhere(country: string): ReadonlySet<string> {
  return new Set([...everywhere, ...(byCountry.get(country) ?? [])]);
}
