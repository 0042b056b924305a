import type { NaptrData, SrvData } from 'dns-packet';
import { lookup } from 'node:dns/promises';
import type { Clock } from '../../shared/clock.ts';
import { DnsClient } from './dns-client.ts';

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

/** How long the machine's hosts file is believed, which says nothing of it. Seconds. */
const hostsTtl = 60;

/** The machine's name servers and its hosts file, or the servers given (`192.0.2.53`, `127.0.0.1:5353`, `[::1]:53`). */
export class SystemNameServer implements NameServer {
  readonly #dns: DnsClient;
  readonly #ownServers: boolean;

  constructor(servers: readonly string[], clock: Clock) {
    this.#dns = new DnsClient(servers, clock);
    this.#ownServers = servers.length > 0;
  }

  async naptr(name: string): Promise<Answer<NaptrRecord>> {
    const { records, ttl } = await this.#dns.resolve(name, 'NAPTR');
    return { records: records.flatMap((record) => (record.type === 'NAPTR' ? [naptrOf(record.data)] : [])), ttl };
  }

  async srv(name: string): Promise<Answer<SrvRecord>> {
    const { records, ttl } = await this.#dns.resolve(name, 'SRV');
    return { records: records.flatMap((record) => (record.type === 'SRV' ? [srvOf(record.data)] : [])), ttl };
  }

  async addresses(name: string, family: 4 | 6): Promise<Answer<string>> {
    // A name without a dot is one of the hosts file or of the search list: the system knows better.
    if (!this.#ownServers && !name.includes('.')) return lookUp(name, family);
    const type = family === 4 ? 'A' : 'AAAA';
    try {
      const { records, ttl } = await this.#dns.resolve(name, type);
      const found = records.flatMap((record) => (record.type === type ? [record.data] : []));
      if (found.length > 0 || this.#ownServers) return { records: found, ttl };
    } catch (error) {
      if (this.#ownServers) throw error;
    }
    return lookUp(name, family);
  }
}

function naptrOf({ order, preference, flags, services, replacement }: NaptrData): NaptrRecord {
  // The root, which stands for "no replacement" (RFC 3403 4.1)
  return { order, preference, flags, service: services, replacement: replacement === '.' ? '' : replacement };
}

function srvOf({ priority = 0, weight = 0, port, target }: SrvData): SrvRecord {
  return { priority, weight, port, name: target };
}

async function lookUp(name: string, family: 4 | 6): Promise<Answer<string>> {
  try {
    const found = await lookup(name, { family, all: true });
    return { records: found.map(({ address }) => address), ttl: hostsTtl };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOTFOUND') return { records: [], ttl: hostsTtl };
    throw error;
  }
}
