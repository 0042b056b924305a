// The set-ups that are measured: how server and application stand to each other.
import type { ControlAddress } from './options.ts';
import { cpuTime, listenerOf, residentMemory } from './process-stats.ts';
import { Worker } from './worker.ts';

export type SetUp = 'in-process' | 'separate' | 'drachtio';

/** What the two take; `application` is undefined where both are one process, `server` where it may not be seen. */
export interface Shares<T> {
  readonly server: T | undefined;
  readonly application: T | undefined;
}

/** Octets; heap is unknown of a drachtio-server. */
export interface Memory {
  readonly rss: number;
  readonly heap: number | undefined;
}

/** A set-up that runs. */
export class Parties {
  readonly setUp: SetUp;
  /** Where it takes SIP over UDP, as `address:port`. */
  readonly sip: string;
  readonly #server: Worker | number | undefined;
  readonly #application: Worker | undefined;
  readonly #workers: readonly Worker[];

  private constructor(setUp: SetUp, sip: string, server: Worker | number | undefined, application?: Worker) {
    this.setUp = setUp;
    this.sip = sip;
    this.#server = server;
    this.#application = application;
    this.#workers = [application, server].filter((one) => one instanceof Worker);
  }

  /**
   * @param called `address:port` that every call goes on to
   * @param drachtio the server of the set-up `drachtio`
   */
  static async start(setUp: SetUp, called: string, drachtio?: ControlAddress): Promise<Parties> {
    const target = `sip:called@${called}`;
    if (setUp === 'in-process') {
      const { worker, ready } = await Worker.start({ kind: 'both', target });
      return new Parties(setUp, ready.sip, worker);
    }
    if (setUp === 'drachtio') {
      if (!drachtio) throw new Error('no drachtio-server is known');
      const { worker, ready } = await Worker.start({ kind: 'application', target, control: drachtio });
      return new Parties(setUp, ready.sip, listenerOf(drachtio.port), worker);
    }
    const secret = 'bench';
    const server = await Worker.start({ kind: 'server', secret });
    try {
      const control = { host: '127.0.0.1', port: server.ready.controlPort ?? 0, secret };
      const application = await Worker.start({ kind: 'application', target, control });
      return new Parties(setUp, server.ready.sip, server.worker, application.worker);
    } catch (error) {
      await server.worker.stop();
      throw error;
    }
  }

  /** User and system time since the start. Milliseconds. */
  cpu(): Shares<number> {
    return this.#each(cpuTime);
  }

  /** Octets, as they are, without garbage collection. */
  resident(): Shares<number> {
    return this.#each(residentMemory);
  }

  /** After garbage collection. */
  async memory(): Promise<Shares<Memory>> {
    const server = this.#server;
    return {
      server: typeof server === 'number' ? { rss: residentMemory(server), heap: undefined } : await server?.memory(),
      application: await this.#application?.memory(),
    };
  }

  /** Begins a CPU profile of each process that it started. */
  async profile(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.profile()));
  }

  /** Ends them; V8's Profiler.Profile, one a process. */
  async profiled(): Promise<unknown[]> {
    return Promise.all(this.#workers.map((worker) => worker.profiled()));
  }

  /** Ends the calls that stand. */
  async hangUp(): Promise<void> {
    const b2bua = this.#application ?? this.#server;
    if (b2bua instanceof Worker) await b2bua.hangUp();
  }

  /** Ends what it started; a drachtio-server that was there stays. */
  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop()));
  }

  #each(read: (pid: number) => number): Shares<number> {
    const server = this.#server instanceof Worker ? this.#server.pid : this.#server;
    return {
      server: server === undefined ? undefined : read(server),
      application: this.#application && read(this.#application.pid),
    };
  }
}

/** Of the application and of the server what `combine` makes of them. */
export function both<T, U, V>(one: Shares<T>, other: Shares<U>, combine: (a: T, b: U) => V): Shares<V> {
  const join = (a: T | undefined, b: U | undefined): V | undefined =>
    a === undefined || b === undefined ? undefined : combine(a, b);
  return { server: join(one.server, other.server), application: join(one.application, other.application) };
}
