import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { readReport, type Report, type Role } from './role.ts';

/** How long a process may take to answer, to end its calls, or to stop. Milliseconds. */
const patience = { answer: 20_000, hangUp: 120_000, stop: 10_000 };

/** One process under measurement; see b2bua.ts. */
export class Worker {
  readonly pid: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child;
    this.pid = pid;
  }

  /** @throws when it does not start */
  static async start(role: Role): Promise<{ worker: Worker; ready: Report & { kind: 'ready' } }> {
    const child = fork(fileURLToPath(new URL('b2bua.ts', import.meta.url)), [JSON.stringify(role)], {
      execArgv: ['--expose-gc'],
    });
    const { pid } = child;
    if (pid === undefined) throw new Error('the process to be measured did not start');
    const worker = new Worker(child, pid);
    try {
      const ready = await worker.#report(patience.answer);
      if (ready.kind !== 'ready') throw new Error(`${role.kind} said "${ready.kind}" first`);
      return { worker, ready };
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  /** After garbage collection. Octets. */
  async memory(): Promise<Report & { kind: 'memory' }> {
    const report = await this.#ask('memory', patience.answer);
    if (report.kind !== 'memory') throw new Error(`asked for memory, got "${report.kind}"`);
    return report;
  }

  /** Ends the calls that stand in the application. */
  async hangUp(): Promise<void> {
    await this.#ask('hang up', patience.hangUp);
  }

  /** Begins a CPU profile. */
  async profile(): Promise<void> {
    await this.#ask('profile', patience.answer);
  }

  /** Ends it; V8's Profiler.Profile. */
  async profiled(): Promise<unknown> {
    const report = await this.#ask('profiled', patience.answer);
    return report.kind === 'profile' ? report.profile : undefined;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), patience.stop);
    if (this.#child.connected) this.#child.send('stop');
    await ended;
    clearTimeout(kill);
  }

  #ask(command: string, within: number): Promise<Report> {
    const report = this.#report(within);
    this.#child.send(command);
    return report;
  }

  async #report(within: number): Promise<Report> {
    const given = new AbortController();
    const { signal } = given;
    try {
      const message: unknown[] = await Promise.race([
        once(this.#child, 'message', { signal }),
        once(this.#child, 'exit', { signal }).then(() => {
          throw new Error('the process to be measured ended');
        }),
        once(AbortSignal.timeout(within), 'abort', { signal }).then(() => {
          throw new Error(`no answer of the process to be measured in ${within / 1000} s`);
        }),
      ]);
      return readReport(message[0]);
    } finally {
      given.abort();
    }
  }
}
