import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Store } from '../../../src/call/ports.ts';
import { loadSettings } from '../../../src/config.ts';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { hashSecret } from '../../../src/shared/secret.ts';
import { writeSettings } from '../../../src/simulate/site.ts';
import { openStore } from '../../../src/store/open.ts';
import { startService, type ServiceProcess } from '../../support/process/process.ts';
import { startRtpengine, type RunningRtpengine } from '../../support/rtpengine.ts';
import { password, WatchedTerminal } from '../../support/site.ts';
import { keptUdpPort, Sipp } from '../../support/sipp.ts';
import { collecting } from './collecting.ts';
import { answers, ask, call, isAsked, isCalled, rings, scenario, waits } from '../../support/sipp-scenarios.ts';

export const secondCalled = '+8675529990000';
export const finalCalled = '+8675520000009';
/** Accounts, with a number and a terminal each. */
const size = 20;
const accounts = Array.from({ length: size }, (_, index) => ({
  account: `shop${index}`,
  number: `+86755200001${String(index).padStart(2, '0')}`,
}));

/** One call of a crowd; its caller is nobody else's. */
export interface Planned {
  caller: string;
  account: string;
  firstCalled: string;
}

const callerScenario = scenario(
  'callers',
  call(['Diversion: <sip:[called]@ngn.example;user=phone>;reason=unconditional']),
  waits(1_500),
  ask('BYE', 2),
)
  .replaceAll(/(?<=(INVITE|To:) <?sip:)\[called\]/g, secondCalled)
  .replaceAll('[caller]', '[field0]')
  .replaceAll('[called]', '[field1]');

/** The service as a process, rtpengine, and twenty accounts whose terminals send every call to the final number at once. */
export class Crowd {
  readonly service: ServiceProcess;
  readonly engine: RunningRtpengine;
  readonly store: Store;
  readonly terminals: readonly WatchedTerminal[];
  readonly #finalPort: number;
  readonly #opened: AsyncDisposableStack;
  #planned = 0;
  /** Answers to instructions that were no `ok`. */
  readonly refused: string[] = [];

  private constructor(
    parts: Pick<Crowd, 'service' | 'engine' | 'store' | 'terminals'>,
    finalPort: number,
    opened: AsyncDisposableStack,
  ) {
    this.service = parts.service;
    this.engine = parts.engine;
    this.store = parts.store;
    this.terminals = parts.terminals;
    this.#finalPort = finalPort;
    this.#opened = opened;
  }

  static async gather(): Promise<Crowd> {
    await using opened = new AsyncDisposableStack(); // what was started when the rest does not start
    const folder = await mkdtemp(path.join(tmpdir(), 'ringaway-load-'));
    opened.defer(() => rm(folder, { recursive: true, force: true }));
    const finalPort = await keptUdpPort();
    const engine = await startRtpengine();
    opened.defer(() => engine.stop());
    const config = await writeSettings(folder, `127.0.0.1:${finalPort}`, {
      // Transactions live 64 times T1: so the end of the last one can be awaited.
      sip: { listen: ['udp://127.0.0.1:0'], timers: { t1: '100ms', t2: '500ms', t4: '500ms' } },
      trunks: [
        { name: 'ngn', peers: ['127.0.0.1/32'], gateways: [`sip:127.0.0.1:${finalPort}`], optionsInterval: '0s' },
      ],
      media: { mode: 'rtpengine', engines: [engine.engine] },
      calls: { instructionsPerMinute: 1_000 },
      log: { level: 'warn' },
    });
    const service = await startService(config, { command: collecting });
    opened.defer(() => service.kill());
    const store = await openStore(loadSettings({ file: config, environment: {} }).store, {
      log: silentLog,
      clock: systemClock,
    });
    opened.defer(() => store.close());
    const passwordHash = await hashSecret(password);
    const terminals: WatchedTerminal[] = [];
    for (const { account, number } of accounts) {
      const secrets = { passwordHash };
      await store.subscribers.add({ account, numbers: [{ number }], proof: 'session', secrets });
      const terminal = new WatchedTerminal(service.http, account, `${account}-pc`);
      opened.defer(() => terminal.client.disconnect());
      await terminal.client.connect();
      terminals.push(terminal);
    }
    const crowd = new Crowd({ service, engine, store, terminals }, finalPort, opened.move());
    crowd.#instruct();
    return crowd;
  }

  #instruct(): void {
    for (const { client } of this.terminals) {
      client.events.on('incoming', ({ id }) => {
        client.transfer({ callId: id, to: finalCalled }).then(
          (answer) => {
            if (!answer.ok) this.refused.push(answer.error.message);
          },
          (error: unknown) => this.refused.push(String(error)),
        );
      });
    }
  }

  /** Calls, `rate` new ones a second, spread over the accounts; resolves when all ended well at both SIPps. */
  async call(calls: number, rate: number): Promise<Planned[]> {
    const planned = Array.from({ length: calls }, (_, index): Planned => {
      const { account = '', number = '' } = accounts[index % size] ?? {};
      this.#planned += 1;
      return { caller: `+8613800${String(this.#planned).padStart(6, '0')}`, account, firstCalled: number };
    });
    // No voices: what an engine has of these calls is what is asked of it here. Port 9 is that of discard.
    const common = { calls, keys: { rtp_port: 9 }, traced: false };
    const final = await Sipp.start({
      ...common,
      scenario: scenario('final phones', isCalled, rings, answers, isAsked('BYE')),
      port: this.#finalPort,
    });
    const callers = await Sipp.start({
      ...common,
      scenario: callerScenario,
      remote: this.service.trunk,
      rate,
      fields: planned.map(({ caller, firstCalled }) => [caller, firstCalled]),
    });
    try {
      await Promise.all([callers.succeeded(), final.succeeded()]);
    } finally {
      await callers.close();
      await final.close();
    }
    return planned;
  }

  /** All metrics of the service, by name and labels. */
  async metrics(): Promise<Map<string, number>> {
    const response = await fetch(`http://${this.service.http}/metrics`, { headers: { connection: 'close' } });
    const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
  }

  /** Octets of the heap of the service when its garbage is collected. */
  async heap(): Promise<number> {
    const from = this.service.lines.err.length;
    this.service.signal('SIGUSR2');
    const [, octets] = await this.service.line('err', /^collected: (\d+) octets$/, from);
    return Number(octets);
  }

  close(): Promise<void> {
    return this.#opened.disposeAsync();
  }
}
