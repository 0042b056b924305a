import { isIP } from 'node:net';
import type { Clock } from '../../shared/clock.ts';
import { withDeadline } from '../../shared/deadline.ts';
import { isSipUri, parseUri, type SipUri } from '../message/uri.ts';
import {
  defaultPort,
  hostAddress,
  isWebSocket,
  remoteKey,
  transportNamed,
  type Target,
  type TransportName,
} from './addresses.ts';
import { isInvalidHost } from './invalid-hosts.ts';
import { CachedNames } from './name-cache.ts';
import type { Answer, NameServer, NaptrRecord } from './name-server.ts';
import { inOrder } from './srv-order.ts';

/** A URI that leads nowhere: no SIP URI, or its host has no address. */
export class Unlocatable extends Error {
  constructor(uri: string, cause?: unknown) {
    super(`no address for ${uri}`, { cause });
    this.name = 'Unlocatable';
  }
}

/** Where a request goes, in the order in which it is tried. */
export type Located = readonly [Target, ...Target[]];

/** What the finding of addresses asks of the transports; `TransportLayer` is one. */
export interface Reach {
  /** Whether something of ours listens for that transport. */
  listensOn(transport: TransportName): boolean;
  /** The address families that a transport can send to. */
  families(transport: TransportName): readonly (4 | 6)[];
  /** The connection that alone leads to a host. */
  connectedTo(host: string, port: number | undefined): Target | undefined;
  /** Whether a TCP connection with that address stands. */
  hasTcp(address: string): boolean;
}

export interface LocatorOptions {
  readonly reach: Reach;
  readonly names: NameServer;
  readonly clock: Clock;
  /** Octets above which a request prefers TCP; `largeRequest` unless given. */
  readonly largeRequest?: number;
  /** 0 to below 1; for the draw among servers of one priority. */
  readonly random?: () => number;
}

/** Octets of a request from which on UDP is not to be trusted with it (RFC 3261 18.1.1). */
export const largeRequest = 1300;

/** Milliseconds that all name servers together may take. */
const WITHIN = 5_000;
/** Milliseconds for which a target that failed is tried after all others. */
const PUT_OFF = 60_000;
const KEPT_FAILURES = 1_000;
/** Addresses that are tried for one request at most. */
const MOST_TARGETS = 16;

/** The transports that may be chosen for a URI that names none, ours first (RFC 3263 4.1). */
const choices = ['udp', 'tcp', 'tls'] as const;
type Choice = (typeof choices)[number];

/** The services of NAPTR records, RFC 3263 4.1. */
const services: Readonly<Record<string, Choice>> = { 'SIP+D2U': 'udp', 'SIP+D2T': 'tcp', 'SIPS+D2T': 'tls' };
const servicePrefix: Readonly<Record<Choice, string>> = { udp: '_sip._udp.', tcp: '_sip._tcp.', tls: '_sips._tcp.' };

/** Finds where requests are sent (RFC 3263 4): transport, address and port out of a URI, by the name server where there is a name. */
export class Locator {
  readonly #reach: Reach;
  readonly #names: NameServer;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #largeRequest: number;
  /** Until when each target is put off. */
  readonly #failed = new Map<string, number>();

  constructor(options: LocatorOptions) {
    this.#reach = options.reach;
    this.#names = new CachedNames(options.names, options.clock);
    this.#clock = options.clock;
    this.#random = options.random ?? Math.random;
    this.#largeRequest = options.largeRequest ?? largeRequest;
  }

  /** The first of `locateAll`. @throws Unlocatable */
  async locate(text: string): Promise<Target> {
    const [first] = await this.locateAll(text);
    return first;
  }

  /** As `locateAll`, but at once: undefined where a name server is to be asked, or nothing is found without one. */
  locateNow(text: string, octets = 0): Located | undefined {
    const uri = parseUri(text);
    if (!uri || !isSipUri(uri)) return undefined;
    const known = this.#known(uri);
    return known && known.length > 0 ? this.#inOrder(text, uri, known, octets) : undefined;
  }

