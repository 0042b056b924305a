import type { DialRequest, TargetFailure } from '../call/ports.ts';
import { formatNumber } from '../numbers/format.ts';
import { outgoingIdentity } from '../numbers/present.ts';
import type { Gateway } from './gateway.ts';
import { retryAfter, type Gateways } from './gateways.ts';
import type { TrunkSettings } from './settings.ts';
import type { Attempt } from './silence.ts';
import type { DialPlan } from './target-leg.ts';
import { allow } from './tools.ts';

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

/** The tries of a call over the gateways of its trunk. */
export function planOverTrunk(request: DialRequest, trunk: OutgoingTrunk): DialPlan {
  const { settings, gateways } = trunk;
  const { numberFormat = 'plus', country = 'CN' } = settings.identity;
  const number = formatNumber(request.to, numberFormat, country);
  const attempts = gateways.candidates().map((gateway: Gateway): Attempt => {
    const ask = (): void => gateways.ask(gateway);
    return {
      uri: gateway.requestUri(number),
      headers: headersOf(request, settings, gateway.toUri(number), gateway.host),
      timeout: settings.gatewayTimeout,
      gateway,
      ...(gateways.probing && { ask }),
      retryAfter: (header) => retryAfter(header, settings.optionsInterval),
    };
  });
  return plan(request, settings, attempts);
}

/** The one try of a call to a phone that is called directly, past the gateways, with the identity of `settings`. */
export function planToPhone(request: DialRequest, settings: TrunkSettings): DialPlan {
  const [, hostport = ''] = phoneUri.exec(request.to) ?? [];
  const host = hostport.replace(/:\d+$/, '');
  const bare = request.to.replace(/;.*$/, '');
  const attempt: Attempt = {
    uri: request.to,
    headers: headersOf(request, settings, bare, host),
    timeout: settings.gatewayTimeout,
    retryAfter: () => 0,
  };
  return { ...plan(request, { ...settings }, [attempt]) };
}

/** A call that cannot even be tried. */
export function planOfNothing(failure: TargetFailure): DialPlan {
  return { attempts: [], sdp: '', ringTimeout: 0, impossible: failure };
}

function plan(request: DialRequest, settings: TrunkSettings, attempts: Attempt[]): DialPlan {
  const { ringTimeout, credentials } = settings;
  // RFC 3261 16.3, RFC 7332: a call that may not go any further ends here.
  if (request.maxForwards <= 0) return planOfNothing({ reason: 'failed', status: 483, q850: 25 });
  return { attempts, sdp: request.sdp, ringTimeout, ...(credentials && { auth: credentials }) };
}

function headersOf(request: DialRequest, settings: TrunkSettings, to: string, domain: string): Record<string, string> {
  const { from, headers } = outgoingIdentity(request.reading, settings.identity, {
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
    Allow: allow,
    ...written,
    'Content-Type': 'application/sdp',
  };
}
