import type { Clock, Timer } from './clock.ts';

/**
 * A clock for very many timers of few lengths, most of which are cleared before they fire: those of one length stand in one queue,
 * in the order in which they fall due, and only the first of them has a timer of the clock below.
 */
export class QueuedClock implements Clock {
  readonly #clock: Clock;
  /** By length in milliseconds; none is empty. */
  readonly #queues = new Map<number, Queue>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  after(milliseconds: number, action: () => void): Timer {
    if (milliseconds <= 0) return this.#clock.after(milliseconds, action);
    let queue = this.#queues.get(milliseconds);
    if (!queue) {
      queue = new Queue(this.#clock, milliseconds, (emptied) => {
        if (this.#queues.get(milliseconds) === emptied) this.#queues.delete(milliseconds);
      });
      this.#queues.set(milliseconds, queue);
    }
    return queue.add(action);
  }
}

/** A timer in its queue. */
class Place implements Timer {
  readonly due: number;
  readonly action: () => void;
  /** Undefined when it has fired or was cleared. */
  queue: Queue | undefined;
  before: Place | undefined;
  behind: Place | undefined;

  constructor(queue: Queue, due: number, action: () => void) {
    this.queue = queue;
    this.due = due;
    this.action = action;
  }

  clear(): void {
    this.queue?.remove(this);
  }
}

class Queue {
  readonly #clock: Clock;
  readonly #milliseconds: number;
  readonly #emptied: (queue: Queue) => void;
  #first: Place | undefined;
  #last: Place | undefined;
  #timer: Timer | undefined;

  constructor(clock: Clock, milliseconds: number, emptied: (queue: Queue) => void) {
    this.#clock = clock;
    this.#milliseconds = milliseconds;
    this.#emptied = emptied;
  }

  add(action: () => void): Place {
    const place = new Place(this, this.#clock.monotonic() + this.#milliseconds, action);
    place.before = this.#last;
    if (this.#last) this.#last.behind = place;
    else {
      this.#first = place;
      this.#wait(this.#milliseconds);
    }
    this.#last = place;
    return place;
  }

  remove(place: Place): void {
    this.#take(place);
    if (this.#first) return; // its timer may now come too early, and then waits on
    this.#timer?.clear();
    this.#timer = undefined;
    this.#emptied(this);
  }

  #take(place: Place): void {
    const { before, behind } = place;
    if (before) before.behind = behind;
    else this.#first = behind;
    if (behind) behind.before = before;
    else this.#last = before;
    place.queue = place.before = place.behind = undefined;
  }

  #wait(milliseconds: number): void {
    this.#timer = this.#clock.after(milliseconds, () => this.#fire());
  }

  #goOn(): void {
    if (!this.#first) this.#emptied(this);
    else if (!this.#timer) this.#wait(Math.max(0, this.#first.due - this.#clock.monotonic()));
  }

  #fire(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    try {
      for (let first = this.#first; first && first.due <= now; first = this.#first) {
        this.#take(first);
        first.action();
      }
    } finally {
      // An action that throws is its owner's fault, and not that of those behind it.
      this.#goOn();
    }
  }
}