  /**
   * All targets of a SIP URI in the order in which they are to be tried (RFC 3263 4.3); at least one. Those that `failed` lately
   * come last.
   * @param octets of the request; above `largeRequest` TCP goes before UDP (RFC 3261 18.1.1) where the URI leaves the transport
   *   to us or the peer is known to have TCP
   * @throws Unlocatable
   */
  async locateAll(text: string, octets = 0): Promise<Located> {
    const uri = readSipUri(text);
    const known = this.#known(uri);
    if (known) return this.#inOrder(text, uri, known, octets);
    const what = `the name server asked for ${uri.host}`;
    const found = await withDeadline(this.#clock, WITHIN, what, this.#find(uri)).catch((error: unknown) => {
      throw new Unlocatable(text, error);
    });
    return this.#inOrder(text, uri, found, octets);
  }

  #inOrder(text: string, uri: SipUri, found: readonly Target[], octets: number): Located {
    const sized = octets > this.#largeRequest ? this.#withTcp(found, leavesTransportOpen(uri)) : found;
    const [first, ...others] = this.#failedLast(sized).slice(0, MOST_TARGETS);
    if (!first) throw new Unlocatable(text);
    return [first, ...others];
  }

  /** Remembers that a target did not answer: for a minute others go before it. */
  failed(target: Target): void {
    const key = keyOf(target);
    this.#failed.delete(key);
    this.#failed.set(key, this.#clock.monotonic() + PUT_OFF);
    const [oldest] = this.#failed.keys();
    if (this.#failed.size > KEPT_FAILURES && oldest !== undefined) this.#failed.delete(oldest);
  }

  /** The targets of a URI whose host is no name, or one that a connection alone leads to. Undefined: a name is to be asked for. */
  #known(uri: SipUri): Target[] | undefined {
    const host = hostOf(uri);
    const transport = askedTransport(uri);
    if (transport === 'none of ours') return [];
    if (isInvalidHost(host) || (transport !== undefined && isWebSocket(transport))) {
      const target = this.#reach.connectedTo(host, uri.port);
      return target ? [target] : [];
    }
    if (isIP(host) === 0) return undefined;
    const used = transport ?? this.#unsaid(uri);
    return certified(uri, [{ transport: used, address: host, port: uri.port ?? defaultPort(used) }]);
  }

  async #find(uri: SipUri): Promise<Target[]> {
    return certified(uri, await this.#ask(uri));
  }

  async #ask(uri: SipUri): Promise<Target[]> {
    const host = hostOf(uri);
    const asked = askedTransport(uri);
    const transport = asked === 'none of ours' ? undefined : asked;
    const unsaid = this.#unsaid(uri);
    if (uri.port !== undefined) return this.#addresses(host, transport ?? unsaid, uri.port);
    // A name without a dot is one of the hosts file or of the search list, and has no records but its address
    if (!host.includes('.')) {
      const used = transport ?? unsaid;
      return this.#addresses(host, used, defaultPort(used));
    }
    if (transport !== undefined) return this.#byTransport(host, transport);
    return this.#byNaptr(host, uri.scheme, unsaid);
  }

  /** RFC 3263 4.2, the transport being known and no port given. */
  async #byTransport(host: string, transport: TransportName): Promise<Target[]> {
    const choice = choices.find((name) => name === transport);
    const served = choice ? await this.#served(`${servicePrefix[choice]}${host}`, choice) : [];
    return served.length > 0 ? served : this.#addresses(host, transport, defaultPort(transport));
  }

  /** RFC 3263 4.1: the transport is what the domain prefers of those that we have. */
  async #byNaptr(host: string, scheme: 'sip' | 'sips', unsaid: TransportName): Promise<Target[]> {
    const usable = choices.filter((choice) => (scheme === 'sips' ? choice === 'tls' : this.#reach.listensOn(choice)));
    const records = await recordsOrNone(this.#names.naptr(host));
    const wanted = records
      .filter(({ flags }) => flags.toLowerCase() === 's')
      .sort((one, other) => one.order - other.order || one.preference - other.preference)
      .flatMap((record) => serviceOf(record, usable));
    const asked =
      wanted.length > 0 ? wanted : usable.map((choice) => ({ choice, name: `${servicePrefix[choice]}${host}` }));
    const served = await Promise.all(asked.map(({ choice, name }) => this.#served(name, choice)));
    const targets = served.flat();
    return targets.length > 0 ? targets : this.#addresses(host, unsaid, defaultPort(unsaid));
  }

  /** The servers of an SRV name, in order, with their addresses. */
  async #served(name: string, transport: Choice): Promise<Target[]> {
    const records = await recordsOrNone(this.#names.srv(name));
    const servers = inOrder(records, this.#random).slice(0, MOST_TARGETS);
    // A server without an address is passed over; the others may have one.
    const found = await Promise.allSettled(
      servers.map(({ name: host, port }) => this.#addresses(host, transport, port)),
    );
    return found.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
  }

  async #addresses(host: string, transport: TransportName, port: number): Promise<Target[]> {
    if (isIP(host) !== 0) return [{ transport, address: host, port }];
    const families = this.#reach.families(transport);
    const answers = await Promise.allSettled(families.map((family) => this.#names.addresses(host, family)));
    const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value.records : []));
    const failure = answers.find((answer) => answer.status === 'rejected');
    if (found.length === 0 && failure) throw failure.reason;
    return found.map((address) => ({ transport, address, port }));
  }

  /** The transport of a URI that names none. */
  #unsaid({ scheme }: SipUri): TransportName {
    return scheme === 'sips' ? 'tls' : (choices.find((choice) => this.#reach.listensOn(choice)) ?? 'udp');
  }

  /** RFC 3261 18.1.1; UDP stays behind, for peers that have no TCP. */
  #withTcp(targets: readonly Target[], open: boolean): Target[] {
    // Without a TCP port of ours, Via and Contact would lead nowhere
    if (!this.#reach.listensOn('tcp')) return [...targets];
    const overTcp = targets
      .filter(({ transport, address }) => transport === 'udp' && (open || this.#reach.hasTcp(address)))
      .map((target): Target => ({ ...target, transport: 'tcp' }));
    const known = new Set(overTcp.map(keyOf));
    return [...overTcp, ...targets.filter((target) => !known.has(keyOf(target)))];
  }

  #failedLast(targets: readonly Target[]): readonly Target[] {
    if (targets.length < 2 || this.#failed.size === 0) return targets;
    const now = this.#clock.monotonic();
    const putOff = (target: Target): boolean => (this.#failed.get(keyOf(target)) ?? 0) > now;
    return [...targets.filter((target) => !putOff(target)), ...targets.filter(putOff)];
  }
}

function readSipUri(text: string): SipUri {
  const uri = parseUri(text);
  if (!uri || !isSipUri(uri)) throw new Unlocatable(text);
  return uri;
}

/** What is asked for: the host, or `maddr` in its place. */
function hostOf(uri: SipUri): string {
  return hostAddress(uri.parameters.get('maddr') ?? uri.host);
}

/** Undefined where the URI says nothing of it. */
function askedTransport(uri: SipUri): TransportName | 'none of ours' | undefined {
  const asked = uri.parameters.get('transport');
  return asked === undefined ? undefined : (secured(transportNamed(asked), uri.scheme) ?? 'none of ours');
}

/** RFC 5922 7.3: the certificate is to stand for the domain of the URI, whatever servers it is served by. */
function certified(uri: SipUri, targets: Target[]): Target[] {
  const domain = isIP(hostAddress(uri.host)) === 0 ? uri.host : undefined;
  if (domain === undefined) return targets;
  return targets.map((target) => (target.transport === 'tls' ? { ...target, domain } : target));
}

/** The domain is found by name, and neither transport nor port is given: what is used is ours to choose. */
function leavesTransportOpen(uri: SipUri): boolean {
  return !uri.parameters.has('transport') && isIP(hostOf(uri)) === 0;
}

/** A sips URI is reached under TLS only (RFC 3261 26.2.2). */
function secured(transport: TransportName | undefined, scheme: 'sip' | 'sips'): TransportName | undefined {
  if (scheme === 'sip' || transport === undefined) return transport;
  if (isWebSocket(transport)) return 'wss';
  return transport === 'udp' ? undefined : 'tls';
}

function serviceOf(record: NaptrRecord, usable: readonly Choice[]): { choice: Choice; name: string }[] {
  const choice = services[record.service.toUpperCase()];
  if (choice === undefined || !usable.includes(choice) || record.replacement === '') return [];
  return [{ choice, name: record.replacement }];
}

/** A name server that refuses these kinds of records, as some do, may still know addresses. */
async function recordsOrNone<T>(asked: Promise<Answer<T>>): Promise<readonly T[]> {
  try {
    return (await asked).records;
  } catch {
    return [];
  }
}

function keyOf({ transport, address, port }: Target): string {
  return `${transport} ${remoteKey(address, port)}`;
}
