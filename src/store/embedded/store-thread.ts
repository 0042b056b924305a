import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../../shared/clock.ts';
import { Failure, messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { storeClosed } from '../failures.ts';
import type { StoreAnswer } from './answer.ts';
import type { Access, OperationName, Operations, StoreRequest, StoreWork } from './operations.ts';

/** Milliseconds after which a request is given up. Its outcome is then unknown. */
const requestDeadline = 8000;
/** Opening may have to change the schema of a large file. */
const openDeadline = 60_000;

interface Pending {
  resolve(value: unknown): void;
  reject(failure: Failure): void;
  timer: Timer;
}

/** The requests to a thread that has the database open: one map of what is pending, each settled exactly once. */
export class StoreThread {
  readonly #worker: Worker;
  readonly #clock: Clock;
  readonly #pending = new Map<number, Pending>();
  readonly #opened: Promise<unknown>;
  #lastId = 0;
  #gone: Failure | undefined;

  /** Whatever is asked before it has opened the file waits for that. */
  constructor(file: string, access: Access, log: Logger, clock: Clock) {
    this.#clock = clock;
    // The same extension as this file: .ts under type stripping, .js in dist/.
    const worker = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);
    this.#worker = new Worker(worker, {
      workerData: { file, access } satisfies StoreWork,
      name: `store ${access}`,
      // What it makes is garbage a moment later: without a limit V8 lets each thread keep tens of megabytes of it.
      resourceLimits: { maxYoungGenerationSizeMb: 8 },
    });
    this.#worker.on('message', (answers: StoreAnswer[]) => answers.forEach((answer) => this.#settle(answer)));
    this.#worker.on('error', (error) => {
      log.error({ err: error }, 'the thread of the embedded store died: restart the service');
      this.#end(new Failure('store-unavailable', `the embedded store died: ${messageOf(error)}`, { cause: error }));
    });
    this.#worker.on('exit', () => this.#end(storeClosed()));
    this.#worker.unref();
    this.#opened = this.#wait(0, openDeadline);
    this.#opened.catch(() => undefined); // told to whoever asks `opened`, and to every request
  }

  /** Resolves when the file is open. @throws Failure `store-unavailable`, `bad-setting`; the thread is gone then */
  async opened(): Promise<void> {
    try {
      await this.#opened;
    } catch (error) {
      await this.#worker.terminate();
      throw error;
    }
  }

  /** Resolves after COMMIT. @throws Failure of the operation, or `store-unavailable` */
  async ask<Name extends OperationName>(
    name: Name,
    ...args: Parameters<Operations[Name]>
  ): Promise<ReturnType<Operations[Name]>> {
    // The thread answers each operation with its own result: the message between loses the type.
    return (await this.#post(name, args)) as ReturnType<Operations[Name]>;
  }

  /** Does what was asked before, then ends the thread; what has no answer by the deadline is rejected. */
  async close(): Promise<void> {
    if (this.#gone) return;
    const done = this.#post('close', []);
    this.#gone = storeClosed();
    try {
      await done;
    } finally {
      await this.#worker.terminate();
      this.#end(storeClosed());
    }
  }

  #post(name: StoreRequest['name'], args: readonly unknown[]): Promise<unknown> {
    if (this.#gone) return Promise.reject(this.#gone);
    this.#lastId += 1;
    const request: StoreRequest = { id: this.#lastId, name, args };
    const answer = this.#wait(request.id, requestDeadline);
    this.#worker.postMessage(request);
    return answer;
  }

  #wait(id: number, deadline: number): Promise<unknown> {
    // Whoever waits for the store keeps the process alive; a store that nobody asks does not.
    if (this.#pending.size === 0) this.#worker.ref();
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(deadline, () => {
        const message = `the embedded store gave no answer within ${deadline / 1000} s: is its disk overloaded or gone?`;
        this.#take(id)?.reject(new Failure('store-unavailable', message));
      });
      this.#pending.set(id, { resolve, reject, timer });
    });
  }

  #settle(answer: StoreAnswer): void {
    const pending = this.#take(answer.id);
    if (answer.ok) pending?.resolve(answer.value);
    else pending?.reject(new Failure(answer.code, answer.message));
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (!pending) return undefined;
    this.#pending.delete(id);
    pending.timer.clear();
    if (this.#pending.size === 0) this.#worker.unref();
    return pending;
  }

  #end(failure: Failure): void {
    this.#gone ??= failure;
    for (const id of [...this.#pending.keys()]) this.#take(id)?.reject(failure);
  }
}
