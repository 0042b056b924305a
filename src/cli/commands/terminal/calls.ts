import type { Call } from '../../../terminals/events.ts';

interface Numbered {
  number: number;
  call: Call;
}

/** The calls that stand, each with the number under which a person names it. */
export class Calls {
  readonly #calls = new Map<string, Numbered>();
  readonly #announced = new Set<string>();
  #last = 0;

  /** Adds a call or its new state; returns its number. */
  put(call: Call): number {
    const number = this.#calls.get(call.id)?.number ?? ++this.#last;
    this.#calls.set(call.id, { number, call });
    return number;
  }

  drop(id: string): void {
    this.#calls.delete(id);
    this.#announced.delete(id);
  }

  /** What a new session says stands; true when a call is gone that stood before. */
  renew(standing: readonly Call[]): boolean {
    const ids = new Set(standing.map(({ id }) => id));
    const gone = [...this.#calls.keys()].filter((id) => !ids.has(id));
    for (const id of gone) this.drop(id);
    for (const call of standing) this.put(call);
    return gone.length > 0;
  }

  /** Whether this was asked for the call before: a notification may come again after a reconnect. */
  wasAnnounced(id: string): boolean {
    if (this.#announced.has(id)) return true;
    this.#announced.add(id);
    return false;
  }

  /** The call with that number; without one, the oldest in the first of `states` that any call is in. */
  choose(number: number | undefined, states: readonly Call['state'][]): Call | undefined {
    const all = this.all();
    if (number !== undefined) return all.find((one) => one.number === number)?.call;
    const found = states.map((state) => all.find(({ call }) => call.state === state)?.call);
    return found.find((call) => call !== undefined);
  }

  numberOf(id: string | undefined): number | undefined {
    return id === undefined ? undefined : this.#calls.get(id)?.number;
  }

  all(): Numbered[] {
    return [...this.#calls.values()];
  }
}
