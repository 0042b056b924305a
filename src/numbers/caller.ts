import { parseNameAddress } from '../sip/message/address.ts';
import type { Request } from '../sip/message/message.ts';
import { unquote } from '../sip/message/syntax.ts';
import type { InitialAddress } from './isup/iam.ts';
import type { IsupNumber } from './isup/number.ts';
import { normalise } from './number.ts';
import { readParty, type Party } from './party.ts';
import type { PhoneNumber } from './phone-number.ts';
import type { PrivacyValue } from './privacy.ts';
import type { TrunkReadingSettings } from './settings.ts';

export interface Caller {
  /** Null when nobody says who calls. */
  readonly number: PhoneNumber | null;
  /** The number must not be shown. */
  readonly private: boolean;
}

/** Who calls, and whether it may be shown: SIP first, the IAM for what is missing, the stricter of both on privacy. */
export function readCaller(
  request: Request,
  iam: InitialAddress | undefined,
  privacy: ReadonlySet<PrivacyValue>,
  settings: TrunkReadingSettings,
  warnings: string[],
): Caller {
  const trusted = settings.trustIdentity ?? true;
  const from = readParty(request.from.uri, settings);
  const asserted = trusted ? identities(request, 'P-Asserted-Identity', settings, warnings) : [];
  const remote = trusted ? readRemoteParty(request, settings) : undefined;

  // RFC 3325: within a trust domain the asserted identity; a wish (P-Preferred-Identity) and From come after it.
  const fromFirst = settings.callerPreference === 'from';
  const sources: (() => PhoneNumber | null)[] = [
    ...(fromFirst ? [() => best([from]), () => isup(iam?.presentation, settings)] : []),
    () => best(asserted),
    () => best(remote ? [remote.party] : []),
    ...(trusted ? [() => best(identities(request, 'P-Preferred-Identity', settings, warnings))] : []),
    () => best([from]),
    ...(trusted ? [() => isup(iam?.calling, settings)] : []),
  ];
  let number: PhoneNumber | null = null;
  for (const source of sources) {
    number = source();
    if (number !== null) break;
  }
  return {
    number,
    private:
      // RFC 3323 4.2, RFC 3325 9.3
      privacy.has('id') ||
      privacy.has('user') ||
      privacy.has('header') ||
      (from.kind === 'anonymous' && !privacy.has('none')) ||
      (remote?.hidden === true && asserted.length === 0) ||
      iam?.calling?.presentationRestricted === true,
  };
}

/** The values of an identity header; malformed ones are dropped. */
function identities(request: Request, name: string, settings: TrunkReadingSettings, warnings: string[]): Party[] {
  const addresses = request.list(name).map(parseNameAddress);
  if (addresses.includes(undefined)) warnings.push(`${name}: malformed values were ignored`);
  return addresses.filter((address) => address !== undefined).map((address) => readParty(address.uri, settings));
}

/** A number before a name (RFC 3325 9.1 allows one SIP and one tel URI). */
function best(parties: readonly Party[]): PhoneNumber | null {
  for (const kind of ['number', 'name']) {
    for (const party of parties) {
      if (party.kind === kind && (party.kind === 'number' || party.kind === 'name')) return party.number;
    }
  }
  return null;
}

/** Remote-Party-ID (draft-ietf-sip-privacy-04): the first that is not the called party's. */
function readRemoteParty(
  request: Request,
  settings: TrunkReadingSettings,
): { readonly party: Party; readonly hidden: boolean } | undefined {
  for (const value of request.list('Remote-Party-ID')) {
    const address = parseNameAddress(value);
    if (!address) continue;
    const parameter = (name: string) => unquote(address.parameters.get(name) ?? '').toLowerCase();
    if (parameter('party') === 'called') continue;
    const hidden = parameter('privacy') === 'full' || parameter('privacy') === 'uri';
    return { party: readParty(address.uri, settings), hidden };
  }
  return undefined;
}

function isup(number: IsupNumber | undefined, settings: TrunkReadingSettings): PhoneNumber | null {
  return number ? (normalise(number.digits, settings, { nai: number.nai })?.number ?? null) : null;
}
