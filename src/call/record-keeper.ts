import type { Clock, Timer } from '../shared/clock.ts';
import { withDeadline } from '../shared/deadline.ts';
import { Failure, messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import type { CallEnd } from './end.ts';
import type { RecordBook } from './ports.ts';
import type { CallRecord, RecordChange } from './record.ts';

/** How long one write may take, and how often and at what distances a failed one is tried again (milliseconds). */
const writeWithin = 5_000;
const retryAfter = [250, 1_000, 4_000, 15_000, 60_000];
/** How long a change may wait to be written together with what follows: receipts (milliseconds). */
const gatherFor = 100;
/** What does not wait: sessions that a restart must find at their engine, what is charged for, and what terminals are told. */
const atOnce: readonly (keyof RecordChange)[] = ['media', 'ringingAt', 'answeredAt', 'parkedAt'];

/** Changes that are not yet written; their values are the record's own, and are written as they then are. */
interface Gathered {
  readonly id: string;
  readonly change: RecordChange;
  /** Until they are queued to be written. */
  timer: Timer | undefined;
}

/**
 * Writes the record of one call in order, so that a slow store never holds the call up, and in few writes: most of what a
 * call costs the disk is their number. A write that fails is tried again; what cannot be written at all goes whole into
 * the log at level error, so that no record is ever lost.
 */
export class RecordKeeper {
  readonly #book: RecordBook;
  readonly #clock: Clock;
  readonly #log: Logger;
  #tail: Promise<void> = Promise.resolve();
  #gathered: Gathered | undefined;
  /** The last write failed and is being tried again. */
  #failing = false;
  #onFailure: (() => void)[] = [];
  /** The record as it now is, from its opening on. */
  #record: CallRecord | undefined;
  /** Its opening is on its way for the first time, and nothing is queued behind it. */
  #opening = false;

  constructor(book: RecordBook, clock: Clock, log: Logger) {
    this.#book = book;
    this.#clock = clock;
    this.#log = log;
  }

  /** Whether what was written last could not be, and is tried again. */
  get failing(): boolean {
    return this.#failing;
  }

  /** At once, without waiting for what was written before: there is nothing. */
  open(record: CallRecord): void {
    this.#record = record;
    const copy = standing(record);
    const open = () => this.#book.open(copy);
    this.#enqueue('open', copy, open, this.#inTime('open', open));
    this.#opening = true;
  }

  /** Written soon, with what else changes until then; `safe` has it written at once. */
  update(id: string, change: RecordChange): void {
    if (this.#gathered) Object.assign(this.#gathered.change, change);
    else {
      const timer = this.#clock.after(gatherFor, () => this.#write());
      this.#gathered = { id, change: { ...change }, timer };
    }
    if (atOnce.some((key) => change[key] !== undefined)) this.#write();
  }

  /**
   * Queues what was gathered; what changes until its turn comes is still written with it. `awaited`: behind an opening that is on its
   * way it does not wait for that, as stores do in order what concerns one record: both may share one commit.
   */
  #write(awaited = false): void {
    const gathered = this.#gathered;
    if (!gathered?.timer) return;
    gathered.timer.clear();
    gathered.timer = undefined;
    const write = () => {
      if (this.#gathered === gathered) this.#gathered = undefined;
      return this.#book.update(gathered.id, gathered.change);
    };
    const first = awaited && this.#opening ? this.#inTime('update', write) : undefined;
    this.#enqueue('update', { id: gathered.id, change: gathered.change }, write, first);
  }

  /**
   * Resolves when all that was written until now is safe, when a write has failed (it is tried again), or when
   * `milliseconds` have passed: a sick store holds nobody up.
   */
  safe(milliseconds: number): Promise<void> {
    this.#write(true);
    const failed = new Promise<void>((resolve) => {
      if (this.#failing) resolve();
      else this.#onFailure.push(resolve);
    });
    const settled = Promise.race([this.#tail, failed]);
    return withDeadline(this.#clock, milliseconds, 'the record', settled).catch(() => {
      this.#log.warn('the record is not safe yet, and the call goes on');
    });
  }

  /** Resolves when the record is closed, or given to the log. What was refused before its record was opened has one, too. */
  close(record: CallRecord, end: CallEnd): Promise<void> {
    if (this.#gathered?.timer) {
      // All of it stands in the record that is now written whole.
      this.#gathered.timer.clear();
      this.#gathered = undefined;
    }
    const copy = structuredClone(record);
    const { id, node, arrivedAt, end: _end, ...last } = copy;
    if (!this.#record) this.open({ id, node, arrivedAt, ...last });
    this.#enqueue('close', copy, async () => {
      await this.#book.close(id, end, last);
    });
    return this.#tail;
  }

  #enqueue(what: string, subject: unknown, write: () => Promise<void>, first?: Promise<void>): void {
    this.#opening = false;
    first?.catch(() => undefined); // heard when its turn comes
    this.#tail = this.#tail.then(() => this.#persist(what, subject, write, first));
  }

  #inTime(what: string, write: () => Promise<void>): Promise<void> {
    return withDeadline(this.#clock, writeWithin, `the record's ${what}`, write());
  }

  /** A store may lose what it only had in memory, or never had the opening: then the record is opened again. */
  async #writeAnew(write: () => Promise<void>): Promise<void> {
    if (this.#record) await this.#book.open(standing(this.#record));
    await write();
  }

  async #persist(what: string, subject: unknown, write: () => Promise<void>, first?: Promise<void>): Promise<void> {
    let attempt = write;
    for (const [tries, pause] of [...retryAfter, undefined].entries()) {
      try {
        await (tries === 0 && first ? first : this.#inTime(what, attempt));
        this.#opening = false;
        this.#failing = false;
        this.#onFailure = [];
        return;
      } catch (error) {
        if (error instanceof Failure && error.code === 'unknown-call') attempt = () => this.#writeAnew(write);
        this.#opening = false;
        this.#failing = true;
        for (const tell of this.#onFailure.splice(0)) tell();
        if (pause === undefined) {
          this.#log.error(
            { what, subject },
            `a record could not be written, it stands in this line: ${messageOf(error)}`,
          );
          return;
        }
        this.#log.warn(
          { what, tries },
          `a record could not be written, trying again in ${pause} ms: ${messageOf(error)}`,
        );
        await new Promise<void>((resolve) => this.#clock.after(pause, resolve));
      }
    }
  }
}

/** What it is opened with: the end comes with its close. */
function standing({ end: _end, ...record }: CallRecord): CallRecord {
  return structuredClone(record);
}
