// The set-up of these tests: SIPp phones on a Kamailio, the service beside it, rtpengine under it.
import assert from 'node:assert/strict';
import { systemClock } from '../../../src/shared/clock.ts';
import { readAnswer, type Agreed } from '../../../src/simulate/rtp/sdp.ts';
import { RtpSession } from '../../../src/simulate/rtp/session.ts';
import { tone } from '../../../src/simulate/rtp/sources.ts';
import { eventually } from '../../support/eventually.ts';
import { kamailioMissing, startKamailio } from '../../support/kamailio.ts';
import { rtpengineMissing, startRtpengine, type RunningRtpengine } from '../../support/rtpengine.ts';
import { startSite, type Site, type WatchedTerminal } from '../../support/site.ts';
import { keptUdpPort, Sipp, sippMissing, type SippMessage, type SippOptions } from '../../support/sipp.ts';

export const numbers = {
  caller: '+8613800138000',
  first: '+8675520000001',
  second: '+8675529990000',
  final: '+8675520000009',
  busy: '+8675520000007',
  silent: '+8675520000008',
} as const;
/** Hz, by which the parties are told apart. */
export const voices = { caller: 440, final: 620, another: 850 } as const;

/** What is missing for these tests; undefined when nothing is. */
export const peersMissing = (): string | undefined => sippMissing() ?? kamailioMissing() ?? rtpengineMissing();

/** A SIPp party with a voice: SIPp does its signalling, and its description names the port of an RtpSession. */
export interface Party {
  sipp: Sipp;
  rtp: RtpSession;
}

export interface PeerSite extends Site {
  /** `address:port` of Kamailio. */
  readonly network: string;
  /** `address:port` of its trunk over TCP. */
  readonly trunkTcp: string;
  readonly engine: RunningRtpengine;
  /** Ports on which the network expects its phones. */
  readonly ports: Readonly<Record<'first' | 'final' | 'busy' | 'silent', number>>;
  /** Starts a SIPp with a port for its media; it ends with the test at the latest. */
  party(options: SippOptions & { hears?: number | readonly number[] }): Promise<Party>;
  /** The parties of one test: all must have ended well, and nothing of the call may be left anywhere. */
  scene(play: () => Promise<void>): Promise<void>;
}

/** How long a phone may stay silent before the network says so; milliseconds. */
const silenceMs = 1_000;

type Overrides = (network: string) => Record<string, unknown>;

/** @param overrides of the service's settings, when they know the `address:port` of the network */
export async function startPeerSite(overrides: Overrides = () => ({})): Promise<PeerSite> {
  await using opened = new AsyncDisposableStack(); // what was started when the rest does not start
  const site = await open(opened, overrides);
  const all = opened.move();
  return { ...site, close: () => all.disposeAsync() };
}

async function open(opened: AsyncDisposableStack, overrides: Overrides): Promise<PeerSite> {
  const engine = await startRtpengine();
  opened.defer(() => engine.stop());
  const network = `127.0.0.1:${await keptUdpPort()}`;
  const ports = {
    first: await keptUdpPort(),
    final: await keptUdpPort(),
    busy: await keptUdpPort(),
    silent: await keptUdpPort(),
  };
  const site = await startSite(network, {
    media: { mode: 'rtpengine', engines: [engine.engine] },
    ...overrides(network),
  });
  opened.defer(() => site.close());
  const kamailio = await startKamailio({
    address: network,
    firstCalled: numbers.first,
    firstPhone: `127.0.0.1:${ports.first}`,
    secondCalled: numbers.second,
    service: site.trunk,
    phones: {
      [numbers.final]: `127.0.0.1:${ports.final}`,
      [numbers.busy]: `127.0.0.1:${ports.busy}`,
      [numbers.silent]: `127.0.0.1:${ports.silent}`,
    },
    silenceMs,
  });
  opened.defer(() => kamailio.stop());
  const tcp = site.service.sip.listening.find((one) => one.startsWith('tcp://')) ?? '';
  let parties: Party[] = [];

  return {
    ...site,
    network,
    ports,
    engine,
    trunkTcp: tcp.replace('tcp://', ''),
    async party({ hears, keys, ...options }) {
      const rtp = await RtpSession.open({
        clock: systemClock,
        address: '127.0.0.1',
        expect: [hears ?? []].flat(),
      });
      const sipp = await Sipp.start({ ...options, keys: { ...keys, rtp_port: rtp.port } });
      const party = { sipp, rtp };
      parties.push(party);
      return party;
    },
    async scene(play) {
      try {
        await play();
        await Promise.all(parties.map(({ sipp }) => sipp.succeeded()));
        await eventually('the end of all dialogs', async () => (await site.metric('ringaway_sip_dialogs')) === 0);
        await eventually('the end of all sessions of rtpengine', async () => (await engine.sessions()) === 0);
      } catch (error) {
        throw new Error(parties.map(({ sipp }) => sipp.story).join('\n'), { cause: error });
      } finally {
        for (const { rtp } of parties) rtp.close();
        await Promise.all(parties.map(({ sipp }) => sipp.close()));
        parties = [];
      }
    },
  };
}

/** A scene with a terminal of this account, which is gone when all has been played. */
export function sceneWithTerminal(
  site: PeerSite,
  account: string,
  play: (terminal: WatchedTerminal) => Promise<void>,
): Promise<void> {
  return site.scene(async () => {
    const terminal = await site.terminal(account);
    try {
      await play(terminal);
    } finally {
      terminal.client.disconnect();
    }
  });
}

/** Speaks as `description`, which came in, says: to where and in which law. */
export function speak({ rtp }: Party, description: SippMessage, frequency: number): Agreed {
  const agreed = readAnswer(description.body, { address: rtp.address, port: rtp.port });
  rtp.sendTo(agreed.destination);
  rtp.say(tone(frequency));
  return agreed;
}

/** Both speak, and each hears the other through rtpengine: not straight from the other's port. */
export async function assertVoices(caller: Party, final: Party): Promise<void> {
  speak(caller, await caller.sipp.received('SIP/2.0 200'), voices.caller);
  speak(final, await final.sipp.received('INVITE'), voices.final);
  const [atCaller, atFinal] = await Promise.all([
    caller.rtp.hears(voices.final, 0.5, 10_000),
    final.rtp.hears(voices.caller, 0.5, 10_000),
  ]);
  assert.notEqual(atCaller.source, `127.0.0.1:${final.rtp.port}`, 'the caller hears rtpengine');
  assert.notEqual(atFinal.source, `127.0.0.1:${caller.rtp.port}`, 'the final phone hears rtpengine');
  for (const { tones, streams } of [atCaller, atFinal]) {
    assert.equal(tones.length, 1, 'one voice');
    assert.ok(Math.abs((tones[0]?.level ?? 0) + 13) < 0.5, `at the level at which it spoke: ${tones[0]?.level} dBm0`);
    assert.equal(streams, 1);
  }
}
