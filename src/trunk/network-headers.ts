import type { NetworkHeaders } from '../call/ports.ts';
import type { Request } from '../sip/message/message.ts';

/** What of the network's own headers goes on to a trunk's gateways. What is absent has the default named. */
export interface NetworkHeaderPolicy {
  /**
   * P-Charging-Vector (RFC 7315 4.6): `keep` the caller's icid, as a B2BUA that only routes; `own`, as one that begins a
   * call; `drop` it. Default `keep`.
   */
  readonly chargingVector?: 'keep' | 'own' | 'drop' | undefined;
  /** What we are named in orig-ioi, the operator identifier of our side. Default: none is written. */
  readonly originIoi?: string | undefined;
  /** P-Access-Network-Info (RFC 7315 4.4). Default `keep`. */
  readonly accessNetworkInfo?: 'keep' | 'drop' | undefined;
  /** Identity (RFC 8224), with its Date: kept only where From still shows the caller whom it vouches for. Default `drop`. */
  readonly identity?: 'keep' | 'drop' | undefined;
}

/** What else decides. */
interface Onward {
  /** What our leg is known by. */
  legToken: string;
  /** The gateways belong to our trust domain (RFC 3325 2.3); out of it none of the charging and access headers goes. */
  trusted: boolean;
  /** From shows the caller's number. */
  showsCaller: boolean;
}

/** Longer ones are no header of a real network. Characters. */
const longest = 4_096;

/** The network's headers of an INVITE; values that could not be written again are left out. */
export function readNetworkHeaders(request: Request): NetworkHeaders {
  const value = (name: string): string | undefined => {
    const values = request.all(name).map((text) => text.trim());
    const [only = ''] = values;
    // drachtio-srf writes a header of a name once; an Identity of several lines (RFC 8946) cannot be joined
    return values.length === 1 && only.length <= longest && /^[\x20-\x7e]+$/.test(only) ? only : undefined;
  };
  const headers = {
    chargingVector: value('P-Charging-Vector'),
    accessNetworkInfo: value('P-Access-Network-Info'),
    identity: value('Identity'),
    date: value('Date'),
  };
  const present = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(present);
}

/**
 * What goes on to the target. Only what is named here ever does: P-Charging-Function-Addresses, which must not leave
 * the trust domain (RFC 7315 4.5), is not.
 */
export function networkHeaders(
  received: NetworkHeaders,
  policy: NetworkHeaderPolicy,
  onward: Onward,
): Record<string, string> {
  const headers: Record<string, string> = {};
  if (onward.trusted) {
    const charging = chargingVector(received.chargingVector, policy, onward.legToken);
    if (charging !== undefined) headers['P-Charging-Vector'] = charging;
    if (received.accessNetworkInfo !== undefined && policy.accessNetworkInfo !== 'drop') {
      headers['P-Access-Network-Info'] = received.accessNetworkInfo;
    }
  }
  if (policy.identity === 'keep' && onward.showsCaller && received.identity !== undefined) {
    headers['Identity'] = received.identity;
    if (received.date !== undefined) headers['Date'] = received.date; // RFC 8224 4.1: its time, when it is in compact form
  }
  return headers;
}

/** Operator identifiers (orig-ioi, term-ioi, transit-ioi) are of one hop: taken out, and ours put in. */
function chargingVector(
  received: string | undefined,
  { chargingVector: how = 'keep', originIoi }: NetworkHeaderPolicy,
  legToken: string,
): string | undefined {
  if (how === 'drop' || (how === 'keep' && received === undefined)) return undefined;
  const kept =
    how === 'own'
      ? [`icid-value=${legToken}`]
      : (received ?? '')
          .split(';')
          .map((parameter) => parameter.trim())
          .filter((parameter) => /^icid-(?:value|generated-at)\s*=/i.test(parameter));
  if (!kept.some((parameter) => /^icid-value/i.test(parameter))) return undefined;
  return [...kept, ...(originIoi === undefined ? [] : [`orig-ioi=${originIoi}`])].join(';');
}
