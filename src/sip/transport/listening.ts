import ipaddr from 'ipaddr.js';
import { isIP } from 'node:net';
import {
  defaultPort,
  type AdvertisedAddress,
  type ListenAddress,
  type Target,
  type TransportName,
} from './addresses.ts';
import { addressTowards, isLoopback, isWildcard } from './local-address.ts';

/** The addresses that are listened on, and which of them faces a target. */
export class Listening {
  readonly #advertised: AdvertisedAddress | undefined;
  readonly #addresses: ListenAddress[] = [];

  /** @param advertised what is shown where an address advertises nothing itself */
  constructor(advertised: AdvertisedAddress | undefined) {
    this.#advertised = advertised;
  }

  get all(): readonly ListenAddress[] {
    return this.#addresses;
  }

  add(address: ListenAddress): void {
    this.#addresses.push(address);
  }

  has(transport: TransportName): boolean {
    return this.#addresses.some((local) => local.transport === transport);
  }

  /** The address families that a transport can send to: those listened on; a connection may use any of ours. */
  families(transport: TransportName): (4 | 6)[] {
    const usable = this.#addresses.filter((local) => transport !== 'udp' || local.transport === 'udp');
    return ([4, 6] as const).filter((family) => usable.some((local) => isIP(local.address) === family));
  }

  /**
   * The address of the target's transport and family: its own loopback for loopback; of several, the one that the target's
   * network is reached from; else the first that fits.
   */
  towards(target: Target): ListenAddress | undefined {
    const fitting = this.#addresses.filter(
      (local) => local.transport === target.transport && sameFamily(local, target),
    );
    const loopback = isLoopback(target.address);
    const right = fitting.filter((local) => isWildcard(local.address) || isLoopback(local.address) === loopback);
    if (right.length < 2) return right[0] ?? fitting[0];
    const near = addressTowards(target.address);
    return right.find((local) => local.address === near) ?? right[0];
  }

  /** The address to connect from, so that the peer recognises us by it; undefined: the system's choice. */
  connectFrom(target: Target): string | undefined {
    const local = this.towards(target);
    return local && !isWildcard(local.address) ? local.address : undefined;
  }

  /** The address and port that a target shall send to, for Via and Contact (without brackets, see `uriHost`). */
  shownTo(target: Target): { address: string; port: number; transport: TransportName } {
    const { transport } = target;
    const local = this.towards(target) ?? this.#addresses.find((other) => sameFamily(other, target));
    const listenedPort = local?.port ?? defaultPort(transport);
    const advertised = local?.advertised ?? this.#advertised;
    if (advertised && !isLoopback(target.address) && !isWithin(target.address, advertised.notTo)) {
      return { transport, address: advertised.address, port: advertised.port ?? listenedPort };
    }
    const listened = local && !isWildcard(local.address) ? local.address : addressTowards(target.address);
    return { transport, address: listened ?? '127.0.0.1', port: listenedPort };
  }
}

function isWithin(address: string, prefixes: readonly string[] = []): boolean {
  if (prefixes.length === 0) return false;
  const parsed = ipaddr.process(address);
  return prefixes.some((prefix) => {
    const [network, length] = ipaddr.parseCIDR(prefix);
    return network.kind() === parsed.kind() && parsed.match(network, length);
  });
}

function sameFamily(local: ListenAddress, target: Target): boolean {
  return isIP(local.address) === isIP(target.address);
}
