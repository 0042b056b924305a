// Keys that a phone presses (RFC 4733), through a real rtpengine, to a side that takes no events: as INFO, or as tones.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test, type TestContext } from 'node:test';
import type { Side } from '../../../src/call/ports.ts';
import type { MediaPolicy } from '../../../src/media/policy.ts';
import { answerSdp, offerSdp, readAnswer } from '../../../src/simulate/rtp/sdp.ts';
import { tone } from '../../../src/simulate/rtp/sources.ts';
import { eventually } from '../../support/eventually.ts';
import {
  engineFor,
  hearsMore,
  hearsOnly,
  listeningPhone,
  mediaOf,
  ownMedia,
  pitch,
  toneFile,
} from '../../support/media-call.ts';
import { freeUdpPort, rtpengineMissing } from '../../support/rtpengine.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'ringaway-digits-'));
after(() => rmSync(folder, { recursive: true }));
const skip = rtpengineMissing() ?? false;
const withoutEvents = (sdp: string) => sdp.replace(/ 101\r/, '\r').replace(/a=(rtpmap|fmtp):101.*\r\n/g, '');
const asItIs = (sdp: string) => sdp;
const events = /telephone-event/;

interface Scene {
  policies?: Partial<Record<Side, MediaPolicy>>;
  /** Sides whose descriptions hold nothing of RFC 4733. */
  without?: readonly Side[];
  /** Whether the engine tells of keys. */
  reported?: boolean;
}

async function connected(t: TestContext, { policies = {}, without = [], reported = true }: Scene) {
  const port = await freeUdpPort();
  const engine = await engineFor(t, `--dtmf-log-dest=127.0.0.1:${port}`);
  const trunks = { a: policies.caller ?? {}, b: policies.target ?? {} };
  const media = await mediaOf(t, [engine], { trunks, ...(reported && { digitEvents: `udp://127.0.0.1:${port}` }) });
  const pressed: string[] = [];
  const lengths = new Set<number>();
  const session = await media.open(
    { callId: 'call', session: 1, trunks: { caller: 'a', target: 'b' } },
    {
      silent: () => undefined,
      lost: () => undefined,
      digit: (from, digit, milliseconds) => {
        pressed.push(`${from} ${digit}`);
        lengths.add(milliseconds);
      },
    },
  );
  const [{ phone: caller, tones: toCaller }, { phone: target, tones: toTarget }] = await Promise.all([
    listeningPhone(t),
    listeningPhone(t),
  ]);
  const saying = (side: Side) => (without.includes(side) ? withoutEvents : asItIs);
  const offered = await session.offer('caller', saying('caller')(offerSdp(ownMedia(caller))));
  const taken = answerSdp(offered, ownMedia(target));
  const answered = await session.answer('target', saying('target')(taken.sdp));
  caller.sendTo(readAnswer(answered, ownMedia(caller)).destination);
  target.sendTo(taken.agreed.destination);
  caller.say(tone(pitch.caller));
  target.say(tone(pitch.target));
  await Promise.all([hearsOnly(caller, pitch.target, 0.3), hearsOnly(target, pitch.caller, 0.3)]);
  const tones = { caller: toCaller, target: toTarget };
  return { engine, media, session, caller, target, tones, offered, answered, pressed, lengths, port };
}

const together = (from: Side, keys: string) => Array.from(keys, (key) => `${from} ${key}`);

