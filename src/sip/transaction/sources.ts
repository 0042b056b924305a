import ipaddr from 'ipaddr.js';
import type { Clock } from '../../shared/clock.ts';

/** Sources that are kept in mind; with more, those that were new first are forgotten. */
const sourceLimit = 20_000;

interface Bucket {
  tokens: number;
  /** When the tokens were counted; milliseconds of the clock. */
  at: number;
}

/** A token bucket for each source: it fills at the rate, up to the burst. */
export class TokenBuckets {
  readonly #rate: number;
  readonly #burst: number;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  /** @param rate tokens a second @param burst at most so many, and at the beginning; at least 1 */
  constructor(rate: number, burst: number, clock: Clock) {
    this.#rate = rate;
    this.#burst = burst;
    this.#clock = clock;
  }

  /** Takes a token of the source's; false when there is none. */
  spend(source: string): boolean {
    const now = this.#clock.monotonic();
    const bucket = this.#buckets.get(source) ?? this.#newBucket(source, now);
    bucket.tokens = Math.min(this.#burst, bucket.tokens + ((now - bucket.at) * this.#rate) / 1000);
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  #newBucket(source: string, now: number): Bucket {
    const bucket = { tokens: this.#burst, at: now };
    remember(this.#buckets, source, bucket);
    return bucket;
  }
}

/** Sets an entry of a map by source, and forgets the oldest when there are too many. */
export function remember<T>(map: Map<string, T>, source: string, value: T): void {
  if (map.size >= sourceLimit && !map.has(source)) {
    for (const oldest of map.keys()) {
      map.delete(oldest);
      break;
    }
  }
  map.set(source, value);
}

/** An IPv4 address; of IPv6 the first 64 bits, as one site has all that follow. */
export function sourceOf(address: string): string {
  if (!address.includes(':') || !ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : parsed.toString();
}
