// The ways of a call over real sockets, with a real rtpengine: what each phone hears at each moment.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import type { Phone } from '../../../src/simulate/phone.ts';
import { Stage } from '../../../src/simulate/stage.ts';
import type { Call } from '../../../src/terminals/events.ts';
import { eventually } from '../../support/eventually.ts';
import { hearsOnly, toneFile } from '../../support/media-call.ts';
import { type RunningRtpengine, rtpengineMissing, startRtpengine } from '../../support/rtpengine.ts';
import { type Site, startSite, type WatchedTerminal } from '../../support/site.ts';

const numbers = {
  caller: '+8613800138000',
  first: '+8675520000001',
  second: '+8675529990000',
  final: '+8675520000009',
  other: '+8675520000008',
};
const pitch = { caller: 440, first: 350, final: 620, other: 1_000, music: 1_300 };

describe('the ways of a call, heard', { skip: rtpengineMissing() ?? false, timeout: 120_000 }, () => {
  let engine: RunningRtpengine;
  let folder: string;
  let stage: Stage;
  let site: Site;
  let caller: Phone;
  let final: Phone;
  let other: Phone;
  let terminal: WatchedTerminal;

  before(async () => {
    engine = await startRtpengine();
    folder = await mkdtemp(path.join(tmpdir(), 'ringaway-ways-'));
    stage = await Stage.open({ clock: systemClock, log: silentLog });
    site = await startSite(stage.network.address, {
      media: { mode: 'rtpengine', engines: [engine.engine] },
      calls: { answerEarly: true, music: toneFile(folder, pitch.music, 5), decideWithin: '12s', maxHold: '12s' },
    });
    stage.nameService(site.trunk);
    stage.network.ringBeside(numbers.first, { secondCalled: numbers.second, service: site.trunk });
    const hears = Object.values(pitch);
    const rings = { does: 'rings' } as const;
    const answers = { does: 'answers', after: 50 } as const;
    caller = await stage.phone('caller', { number: numbers.caller, voice: pitch.caller, hears, behaviour: rings });
    await stage.phone('first phone', { number: numbers.first, voice: pitch.first, hears, behaviour: rings });
    final = await stage.phone('final phone', { number: numbers.final, voice: pitch.final, hears, behaviour: answers });
    other = await stage.phone('final phone', { number: numbers.other, voice: pitch.other, hears, behaviour: answers });
    await site.subscribe('shop1', numbers.first);
  });

  after(async () => {
    await engine.stop();
    await site.close();
    await stage.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** One call, answered early; nothing of it may be left when `play` is over. */
  async function scene(play: (call: Call) => Promise<void>): Promise<void> {
    terminal = await site.terminal('shop1');
    try {
      caller.call(numbers.first);
      await play(await terminal.incoming());
      caller.hangUp();
      await terminal.ended();
      await stage.quiet(10_000);
      assert.equal(await site.metric('ringaway_sip_dialogs'), 0, 'the SIP server has no dialog left');
      assert.equal(await engine.sessions(), 0, 'the engine has no session left');
    } finally {
      caller.hangUp();
      terminal.client.disconnect();
    }
  }

  const talk = async (one: Phone, hears: number, two: Phone, hearsToo: number) => {
    await Promise.all([hearsOnly(one.rtp, hears, 0.5), hearsOnly(two.rtp, hearsToo, 0.5)]);
  };
  const told = (what: string, wanted: (call: Call) => boolean) =>
    terminal.when(what, ({ event, call }) => event === 'changed' && wanted(call));

  test('answered early: music, then the final phone', () =>
    scene(async ({ id }) => {
      await hearsOnly(caller.rtp, pitch.music, 0.5);
      assert.ok((await terminal.client.transfer({ callId: id, to: numbers.final })).ok);
      await terminal.state('connected');
      await talk(caller, pitch.final, final, pitch.caller);
    }));

  test('held by the terminal, resumed, and moved on to another phone', () =>
    scene(async ({ id }) => {
      await terminal.client.transfer({ callId: id, to: numbers.final });
      await terminal.state('connected');
      await talk(caller, pitch.final, final, pitch.caller);
      assert.ok((await terminal.client.hold(id)).ok);
      await hearsOnly(caller.rtp, pitch.music, 0.5);
      assert.ok((await terminal.client.resume(id)).ok);
      await talk(caller, pitch.final, final, pitch.caller);
      assert.ok((await terminal.client.transfer({ callId: id, to: numbers.other })).ok);
      await told('moved', ({ state, target }) => state === 'connected' && target?.to === numbers.other);
      await talk(caller, pitch.other, other, pitch.caller);
    }));

  test('held for as long as the site allows: music until then, and the end of both', () =>
    scene(async ({ id }) => {
      await terminal.client.transfer({ callId: id, to: numbers.final });
      await terminal.state('connected');
      await talk(caller, pitch.final, final, pitch.caller);
      assert.ok((await terminal.client.hold(id)).ok);
      await hearsOnly(caller.rtp, pitch.music, 10.5);
      assert.equal((await terminal.ended()).end?.reason, 'limit-reached');
      await eventually('the end of both', async () => (await site.metric('ringaway_sip_dialogs')) === 0);
    }));

  test('moved after talking to the new party', () =>
    scene(async ({ id }) => {
      await terminal.client.transfer({ callId: id, to: numbers.final });
      await terminal.state('connected');
      await talk(caller, pitch.final, final, pitch.caller);
      assert.ok((await terminal.client.transfer({ callId: id, to: numbers.other, attended: true })).ok);
      await talk(final, pitch.other, other, pitch.final);
      await hearsOnly(caller.rtp, pitch.music, 0.5);
      assert.ok((await terminal.client.complete(id)).ok);
      await talk(caller, pitch.other, other, pitch.caller);
    }));

  test('an attended move that is taken back', () =>
    scene(async ({ id }) => {
      await terminal.client.transfer({ callId: id, to: numbers.final });
      await terminal.state('connected');
      await terminal.client.transfer({ callId: id, to: numbers.other, attended: true });
      await talk(final, pitch.other, other, pitch.final);
      assert.ok((await terminal.client.resume(id)).ok);
      await talk(caller, pitch.final, final, pitch.caller);
    }));
});
