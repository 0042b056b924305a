import type { Socket } from 'node:net';
import { remoteKey } from './addresses.ts';

interface Known {
  readonly address: string;
  /** The remote end. */
  readonly key: string;
}

/**
 * Sockets of connections, those of unfinished handshakes included, and who has to go when there are too many: first the oldest on
 * which no message has come, then the oldest of the address that has the most. So whoever opens many only crowds himself out.
 */
export class Sockets {
  readonly #all = new Map<Socket, Known>();
  readonly #byAddress = new Map<string, Set<Socket>>();
  /** Those that peers opened and on which no message has come, the oldest first. */
  readonly #unproven = new Map<string, Socket>();

  get size(): number {
    return this.#all.size;
  }

  from(address: string): number {
    return this.#byAddress.get(address)?.size ?? 0;
  }

  /** @param ours we opened it: it is never in anybody's way */
  add(socket: Socket, address: string, port: number, ours: boolean): void {
    const key = remoteKey(address, port);
    this.#all.set(socket, { address, key });
    const neighbours = this.#byAddress.get(address) ?? new Set();
    this.#byAddress.set(address, neighbours.add(socket));
    if (!ours) this.#unproven.set(key, socket);
    socket.once('close', () => this.#remove(socket));
  }

  /** A message has come over the connection with that remote end. */
  proven(address: string, port: number): void {
    if (this.#unproven.size > 0) this.#unproven.delete(remoteKey(address, port));
  }

  /** The oldest of that address that has to prove itself. */
  unprovenOf(address: string): Socket | undefined {
    return this.#byAddress
      .get(address)
      ?.values()
      .find((socket) => this.#isUnproven(socket));
  }

  /** Who has to go for somebody else; undefined: nobody has more than one. */
  crowdingOut(): Socket | undefined {
    const [unproven] = this.#unproven.values();
    if (unproven) return unproven;
    let most: Set<Socket> | undefined;
    for (const some of this.#byAddress.values()) if (some.size > Math.max(1, most?.size ?? 0)) most = some;
    const [oldest] = most ?? [];
    return oldest;
  }

  /** Ends what is left, with whatever stands on it. */
  destroy(): void {
    for (const socket of this.#all.keys()) socket.destroy();
  }

  /** Ends one at once, and forgets it in the same moment. */
  evict(socket: Socket): void {
    this.#remove(socket);
    socket.destroy();
  }

  #isUnproven(socket: Socket): boolean {
    return this.#unproven.get(this.#all.get(socket)?.key ?? '') === socket;
  }

  #remove(socket: Socket): void {
    const known = this.#all.get(socket);
    if (!known) return;
    if (this.#isUnproven(socket)) this.#unproven.delete(known.key);
    this.#all.delete(socket);
    const neighbours = this.#byAddress.get(known.address);
    neighbours?.delete(socket);
    if (neighbours?.size === 0) this.#byAddress.delete(known.address);
  }
}
