import { Networks } from '../shared/networks.ts';

/** Who may send us calls, and over which trunk: the first trunk whose peers contain the address. */
export class Peers<Trunk extends { name: string; peers: readonly string[] }> {
  readonly #trunks: { trunk: Trunk; networks: Networks }[];

  /** @throws Failure `bad-setting` for a peer that is no address and no `address/length` */
  constructor(trunks: readonly Trunk[]) {
    this.#trunks = trunks.map((trunk) => ({
      trunk,
      networks: new Networks(trunk.peers, `peers of the trunk ${trunk.name}`),
    }));
  }

  /** The trunk of an address; undefined for a stranger and for anything that is no address. */
  trunkOf(address: string): Trunk | undefined {
    return this.#trunks.find(({ networks }) => networks.contains(address))?.trunk;
  }
}