describe('keys become INFO', { skip, timeout: 60_000 }, () => {
  const cases: [string, Side, Scene, string][] = [
    [
      'the target takes INFO alone',
      'caller',
      { policies: { target: { digits: 'info' } }, without: ['target'] },
      '0123456789*#ABCD',
    ],
    ['the target agreed to no events', 'caller', { without: ['target'] }, '0077#'],
    [
      'the target has no events, and another codec',
      'caller',
      { policies: { target: { codecs: ['PCMU'] }, caller: { codecs: ['PCMA'] } }, without: ['target'] },
      '12',
    ],
    [
      'the caller takes INFO alone, though it offers events',
      'target',
      { policies: { caller: { digits: 'info' } } },
      '0077#',
    ],
    ['the caller offers no events', 'target', { without: ['caller'] }, '0077#'],
    [
      'the caller offers no events and takes INFO alone, the target wants events',
      'target',
      { policies: { caller: { digits: 'info' }, target: { digits: 'rfc4733' } }, without: ['caller'] },
      '12',
    ],
  ];
  for (const [name, from, scene, keys] of cases) {
    test(`${name}: keys of the ${from}, in order, each once, and nothing of them in the voice`, async (t) => {
      const call = await connected(t, scene);
      const other = from === 'caller' ? 'target' : 'caller';
      const [told, toldOther] = from === 'caller' ? [call.answered, call.offered] : [call.offered, call.answered];
      assert.match(told, events, 'whose keys they are is told that events are taken');
      if (from === 'target' || scene.policies?.target?.digits === 'info') assert.doesNotMatch(toldOther, events);
      assert.ok(call[from].press(keys));
      await eventually('all keys are told', () => call.pressed.length >= keys.length);
      assert.deepEqual(call.pressed, together(from, keys));
      assert.deepEqual([...call.lengths], [160]);
      await hearsOnly(call[other], pitch[from], 0.3);
      assert.deepEqual([call[other].measured.digits, call.tones[other].digits], ['', '']);
      assert.equal(call.media.health().digits?.taken, keys.length);
    });
  }

  test('nothing is decoded for it', async (t) => {
    const { engine } = await connected(t, { policies: { target: { digits: 'info' } }, without: ['target'] });
    assert.equal(await engine.transcodedSoon(), 0);
  });

  test('none for whoever hears music, or is on hold; again when the voice is there again', async (t) => {
    const call = await connected(t, { without: ['target'] });
    const { session, caller, target, media } = call;
    const unwanted = () => media.health().digits?.unwanted;
    await session.play('target', [{ file: toneFile(folder, pitch.music, 2), repeat: true }]);
    caller.press('1');
    await eventually('the key was told', () => unwanted() === 1);
    await session.stop('target');
    const held = withoutEvents(offerSdp({ ...ownMedia(target), direction: 'sendonly' }));
    await session.offer('target', held);
    await session.answer('caller', answerSdp(held, ownMedia(caller)).sdp);
    caller.press('2');
    await eventually('the key was told', () => unwanted() === 2);
    await session.offer('target', withoutEvents(offerSdp(ownMedia(target))));
    await session.answer('caller', offerSdp({ ...ownMedia(caller), laws: ['PCMA'] }));
    caller.press('3');
    await eventually('the key was told', () => call.pressed.length > 0);
    assert.deepEqual(call.pressed, ['caller 3']);
  });

  test('events go through when the other side takes them by a later offer, and are kept from it no more', async (t) => {
    const call = await connected(t, { without: ['target'] });
    const { session, caller, target } = call;
    caller.press('1');
    await eventually('the key was told', () => call.pressed.length > 0);
    await hearsMore(target, pitch.caller, 0.3); // its end is sent three times
    await session.offer('target', offerSdp(ownMedia(target)));
    await session.answer('caller', offerSdp({ ...ownMedia(caller), laws: ['PCMA'] }));
    caller.press('23');
    await target.until(({ digits }) => digits === '23', 5_000);
    assert.deepEqual(call.pressed, ['caller 1']);
  });

  test('at the engine that a session was brought to, too', async (t) => {
    const call = await connected(t, { policies: { target: { digits: 'info' } }, without: ['target'] });
    const { session, caller, target, engine, media } = call;
    await engine.restart();
    await eventually('the engine answers', () => media.health().ok);
    const offers = await session.relocate();
    const [forCaller, forTarget] = [offers.caller ?? '', offers.target ?? ''];
    assert.match(forCaller, events);
    assert.doesNotMatch(forTarget, events);
    const answers = { caller: answerSdp(forCaller, ownMedia(caller)), target: answerSdp(forTarget, ownMedia(target)) };
    await session.answer('caller', answers.caller.sdp);
    await session.answer('target', answers.target.sdp);
    caller.sendTo(answers.caller.agreed.destination);
    target.sendTo(answers.target.agreed.destination);
    await Promise.all([hearsMore(caller, pitch.target, 0.3), hearsMore(target, pitch.caller, 0.3)]);
    caller.press('81');
    await eventually('the keys were told', () => call.pressed.length >= 2);
    assert.deepEqual(call.pressed, ['caller 8', 'caller 1']);
    await hearsMore(target, pitch.caller, 0.3);
    assert.deepEqual([target.measured.digits, call.tones.target.digits], ['', '']);
  });

  test('both know events: they go through, and are for nobody else', async (t) => {
    const call = await connected(t, {});
    call.caller.press('42');
    await call.target.until(({ digits }) => digits === '42', 5_000);
    await eventually('they were told', () => call.media.health().digits?.unwanted === 2);
    assert.deepEqual(call.pressed, []);
  });
});

describe('keys become tones', { skip, timeout: 60_000 }, () => {
  const keys = '0123456789*#ABCD';
  for (const [to, without, reported] of [
    ['target', ['target'], false],
    ['target', ['target'], true],
    ['caller', [], false],
    ['caller', [], true],
    ['caller', ['caller'], false],
  ] as const) {
    const offers = to === 'caller' && without.length === 0 ? ', though it offers events' : '';
    test(`digits: inband for the ${to}${offers}; reported: ${reported}: two tones each, and nothing else`, async (t) => {
      const call = await connected(t, { policies: { [to]: { digits: 'inband' } }, without, reported });
      const [from, told, toldOther] =
        to === 'target'
          ? (['caller', call.answered, call.offered] as const)
          : (['target', call.offered, call.answered] as const);
      assert.match(told, events);
      assert.doesNotMatch(toldOther, events);
      assert.ok(call[from].press(keys));
      await call[to].until(() => call.tones[to].digits.length >= keys.length, 10_000);
      await hearsOnly(call[to], pitch[from], 0.3);
      assert.equal(call.tones[to].digits, keys);
      assert.deepEqual([call[to].measured.digits, call.pressed], ['', []]);
    });
  }
});
