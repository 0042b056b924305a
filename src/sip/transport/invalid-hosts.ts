import { parseNameAddress } from '../message/address.ts';
import type { Message } from '../message/message.ts';
import { isSipUri, parseUri } from '../message/uri.ts';
import type { Connection } from './connection.ts';

/** Names that one connection may have; a client uses one for itself. */
const NAMES_PER_CONNECTION = 16;

/** Whether a host is one of the names that WebSocket clients make up for themselves (RFC 7118 5.2, RFC 2606). */
export function isInvalidHost(host: string): boolean {
  return host.toLowerCase().endsWith('.invalid');
}

/**
 * Which connection leads to a `.invalid` host (RFC 7118 5.2): the one that showed the name in its Contact. Nobody can resolve such
 * a name; a request to it goes back the way its owner came. A name belongs to its connection until that ends, so that nobody
 * else can draw another's calls to himself by naming himself alike.
 */
export class InvalidHosts {
  readonly #owners = new Map<string, Connection>();
  readonly #names = new Map<Connection, Set<string>>();

  /** Takes the names out of a message that came on `connection`. */
  learn(message: Message, connection: Connection): void {
    for (const contact of message.list('Contact')) {
      const address = parseNameAddress(contact);
      const uri = address && parseUri(address.uri);
      if (uri && isSipUri(uri) && isInvalidHost(uri.host)) this.#add(uri.host.toLowerCase(), connection);
    }
  }

  forget(connection: Connection): void {
    for (const name of this.#names.get(connection) ?? []) {
      if (this.#owners.get(name) === connection) this.#owners.delete(name);
    }
    this.#names.delete(connection);
  }

  find(host: string): Connection | undefined {
    return this.#owners.get(host.toLowerCase());
  }

  #add(name: string, connection: Connection): void {
    if (this.#owners.get(name)?.usable === true) return;
    const names = this.#names.get(connection) ?? new Set<string>();
    if (names.size >= NAMES_PER_CONNECTION) return;
    names.add(name);
    this.#names.set(connection, names);
    this.#owners.set(name, connection);
  }
}
