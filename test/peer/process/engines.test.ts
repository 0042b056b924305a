// What becomes of calls when their rtpengine dies, with the whole service as a process: SIP, rtpengine and voices are real.
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { RtpSession } from '../../../src/simulate/rtp/session.ts';
import { eventually } from '../../support/eventually.ts';
import { numbers, openScene } from '../../support/process/scene.ts';
import { rtpengineMissing, startRtpengine } from '../../support/rtpengine.ts';

const skip = rtpengineMissing() ?? false;
/** What the scene's phones say, in Hz. */
const voices = { caller: 440, final: 620 };

async function sceneWith(t: TestContext, engineCount: number, more: Record<string, unknown> = {}, ringing = false) {
  const engines = [];
  for (let count = 0; count < engineCount; count++) {
    const engine = await startRtpengine();
    t.after(() => engine.stop());
    engines.push(engine);
  }
  const media = { mode: 'rtpengine', engines: engines.map(({ engine }) => engine), timeout: '500ms', ...more };
  const scene = await openScene({ media });
  t.after(() => scene.close());
  await scene.serve();
  await scene.subscribe('shop1', numbers.first);
  const terminal = await scene.terminal('shop1');
  const id = await (ringing ? scene.ring(terminal) : scene.connect(terminal));
  return { scene, engines, terminal, id };
}

async function hearsMore(rtp: RtpSession, frequency: number): Promise<void> {
  const before = rtp.measured.tones.find((tone) => tone.frequency === frequency)?.seconds ?? 0;
  await rtp.hears(frequency, before + 1, 15_000);
}

describe('the engine of a call whose target rings', { skip, timeout: 180_000 }, () => {
  for (const when of ['long before the target answers', 'just before the target answers'] as const) {
    test(`dies ${when}: the phone rings on, and both are heard through another one`, async (t) => {
      const { scene, engines, terminal, id } = await sceneWith(t, 2, {}, true);
      const loads = await Promise.all(engines.map((engine) => engine.sessions()));
      const busy = engines[loads.indexOf(1)];
      assert.ok(busy, 'one of them has the session');
      const before = performance.now();
      await busy.kill();
      if (when === 'long before the target answers') {
        const lost = 'ringaway_media_events_total{event="lost"}';
        await eventually('it was found out', async () => (await scene.metric(lost)) === 1, 20_000);
      }
      const { caller, final } = scene.phones;
      final.pickUp();
      await terminal.when('it is connected', ({ call }) => call.id === id && call.state === 'connected');
      t.diagnostic(`connected ${Math.round(performance.now() - before)} ms after the engine died`);
      await Promise.all([hearsMore(caller.rtp, voices.final), hearsMore(final.rtp, voices.caller)]);
      caller.hangUp();
      await terminal.ended();
      const record = await scene.closedRecord({ id });
      assert.equal(record.end?.reason, 'completed');
      assert.deepEqual(
        record.media.map(({ engine }) => engine),
        [busy, ...engines.filter((engine) => engine !== busy)].map(({ engine }) => engine),
      );
      const other = engines.find((engine) => engine !== busy);
      await eventually('nothing is left at the other one', async () => (await other?.sessions()) === 0);
    });
  }

  test('is the only one, and is started anew: both are heard through it', async (t) => {
    const { scene, engines, terminal, id } = await sceneWith(t, 1, {}, true);
    await engines[0]?.restart();
    const { caller, final } = scene.phones;
    final.pickUp();
    await terminal.when('it is connected', ({ call }) => call.id === id && call.state === 'connected');
    await Promise.all([hearsMore(caller.rtp, voices.final), hearsMore(final.rtp, voices.caller)]);
    final.hangUp();
    await terminal.ended();
    await eventually('nothing is left', async () => (await engines[0]?.sessions()) === 0);
  });
});

describe('the engine of a standing call', { skip, timeout: 180_000 }, () => {
  test('dies: the voice goes on through another one, the call stands, the record knows both places', async (t) => {
    const { scene, engines, terminal, id } = await sceneWith(t, 2);
    const loads = await Promise.all(engines.map((engine) => engine.sessions()));
    const busy = engines[loads.indexOf(1)];
    assert.ok(busy, 'one of them has the session');
    await busy.kill();
    await eventually(
      'it was lost and brought back',
      async () => (await scene.metric('ringaway_media_events_total{event="relocated"}')) === 1,
      20_000,
    );
    const { caller, final } = scene.phones;
    await Promise.all([hearsMore(caller.rtp, voices.final), hearsMore(final.rtp, voices.caller)]);
    caller.hangUp();
    await terminal.ended();
    const record = await scene.closedRecord({ id });
    assert.equal(record.end?.reason, 'completed');
    assert.equal(new Set(record.media.map(({ engine }) => engine)).size, 2);
    const other = engines.find((engine) => engine !== busy);
    await eventually('nothing is left at the other one', async () => (await other?.sessions()) === 0);
  });

  test('is the only one, and is started anew: the voice goes on', async (t) => {
    const { scene, engines, terminal, id } = await sceneWith(t, 1);
    const { caller, final } = scene.phones;
    // An engine tells whole seconds of its age, and is asked every two: a new one must be the younger one.
    for (let second = 0; second < 4; second++) await hearsMore(caller.rtp, voices.final);
    await engines[0]?.restart();
    await eventually(
      'it was brought back',
      async () => (await scene.metric('ringaway_media_events_total{event="relocated"}')) === 1,
      20_000,
    );
    await Promise.all([hearsMore(caller.rtp, voices.final), hearsMore(final.rtp, voices.caller)]);
    final.hangUp();
    await terminal.ended();
    assert.equal((await scene.closedRecord({ id })).end?.reason, 'completed');
    await eventually('nothing is left', async () => (await engines[0]?.sessions()) === 0);
  });

  test('dies, and there is none other: the call ends as a fault, and both phones are free', async (t) => {
    const { scene, engines, terminal, id } = await sceneWith(t, 1);
    await engines[0]?.kill();
    await terminal.ended();
    assert.equal((await scene.closedRecord({ id })).end?.reason, 'failed');
    await scene.stage.quiet(10_000);
  });

  test('hears nothing of a phone any more (RTP time-out): the call ends as a fault, and nothing is left', async (t) => {
    const { scene, engines, terminal, id } = await sceneWith(t, 1, { silentAfter: '1s' });
    scene.phones.final.rtp.say(undefined);
    await terminal.ended();
    assert.equal((await scene.closedRecord({ id })).end?.reason, 'failed');
    await scene.stage.quiet(10_000);
    await eventually('nothing is left', async () => (await engines[0]?.sessions()) === 0);
  });
});
