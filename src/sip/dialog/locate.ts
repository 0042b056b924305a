import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock } from '../../shared/clock.ts';
import { withDeadline } from '../../shared/deadline.ts';
import { isSipUri, parseUri } from '../message/uri.ts';
import { hostAddress, type Target, type TransportName } from '../transport/addresses.ts';

/** A URI that leads nowhere: no SIP URI, or its host has no address. */
export class Unlocatable extends Error {
  constructor(uri: string, cause?: unknown) {
    super(`no address for ${uri}`, { cause });
    this.name = 'Unlocatable';
  }
}

const spoken: readonly TransportName[] = ['udp', 'tcp'];

/** Milliseconds that a name server may take. */
const lookupDeadline = 5000;

/**
 * Where a request for a SIP URI is sent (RFC 3263 4): transport from the `transport` parameter or the scheme, the host's
 * address (`maddr` first), the port or its default.
 * @throws Unlocatable
 */
export async function locate(text: string, clock: Clock): Promise<Target> {
  const uri = parseUri(text);
  if (!uri || !isSipUri(uri)) throw new Unlocatable(text);
  // RFC 3263 4.1: UDP for sip, TLS for sips, where nothing else is said
  const asked = uri.parameters.get('transport')?.toLowerCase() ?? (uri.scheme === 'sips' ? 'tls' : 'udp');
  const transport = spoken.find((name) => name === asked && uri.scheme === 'sip');
  if (!transport) throw new Unlocatable(text);
  const port = uri.port ?? 5060;
  const host = hostAddress(uri.parameters.get('maddr') ?? uri.host);
  if (isIP(host)) return { transport, address: host, port };
  try {
    const { address } = await withDeadline(clock, lookupDeadline, `the name server asked for ${host}`, lookup(host));
    return { transport, address, port };
  } catch (error) {
    throw new Unlocatable(text, error);
  }
}
