import { lookup } from 'node:dns/promises';
import type { NgTarget } from 'rtpengine-client';
import { Failure } from '../../shared/errors.ts';

/**
 * Reads the `udp://host:port` of an engine's ng port out of the settings.
 * @throws Failure `bad-setting`
 */
export function readEngineAddress(engine: string): NgTarget {
  const wrong = (why: string) =>
    new Failure(
      'bad-setting',
      `media.engines: "${engine}" ${why}; expected udp://HOST:PORT, as in udp://127.0.0.1:2223`,
    );
  const match = /^udp:\/\/([^/:@\s]+|\[[^\]]*\]):(\d{1,5})\/?$/.exec(engine);
  const [, host, digits] = match ?? [];
  const port = Number(digits);
  if (host === undefined || !(port >= 1 && port <= 65_535)) throw wrong('is no address of an rtpengine');
  // rtpengine-client speaks to IPv4 only.
  if (host.startsWith('[')) throw wrong('is an IPv6 address, which the ng client cannot reach');
  return { host, port };
}

/** The engine's IPv4 address by now; a name may change its address. */
export async function resolveEngine(target: NgTarget): Promise<NgTarget> {
  const { address } = await lookup(target.host, { family: 4 });
  return { host: address, port: target.port };
}
