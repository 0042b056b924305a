import ipaddr from 'ipaddr.js';
import { Failure, messageOf } from '../shared/errors.ts';

type Address = ReturnType<typeof ipaddr.process>;
interface Range {
  address: Address;
  bits: number;
}

/** Who may send us calls, and over which trunk: the first trunk whose peers contain the address. */
export class Peers<Trunk extends { name: string; peers: readonly string[] }> {
  readonly #trunks: { trunk: Trunk; ranges: Range[] }[];

  /** @throws Failure `bad-setting` for a peer that is no address and no `address/length` */
  constructor(trunks: readonly Trunk[]) {
    this.#trunks = trunks.map((trunk) => ({ trunk, ranges: trunk.peers.map((peer) => rangeOf(peer, trunk.name)) }));
  }

  /** The trunk of an address; undefined for a stranger and for anything that is no address. */
  trunkOf(address: string): Trunk | undefined {
    const bare = address.replace(/^\[(.*)\]$/, '$1');
    if (!ipaddr.isValid(bare)) return undefined;
    const from = ipaddr.process(bare); // an IPv4 address that was mapped into IPv6 is the IPv4 address
    return this.#trunks.find(({ ranges }) => ranges.some((range) => contains(range, from)))?.trunk;
  }
}

function contains(range: Range, address: Address): boolean {
  return range.address.kind() === address.kind() && address.match([range.address, range.bits]);
}

function rangeOf(peer: string, trunk: string): Range {
  try {
    if (peer.includes('/')) {
      const [address, bits] = ipaddr.parseCIDR(peer);
      return { address, bits };
    }
    const address = ipaddr.process(peer);
    return { address, bits: address.kind() === 'ipv4' ? 32 : 128 };
  } catch (error) {
    throw new Failure(
      'bad-setting',
      `trunk ${trunk}: peer "${peer}" is not an address or address/length (${messageOf(error)})`,
      { cause: error },
    );
  }
}
