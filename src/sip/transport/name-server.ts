import { lookup, Resolver } from 'node:dns/promises';

/** RFC 3403 4. */
export interface NaptrRecord {
  readonly order: number;
  readonly preference: number;
  readonly flags: string;
  readonly service: string;
  readonly replacement: string;
}

/** RFC 2782. */
export interface SrvRecord {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly name: string;
}

/** What a name server said; no records when it knows of none. `ttl` in seconds. */
export interface Answer<T> {
  readonly records: readonly T[];
  readonly ttl: number;
}

/** Who is asked for names. Each rejects when nobody could be asked, and not when there is no such record. */
export interface NameServer {
  naptr(name: string): Promise<Answer<NaptrRecord>>;
  srv(name: string): Promise<Answer<SrvRecord>>;
  addresses(name: string, family: 4 | 6): Promise<Answer<string>>;
}

/** Node tells the TTL of addresses only: other records, and that there are none, are believed for so long. Seconds. */
const UNTOLD_TTL = 60;

/** Milliseconds until a name server that is silent is asked again, and how often. */
const PATIENCE = { timeout: 1_500, tries: 2 };

/** What c-ares says when there is no such name, or no such record of it. */
const absent = new Set(['ENOTFOUND', 'ENODATA']);

/** The machine's name servers and its hosts file, or the servers given (`192.0.2.53`, `127.0.0.1:5353`, `[::1]:53`). */
export class SystemNameServer implements NameServer {
  readonly #resolver = new Resolver(PATIENCE);
  readonly #ownServers: boolean;

  constructor(servers: readonly string[] = []) {
    this.#ownServers = servers.length > 0;
    if (this.#ownServers) this.#resolver.setServers(servers);
  }

  async naptr(name: string): Promise<Answer<NaptrRecord>> {
    return untold(await this.#orNone(() => this.#resolver.resolveNaptr(name)));
  }

  async srv(name: string): Promise<Answer<SrvRecord>> {
    return untold(await this.#orNone(() => this.#resolver.resolveSrv(name)));
  }

  async addresses(name: string, family: 4 | 6): Promise<Answer<string>> {
    // A name without a dot is one of the hosts file or of the search list: the system knows better.
    if (!this.#ownServers && !name.includes('.')) return lookUp(name, family);
    try {
      const found = await this.#orNone(() =>
        family === 4 ? this.#resolver.resolve4(name, { ttl: true }) : this.#resolver.resolve6(name, { ttl: true }),
      );
      if (found.length > 0) {
        return { records: found.map(({ address }) => address), ttl: Math.min(...found.map(({ ttl }) => ttl)) };
      }
    } catch (error) {
      if (this.#ownServers) throw error;
    }
    return this.#ownServers ? untold([]) : lookUp(name, family);
  }

  async #orNone<T>(ask: () => Promise<T[]>): Promise<T[]> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof Error && 'code' in error && absent.has(String(error.code))) return [];
      throw error;
    }
  }
}

async function lookUp(name: string, family: 4 | 6): Promise<Answer<string>> {
  try {
    const found = await lookup(name, { family, all: true });
    return untold(found.map(({ address }) => address));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOTFOUND') return untold([]);
    throw error;
  }
}

function untold<T>(records: readonly T[]): Answer<T> {
  return { records, ttl: UNTOLD_TTL };
}
