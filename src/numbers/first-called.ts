import { parseNameAddress } from '../sip/message/address.ts';
import type { Request } from '../sip/message/message.ts';
import { unquote } from '../sip/message/syntax.ts';
import type { DivertingUser } from './diverting.ts';
import type { Evidence } from './explanation.ts';
import { normalise } from './number.ts';
import { readNumber } from './party.ts';
import type { PhoneNumber } from './phone-number.ts';
import type { Redirections } from './redirections.ts';
import { readCalledPartyId } from './second-called.ts';
import { prepare, type TrunkReadingSettings } from './settings.ts';

/** Where the first called number was found. */
export type FirstCalledSource =
  | 'history-info'
  | 'diversion'
  | 'isup-ocn'
  | 'isup-rdn'
  | 'target-param'
  | 'p-served-user'
  | 'to'
  | 'p-called-party-id'
  | 'mapping'
  | 'x-header';

export interface FirstCalled {
  readonly number: PhoneNumber;
  readonly source: FirstCalledSource;
  readonly private: boolean;
}

/** How people call the sources, and the rule by which each counts. */
const sources: Readonly<Record<FirstCalledSource, readonly [where: string, rule: string]>> = {
  'history-info': ['History-Info', '5 order 1, 5.6 (RFC 7544 7.3)'],
  diversion: ['Diversion', '5 order 1, 5.1 (RFC 7544 5)'],
  'isup-ocn': ['IAM original called number', '5 order 2, 5.14 (Q.763 3.39)'],
  'isup-rdn': ['IAM redirecting number', '5 order 2, 5.14 (Q.763 3.45)'],
  'target-param': ['target of the Request-URI', '5 order 4 (RFC 4458 2)'],
  'p-served-user': ['P-Served-User', '5 order 5, 5.15 (RFC 8498)'],
  to: ['To', '5 order 6, 5.16 (RFC 3261 8.1.1.2)'],
  'p-called-party-id': ['P-Called-Party-ID', '5 order 7 (RFC 7315 4.2)'],
  mapping: ['map of the settings', '5 order 8'],
  'x-header': ['firstCalledHeader of the settings', '5 order 0'],
};

const translated = ['cause 380 of History-Info or the Request-URI', '5 order 3, 5.7 (RFC 8119)'] as const;

/**
 * The number that the caller dialled, by the strength of the evidence; undefined when nothing tells it. It is never the
 * second called number over again.
 */
export function readFirstCalled(
  request: Request,
  redirections: Redirections,
  second: PhoneNumber,
  settings: TrunkReadingSettings,
  evidence: Evidence,
): FirstCalled | undefined {
  const { chain, serviceNumber } = redirections;
  const open = (number: PhoneNumber | null | undefined, source: FirstCalledSource): FirstCalled | undefined =>
    number === null || number === undefined ? undefined : { number, source, private: false };
  const [oldest] = chain;
  const to = open(readNumber(request.to.uri, settings), 'to');

  const candidates: (FirstCalled | null | undefined)[] = [
    open(readConfiguredHeader(request, settings), 'x-header'),
    oldest && fromChain(oldest),
    // A withheld oldest user: what else knows the dialled number goes before a later user of the chain.
    ...(oldest
      ? [
          ...redirections.others.map(fromChain),
          to,
          ...chain.filter((user) => user.number !== null && user.number !== second).map(fromChain),
        ]
      : []),
    serviceNumber,
    to,
    open(readCalledPartyId(request, settings), 'p-called-party-id'),
    open(prepare(settings).map.get(second), 'mapping'),
  ];
  return choose(candidates, second, serviceNumber, evidence);
}

/** The first candidate that is not the second called number. */
function choose(
  candidates: readonly (FirstCalled | null | undefined)[],
  second: PhoneNumber,
  serviceNumber: FirstCalled | null,
  evidence: Evidence,
): FirstCalled | undefined {
  let chosen: FirstCalled | undefined;
  const noted = new Set<FirstCalledSource>();
  for (const candidate of candidates) {
    // Each place once; that later users of the chain were not dialled is plain.
    if (!candidate || (chosen && noted.has(candidate.source))) continue;
    const { number, source } = candidate;
    noted.add(source);
    const [where, rule] = candidate === serviceNumber ? translated : sources[source];
    if (number === second) evidence.ignored('first-called', where, number, rule, 'it is the second called number');
    else if (chosen)
      evidence.ignored('first-called', where, number, rule, `${sources[chosen.source][0]} goes before it`);
    else {
      chosen = candidate;
      evidence.used('first-called', where, number, rule, 'the strongest evidence that names another number than ours');
    }
  }
  return chosen;
}

function fromChain(user: DivertingUser): FirstCalled | undefined {
  return user.number === null ? undefined : { number: user.number, source: user.source, private: user.private };
}

/** The operator's own header: a number, or an address that names one. */
function readConfiguredHeader(request: Request, settings: TrunkReadingSettings): PhoneNumber | null {
  const { firstCalledHeader } = settings;
  const [value] = firstCalledHeader === undefined ? [] : request.list(firstCalledHeader);
  if (value === undefined) return null;
  const address = parseNameAddress(value);
  if (address) return readNumber(address.uri, settings);
  const [digits = ''] = value.split(';', 1);
  return normalise(unquote(digits), settings)?.number ?? null;
}
