import { parseNameAddress } from '../sip/message/address.ts';
import type { Request } from '../sip/message/message.ts';
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

/**
 * The number that the caller dialled, by the strength of the evidence; undefined when nothing tells it. It is never the
 * second called number over again.
 */
export function readFirstCalled(
  request: Request,
  redirections: Redirections,
  second: PhoneNumber,
  settings: TrunkReadingSettings,
): FirstCalled | undefined {
  const { chain, serviceNumber } = redirections;
  const open = (number: PhoneNumber | null | undefined, source: FirstCalledSource): FirstCalled | undefined =>
    number === null || number === undefined ? undefined : { number, source, private: false };
  const oldest = chain[0];
  const oldestNamed = chain.find((user) => user.number !== null && user.number !== second);
  const to = () => open(readNumber(request.to.uri, settings), 'to');

  const sources: (() => FirstCalled | undefined)[] = [
    () => open(readConfiguredHeader(request, settings), 'x-header'),
    () => oldest && fromChain(oldest),
    // A withheld oldest user: what else knows the dialled number goes before a later user of the chain.
    ...(oldest
      ? [() => redirections.isup && fromChain(redirections.isup), to, () => oldestNamed && fromChain(oldestNamed)]
      : []),
    () => serviceNumber ?? undefined,
    to,
    () => open(readCalledPartyId(request, settings), 'p-called-party-id'),
    () => open(prepare(settings).map.get(second), 'mapping'),
  ];
  for (const source of sources) {
    const found = source();
    if (found && found.number !== second) return found;
  }
  return undefined;
}

function fromChain(user: Redirections['chain'][number]): FirstCalled | undefined {
  return user.number === null ? undefined : { number: user.number, source: user.source, private: user.private };
}

/** The operator's own header: a number, or an address that names one. */
function readConfiguredHeader(request: Request, settings: TrunkReadingSettings): PhoneNumber | null {
  const { firstCalledHeader } = settings;
  const value = firstCalledHeader === undefined ? undefined : request.get(firstCalledHeader);
  if (value === undefined) return null;
  const address = parseNameAddress(value);
  return address ? readNumber(address.uri, settings) : (normalise(value, settings)?.number ?? null);
}
