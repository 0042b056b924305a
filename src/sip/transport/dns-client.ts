import type { Answer as ResourceRecord, DecodedPacket } from 'dns-packet';
import { getServers } from 'node:dns';
import type { Clock } from '../../shared/clock.ts';
import { exchange, type NameServerAddress, type RecordKind } from './dns-exchange.ts';

/** How long each name server is given, round by round. Milliseconds. */
const rounds = [1_000, 2_000] as const;

/** Alias after alias that is followed at most. */
const mostAliases = 8;

/** RFC 1035 4.1.1. */
const noError = 0;
const nameError = 3;

/** An answer is believed no longer than a day, that nothing is there no longer than 3 hours (RFC 2181 8, RFC 2308 5). Seconds. */
const longestTtl = 86_400;
const longestAbsence = 10_800;
/** How long absence is believed of a server that does not say for how long (it should, RFC 2308 3). Seconds. */
const untoldAbsence = 60;

/** The records of one name and kind, aliases followed; none: there is no such name, or no such record of it. */
export interface Found {
  readonly records: readonly ResourceRecord[];
  /** For how long it may be believed, seconds: the least of all that it was made from. */
  readonly ttl: number;
}

/** A name server that could not answer: SERVFAIL, REFUSED and the like. */
export class NameServerFault extends Error {
  constructor(server: NameServerAddress, code: number) {
    super(`the name server ${server.address} answered with code ${code}`);
    this.name = 'NameServerFault';
  }
}

/** A stub resolver (RFC 1123 6.1.3): asks the name servers in turn, beginning with the one that answered last. */
export class DnsClient {
  readonly #servers: readonly string[];
  readonly #clock: Clock;
  /** As written. */
  #preferred: string | undefined;

  /** @param servers `192.0.2.53`, `127.0.0.1:5353`, `[::1]:53`; none: those of the machine, as they are when something is asked */
  constructor(servers: readonly string[], clock: Clock) {
    this.#servers = servers;
    this.#clock = clock;
  }

  /** @throws the last fault, when no server could answer */
  async resolve(name: string, type: RecordKind): Promise<Found> {
    let ttl = longestTtl;
    let owner = name;
    for (let alias = 0; alias <= mostAliases; alias++) {
      const packet = await this.#ask(owner, type);
      const chain = followed(owner, packet.answers ?? []);
      const records = (packet.answers ?? []).filter(
        (answer) => answer.type === type && answer.name.toLowerCase() === chain.owner,
      );
      ttl = Math.min(ttl, chain.ttl, ...records.map(ttlOf));
      if (records.length > 0) return { records, ttl };
      const moved = chain.owner !== owner.toLowerCase();
      // An alias whose target the server did not add (it is no resolver): asked for by itself
      if (!moved || rcodeOf(packet) === nameError) return { records: [], ttl: Math.min(ttl, absenceOf(packet)) };
      owner = chain.owner;
    }
    throw new Error(`${name} is an alias of an alias, and so on`);
  }

  async #ask(name: string, type: RecordKind): Promise<DecodedPacket> {
    let failure: unknown = new Error('there is no name server');
    for (const within of rounds) {
      for (const [text, server] of this.#inTurn()) {
        try {
          const packet = await exchange(server, { name, type }, within, this.#clock);
          const code = rcodeOf(packet);
          if (code !== noError && code !== nameError) throw new NameServerFault(server, code);
          this.#preferred = text;
          return packet;
        } catch (error) {
          failure = error;
        }
      }
    }
    throw failure;
  }

  #inTurn(): [string, NameServerAddress][] {
    const servers = this.#servers.length > 0 ? this.#servers : getServers();
    const preferred = this.#preferred;
    const order = preferred !== undefined && servers.includes(preferred) ? [preferred, ...servers] : servers;
    return [...new Set(order)].map((text) => [text, addressOf(text)]);
  }
}

/** Where the aliases of an answer lead (RFC 1034 3.6.2), and for how long. */
function followed(name: string, answers: readonly ResourceRecord[]): { owner: string; ttl: number } {
  let owner = name.toLowerCase();
  let ttl = longestTtl;
  for (let alias = 0; alias < mostAliases; alias++) {
    const next = answers.find((answer) => answer.type === 'CNAME' && answer.name.toLowerCase() === owner);
    if (next?.type !== 'CNAME') break;
    owner = next.data.toLowerCase();
    ttl = Math.min(ttl, ttlOf(next));
  }
  return { owner, ttl };
}

function ttlOf(record: ResourceRecord): number {
  const ttl = record.type === 'OPT' ? 0 : (record.ttl ?? 0);
  return ttl > 0x7fff_ffff ? 0 : ttl; // RFC 2181 8
}

/** RFC 2308 5: as long as the zone's SOA says, by its own TTL or its last field. */
function absenceOf(packet: DecodedPacket): number {
  const zone = (packet.authorities ?? []).find((record) => record.type === 'SOA');
  if (zone?.type !== 'SOA') return untoldAbsence;
  return Math.min(ttlOf(zone), zone.data.minimum ?? 0, longestAbsence);
}

function rcodeOf(packet: DecodedPacket): number {
  return (packet.flags ?? 0) & 0xf;
}

/** `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53` or `[2001:db8::53]:5353`; 53 is the port where none is said. */
function addressOf(text: string): NameServerAddress {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? [];
  return { address: bracketed ?? plain ?? text, port: port === undefined ? 53 : Number(port) };
}
