import { parseNameAddress } from '../sip/message/address.ts';
import type { Request } from '../sip/message/message.ts';
import { isSipUri } from '../sip/message/uri.ts';
import { isupChain, joinChains } from './chain.ts';
import { readDiversions } from './diversion.ts';
import type { DivertingUser } from './diverting.ts';
import type { Evidence } from './explanation.ts';
import { readHistory, type History } from './history-info.ts';
import type { InitialAddress } from './isup/iam.ts';
import { readNumber } from './party.ts';
import type { PhoneNumber } from './phone-number.ts';
import { hidesDiversions, type PrivacyValue } from './privacy.ts';
import { parseCause, reasonOfCause, translationCause, type RedirectReason } from './redirect-reason.ts';
import { noteCount, noteHistory, noteUsers } from './redirections-evidence.ts';
import type { TrunkReadingSettings } from './settings.ts';
import { unescape } from './uri-user.ts';

/** Who diverted the call until it reached us. */
export interface Redirections {
  /** Oldest first. */
  readonly chain: readonly DivertingUser[];
  /** Of the latest diversion: why the call reached us. */
  readonly reason: RedirectReason | 'service-number-translation' | null;
  readonly counter: number;
  /** Who diverted last; the IAM's redirecting number where SIP withholds it. */
  readonly lastDiverting: PhoneNumber | null;
  /** A translated number (RFC 8119) behind which the call reached us. */
  readonly serviceNumber: {
    readonly number: PhoneNumber;
    readonly source: 'history-info' | 'target-param';
    readonly private: boolean;
  } | null;
  /** What else names the first diverting user, the strongest first: it counts where the chain withholds that one. */
  readonly others: readonly DivertingUser[];
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
  evidence: Evidence,
): Redirections {
  const history = readHistory(request, second, settings, evidence);
  const diversions = readDiversions(request, settings, settings.diversionOrder ?? 'standard', evidence);
  noteHistory(history, evidence);
  noteUsers(diversions, 'used', evidence);
  const to = readNumber(request.to.uri, settings);
  const sip = joinChains(history.chain, diversions, to, evidence);
  const isup = iam ? isupChain(iam, settings) : [];
  noteUsers(isup, sip.length > 0 ? 'SIP headers go before it' : 'used', evidence);
  const uri = readRequestUri(request, settings);

  const told = sip.length > 0 ? sip : isup;
  const serviceNumber = serviceNumberOf(history, uri, privacy);
  const singles = [uri.diverting, readServedUser(request, settings)].filter((user) => user !== undefined);
  const single = told.length > 0 || history.serviceNumber !== null ? undefined : singles[0];
  const chain = withLatestReason(single ? [single] : told, uri.reason ?? iam?.redirection?.reason);
  noteUsers(
    singles.filter((user) => user === single),
    'used',
    evidence,
  );
  noteUsers(
    singles.filter((user) => user !== single),
    'stronger evidence goes before it',
    evidence,
  );

  const sum = diversions.reduce((total, user) => total + user.counter, 0);
  const isupCounter = sip.length === 0 ? (iam?.redirection?.counter ?? 0) : 0;
  const counted = Math.max(chain.length, sum, told === isup ? isupCounter : 0);
  const hidden = hidesDiversions(privacy);
  const hide = (user: DivertingUser): DivertingUser => (hidden ? { ...user, private: true } : user);
  const limits = diversions.map((user) => user.limit).filter((limit) => limit !== undefined);
  const { reason, counter } = reasonAndCounter(chain, counted, uri.reason ?? iam?.redirection?.reason, serviceNumber);
  noteCount(reason, counter, evidence);
  return {
    chain: chain.map(hide),
    reason,
    counter,
    lastDiverting: chain.at(-1)?.number ?? isup.at(-1)?.number ?? null,
    serviceNumber,
    others: [...(sip.length > 0 ? isup.slice(0, 1) : []), ...(chain.length === 1 ? singles : [])].map(hide),
    limitExceeded: limits.some((limit) => sum > limit),
    history,
  };
}

/** The Request-URI's own cause, or the IAM, says why the latest user diverted where their entry does not. */
function withLatestReason(chain: readonly DivertingUser[], reason: RedirectReason | undefined): DivertingUser[] {
  const latest = chain.at(-1);
  if (latest?.reason !== 'unknown' || reason === undefined) return [...chain];
  return [...chain.slice(0, -1), { ...latest, reason }];
}

/** Without a diverting user the Request-URI's own cause, or the IAM, still says why the call came (RFC 4458, Q.763 3.44). */
function reasonAndCounter(
  chain: readonly DivertingUser[],
  counter: number,
  reason: RedirectReason | undefined,
  serviceNumber: Redirections['serviceNumber'],
): Pick<Redirections, 'reason' | 'counter'> {
  const latest = chain.at(-1);
  if (latest) return { reason: latest.reason, counter };
  if (reason !== undefined) return { reason, counter: Math.max(1, counter) };
  return { reason: serviceNumber ? 'service-number-translation' : null, counter };
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
