// A final called number may have simultaneous ringing of its own: then the network rings us for the very call that we
// are making. That leg must be known for ours, or its terminals are told, transfer it, and so on without end: by the token
// that it carries (leg-tokens.ts), or, where no network on the way has kept that, by its numbers and the time. What this
// node dials is known here in the same tick; what other nodes dial, or this one before it was started again, stands in the
// records (call/recall.ts).
import { calledNumbers, crossing, isReturning, type Dialled } from '../numbers/returning.ts';
import type { Reading } from '../numbers/read.ts';
import type { Clock } from '../shared/clock.ts';
import type { LegTokens } from './leg-tokens.ts';

/** By what a leg was recognised. */
export type Recognised = 'token' | 'numbers';

interface Entry {
  readonly dialled: Dialled;
  readonly token: string;
  readonly since: number;
  /** When the ringing was over, on the clock's `monotonic`. */
  rangUntil: number | undefined;
}

/** What a target leg tells of itself. */
export interface OwnLeg {
  /** It was answered: the network rings nobody for it any more. */
  answered(): void;
  /** Nothing is left of it. */
  over(): void;
}

/** The calls that this node is making, to be recognised when they come back. */
export class OwnLegs {
  readonly #tokens: Pick<LegTokens, 'isOurs'>;
  readonly #clock: Clock;
  #size = 0;
  /** Found without looking at all of them: a busy node makes thousands of calls at a time. */
  readonly #byToken = new Map<string, Set<Entry>>();
  readonly #byNumber = new Map<string, Set<Entry>>();

  constructor(tokens: Pick<LegTokens, 'isOurs'>, clock: Clock) {
    this.#tokens = tokens;
    this.#clock = clock;
  }

  get size(): number {
    return this.#size;
  }

  /** `token`: what the leg carries. */
  add(dialled: Dialled, token: string): OwnLeg {
    const entry: Entry = { dialled, token, since: this.#clock.monotonic(), rangUntil: undefined };
    this.#size += 1;
    put(this.#byToken, token, entry);
    put(this.#byNumber, dialled.to, entry);
    const answered = (): void => {
      entry.rangUntil ??= this.#clock.monotonic();
    };
    let ended = false;
    return {
      answered,
      over: () => {
        if (ended) return;
        ended = true;
        answered();
        this.#clock.after(crossing, () => this.#forget(entry));
      },
    };
  }

  #forget(entry: Entry): void {
    this.#size -= 1;
    take(this.#byToken, entry.token, entry);
    take(this.#byNumber, entry.dialled.to, entry);
  }

  /** Whether an INVITE is a leg of ours, by the tokens that stand in it, or by what was read of it. */
  recognise(tokens: readonly string[], reading: Reading | undefined): Recognised | undefined {
    if (tokens.some((token) => this.#isOurs(token))) return 'token';
    if (!reading) return undefined;
    const called = calledNumbers(reading).flatMap((number) => [...(this.#byNumber.get(number) ?? [])]);
    return called.some((entry) => this.#isSame(entry, reading)) ? 'numbers' : undefined;
  }

  #isOurs(token: string): boolean {
    if (!this.#tokens.isOurs(token)) return false;
    // Whoever took our call may transfer it on: that is another call, though it may carry what ours did.
    const entries = this.#byToken.get(token);
    return entries === undefined || [...entries].some((entry) => this.#rings(entry));
  }

  #isSame(entry: Entry, reading: Reading): boolean {
    return this.#rings(entry) && isReturning(reading, entry.dialled, this.#clock.monotonic() - entry.since);
  }

  #rings({ rangUntil }: Entry): boolean {
    return rangUntil === undefined || this.#clock.monotonic() - rangUntil <= crossing;
  }
}

function put<K, V>(index: Map<K, Set<V>>, key: K, value: V): void {
  const known = index.get(key);
  if (known) known.add(value);
  else index.set(key, new Set([value]));
}

function take<K, V>(index: Map<K, Set<V>>, key: K, value: V): void {
  const known = index.get(key);
  known?.delete(value);
  if (known?.size === 0) index.delete(key);
}
