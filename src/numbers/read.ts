import type { Request } from '../sip/message/message.ts';
import { MalformedMessage, parseMessage } from '../sip/message/parse.ts';
import { emergencyRefusal, refuseRequest } from './admission.ts';
import { readCaller } from './caller.ts';
import type { DivertingUser } from './diverting.ts';
import { Evidence, type Explanation } from './explanation.ts';
import { readFirstCalled, type FirstCalledSource } from './first-called.ts';
import type { History } from './history-info.ts';
import { readIsupBody, UnreadableBody } from './isup/body.ts';
import type { InitialAddress } from './isup/iam.ts';
import { loopHints, usualDiversions, type LoopHint } from './loop.ts';
import { isEmergency, type PhoneNumber } from './number.ts';
import { readPrivacy, type PrivacyValue } from './privacy.ts';
import type { RedirectReason } from './redirect-reason.ts';
import { readRedirections } from './redirections.ts';
import { refusalRules, type Refusal } from './refusal.ts';
import { readSecondCalled } from './second-called.ts';
import { prepare, type TrunkReadingSettings } from './settings.ts';

export type { TrunkReadingSettings } from './settings.ts';

/** The numbers of a call, as its INVITE tells them. */
export interface Reading {
  /** Null when nobody says who calls. */
  readonly caller: PhoneNumber | null;
  /** The caller must not be shown; the number stays known to the service. */
  readonly callerPrivate: boolean;
  /** What the caller dialled; null when nothing tells it. Never equal to `secondCalled`. */
  readonly firstCalled: PhoneNumber | null;
  readonly firstCalledSource: FirstCalledSource | null;
  readonly firstCalledPrivate: boolean;
  /** Our own number that the network rang. */
  readonly secondCalled: PhoneNumber;
  /** Why the call reached us: of the latest diversion. */
  readonly reason: RedirectReason | 'service-number-translation' | null;
  /** Diversions so far. */
  readonly counter: number;
  readonly lastDiverting: PhoneNumber | null;
  /** Who diverted, oldest first. */
  readonly chain: readonly DivertingUser[];
  /** Signs of a loop that do not refuse the call. */
  readonly loop: readonly LoopHint[];
  /** A translated number such as 400… behind which the call came (RFC 8119). */
  readonly serviceNumber: PhoneNumber | null;
  /**
   * Whose service called us, to be looked up in this order among the subscribers' numbers and second called numbers:
   * what the trunk's map says, the chain from newest to oldest, the first called number, at last the second.
   */
  readonly subscriberCandidates: readonly PhoneNumber[];
  /** The first candidate that is not merely our own number. */
  readonly subscriber: PhoneNumber | null;
  readonly privacy: ReadonlySet<PrivacyValue>;
  /** History-Info as received, for the onward leg. */
  readonly history: History;
  /** What was malformed or contradictory; nothing from outside is quoted. */
  readonly warnings: readonly string[];
  /** Where each number was read and by which rule, what was ignored and why. `abridge` shortens it for a record. */
  readonly explanation: Explanation;
}

export type ReadingResult =
  | { readonly ok: true; readonly reading: Reading }
  | { readonly ok: false; readonly error: Refusal; readonly explanation: Explanation };

/** Why the numbers are read as they are, or why the INVITE is refused. */
export function explanationOf(result: ReadingResult): Explanation {
  return result.ok ? result.reading.explanation : result.explanation;
}

/** Reads the numbers out of an INVITE that came over a trunk. Never throws, whatever the message holds. */
export function readInvite(request: Request, settings: TrunkReadingSettings): ReadingResult {
  const evidence = new Evidence();
  const unacceptable = refuseRequest(request, settings);
  if (unacceptable) return refuse(unacceptable, evidence);
  try {
    return readNumbers(request, readIsupBody(request, evidence), settings, evidence);
  } catch (error) {
    if (!(error instanceof UnreadableBody)) throw error;
    return refuse({ status: 400, why: error.message, code: 'malformed' }, evidence);
  }
}

/** The same from the octets of a datagram. A message that is malformed or no INVITE is refused, too. */
export function readInviteOctets(octets: Buffer, settings: TrunkReadingSettings): ReadingResult {
  try {
    const message = parseMessage(octets);
    if (message.kind === 'request' && message.method === 'INVITE') return readInvite(message, settings);
    return refuse({ status: 0, why: 'not an INVITE', code: 'malformed' }, new Evidence());
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
    return refuse({ status: error.status, why: error.reason, code: 'malformed' }, new Evidence());
  }
}

function refuse(error: Refusal, evidence: Evidence): ReadingResult {
  evidence.used('refusal', 'the message', String(error.status), refusalRules[error.code], error.why);
  return { ok: false, error, explanation: evidence.findings };
}

function readNumbers(
  request: Request,
  iam: InitialAddress | undefined,
  settings: TrunkReadingSettings,
  evidence: Evidence,
): ReadingResult {
  const second = readSecondCalled(request, iam, settings, evidence);
  if (second === null) {
    return refuse({ status: 404, why: 'the Request-URI names no number', code: 'no-number' }, evidence);
  }
  if (isEmergency(second, settings)) return refuse(emergencyRefusal, evidence);
  const { serviceNumbers, map } = prepare(settings);
  if (serviceNumbers.size > 0 && !serviceNumbers.has(second)) {
    return refuse({ status: 404, why: 'not one of our numbers', code: 'foreign-number' }, evidence);
  }

  const privacy = readPrivacy(request);
  const redirections = readRedirections(request, iam, second, privacy, settings, evidence);
  const { chain } = redirections;
  if (chain.some((user) => user.number !== null && serviceNumbers.has(user.number))) {
    return refuse({ status: 482, why: 'our own number is among those who diverted', code: 'loop' }, evidence);
  }

  const caller = readCaller(request, iam, privacy, settings, evidence);
  const first = readFirstCalled(request, redirections, second, settings, evidence);
  const loop = loopHints(redirections, second, settings.maxDiversions ?? usualDiversions);
  if (settings.tooManyDiversions === 'refuse' && loop.includes('too-many-diversions')) {
    return refuse({ status: 482, why: 'it was diverted more often than the trunk allows', code: 'loop' }, evidence);
  }
  for (const hint of loop) evidence.used('loop', 'all diversions', hint, '6', 'a hint of a loop: the call goes on');
  const diverting = chain.map((user) => user.number).reverse();
  const known = [map.get(second), ...diverting, first?.number].filter((number) => typeof number === 'string');
  const subscribers = new Set<PhoneNumber>(known);
  subscribers.delete(second);
  return {
    ok: true,
    reading: {
      caller: caller.number,
      callerPrivate: caller.private,
      firstCalled: first?.number ?? null,
      firstCalledSource: first?.source ?? null,
      firstCalledPrivate: first?.private ?? false,
      secondCalled: second,
      reason: redirections.reason,
      counter: redirections.counter,
      lastDiverting: redirections.lastDiverting,
      chain,
      loop,
      serviceNumber: redirections.serviceNumber?.number ?? null,
      subscriberCandidates: [...subscribers, second],
      subscriber: [...subscribers][0] ?? null,
      privacy,
      history: redirections.history,
      warnings: evidence.warnings,
      explanation: evidence.findings,
    },
  };
}
