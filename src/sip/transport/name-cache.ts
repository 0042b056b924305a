import type { Clock } from '../../shared/clock.ts';
import type { Answer, NameServer, NaptrRecord, SrvRecord } from './name-server.ts';

/** Names kept at the same time, of each kind; the oldest goes first. */
const KEPT_NAMES = 10_000;

/** How long an answer may stand in for a new one while nobody can be asked, and for how long each time (RFC 8767 4, 5). Seconds. */
const longestStale = 86_400;
const staleTtl = 30;

interface Kept<T> {
  readonly answer: Promise<Answer<T>>;
  /** On the clock's monotonic scale; until the answer is there nobody knows. */
  until: number;
  /** The last answer of a name server, and when it was to be forgotten. */
  good: { readonly answer: Answer<T>; readonly until: number } | undefined;
}

/**
 * Answers of one kind, each for as long as its TTL says; who asks meanwhile waits for the same answer. Failures are not kept:
 * while the name servers are away, what they said last is believed for a day more.
 */
class Answers<T> {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept<T>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(key: string, ask: () => Promise<Answer<T>>): Promise<Answer<T>> {
    const known = this.#kept.get(key);
    if (known && known.until > this.#clock.monotonic()) return known.answer;
    const kept: Kept<T> = {
      answer: this.#ask(ask, () => kept),
      until: Number.POSITIVE_INFINITY,
      good: known?.good,
    };
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_NAMES && oldest !== undefined) this.#kept.delete(oldest);
    kept.answer.catch(() => {
      if (this.#kept.get(key) === kept) this.#kept.delete(key);
    });
    return kept.answer;
  }

  async #ask(ask: () => Promise<Answer<T>>, keptOf: () => Kept<T>): Promise<Answer<T>> {
    try {
      const answer = await ask();
      const kept = keptOf();
      kept.until = this.#clock.monotonic() + answer.ttl * 1000;
      kept.good = { answer, until: kept.until };
      return answer;
    } catch (error) {
      const kept = keptOf();
      const now = this.#clock.monotonic();
      if (!kept.good || now > kept.good.until + longestStale * 1000) throw error;
      kept.until = now + staleTtl * 1000;
      return kept.good.answer;
    }
  }
}

/** Remembers what a name server said for as long as it may be believed. */
export class CachedNames implements NameServer {
  readonly #server: NameServer;
  readonly #naptr: Answers<NaptrRecord>;
  readonly #srv: Answers<SrvRecord>;
  readonly #addresses: Answers<string>;

  constructor(server: NameServer, clock: Clock) {
    this.#server = server;
    this.#naptr = new Answers(clock);
    this.#srv = new Answers(clock);
    this.#addresses = new Answers(clock);
  }

  naptr(name: string): Promise<Answer<NaptrRecord>> {
    return this.#naptr.get(name.toLowerCase(), () => this.#server.naptr(name));
  }

  srv(name: string): Promise<Answer<SrvRecord>> {
    return this.#srv.get(name.toLowerCase(), () => this.#server.srv(name));
  }

  addresses(name: string, family: 4 | 6): Promise<Answer<string>> {
    return this.#addresses.get(`${family} ${name.toLowerCase()}`, () => this.#server.addresses(name, family));
  }
}
