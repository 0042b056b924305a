import type { DialRequest, TargetFailure } from '../call/ports.ts';
import { formatNumber } from '../numbers/format.ts';
import { outgoingIdentity } from '../numbers/present.ts';
import type { Dialled } from '../numbers/returning.ts';
import type { Gateway } from './gateway.ts';
import { retryAfter, type Gateways } from './gateways.ts';
import { networkHeaders } from './network-headers.ts';
import { supportedBy } from './options.ts';
import type { TrunkSettings } from './settings.ts';
import type { Attempt } from './silence.ts';
import type { DialPlan } from './target-leg.ts';
import { allow, allowWithRefer } from './tools.ts';

/** A trunk with its gateways. */
export interface OutgoingTrunk {
  settings: TrunkSettings;
  gateways: Gateways;
}

/** `sip:user@host[:port][;parameters]` without headers: what a terminal's own IP phone is called by. */
const phoneUri = /^sips?:[^@\s<>"?,]+@((?:\[[0-9a-f:.]+\]|[\w.-]+)(?::\d{1,5})?)((?:;[^\s<>"?,;]+)*)$/i;

export function isPhoneUri(to: string): boolean {
  return /^sips?:/i.test(to) && phoneUri.test(to);
}

/** What every leg of ours shows. */
export interface OwnMarks {
  /** Those by which any trunk reaches us. */
  numbers: ReadonlySet<string>;
  /** What the leg is known by when it comes back. */
  token: string;
}

/** The tries of a call over the gateways of its trunk. */
export function planOverTrunk(request: DialRequest, trunk: OutgoingTrunk, own: OwnMarks): DialPlan {
  const { settings, gateways } = trunk;
  const { numberFormat = 'plus', country = 'CN' } = settings.identity;
  const number = formatNumber(request.to, numberFormat, country);
  const attempts = gateways.candidates().map((gateway: Gateway): Attempt => {
    const ask = (): void => gateways.ask(gateway);
    return {
      uri: gateway.requestUri(number),
      headers: headersOf(request, settings, own, gateway.toUri(number), gateway.host),
      timeout: settings.gatewayTimeout,
      gateway,
      ...(gateways.probing && { ask }),
      retryAfter: (header) => retryAfter(header, settings.optionsInterval),
    };
  });
  return plan(request, settings, own.token, attempts);
}

/** The one try of a call to a phone that is called directly, past the gateways, with the identity of `settings`. */
export function planToPhone(request: DialRequest, settings: TrunkSettings, own: OwnMarks): DialPlan {
  const [, hostport = ''] = phoneUri.exec(request.to) ?? [];
  const host = hostport.replace(/:\d+$/, '');
  const bare = request.to.replace(/;.*$/, '');
  const attempt: Attempt = {
    uri: request.to,
    headers: headersOf(request, settings, own, bare, host),
    timeout: settings.gatewayTimeout,
    retryAfter: () => 0,
  };
  return plan(request, settings, own.token, [attempt]);
}

/** A call that cannot even be tried. */
export function planOfNothing(failure: TargetFailure): DialPlan {
  return { attempts: [], sdp: undefined, ringTimeout: 0, sessionInterval: 0, mayRefer: false, impossible: failure };
}

function plan(request: DialRequest, settings: TrunkSettings, token: string, attempts: Attempt[]): DialPlan {
  const { ringTimeout, credentials } = settings;
  // RFC 3261 16.3, RFC 7332: a call that may not go any further ends here.
  if (request.maxForwards <= 0) return planOfNothing({ reason: 'failed', status: 483, q850: 25 });
  const own = { dialled: dialledBy(request, settings), token };
  const sessionInterval = Math.floor((settings.sessionInterval ?? 0) / 1_000);
  const auth = credentials && { auth: credentials };
  const { sdp, mayRefer } = request;
  return { attempts, own, sdp, ringTimeout, sessionInterval, mayRefer, ...auth };
}

/** The call as it would come back to us. */
function dialledBy({ to, reading, firstCalled }: DialRequest, { identity }: TrunkSettings): Dialled {
  const { caller, callerPrivate } = reading;
  const callers = new Set<string | null>([caller]);
  if (identity.from === 'subscriber' || identity.assert === 'subscriber') callers.add(firstCalled);
  if (callerPrivate) callers.add(null);
  return { to, callers, subscriber: firstCalled };
}

function headersOf(
  request: DialRequest,
  settings: TrunkSettings,
  own: OwnMarks,
  to: string,
  domain: string,
): Record<string, string> {
  const { identity } = settings;
  const { from, headers } = outgoingIdentity(request.reading, identity, {
    ownNumbers: own.numbers,
    legToken: own.token,
    to: request.to,
    subscriber: request.firstCalled,
    domain,
  });
  const written: Record<string, string> = {};
  // Several lines of one name are one list (RFC 3261 7.3.1), and an object has each name once.
  for (const [name, value] of headers) written[name] = name in written ? `${written[name] ?? ''}, ${value}` : value;
  return {
    From: from,
    To: `<${to}>`,
    'Max-Forwards': String(request.maxForwards - 1),
    Allow: request.mayRefer ? allowWithRefer : allow,
    // RFC 3262 5: an offer in a reliable response would want its answer before anybody has answered
    Supported: supportedBy(request.sdp === undefined ? { reliableProvisionals: 'never' } : settings),
    // RFC 5009 8: within a trust domain only
    ...((identity.trusted ?? true) && { 'P-Early-Media': 'supported' }),
    // RFC 7989: a session of its own, by which we know this call again. Nobody is at its other end yet: 32 zeros.
    'Session-ID': `${own.token};remote=${'0'.repeat(32)}`,
    ...networkHeaders(request.network ?? {}, settings.network ?? {}, {
      legToken: own.token,
      trusted: identity.trusted ?? true,
      showsCaller: identity.from !== 'subscriber' && !request.reading.callerPrivate,
    }),
    ...written,
    ...(request.replaces !== undefined && { Replaces: request.replaces, Require: 'replaces' }),
    ...(request.sdp !== undefined && { 'Content-Type': 'application/sdp' }),
  };
}
