// Stands in for the npm package tape in drachtio-srf's tests: the part that they use, telling each assertion to the runner.
import assert from 'node:assert/strict';
import { report } from './settings.ts';

class Tape {
  readonly #end: () => void;
  #planned: number | undefined;
  #asserted = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(end: () => void) {
    this.#end = end;
  }

  timeoutAfter(milliseconds: number): void {
    this.#timer = setTimeout(() => {
      this.#say(false, `no end within ${milliseconds} ms`);
      this.#end();
    }, milliseconds);
  }

  plan(assertions: number): void {
    this.#planned = assertions;
  }

  pass(name = 'pass'): void {
    this.#say(true, name);
  }

  fail(name = 'fail'): void {
    this.#say(false, name);
  }

  ok(value: unknown, name = 'ok'): void {
    this.#say(Boolean(value), name);
  }

  error(error: unknown, name = 'no error'): void {
    this.#say(!error, name, error);
    if (error) this.end(); // the suite ends nothing after an error: tape then waits for its time-out
  }

  throws(action: () => unknown, ...more: unknown[]): void {
    this.#check(() => assert.throws(action), more);
  }

  doesNotThrow(action: () => unknown, ...more: unknown[]): void {
    this.#check(() => assert.doesNotThrow(action), more);
  }

  end(error?: unknown): void {
    if (error !== undefined && error !== null) this.#say(false, 'end', error);
    clearTimeout(this.#timer);
    this.#end();
  }

  #check(action: () => void, more: unknown[]): void {
    const name = more.find((one) => typeof one === 'string') ?? 'throws or not';
    try {
      action();
      this.#say(true, name);
    } catch (error) {
      this.#say(false, name, error);
    }
  }

  #say(ok: boolean, name: string, detail?: unknown): void {
    report({ ok, name, ...(ok || detail === undefined ? {} : { detail: describe(detail) }) });
    this.#asserted++;
    if (this.#asserted === this.#planned) this.end();
  }
}

function describe(detail: unknown): string {
  return detail instanceof Error ? (detail.stack ?? detail.message) : String(detail);
}

let chain = Promise.resolve();
let waiting = 0;

/** Runs one after the other; when the last has ended so does the process, whatever it left open. */
function test(_name: string, body: (tape: Tape) => unknown): void {
  waiting++;
  chain = chain.then(async () => {
    await new Promise<void>((end) => {
      const tape = new Tape(end);
      Promise.resolve(tape)
        .then(body)
        .catch((error: unknown) => {
          tape.fail(`threw ${describe(error)}`);
          tape.end();
        });
    });
    if (--waiting === 0) process.exit(0);
  });
}

export { test as 'module.exports' };
