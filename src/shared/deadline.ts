import type { Clock } from './clock.ts';

/** A wait that took too long. `what` names the thing that was awaited. */
export class DeadlineExceeded extends Error {
  readonly what: string;
  readonly milliseconds: number;

  constructor(what: string, milliseconds: number) {
    super(`${what} gave no answer within ${milliseconds} ms`);
    this.name = 'DeadlineExceeded';
    this.what = what;
    this.milliseconds = milliseconds;
  }
}

/**
 * Waits for `promise`, but no longer than `milliseconds`.
 * @throws DeadlineExceeded when the time is over first; a later failure of `promise` is then swallowed.
 */
export function withDeadline<T>(clock: Clock, milliseconds: number, what: string, promise: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = clock.after(milliseconds, () => reject(new DeadlineExceeded(what, milliseconds)));
    promise.then(
      (value) => {
        timer.clear();
        resolve(value);
      },
      (reason: unknown) => {
        timer.clear();
        reject(reason instanceof Error ? reason : new Error(String(reason)));
      },
    );
  });
}
