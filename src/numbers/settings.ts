import type { DiversionOrder } from './diversion.ts';
import { normalise } from './number.ts';
import type { NumberingSettings, PhoneNumber } from './phone-number.ts';

/** Where the second called number may be read. */
export type SecondCalledSource = 'request-uri' | 'to' | 'p-called-party-id' | 'isup';

/** How one trunk's INVITEs are read. What is absent has the default named. */
export interface TrunkReadingSettings extends NumberingSettings {
  /** The peer belongs to our trust domain (RFC 3325 2.3): its asserted identities count. Default true. */
  readonly trustIdentity?: boolean | undefined;
  /** `from` where From is the presentation number and P-Asserted-Identity the network's. Default `pai`. */
  readonly callerPreference?: 'pai' | 'from' | undefined;
  /** Default `standard` (RFC 5806). */
  readonly diversionOrder?: DiversionOrder | undefined;
  /** Our own numbers on this trunk; when given, calls to other numbers are refused. */
  readonly serviceNumbers?: readonly string[] | undefined;
  /** Second called number to first called number. */
  readonly map?: Readonly<Record<string, string>> | undefined;
  /** User of the Request-URI (a trunk account) to second called number. */
  readonly accounts?: Readonly<Record<string, string>> | undefined;
  /** Only these sources, in this order. Default: the Request-URI; when it names an account or nobody, the others. */
  readonly secondCalledFrom?: readonly SecondCalledSource[] | undefined;
  /** A header of the operator's own that carries the first called number. */
  readonly firstCalledHeader?: string | undefined;
  /** So many diversions are no sign of a loop. Default 5. */
  readonly maxDiversions?: number | undefined;
  /** Whether more of them are a hint only, or refused with 482. Default `hint`. */
  readonly tooManyDiversions?: 'hint' | 'refuse' | undefined;
  /** Option tags that a Require header may name (RFC 3261 8.2.2.3). */
  readonly supportedOptions?: readonly string[] | undefined;
}

/** The settings' numbers in their one form. */
export interface PreparedSettings {
  readonly serviceNumbers: ReadonlySet<PhoneNumber>;
  readonly map: ReadonlyMap<PhoneNumber, PhoneNumber>;
  /** Users in lower case. */
  readonly accounts: ReadonlyMap<string, PhoneNumber>;
  readonly supportedOptions: ReadonlySet<string>;
}

/** Passed through between the two legs, or done by the SIP server. */
const defaultOptions = ['100rel', 'timer', 'histinfo'];

const prepared = new WeakMap<TrunkReadingSettings, PreparedSettings>();

/** Normalises the numbers of the settings, once for each settings object. What is no number is left out. */
export function prepare(settings: TrunkReadingSettings): PreparedSettings {
  let ready = prepared.get(settings);
  if (!ready) {
    const number = (text: string) => normalise(text, settings)?.number;
    ready = {
      serviceNumbers: new Set((settings.serviceNumbers ?? []).map(number).filter((text) => text !== undefined)),
      map: pairs(settings.map, number, number),
      accounts: pairs(settings.accounts, (user) => user.toLowerCase(), number),
      supportedOptions: new Set((settings.supportedOptions ?? defaultOptions).map((tag) => tag.toLowerCase())),
    };
    prepared.set(settings, ready);
  }
  return ready;
}

/** All numbers by which a trunk reaches us: serviceNumbers, and the second called numbers of map and accounts. */
export function ownNumbersOf(settings: TrunkReadingSettings): PhoneNumber[] {
  const { serviceNumbers, map, accounts } = prepare(settings);
  return [...serviceNumbers, ...map.keys(), ...accounts.values()];
}

function pairs(
  record: Readonly<Record<string, string>> | undefined,
  key: (text: string) => string | undefined,
  value: (text: string) => PhoneNumber | undefined,
): ReadonlyMap<string, PhoneNumber> {
  const map = new Map<string, PhoneNumber>();
  for (const [left, right] of Object.entries(record ?? {})) {
    const from = key(left);
    const to = value(right);
    if (from !== undefined && to !== undefined) map.set(from, to);
  }
  return map;
}
