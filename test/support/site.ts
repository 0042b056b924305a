import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Store } from '../../src/call/ports.ts';
import type { CallRecord } from '../../src/call/record.ts';
import { loadSettings } from '../../src/config.ts';
import { startRingaway, type Ringaway } from '../../src/main.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { silentLog } from '../../src/shared/log.ts';
import { hashSecret } from '../../src/shared/secret.ts';
import { type SiteOverrides, writeSettings } from '../../src/simulate/site.ts';
import { openStore } from '../../src/store/open.ts';
import { TerminalClient } from '../../src/terminals/client.ts';
import type { Call } from '../../src/terminals/events.ts';

export const password = 'correct horse';
const passwordHash = hashSecret(password);

/** A whole service in this process, on free ports, with a store of its own. */
export interface Site {
  folder: string;
  service: Ringaway;
  store: Store;
  /** `address:port` of its trunk (UDP). */
  trunk: string;
  metric(name: string): Promise<number>;
  subscribe(account: string, number: string, more?: { pin?: string; second?: string }): Promise<void>;
  /** Logs a terminal in, which is watched from then on. */
  terminal(account: string, id?: string): Promise<WatchedTerminal>;
  /** The newest record of an account, or of a number, that arrived since; waits until it is there and closed. */
  closedRecord(filter: { account?: string; number?: string; since?: number }): Promise<CallRecord>;
  close(): Promise<void>;
}

/** @param network `address:port` of its gateway */
export async function startSite(network: string, overrides: SiteOverrides = {}): Promise<Site> {
  const folder = await mkdtemp(path.join(tmpdir(), 'ringaway-test-'));
  const settings = loadSettings({ file: await writeSettings(folder, network, overrides), environment: {} });
  const service = await startRingaway(settings, { log: silentLog, clock: systemClock, unhandledRejections: () => 0 });
  const store = await openStore(settings.store, { log: silentLog, clock: systemClock });
  const terminals: WatchedTerminal[] = [];
  return {
    folder,
    service,
    store,
    trunk: service.sip.listening[0]?.replace(/^udp:\/\//, '') ?? '',
    async metric(name) {
      const text = await (await fetch(`http://${service.http.address}/metrics`)).text();
      const line = text.split('\n').find((one) => one.startsWith(`${name} `));
      return Number(line?.split(' ')[1] ?? Number.NaN);
    },
    async subscribe(account, number, { pin, second } = {}) {
      await store.subscribers.add({
        account,
        numbers: [{ number, ...(second !== undefined && { secondCalled: second }) }],
        proof: pin === undefined ? 'session' : 'pin',
        secrets: { passwordHash: await passwordHash, ...(pin !== undefined && { pinHash: await hashSecret(pin) }) },
      });
    },
    async terminal(account, id = `${account}-pc`) {
      const terminal = new WatchedTerminal(service.http.address, account, id);
      terminals.push(terminal);
      await terminal.client.connect();
      return terminal;
    },
    async closedRecord({ since = 0, ...filter }) {
      for (const until = Date.now() + 10_000; Date.now() < until;) {
        const [record] = await store.records.list({ ...filter, limit: 1 });
        if (record?.end && record.arrivedAt >= since) return record;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      throw new Error(`no record of ${JSON.stringify(filter)} was closed within 10 s`);
    },
    async close() {
      for (const terminal of terminals) terminal.client.disconnect();
      await service.close();
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A terminal that remembers what it was told. */
export class WatchedTerminal {
  readonly client: TerminalClient;
  readonly told: { event: 'incoming' | 'changed' | 'ended'; call: Call }[] = [];
  #waiting: { wanted: (told: WatchedTerminal['told'][number]) => boolean; resolve: (call: Call) => void }[] = [];

  constructor(http: string, account: string, id: string) {
    this.client = new TerminalClient(
      { server: `http://${http}`, login: { account, password }, terminal: { id, platform: 'cli' } },
      (error) => {
        throw error;
      },
    );
    for (const event of ['incoming', 'changed', 'ended'] as const) {
      this.client.events.on(event, (call) => {
        const told = { event, call };
        this.told.push(told);
        this.#waiting = this.#waiting.filter(({ wanted, resolve }) => {
          if (!wanted(told)) return true;
          resolve(call);
          return false;
        });
      });
    }
  }

  /** The first thing told, from the beginning, that is wanted; waits for it at most 15 s. */
  when(what: string, wanted: (told: WatchedTerminal['told'][number]) => boolean): Promise<Call> {
    const known = this.told.find(wanted);
    if (known) return Promise.resolve(known.call);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the terminal was not told: ${what}`)), 15_000);
      this.#waiting.push({
        wanted,
        resolve: (call) => {
          clearTimeout(timer);
          resolve(call);
        },
      });
    });
  }

  incoming(): Promise<Call> {
    return this.when('a call comes in', ({ event }) => event === 'incoming');
  }
  state(state: Call['state']): Promise<Call> {
    return this.when(`the call is ${state}`, ({ call }) => call.state === state);
  }
  ended(): Promise<Call> {
    return this.when('the call is over', ({ event }) => event === 'ended');
  }
}
