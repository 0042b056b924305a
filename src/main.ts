// The only place that builds the parts and connects them. Who closes whom: `close` below, in the reverse order.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { createAdmin } from './admin/admin.ts';
import { createMetrics } from './admin/metrics.ts';
import { Calls } from './call/calls.ts';
import { permittedPhones } from './call/permitted-phones.ts';
import { pathText, refuseBadSounds, type Settings } from './config.ts';
import { sipServerOptions } from './config/sip-server-options.ts';
import { createMedia, type MediaSettings } from './media/media.ts';
import type { Clock } from './shared/clock.ts';
import { Failure, messageOf } from './shared/errors.ts';
import type { Logger } from './shared/log.ts';
import { QueuedClock } from './shared/queued-clock.ts';
import { startSipServer, type SipServer } from './sip/server.ts';
import { TlsFault } from './sip/transport/tls.ts';
import { openStore } from './store/open.ts';
import { createTerminals } from './terminals/gateway.ts';
import { connectTo } from './trunk/connection.ts';
import { startTrunk, type Trunk } from './trunk/trunk.ts';

export interface RingawayTools {
  log: Logger;
  clock: Clock;
  /** Promises that failed without an owner since the start; for the metrics. */
  unhandledRejections: () => number;
}

export interface Ringaway {
  readonly http: { readonly address: string };
  /** What the built-in SIP server listens on (`udp://address:port`); of a drachtio-server, its address. */
  readonly sip: { readonly listening: readonly string[] };
  /**
   * Reads the certificates of the built-in SIP server again (wrong ones change nothing, and the log says so), and takes the
   * rtpengines out of `changed`, where those are to be used.
   * @throws Failure `bad-setting` when they cannot be used; the old ones then are
   */
  reload(changed: Settings | undefined): Promise<void>;
  /** Takes no new calls (503 with Retry-After); resolves when the last one is over, or calls.drainWithin has passed. */
  drain(): Promise<void>;
  /** Ends what still stands, writes everything, and leaves nothing running; idempotent. */
  close(): Promise<void>;
}

/**
 * Starts the whole service; it takes calls when the promise is fulfilled.
 * @throws Failure `bad-setting`, `store-unavailable`, `address-in-use` and the like, with everything closed again
 */
