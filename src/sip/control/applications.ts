import type { Application } from './application.ts';

/** The applications that are connected, and whose turn it is. */
export class Applications {
  readonly #connected = new Set<Application>();
  readonly #turns = new Map<string, number>();

  get size(): number {
    return this.#connected.size;
  }

  add(application: Application): void {
    this.#connected.add(application);
  }

  remove(application: Application): void {
    this.#connected.delete(application);
  }

  /** The application for a new request: round robin among those that take its method. */
  choose(method: string): Application | undefined {
    const takers = [...this.#connected].filter((application) => application.takes(method));
    if (takers.length < 2) return takers[0];
    const turn = this.#turns.get(method) ?? 0;
    this.#turns.set(method, (turn + 1) % Number.MAX_SAFE_INTEGER);
    return takers[turn % takers.length];
  }

  [Symbol.iterator](): IterableIterator<Application> {
    return this.#connected.values();
  }
}
