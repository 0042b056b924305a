import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Store } from '../../../src/call/ports.ts';
import type { CallRecord } from '../../../src/call/record.ts';
import { loadSettings } from '../../../src/config.ts';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { hashSecret } from '../../../src/shared/secret.ts';
import type { Phone } from '../../../src/simulate/phone.ts';
import { type SiteOverrides, writeSettings } from '../../../src/simulate/site.ts';
import { Stage } from '../../../src/simulate/stage.ts';
import { openStore } from '../../../src/store/open.ts';
import { eventually } from '../eventually.ts';
import { freeUdpPort } from '../rtpengine.ts';
import { password, WatchedTerminal } from '../site.ts';
import { freeTcpPort, startService, type RunOptions, type ServiceProcess } from './process.ts';

export const numbers = {
  caller: '+8613800138000',
  first: '+8675520000001',
  second: '+8675529990000',
  final: '+8675520000009',
};
const voices = { caller: 440, first: 350, final: 620 };
const passwordHash = hashSecret(password);

/** A network with three phones, and a service beside it that runs as a process of its own, on ports that it keeps. */
export interface Scene {
  readonly stage: Stage;
  readonly folder: string;
  /** The settings file. */
  readonly config: string;
  /** `address:port` where the service, or the SIP server that it uses, takes calls. */
  readonly trunk: string;
  readonly http: string;
  readonly phones: Record<'caller' | 'first' | 'final', Phone>;
  /** Starts the service; a second time only after the first has ended. */
  serve(options?: RunOptions): Promise<ServiceProcess>;
  /** The store of the settings, opened beside the service. */
  store(): Promise<Store>;
  subscribe(account: string, number: string): Promise<void>;
  terminal(account: string, id?: string): Promise<WatchedTerminal>;
  /** The record of that call, or the newest one of the account; waits until it is there and closed. */
  closedRecord(of: { id: string } | { account: string }): Promise<CallRecord>;
  /** One metric, with its labels as they stand there. */
  metric(line: string): Promise<number>;
  /** A call that is notified and transferred to a phone that nobody answers; it rings when this resolves. */
  ring(terminal: WatchedTerminal): Promise<string>;
  /** A whole call: notified, transferred, voice heard both ways; it stands when this resolves. */
  connect(terminal: WatchedTerminal): Promise<string>;
  close(): Promise<void>;
}

/**
 * @param overrides sections of the settings, or what makes them of the `address:port`s of our trunk and the network's switch
 * @param network address of 127.0.0.0/8 where the network's switch stands; 127.0.0.1 unless given
 */
export async function openScene(
  overrides: SiteOverrides | ((trunk: string, network: string) => SiteOverrides) = {},
  network?: string,
): Promise<Scene> {
  const folder = await mkdtemp(path.join(tmpdir(), 'ringaway-process-'));
  const stage = await Stage.open({
    clock: systemClock,
    log: silentLog,
    ...(network !== undefined && { address: network }),
  });
  const [sipPort, httpPort] = [await freeUdpPort(), await freeTcpPort()];
  const [trunk, http] = [`127.0.0.1:${sipPort}`, `127.0.0.1:${httpPort}`];
  const config = await writeSettings(folder, stage.network.address, {
    sip: { listen: [`udp://${trunk}`] },
    http: { listen: http },
    ...(typeof overrides === 'function' ? overrides(trunk, stage.network.address) : overrides),
  });
  stage.nameService(trunk);
  stage.network.ringBeside(numbers.first, { secondCalled: numbers.second, service: trunk });
  const hears = Object.values(voices);
  const phones = {
    caller: await stage.phone('caller', { number: numbers.caller, voice: 440, hears, behaviour: { does: 'rings' } }),
    first: await stage.phone('first phone', { number: numbers.first, voice: 350, hears, behaviour: { does: 'rings' } }),
    final: await stage.phone('final phone', {
      number: numbers.final,
      voice: 620,
      hears,
      behaviour: { does: 'answers', after: 50 },
    }),
  };
  const services: ServiceProcess[] = [];
  const terminals: WatchedTerminal[] = [];
  let store: Promise<Store> | undefined;
  const theStore = () =>
    (store ??= openStore(loadSettings({ file: config, environment: {} }).store, {
      log: silentLog,
      clock: systemClock,
    }));

  const transferred = async (terminal: WatchedTerminal) => {
    const before = terminal.told.length;
    phones.caller.call(numbers.first);
    const later = (told: (typeof terminal.told)[number]) =>
      terminal.told.indexOf(told) >= before || !terminal.told.includes(told);
    const { id } = await terminal.when('a call comes in', (told) => told.event === 'incoming' && later(told));
    const answer = await terminal.client.transfer({ callId: id, to: numbers.final });
    if (!answer.ok) throw new Error(answer.error.message);
    return id;
  };

  return {
    stage,
    folder,
    config,
    trunk,
    http,
    phones,
    async serve(options) {
      const service = await startService(config, options);
      services.push(service);
      return service;
    },
    store: theStore,
    async subscribe(account, number) {
      const { subscribers } = await theStore();
      await subscribers.add({
        account,
        numbers: [{ number }],
        proof: 'session',
        secrets: { passwordHash: await passwordHash },
      });
    },
    async terminal(account, id = `${account}-pc`) {
      const terminal = new WatchedTerminal(http, account, id);
      terminals.push(terminal);
      await terminal.client.connect();
      return terminal;
    },
    async closedRecord(of) {
      const { records } = await theStore();
      let closed: CallRecord | undefined;
      await eventually(`a closed record of ${JSON.stringify(of)}`, async () => {
        closed = 'id' in of ? await records.get(of.id) : (await records.list({ ...of, limit: 1 }))[0];
        return closed?.end !== undefined;
      });
      if (!closed) throw new Error('no record');
      return closed;
    },
    async metric(line) {
      const text = await (await fetch(`http://${http}/metrics`)).text();
      const found = text.split('\n').find((one) => one.startsWith(`${line} `));
      return Number(found?.slice(line.length + 1) ?? Number.NaN);
    },
    async ring(terminal) {
      phones.final.behaviour = { does: 'rings' };
      const id = await transferred(terminal);
      await terminal.when('it rings', ({ call }) => call.id === id && call.state === 'ringing');
      return id;
    },
    async connect(terminal) {
      const id = await transferred(terminal);
      await terminal.when('it is connected', ({ call }) => call.id === id && call.state === 'connected');
      await Promise.all([
        phones.caller.rtp.hears(voices.final, 0.3, 10_000),
        phones.final.rtp.hears(voices.caller, 0.3, 10_000),
      ]);
      return id;
    },
    async close() {
      for (const terminal of terminals) terminal.client.disconnect();
      for (const service of services) await service.kill();
      await (await store)?.close();
      await stage.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
