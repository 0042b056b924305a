// What may happen to the engines while people talk: one dies, is started anew, forgets a session, drains; and who is silent.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test, type TestContext } from 'node:test';
import type { MediaSession, Side } from '../../../src/call/ports.ts';
import type { Media } from '../../../src/media/media.ts';
import { answerSdp, offerSdp, readAnswer } from '../../../src/simulate/rtp/sdp.ts';
import type { RtpSession } from '../../../src/simulate/rtp/session.ts';
import { tone } from '../../../src/simulate/rtp/sources.ts';
import { eventually } from '../../support/eventually.ts';
import { engineFor, hearsOnly, mediaOf, ownMedia, phone, pitch, talk, toneFile } from '../../support/media-call.ts';
import { openSession, relays } from '../../support/media-session.ts';
import { rtpengineMissing, type RunningRtpengine } from '../../support/rtpengine.ts';

const skip = rtpengineMissing() ?? false;
const folder = mkdtempSync(path.join(tmpdir(), 'ringaway-sounds-'));
after(() => rmSync(folder, { recursive: true }));
const music = { file: toneFile(folder, pitch.music, 0.5), repeat: true };

/** A session that notes what happens to it. */
async function noted(media: Media, callId = 'call') {
  const silent: Side[] = [];
  let lost = 0;
  const waiting = new Set<() => void>();
  const note = (what: () => void) => {
    what();
    for (const look of waiting) look();
  };
  const events = {
    silent: (side: Side) => note(() => silent.push(side)),
    lost: () => note(() => (lost += 1)),
    digit: () => undefined,
  };
  const session = await media.open({ callId, session: 1, trunks: {} }, events);
  return {
    session,
    silent,
    get lost() {
      return lost;
    },
    until: (holds: () => boolean) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (!holds()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}

/** Offers each phone what `relocate` says, and tells its answer, as re-INVITEs would. */
async function reinvite(
  session: MediaSession,
  offers: Partial<Record<Side, string>>,
  phones: Partial<Record<Side, RtpSession>>,
) {
  for (const side of ['caller', 'target'] as const) {
    const [offer, phone] = [offers[side], phones[side]];
    if (offer === undefined || !phone) continue;
    const taken = answerSdp(offer, { ...ownMedia(phone), version: 2 });
    await session.answer(side, taken.sdp);
    phone.sendTo(taken.agreed.destination);
  }
}

const phones = async (t: TestContext) => ({ caller: await phone(t), target: await phone(t) });

describe('an engine that dies while people talk', { skip, timeout: 60_000 }, () => {
  test('the voice goes on through another one, both ways, and nothing of it is left anywhere', async (t) => {
    const [one, two] = [await engineFor(t), await engineFor(t)];
    const media = await mediaOf(t, [one, two], { timeoutMs: 500 });
    const call = await noted(media);
    const { caller, target } = await phones(t);
    await talk(call.session, caller, target);
    assert.equal(call.session.engine?.engine, one.engine);
    const began = performance.now();
    await one.kill();
    await call.until(() => call.lost === 1);
    t.diagnostic(`told after ${Math.round(performance.now() - began)} ms`);
    await assert.rejects(call.session.digits('caller', '1'), { code: 'no-media' });

    await reinvite(call.session, await call.session.relocate(), { caller, target });
    assert.equal(call.session.engine.engine, two.engine);
    await Promise.all([hearsOnly(caller, pitch.target, 1), hearsOnly(target, pitch.caller, 1)]);
    await call.session.digits('target', '7');
    await target.until(({ digits }) => digits === '7', 5_000);
    assert.deepEqual([media.health().counts.lost, media.health().counts.relocated], [1, 1]);

    await one.restart();
    await eventually('all engines answer', () => media.health().engines.every(({ up }) => up));
    await call.session.close();
    assert.deepEqual([await one.sessions(), await two.sessions()], [0, 0]);
    assert.equal(call.lost, 1);
  });

  for (const early of [false, true]) {
    test(`before the target answers (${early ? 'its early media were agreed' : 'nothing was agreed'}): it is told, and both are heard`, async (t) => {
      const [one, two] = [await engineFor(t), await engineFor(t)];
      const media = await mediaOf(t, [one, two], { timeoutMs: 500 });
      const call = await noted(media);
      const { caller, target } = await phones(t);
      const offered = await call.session.offer('caller', offerSdp(ownMedia(caller)));
      const { sdp } = answerSdp(offered, ownMedia(target));
      if (early) await call.session.answer('target', sdp, 'fork');
      await one.kill();
      await call.until(() => call.lost === 1);
      await assert.rejects(call.session.answer('target', sdp, 'fork'), { code: 'no-media' });
      const offers = await call.session.relocate();
      assert.deepEqual(Object.keys(offers), early ? ['caller', 'target'] : ['target']);
      // The 200 answers the old offer, the re-INVITE's 200 the new one
      await call.session.answer('target', sdp, 'fork');
      const taken = answerSdp(offers.target ?? '', { ...ownMedia(target), version: 2 });
      target.sendTo(taken.agreed.destination);
      const answered = await call.session.answer('target', taken.sdp, 'fork');
      caller.sendTo(readAnswer(answered, ownMedia(caller)).destination);
      caller.say(tone(pitch.caller));
      target.say(tone(pitch.target));
      await Promise.all([hearsOnly(caller, pitch.target, 0.5), hearsOnly(target, pitch.caller, 0.5)]);
      assert.equal(call.session.engine?.engine, two.engine);
      await call.session.close();
      assert.equal(await two.sessions(), 0);
    });
  }

  test('one alone, started anew: it is found out, and the session brought back to it, with the music that was played', async (t) => {
    const engine = await engineFor(t);
    const media = await mediaOf(t, [engine], { timeoutMs: 500 });
    const call = await noted(media);
    const { caller, target } = await phones(t);
    await talk(call.session, caller, target);
    await call.session.play('caller', [music]);
    await hearsOnly(caller, pitch.music, 3);
    await engine.restart();
    const began = performance.now();
    await call.until(() => call.lost === 1);
    assert.ok(performance.now() - began < 10_000, 'by its age, and not when the session was looked for (15 s)');
    await eventually('the engine answers', () => media.health().ok);
    await reinvite(call.session, await call.session.relocate(), { caller, target });
    await hearsOnly(caller, pitch.music, 1);
    await call.session.stop('caller');
    await Promise.all([hearsOnly(caller, pitch.target, 0.5), hearsOnly(target, pitch.caller, 0.5)]);
    await call.session.close();
    assert.equal(await engine.sessions(), 0);
  });

  test('a parked caller is brought back alone, and hears its music', async (t) => {
    const [one, two] = [await engineFor(t), await engineFor(t)];
    const media = await mediaOf(t, [one, two], { timeoutMs: 500 });
    const call = await noted(media);
    const caller = await phone(t);
    const answer = await call.session.park(offerSdp(ownMedia(caller)));
    caller.sendTo(readAnswer(answer, ownMedia(caller)).destination);
    caller.say(tone(pitch.caller));
    await call.session.play('caller', [music]);
    await hearsOnly(caller, pitch.music, 0.5);
    await one.kill();
    await call.until(() => call.lost === 1);
    const offers = await call.session.relocate();
    assert.deepEqual(Object.keys(offers), ['caller']);
    await reinvite(call.session, offers, { caller });
    await hearsOnly(caller, pitch.music, 1);
  });

  test('none other there: it is waited for, as one that crashed is started anew; in vain, no-media; and again when one comes', async (t) => {
    const engine = await engineFor(t);
    const media = await mediaOf(t, [engine], { timeoutMs: 300 });
    const call = await noted(media);
    const { caller, target } = await phones(t);
    await talk(call.session, caller, target);
    await engine.kill();
    await call.until(() => call.lost === 1);
    await assert.rejects(call.session.relocate(), { code: 'no-media' });
    const relocated = call.session.relocate();
    await engine.restart();
    await reinvite(call.session, await relocated, { caller, target });
    await Promise.all([hearsOnly(caller, pitch.target, 0.5), hearsOnly(target, pitch.caller, 0.5)]);
  });

  test('a side that answers from another place after it is heard from there', async (t) => {
    const [one, two] = [await engineFor(t), await engineFor(t)];
    const media = await mediaOf(t, [one, two], { timeoutMs: 500 });
    const call = await noted(media);
    const { caller, target } = await phones(t);
    await talk(call.session, caller, target);
    await one.kill();
    await call.until(() => call.lost === 1);
    const moved = await phone(t);
    target.say(undefined);
    moved.say(tone(pitch.other));
    await reinvite(call.session, await call.session.relocate(), { caller, target: moved });
    await Promise.all([hearsOnly(caller, pitch.other, 1), hearsOnly(moved, pitch.caller, 1)]);
  });

  test('an engine that pauses for less than four seconds has lost nothing', async (t) => {
    const [one, two] = [await engineFor(t), await engineFor(t)];
    const media = await mediaOf(t, [one, two], { timeoutMs: 300 });
    const call = await noted(media);
    const { caller, target } = await phones(t);
    await talk(call.session, caller, target);
    await one.freeze();
    await eventually('the pause is seen', () => media.health().engines.some(({ up }) => !up));
    one.thaw();
    await eventually('all engines answer', () => media.health().engines.every(({ up }) => up));
    await Promise.all([hearsOnly(caller, pitch.target, 0.5), hearsOnly(target, pitch.caller, 0.5)]);
    assert.equal(call.lost, 0);
  });

  test('a session that its own time-out removed is told to be lost', async (t) => {
    const engine = await engineFor(t, '--timeout=3');
    const media = await mediaOf(t, [engine], { silentAfterMs: 8_000 });
    const call = await noted(media);
    const { caller, target } = await phones(t);
    await talk(call.session, caller, target);
    for (const one of [caller, target]) one.say(undefined);
    await call.until(() => call.lost === 1);
    assert.deepEqual(call.silent, []);
    for (const [one, frequency] of [
      [caller, pitch.caller],
      [target, pitch.target],
    ] as const) {
      one.say(tone(frequency));
    }
    await reinvite(call.session, await call.session.relocate(), { caller, target });
    await Promise.all([hearsOnly(caller, pitch.target, 0.5), hearsOnly(target, pitch.caller, 0.5)]);
  });
});

describe('silence', { skip, timeout: 60_000 }, () => {
  test('a side that sends nothing is told, and only that one; again while it lasts; not when it speaks again', async (t) => {
    const media = await mediaOf(t, [await engineFor(t)], { silentAfterMs: 600 });
    const call = await noted(media);
    const { caller, target } = await phones(t);
    await talk(call.session, caller, target);
    caller.say(undefined);
    await call.until(() => call.silent.length === 2);
    assert.deepEqual(call.silent, ['caller', 'caller']);
    assert.equal(media.health().counts.silent, 2);
    caller.say(tone(pitch.caller));
    await hearsOnly(target, pitch.caller, 0.3);
    const before = call.silent.length;
    await hearsOnly(target, pitch.caller, 1.5);
    assert.equal(call.silent.length, before);
  });

  test('nobody is told to be silent who is on hold, or is parked', async (t) => {
    const media = await mediaOf(t, [await engineFor(t)], { silentAfterMs: 400 });
    const call = await noted(media);
    const { caller, target } = await phones(t);
    await talk(call.session, caller, target);
    for (const one of [caller, target]) one.say(undefined);
    await call.session.offer('target', offerSdp({ ...ownMedia(target), direction: 'inactive', version: 2 }));
    await call.session.answer('caller', offerSdp({ ...ownMedia(caller), direction: 'inactive' }));
    const parked = await noted(media, 'parked');
    const waiting = await phone(t);
    const answer = await parked.session.park(offerSdp(ownMedia(waiting)));
    waiting.sendTo(readAnswer(answer, ownMedia(waiting)).destination);
    waiting.say(tone(pitch.caller));
    await parked.session.play('caller', [music]);
    await hearsOnly(waiting, pitch.music, 2);
    assert.deepEqual([call.silent, parked.silent], [[], []]);
    // The parked caller itself is to speak.
    waiting.say(undefined);
    await parked.until(() => parked.silent.length > 0);
    assert.deepEqual(parked.silent, ['caller']);
  });

  test('0: nobody ever is', async (t) => {
    const media = await mediaOf(t, [await engineFor(t)], { silentAfterMs: 0 });
    const call = await noted(media);
    const { caller, target } = await phones(t);
    await talk(call.session, caller, target);
    caller.say(undefined);
    await hearsOnly(caller, pitch.target, 2);
    assert.deepEqual(call.silent, []);
  });
});

describe('the pool', { skip, timeout: 60_000 }, () => {
  const open = async (media: Media, count: number, name: string) => {
    const offer = offerSdp({ address: '127.0.0.1', port: 4_000 });
    return await Promise.all(
      Array.from({ length: count }, async (_, n) => {
        const session = await openSession(media, `${name}-${n}`);
        await session.offer('caller', offer);
        return session;
      }),
    );
  };
  const entry = ({ engine }: RunningRtpengine, more: { weight?: number; drain?: boolean } = {}) => ({
    address: engine,
    weight: 1,
    drain: false,
    ...more,
  });

  test('each engine gets its share of the new calls, by weight', async (t) => {
    const [one, two] = [await engineFor(t), await engineFor(t)];
    const media = await mediaOf(t, [one], relays([entry(one), entry(two, { weight: 3 })]));
    await open(media, 20, 'call');
    assert.deepEqual([await one.sessions(), await two.sessions()], [5, 15]);
    assert.deepEqual(
      media.health().engines.map(({ sessions }) => sessions),
      [5, 15],
    );
  });

  test('one that drains gets no new ones and keeps those that stand; one that is taken out is let go when they have ended', async (t) => {
    const [one, two] = [await engineFor(t), await engineFor(t)];
    const media = await mediaOf(t, [one]);
    const [first] = await open(media, 1, 'first');
    await media.useEngines([entry(one, { drain: true }), entry(two)]);
    await open(media, 4, 'second');
    assert.deepEqual([await one.sessions(), await two.sessions()], [1, 4]);
    await first?.answer('target', offerSdp({ address: '127.0.0.1', port: 5_000 }));

    await media.useEngines([entry(two)]);
    await open(media, 1, 'third');
    assert.deepEqual([await one.sessions(), await two.sessions()], [1, 5]);
    assert.deepEqual(
      media.health().engines.map(({ engine, draining }) => [engine, draining]),
      [
        [one.engine, true],
        [two.engine, false],
      ],
    );
    await first?.close();
    assert.equal(await one.sessions(), 0);
    await eventually('it is let go', () => media.health().engines.length === 1);

    await media.useEngines([entry(two, { drain: true })]);
    assert.equal(media.health().ok, false);
    await assert.rejects(openSession(media, 'last'), { code: 'no-media' });
    await assert.rejects(media.useEngines([]), { code: 'bad-setting' });
  });

  test('what a crash of this node has left is removed at the start; sessions of other nodes and calls are not', async (t) => {
    const engine = await engineFor(t);
    const before = await mediaOf(t, [engine]);
    const other = await mediaOf(t, [engine], { node: 'node-2' });
    await open(before, 3, 'left');
    await open(other, 2, 'call');
    const after = await mediaOf(t, [engine]);
    await eventually('what was left is removed', async () => (await engine.sessions()) === 2);
    assert.equal(after.health().counts.leftBehind, 3);
    await open(after, 1, 'new');
    assert.equal(await engine.sessions(), 3);
  });
});
