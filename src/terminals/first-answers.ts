import type { Clock } from '../shared/clock.ts';

interface Remembered<Answer> {
  answer: Promise<Answer>;
  /** Monotonic milliseconds. */
  until: number;
}

/** Gives the first answer again to whatever repeats a key, also while the first is still being worked out. */
export class FirstAnswers<Answer> {
  readonly #clock: Clock;
  readonly #keepFor: number;
  readonly #most: number;
  readonly #answers = new Map<string, Remembered<Answer>>();

  /** Answers are kept for `keepFor` milliseconds, `most` of them at a time. */
  constructor(clock: Clock, keepFor: number, most: number) {
    this.#clock = clock;
    this.#keepFor = keepFor;
    this.#most = most;
  }

  /** A failure of `work` is no answer: it reaches those that wait for it, and the next repetition tries again. */
  once(key: string, work: () => Promise<Answer>): Promise<Answer> {
    const now = this.#clock.monotonic();
    const known = this.#answers.get(key);
    if (known && known.until > now) return known.answer;
    this.#answers.delete(key);
    this.#forget(now);
    const answer = work();
    this.#answers.set(key, { answer, until: now + this.#keepFor });
    answer.catch(() => {
      if (this.#answers.get(key)?.answer === answer) this.#answers.delete(key);
    });
    return answer;
  }

  #forget(now: number): void {
    for (const [key, { until }] of this.#answers) {
      if (until > now && this.#answers.size < this.#most) return;
      this.#answers.delete(key);
    }
  }
}
