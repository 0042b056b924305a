import { parseNameAddress } from '../sip/message/address.ts';
import type { Request } from '../sip/message/message.ts';
import { isSipUri } from '../sip/message/uri.ts';
import { isupChain, joinChains } from './chain.ts';
import { readDiversions } from './diversion.ts';
import type { DivertingUser } from './diverting.ts';
import { readHistory, type History } from './history-info.ts';
import type { InitialAddress } from './isup/iam.ts';
import { readNumber } from './party.ts';
import type { PhoneNumber } from './phone-number.ts';
import { hidesDiversions, type PrivacyValue } from './privacy.ts';
import { parseCause, reasonOfCause, translationCause, type RedirectReason } from './redirect-reason.ts';
import type { TrunkReadingSettings } from './settings.ts';
import { unescape } from './uri-user.ts';

/** Who diverted the call until it reached us. */
export interface Redirections {
  /** Oldest first. */
  readonly chain: readonly DivertingUser[];
  /** Of the latest diversion: why the call reached us. */
  readonly reason: RedirectReason | 'service-number-translation' | null;
  readonly counter: number;
  /** A translated number (RFC 8119) behind which the call reached us. */
  readonly serviceNumber: {
    readonly number: PhoneNumber;
    readonly source: 'history-info' | 'target-param';
    readonly private: boolean;
  } | null;
  /** The first diverting user that an IAM names, beside a chain that SIP tells. */
  readonly isup: DivertingUser | undefined;
  /** More diversions than an entry's limit allows. */
  readonly limitExceeded: boolean;
  readonly history: History;
}

/** Reads all evidence of diversion: SIP headers, then the IAM, then what the Request-URI and P-Served-User say. */
export function readRedirections(
  request: Request,
  iam: InitialAddress | undefined,
  second: PhoneNumber,
  privacy: ReadonlySet<PrivacyValue>,
  settings: TrunkReadingSettings,
  warnings: string[],
): Redirections {
  const history = readHistory(request, second, settings, warnings);
  const diversions = readDiversions(request, settings, settings.diversionOrder ?? 'standard', warnings);
  const to = readNumber(request.to.uri, settings);
  const sip = joinChains(history.chain, diversions, to, warnings);
  const isup = iam ? isupChain(iam, settings) : [];
  const uri = readRequestUri(request, settings);

  const told = sip.length > 0 ? sip : isup;
  const serviceNumber = serviceNumberOf(history, uri, privacy);
  const single =
    told.length > 0 || history.serviceNumber !== null
      ? undefined
      : (uri.diverting ?? readServedUser(request, settings));
  const chain = single ? [single] : told;

  const sum = diversions.reduce((total, user) => total + user.counter, 0);
  const isupCounter = sip.length === 0 ? (iam?.redirection?.counter ?? 0) : 0;
  const counter = Math.max(chain.length, sum, told === isup ? isupCounter : 0);
  const hidden = hidesDiversions(privacy);
  const limits = diversions.map((user) => user.limit).filter((limit) => limit !== undefined);
  return {
    chain: hidden ? chain.map((user) => ({ ...user, private: true })) : chain,
    ...reasonAndCounter(chain, counter, uri.reason, serviceNumber !== null),
    serviceNumber,
    isup: sip.length > 0 ? isup[0] : undefined,
    limitExceeded: limits.some((limit) => sum > limit),
    history,
  };
}

/** Without a diverting user the Request-URI's own cause still says why the call came (RFC 4458). */
function reasonAndCounter(
  chain: readonly DivertingUser[],
  counter: number,
  uriReason: RedirectReason | undefined,
  translated: boolean,
): Pick<Redirections, 'reason' | 'counter'> {
  const latest = chain.at(-1);
  if (latest) return { reason: latest.reason, counter };
  if (uriReason !== undefined) return { reason: uriReason, counter: Math.max(1, counter) };
  return { reason: translated ? 'service-number-translation' : null, counter };
}

function serviceNumberOf(
  history: History,
  uri: RequestUriEvidence,
  privacy: ReadonlySet<PrivacyValue>,
): Redirections['serviceNumber'] {
  const hidden = hidesDiversions(privacy);
  if (history.serviceNumber !== null) {
    return { number: history.serviceNumber, source: 'history-info', private: hidden || history.serviceNumberPrivate };
  }
  if (uri.translated !== null) return { number: uri.translated, source: 'target-param', private: hidden };
  return null;
}

interface RequestUriEvidence {
  readonly reason: RedirectReason | undefined;
  readonly diverting: DivertingUser | undefined;
  readonly translated: PhoneNumber | null;
}

/** RFC 4458: `target` names the user who diverted, `cause` says why; 380 is a translation (RFC 8119). */
function readRequestUri(request: Request, settings: TrunkReadingSettings): RequestUriEvidence {
  const { uri } = request;
  const cause = isSipUri(uri) ? parseCause(uri.parameters.get('cause')) : undefined;
  const target = unescape((isSipUri(uri) ? uri.parameters.get('target') : undefined) ?? '');
  const number = target ? readNumber(target, settings) : null;
  const reason = reasonOfCause(cause);
  if (cause === translationCause) return { reason: undefined, diverting: undefined, translated: number };
  if (number === null) return { reason, diverting: undefined, translated: null };
  return { reason, diverting: singleUser(number, 'target-param', reason ?? 'unknown'), translated: null };
}

/** RFC 8498: P-Served-User with orig-cdiv names the user who diverted last; other session cases name other people. */
function readServedUser(request: Request, settings: TrunkReadingSettings): DivertingUser | undefined {
  const address = parseNameAddress(request.get('P-Served-User') ?? '');
  if (!address) return undefined;
  const diverted =
    address.parameters.has('orig-cdiv') || address.parameters.get('sescase')?.toLowerCase() === 'orig-cdiv';
  const number = diverted ? readNumber(address.uri, settings) : null;
  return number === null ? undefined : singleUser(number, 'p-served-user', 'unknown');
}

function singleUser(
  number: PhoneNumber,
  source: 'target-param' | 'p-served-user',
  reason: RedirectReason,
): DivertingUser {
  return { number, reason, private: false, counter: 1, source };
}
