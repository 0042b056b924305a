import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { withoutZone } from './addresses.ts';

/** True for 0.0.0.0 and ::, on which every address of the machine is listened. */
export function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** True for an address of this machine's loopback interface. */
export function isLoopback(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

/**
 * The address of this machine that a target sees: the one on the target's own network, else the first that is not loopback.
 * Undefined when the machine has none of that family. For listening addresses that name no interface; `advertised` is surer.
 */
export function addressTowards(target: string): string | undefined {
  const family = isIP(target) === 6 ? 'IPv6' : 'IPv4';
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((candidate) => candidate.family === family);
  const near = own.find(({ cidr }) => cidr !== null && contains(cidr, withoutZone(target)));
  return (near ?? own.find((candidate) => !candidate.internal) ?? own[0])?.address;
}

function contains(cidr: string, address: string): boolean {
  const [network = '', bits = ''] = cidr.split('/');
  const type = isIP(network) === 6 ? 'ipv6' : 'ipv4';
  const list = new BlockList();
  list.addSubnet(network, Number(bits), type);
  return list.check(address, type);
}
