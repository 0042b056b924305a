import type { Clock } from '../../shared/clock.ts';
import { Networks } from '../../shared/networks.ts';
import type { Request } from '../message/message.ts';
import { remember, sourceOf, TokenBuckets } from './sources.ts';

export interface AdmissionLimits {
  /** New requests outside of dialogs that one source may send in a second for long; 0: as many as it likes. */
  readonly rate: number;
  /** And at once, after a pause. At least 1. */
  readonly burst: number;
  /** What a scanner's User-Agent, From or To holds, in any case of letters. */
  readonly scanners: readonly string[];
  /** Requests answered 403 in a minute after which a source counts as a scanner, whatever it calls itself; 0: it never does. */
  readonly forbidden?: number;
  /** And for how long it then hears nothing. Milliseconds. */
  readonly silence?: number;
  /** Who is no stranger: addresses and networks. Without it nobody is one. */
  readonly peers?: readonly string[];
  /** New requests that all strangers together may send in a second, whatever their addresses; 0: as many as come. */
  readonly strangers?: number;
  /** Server transactions at the same time, whoever began them; 0: as many as come. */
  readonly transactions?: number;
}

/** What becomes of a new request: it is taken, refused with 503 (RFC 3261 21.5.4), or dropped as if it had never come. */
export type Admission =
  { readonly is: 'take' } | { readonly is: 'refuse' } | { readonly is: 'drop'; readonly as: 'scanner' | 'refused' };

const take: Admission = { is: 'take' };
const refuse: Admission = { is: 'refuse' };
const dropScanner: Admission = { is: 'drop', as: 'scanner' };
const dropExcess: Admission = { is: 'drop', as: 'refused' };

/** Where scanners write their names; sipvicious, for one, into User-Agent, From and To. */
const tellingHeaders = ['User-Agent', 'From', 'To'];

const defaultSilence = 300_000;

/** Decides about requests that begin something: those of standing dialogs, and ACK, never come here. */
export class AdmissionControl {
  readonly #limits: AdmissionLimits;
  readonly #clock: Clock;
  readonly #scanners: readonly string[];
  readonly #requests: TokenBuckets;
  /** As many refusals as requests: whoever floods gets no answers for all that he sends, least of all with a false address. */
  readonly #refusals: TokenBuckets;
  /** All strangers have one bucket: a false address costs nothing, and so another bucket for each would limit nothing. */
  readonly #strangers: TokenBuckets | undefined;
  readonly #peers: Networks;
  /** Whether a source is a peer. */
  readonly #known = new Map<string, boolean>();
  /** What a source may hear of 403 before it is silenced. */
  readonly #forbidden: TokenBuckets;
  /** Until when a source hears nothing; milliseconds of the clock. */
  readonly #silenced = new Map<string, number>();

  constructor(limits: AdmissionLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#scanners = limits.scanners.map((scanner) => scanner.toLowerCase());
    this.#requests = new TokenBuckets(limits.rate, limits.burst, clock);
    this.#refusals = new TokenBuckets(limits.rate, limits.burst, clock);
    const { forbidden = 0, strangers = 0, peers } = limits;
    this.#peers = new Networks(peers ?? [], 'peers');
    this.#strangers = peers && strangers > 0 ? new TokenBuckets(strangers, strangers, clock) : undefined;
    this.#forbidden = new TokenBuckets(forbidden / 60, Math.max(1, forbidden), clock);
  }

  /**
   * @param address the IP address that the request came from
   * @param standing server transactions that are not over
   */
  judge(request: Request, address: string, standing: number): Admission {
    const source = sourceOf(address);
    if (this.#isSilenced(source) || this.#isScanner(request)) return dropScanner;
    if (!this.#hasTurn(address)) return dropExcess;
    const { rate, transactions = 0 } = this.#limits;
    const fits = transactions === 0 || standing < transactions;
    if (fits && (rate === 0 || this.#requests.spend(source))) return take;
    return rate === 0 || this.#refusals.spend(source) ? refuse : dropExcess;
  }

  /** Whether what could not be read is answered: it counts like a request. */
  answersMalformed(address: string): boolean {
    const source = sourceOf(address);
    return (
      !this.#isSilenced(source) && this.#hasTurn(address) && (this.#limits.rate === 0 || this.#requests.spend(source))
    );
  }

  /**
   * The application answered 403 to a new request of that address.
   * @returns whether that was one too many: the address hears nothing from now on
   */
  forbade(address: string): boolean {
    const { forbidden = 0, silence = defaultSilence } = this.#limits;
    const source = sourceOf(address);
    if (forbidden === 0 || this.#forbidden.spend(source)) return false;
    const heard = !this.#isSilenced(source);
    remember(this.#silenced, source, this.#clock.monotonic() + silence);
    return heard;
  }

  /** Whether a peer asks, or strangers have not had all that they get. */
  #hasTurn(address: string): boolean {
    return !this.#strangers || this.#isPeer(address) || this.#strangers.spend('all of them');
  }

  #isPeer(address: string): boolean {
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    const isPeer = this.#peers.contains(address);
    remember(this.#known, address, isPeer);
    return isPeer;
  }

  #isSilenced(source: string): boolean {
    if (this.#silenced.size === 0) return false;
    const until = this.#silenced.get(source);
    if (until === undefined) return false;
    if (this.#clock.monotonic() < until) return true;
    this.#silenced.delete(source);
    return false;
  }

  #isScanner(request: Request): boolean {
    if (this.#scanners.length === 0) return false;
    return tellingHeaders.some((name) => {
      const value = request.get(name)?.toLowerCase();
      return value !== undefined && this.#scanners.some((scanner) => value.includes(scanner));
    });
  }
}
