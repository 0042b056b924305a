import ipaddr from 'ipaddr.js';
import type { Clock } from '../../shared/clock.ts';
import type { Request } from '../message/message.ts';

export interface AdmissionLimits {
  /** New requests outside of dialogs that one source may send in a second for long; 0: as many as it likes. */
  readonly rate: number;
  /** And at once, after a pause. At least 1. */
  readonly burst: number;
  /** What a scanner's User-Agent holds, in any case of letters. */
  readonly scanners: readonly string[];
}

/** What becomes of a new request: it is taken, refused with 503 (RFC 3261 21.5.4), or dropped as if it had never come. */
export type Admission = 'take' | 'refuse' | 'drop';

/** Sources that are kept in mind; with more, those that were new first are forgotten. */
const sourceLimit = 20_000;

interface Bucket {
  tokens: number;
  /** When the tokens were counted; milliseconds of the clock. */
  at: number;
}

/** Decides about requests that begin something: those of standing dialogs, ACK and CANCEL never come here. */
export class AdmissionControl {
  readonly #limits: AdmissionLimits;
  readonly #clock: Clock;
  readonly #scanners: readonly string[];
  readonly #buckets = new Map<string, Bucket>();

  constructor(limits: AdmissionLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#scanners = limits.scanners.map((scanner) => scanner.toLowerCase());
  }

  /** @param address the IP address that the request came from */
  judge(request: Request, address: string): Admission {
    if (this.#scanners.length > 0) {
      const agent = request.get('User-Agent')?.toLowerCase();
      if (agent !== undefined && this.#scanners.some((scanner) => agent.includes(scanner))) return 'drop';
    }
    return this.#limits.rate === 0 || this.#spend(sourceOf(address)) ? 'take' : 'refuse';
  }

  /** A token bucket for each source: it fills at the rate, up to the burst. */
  #spend(source: string): boolean {
    const { rate, burst } = this.#limits;
    const now = this.#clock.monotonic();
    const bucket = this.#buckets.get(source) ?? this.#newBucket(source, now);
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) * rate) / 1000);
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  #newBucket(source: string, now: number): Bucket {
    if (this.#buckets.size >= sourceLimit) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    const bucket = { tokens: this.#limits.burst, at: now };
    this.#buckets.set(source, bucket);
    return bucket;
  }
}

/** An IPv4 address; of IPv6 the first 64 bits, as one site has all that follow. */
function sourceOf(address: string): string {
  if (!address.includes(':') || !ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : parsed.toString();
}
