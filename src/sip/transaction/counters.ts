/** What has passed through the transactions since the start. Keys: a method, or a status as text. */
export interface CounterValues {
  readonly received: Readonly<Record<string, number>>;
  readonly sent: Readonly<Record<string, number>>;
  readonly malformed: number;
  readonly stray: number;
  /** New requests that were refused with 503 because their source sends too many. */
  readonly refused: number;
  /** Requests of scanners, which got no answer. */
  readonly scanners: number;
  readonly retransmissionsIn: number;
  readonly retransmissionsOut: number;
}

/** Methods that are counted by name; anything else that arrives is counted as `other`, so that nobody can fill the memory. */
const knownMethods = new Set([
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'OPTIONS',
  'INFO',
  'MESSAGE',
  'NOTIFY',
  'PRACK',
  'PUBLISH',
  'REFER',
  'REGISTER',
  'SUBSCRIBE',
  'UPDATE',
]);

export class Counters {
  readonly #received = new Map<string, number>();
  readonly #sent = new Map<string, number>();
  #malformed = 0;
  #stray = 0;
  #refused = 0;
  #scanners = 0;
  #retransmissionsIn = 0;
  #retransmissionsOut = 0;

  received(kind: string): void {
    bump(this.#received, kind);
  }

  sent(kind: string): void {
    bump(this.#sent, kind);
  }

  malformed(): void {
    this.#malformed++;
  }

  stray(): void {
    this.#stray++;
  }

  refused(): void {
    this.#refused++;
  }

  scanner(): void {
    this.#scanners++;
  }

  retransmission(direction: 'in' | 'out'): void {
    if (direction === 'in') this.#retransmissionsIn++;
    else this.#retransmissionsOut++;
  }

  values(): CounterValues {
    return {
      received: Object.fromEntries(this.#received),
      sent: Object.fromEntries(this.#sent),
      malformed: this.#malformed,
      stray: this.#stray,
      refused: this.#refused,
      scanners: this.#scanners,
      retransmissionsIn: this.#retransmissionsIn,
      retransmissionsOut: this.#retransmissionsOut,
    };
  }
}

function bump(counts: Map<string, number>, kind: string): void {
  const key = knownMethods.has(kind) || /^[1-6]\d\d$/.test(kind) ? kind : 'other';
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
