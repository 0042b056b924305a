// A final called number may have simultaneous ringing of its own: then the network rings us for the very call that we
// are making. That leg must be known for ours, or its terminals are told, transfer it, and so on without end.
//
// First by a token, which no other call can carry. Most headers do not come back: a B2BUA writes Call-ID, From tag and
// Via anew, and SBCs drop what they do not know, X-headers first. Two are made to go through:
//   - Session-ID (RFC 7989): identifies a session end to end, B2BUAs and SBCs hand it on (section 7), and IMS cores
//     carry it (3GPP TS 24.229). Each call that we make has one of its own, and not the caller's, which the other
//     branches of the caller's call share.
//   - icid-value of P-Charging-Vector (RFC 7315 4.6), where the trunk has us write our own: inside one operator's core
//     it stays with the call for its charging records.
// Where neither survives, by numbers and time: the same caller, called where we are calling at this moment; or a chain
// of diversions from our subscriber straight to that number, which only our own call can have just now.
import { createHash } from 'node:crypto';
import type { Reading } from '../numbers/read.ts';
import type { Clock } from '../shared/clock.ts';

/** A call that we make. */
export interface Dialled {
  /** Our id of the call. */
  callId: string;
  /** The final called number. */
  to: string;
  /** Whose number the far side may see as the caller's; null: none. */
  callers: ReadonlySet<string | null>;
  /** For whom the call is made: the first called number, shown as the one who diverts. */
  subscriber: string;
}

/** By what a leg was recognised. */
export type Recognised = 'token' | 'numbers';

/** INVITEs that may be on their way when the ringing is over; and how long two withheld callers are the same. Milliseconds. */
const crossing = 5_000;

/** A token is kept so long after its call: 64*T1, the life of an INVITE transaction. Milliseconds. */
const lateBranch = 32_000;

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

/** The calls that we are making, to be recognised when they come back. */
export class OwnLegs {
  readonly #clock: Clock;
  readonly #entries = new Set<Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  add(dialled: Dialled): OwnLeg {
    const since = this.#clock.monotonic();
    const entry: Entry = { dialled, token: sessionToken(dialled.callId), since, rangUntil: undefined };
    this.#entries.add(entry);
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
        this.#clock.after(lateBranch, () => void this.#entries.delete(entry));
      },
    };
  }

  /** Whether an INVITE is one of our own, by its `Session-ID` and `P-Charging-Vector`, or by what was read of it. */
  recognise(
    headers: { sessionId?: string | undefined; chargingVector?: string | undefined },
    reading: Reading | undefined,
  ): Recognised | undefined {
    const tokens = new Set([...uuidsOf(headers.sessionId), ...icidOf(headers.chargingVector)]);
    for (const { token } of this.#entries) if (tokens.has(token)) return 'token';
    if (reading && [...this.#entries].some((entry) => this.#isSame(entry, reading))) return 'numbers';
    return undefined;
  }

  #isSame({ dialled, since, rangUntil }: Entry, reading: Reading): boolean {
    const now = this.#clock.monotonic();
    if (rangUntil !== undefined && now - rangUntil > crossing) return false;
    const numbers = reading.chain.map((user) => user.number);
    if (numbers.some((number, at) => number === dialled.subscriber && numbers[at + 1] === dialled.to)) return true;
    const called = [reading.firstCalled, reading.subscriber, reading.lastDiverting].includes(dialled.to);
    if (!called || !dialled.callers.has(reading.caller)) return false;
    // Who withholds the number is like all others who do: for a moment only.
    return reading.caller !== null || now - since <= crossing;
  }
}

/** RFC 7989 5: 32 hexadecimal digits; those of our own id of the call, so that records can be joined by it. */
export function sessionToken(callId: string): string {
  const digits = callId.replaceAll('-', '').toLowerCase();
  return /^[0-9a-f]{32}$/.test(digits) ? digits : createHash('sha256').update(callId).digest('hex').slice(0, 32);
}

function uuidsOf(sessionId = ''): string[] {
  return sessionId
    .split(/[;=,\s]/, 8)
    .map((part) => part.toLowerCase())
    .filter((part) => /^[0-9a-f]{32}$/.test(part) && !/^0+$/.test(part));
}

/** Ours is written as the token; it may come back in quotes. */
function icidOf(chargingVector = ''): string[] {
  const icid = /icid-value="?([0-9a-f]{32})\b/i.exec(chargingVector)?.[1];
  return icid === undefined ? [] : [icid.toLowerCase()];
}
