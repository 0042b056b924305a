import { MongoServerError } from 'mongodb';
import type { Clock } from '../../shared/clock.ts';
import { withDeadline } from '../../shared/deadline.ts';
import { Failure, messageOf } from '../../shared/errors.ts';
import { storeClosed } from '../failures.ts';

const duplicateKey = 11_000;

/** A unique index refused it. Which one is not asked: some servers do not say (no keyPattern). */
export function isDuplicate(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === duplicateKey;
}

/** `action`, once more for each time that a unique index refused it because another process was faster. */
export async function despiteRaces<T>(action: () => Promise<T>): Promise<T> {
  for (let tries = 3; ; tries -= 1) {
    try {
      return await action();
    } catch (error) {
      if (!isDuplicate(error) || tries === 0) throw error;
    }
  }
}

/** Milliseconds that an operation may take with everything that belongs to it; its outcome is unknown after that. */
const operationDeadline = 6000;

/** The gate through which every operation goes: it has a deadline, closed stores refuse, and only Failures come out. */
export class Gate {
  readonly #clock: Clock;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  close(): void {
    this.#closed = true;
  }

  async pass<T>(action: () => Promise<T>): Promise<T> {
    if (this.#closed) throw storeClosed();
    try {
      return await withDeadline(this.#clock, operationDeadline, 'the server', action());
    } catch (error) {
      throw this.#failureOf(error);
    }
  }

  #failureOf(error: unknown): Failure {
    if (error instanceof Failure) return error;
    return this.#closed ? storeClosed() : unavailable(error);
  }
}

export function unavailable(error: unknown): Failure {
  const message = `MongoDB: ${messageOf(error)}: is the server of store.uri running and reachable?`;
  return new Failure('store-unavailable', message, { cause: error });
}