export async function startRingaway(settings: Settings, tools: RingawayTools): Promise<Ringaway> {
  const opened: (() => Promise<unknown>)[] = [];
  const closeAll = async () => {
    for (const close of opened.splice(0).reverse()) {
      await close().catch((error: unknown) => tools.log.error(`a part did not close: ${messageOf(error)}`));
    }
  };
  try {
    return await build(settings, tools, opened, closeAll);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function build(
  settings: Settings,
  { log, clock, unhandledRejections }: RingawayTools,
  opened: (() => Promise<unknown>)[],
  closeAll: () => Promise<void>,
): Promise<Ringaway> {
  refuseBadSounds(settings);
  const queued = new QueuedClock(clock); // each call sets many timers and clears nearly all of them
  const metrics = createMetrics();

  const store = await openStore(settings.store, { log, clock });
  opened.push(() => store.close());

  const media = await createMedia(mediaSettings(settings), { log, clock });
  opened.push(() => media.close());

  const terminals = createTerminals({
    store,
    clock,
    log,
    calls: () => calls,
    numbering: settings.numbering,
    settings: {
      ...settings.terminals,
      trustProxy: settings.http.trustProxy,
      corsOrigins: settings.http.corsOrigins,
      ipPhones: settings.calls.ipPhones,
      decideWithin: settings.calls.decideWithin,
    },
  });

  const sip = await openSip(settings, log, clock);
  opened.push(() => sip.close());
  const trunk = await startTrunk({
    trunks: settings.trunks,
    routes: settings.routes,
    legSecret: await store.secret('leg-token', () => randomBytes(32).toString('base64url')),
    clock: queued,
    log,
    connect: sip.connect,
  });
  opened.push(() => trunk.close());

  const calls: Calls = new Calls({
    node: settings.node,
    settings: { ...settings.calls, mayCallPhone: permittedPhones(settings.calls.ipPhones) },
    numbering: settings.numbering,
    trunk,
    terminals: terminals.port,
    media,
    subscribers: store.subscribers,
    records: store.records,
    metrics: metrics.calls,
    clock: queued,
    log,
  });
  const left = await calls.recover();
  if (left > 0) log.warn({ calls: left }, 'calls of an earlier run were left open and are closed as interrupted');

  let draining = false;
  const admin = createAdmin({
    settings: settings.http,
    metrics,
    log,
    clock,
    checks: {
      store: () => store.ping(),
      sip: () => requireThat(trunk.connected(), 'no SIP server is connected'),
      gateways: () => requireThat(someGatewayUp(trunk), 'no gateway answers'),
      media: () => requireThat(media.health().ok, 'no rtpengine answers, or all of them drain'),
      records: () => requireThat(calls.unwritten === 0, 'records cannot be written: the log says why'),
      calls: () => requireThat(!draining, 'the service is stopping'),
    },
  });
  const { server } = sip;
  metrics.observe({
    terminals: () => terminals.counters(),
    trunks: () => {
      const { legs: _standing, ...counters } = trunk.stats();
      return counters;
    },
    legs: () => trunk.stats().legs,
    unwritten: () => calls.unwritten,
    media: () => media.health(),
    unhandledRejections,
    ...(server && { sip: () => server.stats() }),
  });
  terminals.attach(admin.server);
  opened.push(() => admin.close());
  const address = await admin.listen();
  opened.push(() => terminals.close('service-down'));
  trunk.onIncoming((incoming) => calls.incoming(incoming));

  return {
    http: { address: address.replace(/^http:\/\//, '') },
    sip: { listening: sip.listening },
    async reload(changed) {
      server?.reloadCertificates();
      if (changed?.media.mode === 'rtpengine') await media.useEngines(changed.media.engines);
    },
    async drain() {
      draining = true;
      trunk.drain();
      await calls.drain(settings.calls.drainWithin);
    },
    async close() {
      trunk.drain();
      await calls.drain(0);
      await closeAll();
    },
  };
}

/** How the trunk reaches its SIP server, and what of it is ours to close. */
interface SipSide {
  listening: readonly string[];
  server?: SipServer;
  connect: Parameters<typeof startTrunk>[0]['connect'];
  close: () => Promise<void>;
}

async function openSip({ sip, trunks }: Settings, log: Logger, clock: Clock): Promise<SipSide> {
  if (sip.server.kind === 'drachtio') {
    const { server } = sip;
    const closing = new AbortController();
    return {
      listening: [`drachtio://${sip.server.host}:${sip.server.port}`],
      // Not awaited: health and readiness are told while the server is still away; it is tried again until it comes.
      connect: (srf) => {
        void connectTo(server, closing.signal)(srf);
        return Promise.resolve();
      },
      close: () => {
        closing.abort();
        return Promise.resolve();
      },
    };
  }
  const server = await startSipServer({
    ...sipServerOptions(sip),
    limits: { ...sip.limits, peers: trunks.flatMap(({ peers }) => peers) },
    control: 'in-process',
    clock,
    log: log.child({ part: 'sip' }),
  }).catch((error: unknown) => {
    if (!(error instanceof TlsFault)) throw error;
    const lines = error.faults.map(({ path, says }) => `${pathText(['sip', 'tls', ...path])}: ${says}`);
    throw new Failure('bad-setting', lines.join('\n'), { cause: error });
  });
  return {
    listening: server.listening,
    server,
    connect: (srf) => {
      // drachtio-srf and the server talk over a pair of in-memory sockets: this one never listens
      const meeting = createServer();
      srf.listen({ server: meeting, secret: 'in-process' });
      return new Promise((resolve) => {
        srf.on('connect', () => resolve());
        server.attach(meeting);
      });
    },
    close: () => server.close(),
  };
}

function mediaSettings({ media, trunks, node }: Settings): MediaSettings {
  if (media.mode === 'direct') return media;
  const { mode, engines, timeout, silentAfter, digitEvents } = media;
  const policies = Object.fromEntries(trunks.map((trunk) => [trunk.name, trunk.media]));
  const reported = digitEvents === undefined ? {} : { digitEvents };
  return { mode, node, engines, timeoutMs: timeout, silentAfterMs: silentAfter, trunks: policies, ...reported };
}

function someGatewayUp(trunk: Trunk): boolean {
  const gateways = trunk.gateways();
  return gateways.length === 0 || gateways.some(({ health }) => health !== 'down');
}

function requireThat(ok: boolean, otherwise: string): void {
  if (!ok) throw new Failure('store-unavailable', otherwise);
}
