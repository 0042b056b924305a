import { parseNameAddress } from '../sip/message/address.ts';
import type { Request } from '../sip/message/message.ts';
import { isSipUri } from '../sip/message/uri.ts';
import { printable, type Evidence } from './explanation.ts';
import type { InitialAddress } from './isup/iam.ts';
import { normalise } from './number.ts';
import { readNumber, readParty } from './party.ts';
import type { PhoneNumber } from './phone-number.ts';
import { prepare, type SecondCalledSource, type TrunkReadingSettings } from './settings.ts';
import { unescape } from './uri-user.ts';

const rule = '3 (RFC 3261 16.5, RFC 7315 4.2)';

const places: Readonly<Record<SecondCalledSource, string>> = {
  'request-uri': 'Request-URI',
  to: 'To',
  'p-called-party-id': 'P-Called-Party-ID',
  isup: 'IAM called party number',
};

/** A trunk's account name: letters first, so that neither a mistyped number nor rubbish is taken for one. */
const accountName = /^[A-Za-z][A-Za-z0-9._-]{0,63}$/;

/**
 * The service's own number that was called; null when the INVITE names none. Digits in the Request-URI that are no
 * number never let To stand in: To may be the first called number.
 */
export function readSecondCalled(
  request: Request,
  iam: InitialAddress | undefined,
  settings: TrunkReadingSettings,
  evidence: Evidence,
): PhoneNumber | null {
  const user = (isSipUri(request.uri) ? unescape(request.uri.user?.split(';')[0] ?? '') : undefined) ?? '';
  const account = prepare(settings).accounts.get(user.toLowerCase());
  if (account !== undefined) {
    evidence.used('second-called', 'Request-URI', account, rule, 'its user is an account that the settings name');
    return account;
  }

  const first = (sources: readonly SecondCalledSource[], why: string) => {
    for (const source of sources) {
      const number = readSource(source, request, iam, settings);
      if (number !== null) {
        evidence.used('second-called', places[source], number, rule, why);
        return number;
      }
      evidence.ignored('second-called', places[source], null, rule, 'it names no number');
    }
    return null;
  };
  const { secondCalledFrom } = settings;
  if (secondCalledFrom && secondCalledFrom.length > 0) return first(secondCalledFrom, 'the settings name this place');
  const party = readParty(request.requestUri, settings);
  if (party.kind === 'number') {
    evidence.used('second-called', 'Request-URI', party.number, rule, 'the Request-URI is what the network routed by');
    const inBody = readSource('isup', request, iam, settings);
    if (inBody !== null && inBody !== party.number)
      evidence.ignored('second-called', places.isup, inBody, rule, 'the Request-URI goes before it');
    return party.number;
  }
  // RFC 7315 4.2: P-Called-Party-ID is the Request-URI as it was before the contact took its place.
  const named = party.kind === 'no-user' || (party.kind === 'name' && accountName.test(user));
  const why = named ? 'it names an account or nobody' : 'no number under these settings, and nothing stands in for it';
  evidence.ignored('second-called', 'Request-URI', printable(request.requestUri), rule, why);
  return named ? first(['p-called-party-id', 'to', 'isup'], 'it stands in for the Request-URI') : null;
}

function readSource(
  source: SecondCalledSource,
  request: Request,
  iam: InitialAddress | undefined,
  settings: TrunkReadingSettings,
): PhoneNumber | null {
  switch (source) {
    case 'request-uri':
      return readNumber(request.requestUri, settings);
    case 'to':
      return readNumber(request.to.uri, settings);
    case 'p-called-party-id':
      return readCalledPartyId(request, settings);
    case 'isup':
      return iam ? (normalise(iam.called.digits, settings, { nai: iam.called.nai })?.number ?? null) : null;
  }
}

/** RFC 7315 4.2. */
export function readCalledPartyId(request: Request, settings: TrunkReadingSettings): PhoneNumber | null {
  const address = parseNameAddress(request.get('P-Called-Party-ID') ?? '');
  return address ? readNumber(address.uri, settings) : null;
}
