// What is measured: `ringaway serve` as a process with its store, an rtpengine where wanted, and its subscribers.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSettings } from '../../../src/config.ts';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { hashSecret } from '../../../src/shared/secret.ts';
import { writeSettings } from '../../../src/simulate/site.ts';
import { openStore } from '../../../src/store/open.ts';
import { startService, type ServiceProcess } from '../../support/process/process.ts';
import { startRtpengine, type RunningRtpengine } from '../../support/rtpengine.ts';
import { cpuTime, residentMemory } from '../process-stats.ts';
import { Crowd } from './crowd.ts';

export type SetUp = 'direct' | 'rtpengine' | 'password';

export interface SitePlan {
  /** `direct` and `rtpengine`: the media; `password`: direct, and each instruction carries its password. */
  readonly setUp: SetUp;
  /** `address:port` of the final phones. */
  readonly final: string;
  readonly accounts: number;
  /** Terminals of each account. */
  readonly terminals: number;
  /** Whether CPU profiles are made; they cost CPU time themselves. */
  readonly profiled?: boolean;
}

/** Octets. */
export interface Memory {
  /** Of the main thread, with buffers, after garbage collection. */
  readonly heap: number;
  readonly rss: number;
}

const source = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** A site that runs, with its terminals logged in. */
export class BenchSite {
  readonly terminals: Crowd;
  /** Numbers that can be called. */
  readonly numbers: readonly string[];
  readonly #service: ServiceProcess;
  readonly #engine: RunningRtpengine | undefined;
  readonly #folder: string;
  readonly #opened: AsyncDisposableStack;

  private constructor(
    parts: { service: ServiceProcess; engine: RunningRtpengine | undefined; folder: string; terminals: Crowd },
    numbers: readonly string[],
    opened: AsyncDisposableStack,
  ) {
    this.#service = parts.service;
    this.#engine = parts.engine;
    this.#folder = parts.folder;
    this.terminals = parts.terminals;
    this.numbers = numbers;
    this.#opened = opened;
  }

  /** @throws when something of it does not start */
  static async start(plan: SitePlan): Promise<BenchSite> {
    await using opened = new AsyncDisposableStack(); // what was started when the rest does not start
    const folder = await mkdtemp(path.join(tmpdir(), 'ringaway-bench-'));
    opened.defer(() => rm(folder, { recursive: true, force: true }));
    const engine = plan.setUp === 'rtpengine' ? await startRtpengine() : undefined;
    if (engine) opened.defer(() => engine.stop());
    const config = await writeSettings(folder, plan.final, {
      // One caller's address has all the load; and nothing else is set that makes it cheaper than at a site
      sip: { listen: ['udp://127.0.0.1:0'], limits: { rate: 0 } },
      trunks: [{ name: 'ngn', peers: ['127.0.0.1/32'], gateways: [`sip:${plan.final}`], optionsInterval: '0s' }],
      ...(engine && { media: { mode: 'rtpengine', engines: [engine.engine] } }),
      calls: { instructionsPerMinute: 1_000, maxCalls: 100_000, decideWithin: '10m', maxHold: '1h' },
      terminals: { maxPerAccount: 100 },
    });
    const { accounts, numbers, password } = await subscribe(config, plan.accounts);
    const service = await startService(config, { command: commandOf(folder, plan.profiled ?? false) });
    opened.defer(() => service.kill());
    const terminals = await Crowd.gather({
      ...{ http: service.http, accounts, terminals: plan.terminals, password },
      proof: plan.setUp === 'password',
    });
    opened.defer(() => terminals.stop());
    return new BenchSite({ service, engine, folder, terminals }, numbers, opened.move());
  }

  /** `address:port` of the trunk, over UDP. */
  get sip(): string {
    return this.#service.trunk;
  }

  /** User and system time since the start, of all threads. Milliseconds. */
  cpu(): { service: number; engine: number | undefined } {
    return { service: cpuTime(this.#service.pid), engine: this.#engine && cpuTime(this.#engine.pid) };
  }

  /** Octets, as it is. */
  resident(): number {
    return residentMemory(this.#service.pid);
  }

  /** After garbage collection. */
  async memory(): Promise<Memory> {
    const from = this.#service.lines.err.length;
    this.#service.signal('SIGUSR2');
    const [, heap, rss] = await this.#service.line('err', /^memory: (\d+) (\d+)$/, from);
    return { heap: Number(heap), rss: Number(rss) };
  }

  /**
   * Ends the service in good order; V8's Profiler.Profile of its main thread. (That of the store counts as work what is waiting
   * for the disk: its CPU time is in that of the whole.)
   */
  async profile(): Promise<unknown> {
    this.#service.signal('SIGTERM');
    await this.#service.exit();
    // CPU.date.time.process.thread.count.cpuprofile
    const file = (await readdir(this.#folder)).find((name) => /\.\d+\.0\.\d+\.cpuprofile$/.test(name));
    if (file === undefined) throw new Error('the service left no profile');
    return JSON.parse(await readFile(path.join(this.#folder, file), 'utf8'));
  }

  close(): Promise<void> {
    return this.#opened.disposeAsync();
  }
}

/** From the sources; its log, at the level that it has by default, goes nowhere. */
function commandOf(folder: string, profiled: boolean): string[] {
  const node = [process.execPath, '--expose-gc', `--import=${source('collect.ts')}`];
  const profile = profiled ? ['--cpu-prof', `--cpu-prof-dir=${folder}`] : [];
  const command = [...node, ...profile, source('../../../src/cli/ringaway.ts')];
  return ['sh', '-c', 'exec "$@" >/dev/null', 'sh', ...command];
}

async function subscribe(config: string, count: number) {
  const password = 'correct horse';
  const secrets = { passwordHash: await hashSecret(password) };
  const store = await openStore(loadSettings({ file: config, environment: {} }).store, {
    log: silentLog,
    clock: systemClock,
  });
  const accounts = Array.from({ length: count }, (_, index) => ({
    account: `shop${index}`,
    to: `+8675522${String(index).padStart(6, '0')}`,
  }));
  const numbers = accounts.map((_, index) => `+8675521${String(index).padStart(6, '0')}`);
  try {
    for (const [index, { account }] of accounts.entries()) {
      await store.subscribers.add({ account, numbers: [{ number: numbers[index] ?? '' }], proof: 'session', secrets });
    }
  } finally {
    await store.close();
  }
  return { accounts, numbers, password };
}
