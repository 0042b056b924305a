import ipaddr from 'ipaddr.js';
import { Networks } from '../shared/networks.ts';

export interface PublicAddress {
  ip: string;
  /** 0 when a proxy did not tell it. */
  port: number;
}

/**
 * Where a terminal connects from. Behind our own proxy (`trustProxy`) it is the last entry of X-Forwarded-For, the one
 * that the proxy itself wrote; those before it are whatever the client claimed.
 */
export function publicAddress(
  peer: { ip: string | undefined; port: number | undefined },
  forwardedFor: string | string[] | undefined,
  trustProxy: boolean,
): PublicAddress {
  const direct = { ip: plain(peer.ip ?? '') ?? 'unknown', port: peer.port ?? 0 };
  if (!trustProxy || forwardedFor === undefined) return direct;
  const last = [forwardedFor].flat().join(',').split(',').at(-1)?.trim() ?? '';
  // As proxies write it: 192.0.2.1, 192.0.2.1:4711, 2001:db8::1, [2001:db8::1]:4711.
  const withPort = /^(?:\[(?<v6>[^\]]+)\]|(?<v4>[\d.]+))(?::(?<port>\d{1,5}))?$/.exec(last)?.groups;
  const ip = plain(withPort?.['v6'] ?? withPort?.['v4'] ?? last);
  return ip === undefined ? direct : { ip, port: Number(withPort?.['port'] ?? 0) };
}

/** The key under which an address is locked out: one IPv4 address, or the /64 that one IPv6 customer has. */
export function lockKey(ip: string): string {
  if (!ipaddr.IPv6.isValid(ip)) return ip;
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${ipaddr.IPv6.parse(ip).toNormalizedString()}/64`).toString()}/64`;
}

/**
 * Tells the `sip:` address of a terminal's own IP phone, when it lies in one of the networks that the operator permits
 * (`sip:` entries of the same setting are skipped).
 * @throws Failure `bad-setting` for an entry that is no CIDR
 */
export function ipPhones(
  permitted: readonly string[],
): (account: string, address: { ip: string; port?: number } | undefined) => string | undefined {
  const networks = new Networks(
    permitted.filter((entry) => !/^sips?:/i.test(entry)),
    'calls.ipPhones',
  );
  return (account, address) => {
    if (!address || !networks.contains(address.ip)) return undefined;
    const ip = ipaddr.process(address.ip);
    const host = ip.kind() === 'ipv6' ? `[${ip.toString()}]` : ip.toString();
    const port = address.port === undefined ? '' : `:${address.port}`;
    // RFC 3261 25.1: of the characters of account names only @ must be escaped in a user part.
    return `sip:${account.replaceAll('@', '%40')}@${host}${port}`;
  };
}

/** Without the IPv6 clothes of an IPv4 address (`::ffff:192.0.2.1`). */
function plain(ip: string): string | undefined {
  return ipaddr.isValid(ip) ? ipaddr.process(ip).toString() : undefined;
}
