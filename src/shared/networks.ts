import ipaddr from 'ipaddr.js';
import { Failure, messageOf } from './errors.ts';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** A set of networks, as settings write them: `192.0.2.0/24`, `2001:db8::/32`, or single addresses. */
export class Networks {
  readonly #ranges: readonly { address: Address; bits: number }[];

  /**
   * @param setting named in the error
   * @throws Failure `bad-setting` for an entry that is neither an address nor `address/length`
   */
  constructor(entries: readonly string[], setting: string) {
    this.#ranges = entries.map((entry) => rangeOf(entry, setting));
  }

  /** Whether an IP address lies in one of them; brackets are allowed, an IPv4 address in IPv6 clothes counts as itself. */
  contains(ip: string): boolean {
    const bare = ip.replace(/^\[(.*)\]$/, '$1');
    if (!ipaddr.isValid(bare)) return false;
    const address = ipaddr.process(bare);
    return this.#ranges.some(
      (range) => range.address.kind() === address.kind() && address.match(range.address, range.bits),
    );
  }
}

function rangeOf(entry: string, setting: string): { address: Address; bits: number } {
  try {
    if (entry.includes('/')) {
      const [address, bits] = ipaddr.parseCIDR(entry);
      return { address, bits };
    }
    const address = ipaddr.process(entry);
    return { address, bits: address.kind() === 'ipv4' ? 32 : 128 };
  } catch (error) {
    const expected = `${setting}: "${entry}" is no address and no network such as 192.0.2.0/24 (${messageOf(error)})`;
    throw new Failure('bad-setting', expected, { cause: error });
  }
}
