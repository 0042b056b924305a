import { parseNameAddress } from '../sip/message/address.ts';
import type { Request } from '../sip/message/message.ts';
import { unquote } from '../sip/message/syntax.ts';
import type { Evidence } from './explanation.ts';
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

const rule = '4 (RFC 3325 9.1)';
const privacyRule = '4 (RFC 3323 4.2, RFC 3325 9.3)';

/** What one header or parameter of the message says about the caller. */
interface Claim {
  readonly where: string;
  readonly number: PhoneNumber | null;
  /** It hides its own number. */
  readonly hidden: boolean;
}

/** Who calls, and whether it may be shown: SIP first, the IAM for what is missing, the stricter of both on privacy. */
export function readCaller(
  request: Request,
  iam: InitialAddress | undefined,
  privacy: ReadonlySet<PrivacyValue>,
  settings: TrunkReadingSettings,
  evidence: Evidence,
): Caller {
  const trusted = settings.trustIdentity ?? true;
  if (!trusted) noteDistrust(request, iam, evidence);
  const fromParty = readParty(request.from.uri, settings);
  const from: Claim = { where: 'From', number: best([fromParty]), hidden: false };
  const asserted = trusted ? identities(request, 'P-Asserted-Identity', settings, evidence) : undefined;
  const remote = trusted ? readRemoteParty(request, settings) : undefined;
  const preferred = trusted ? identities(request, 'P-Preferred-Identity', settings, evidence) : undefined;
  const calling = isup('IAM calling party number', iam?.calling, settings);
  const presentation = isup('IAM generic number', iam?.presentation, settings);

  // RFC 3325: within a trust domain the asserted identity; a wish (P-Preferred-Identity) and From come after it.
  const fromFirst = settings.callerPreference === 'from';
  const chosen = choose(
    [
      ...(fromFirst ? [from, trusted ? presentation : undefined] : []),
      asserted,
      remote,
      preferred,
      ...(fromFirst ? [] : [from]),
      ...(trusted ? [calling] : []),
    ],
    evidence,
  );

  // RFC 3323 4.2, RFC 3325 9.3; the stricter of SIP and IAM.
  const hiding = ['id', 'user', 'header'] as const;
  const hidden =
    (hiding.some((value) => privacy.has(value)) && 'Privacy') ||
    (fromParty.kind === 'anonymous' && !privacy.has('none') && 'From') ||
    (remote?.hidden === true && asserted === undefined && remote.where) ||
    (calling?.hidden === true && calling.where) ||
    (chosen?.hidden === true && chosen === presentation && chosen.where);
  const values = privacy.size > 0 ? [...privacy].join(';') : null;
  if (hidden !== false) {
    const value = hidden === 'Privacy' ? values : null;
    evidence.used('caller-private', hidden, value, privacyRule, 'the number stays known and must not be shown');
  } else if (values !== null) {
    evidence.ignored('caller-private', 'Privacy', values, privacyRule, 'this does not hide the caller');
  }
  return { number: chosen?.number ?? null, private: hidden !== false };
}

/** The first claim with a number. */
function choose(claims: readonly (Claim | undefined)[], evidence: Evidence): Claim | undefined {
  let chosen: Claim | undefined;
  for (const claim of claims) {
    if (!claim) continue;
    if (claim.number === null) evidence.ignored('caller', claim.where, null, rule, 'it names nobody');
    else if (chosen) evidence.ignored('caller', claim.where, claim.number, rule, `${chosen.where} goes before it`);
    else {
      chosen = claim;
      evidence.used('caller', claim.where, claim.number, rule, 'the strongest claim that names somebody');
    }
  }
  return chosen;
}

function noteDistrust(request: Request, iam: InitialAddress | undefined, evidence: Evidence): void {
  const present = ['P-Asserted-Identity', 'Remote-Party-ID', 'P-Preferred-Identity'].filter(
    (name) => request.get(name) !== undefined,
  );
  if (iam?.calling) present.push('IAM calling party number');
  for (const where of present)
    evidence.ignored('caller', where, null, '4 (RFC 3325 2.3)', 'the peer is outside the trust domain');
}

/** What an identity header says; malformed values are dropped. Undefined when it is absent or nothing is left of it. */
function identities(
  request: Request,
  where: string,
  settings: TrunkReadingSettings,
  evidence: Evidence,
): Claim | undefined {
  const addresses = request.list(where).map(parseNameAddress);
  if (addresses.includes(undefined)) evidence.warn('caller', where, '1.8', 'malformed values were ignored');
  const parties = addresses
    .filter((address) => address !== undefined)
    .map((address) => readParty(address.uri, settings));
  return parties.length > 0 ? { where, number: best(parties), hidden: false } : undefined;
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
function readRemoteParty(request: Request, settings: TrunkReadingSettings): Claim | undefined {
  for (const value of request.list('Remote-Party-ID')) {
    const address = parseNameAddress(value);
    if (!address) continue;
    const parameter = (name: string) => unquote(address.parameters.get(name) ?? '').toLowerCase();
    if (parameter('party') === 'called') continue;
    // draft-ietf-sip-privacy-04 6: a list, each element perhaps with who must do it ("full-network").
    const hidden = parameter('privacy')
      .split(/[,;\s]/)
      .some((element) => ['full', 'uri'].includes(element.split('-')[0] ?? ''));
    return { where: 'Remote-Party-ID', number: best([readParty(address.uri, settings)]), hidden };
  }
  return undefined;
}

function isup(where: string, number: IsupNumber | undefined, settings: TrunkReadingSettings): Claim | undefined {
  if (!number) return undefined;
  const normalised = normalise(number.digits, settings, { nai: number.nai });
  return { where, number: normalised?.number ?? null, hidden: number.presentationRestricted };
}
