// What a side hears in place of the other's voice, through a real rtpengine: music, announcements, digits.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test, type TestContext } from 'node:test';
import { answerSdp, offerSdp, readAnswer } from '../../../src/simulate/rtp/sdp.ts';
import { tone } from '../../../src/simulate/rtp/sources.ts';
import {
  engineFor,
  hearsMore,
  hearsOnly,
  heardOf,
  mediaOf,
  ownMedia,
  phone,
  pitch,
  talk,
  toneFile,
} from '../../support/media-call.ts';
import { openSession } from '../../support/media-session.ts';
import { eventually } from '../../support/eventually.ts';
import { rtpengineMissing } from '../../support/rtpengine.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'ringaway-sounds-'));
after(() => rmSync(folder, { recursive: true }));
/** 0.5 s, so that its repetition is heard soon. */
const music = { file: toneFile(folder, pitch.music, 0.5), repeat: true };
const announcement = { file: path.join(import.meta.dirname, 'sounds/600-hz.mp3'), repeat: false };

async function world(t: TestContext) {
  const engine = await engineFor(t);
  const media = await mediaOf(t, [engine]);
  const [caller, target] = [await phone(t), await phone(t)];
  const session = await openSession(media, 'call');
  t.after(() => session.close());
  return { engine, media, caller, target, session };
}

describe('sounds through rtpengine', { skip: rtpengineMissing() ?? false, timeout: 60_000 }, () => {
  test('a parked caller hears music without end, and nothing is left of it', async (t) => {
    const { engine, caller, session } = await world(t);
    const own = ownMedia(caller);
    const answer = await session.park(offerSdp(own));
    caller.sendTo(readAnswer(answer, own).destination);
    caller.say(tone(pitch.caller));
    await session.play('caller', [music]);
    await hearsOnly(caller, pitch.music, 2);
    await session.close();
    assert.equal(await engine.sessions(), 0);
  });

  test('a parked caller that made no offer is offered one, and hears music', async (t) => {
    const { caller, session } = await world(t);
    const offer = await session.park(undefined);
    assert.match(offer, /^m=audio \d+ RTP\/AVP 8 0 101\r$/m);
    const taken = answerSdp(offer, ownMedia(caller));
    await session.parked(taken.sdp);
    caller.sendTo(taken.agreed.destination);
    await session.play('caller', [music]);
    await hearsOnly(caller, pitch.music, 1);
  });

  test('a parked caller that offers anew (hold and resume) is parked again, at the same port', async (t) => {
    const { caller, session } = await world(t);
    const own = ownMedia(caller);
    const answer = await session.park(offerSdp(own));
    await session.play('caller', [music]);
    await hearsMore(caller, pitch.music, 0.3);
    assert.match(await session.park(offerSdp({ ...own, direction: 'sendonly', version: 2 })), /^a=recvonly\r$/m);
    const again = await session.park(offerSdp({ ...own, version: 3 }));
    assert.equal(/^m=audio \d+/m.exec(again)?.[0], /^m=audio \d+/m.exec(answer)?.[0]);
    await hearsMore(caller, pitch.music, 0.5);
  });

  test('an announcement (mp3) once, then the music, in place of the voice of the other side; then the voice again', async (t) => {
    const { caller, target, session } = await world(t);
    await talk(session, caller, target);
    await session.play('caller', [announcement, music]);
    await hearsOnly(caller, pitch.announcement, 1);
    const { packets } = target.measured;
    await hearsOnly(caller, pitch.music, 1.5);
    assert.equal(target.measured.packets, packets, 'nor does the other side hear who is kept waiting');
    const announced = heardOf(caller, pitch.announcement);
    assert.ok(announced <= 1.6, `the announcement was heard once, in ${announced} s`);

    await session.stop('caller');
    await Promise.all([hearsOnly(caller, pitch.target, 1), hearsMore(target, pitch.caller, 0.3)]);
    await session.stop('caller');
  });

  test('who is on hold by their own phone hears the music once they are back, and nobody else meanwhile', async (t) => {
    const { caller, target, session } = await world(t);
    await talk(session, caller, target);
    const own = ownMedia(caller);
    const describe = async (direction: 'sendonly' | 'sendrecv', version: number) => {
      const offer = await session.offer('caller', offerSdp({ ...own, direction, version }));
      await session.answer('target', answerSdp(offer, ownMedia(target)).sdp);
    };
    await describe('sendonly', 2);
    await session.play('caller', [music]);
    const { packets } = target.measured;
    await describe('sendrecv', 3);
    await hearsOnly(caller, pitch.music, 1);
    assert.equal(target.measured.packets, packets, 'the other side hears nobody');
    await session.stop('caller');
    await Promise.all([hearsOnly(caller, pitch.target, 1), hearsMore(target, pitch.caller, 0.3)]);
  });

  test('an announcement ends by itself, and the other side stays away until stop', async (t) => {
    const { caller, target, session } = await world(t);
    await talk(session, caller, target);
    await session.play('target', [{ file: toneFile(folder, pitch.other, 0.5), repeat: false }]);
    await hearsMore(target, pitch.other, 0.3);
    const said = async (seconds: number) => {
      const before = target.sent;
      await eventually(`${seconds} s more`, () => target.sent >= before + 50 * seconds);
    };
    await said(1);
    const packets = target.measured.packets;
    await said(0.3);
    assert.equal(target.measured.packets, packets, 'half a second of it, then nothing');
    await session.stop('target');
    await hearsOnly(target, pitch.caller, 0.5);
  });

  test('what cannot be played is told, and the voice is heard as before', async (t) => {
    const { caller, target, session } = await world(t);
    await assert.rejects(session.play('caller', [music]), { code: 'no-media' }, 'nothing was agreed on yet');
    await talk(session, caller, target);
    const noSound = path.join(folder, 'no-sound.wav');
    writeFileSync(noSound, 'hello');
    for (const file of [path.join(folder, 'none.wav'), noSound]) {
      await assert.rejects(session.play('caller', [{ file, repeat: true }]), {
        code: 'no-media',
        message: /cannot play/,
      });
    }
    await hearsOnly(caller, pitch.target, 0.5);
  });
});

describe('digits through rtpengine', { skip: rtpengineMissing() ?? false, timeout: 60_000 }, () => {
  test('all sixteen, to either side and to nobody else; before the first one nothing is decoded', async (t) => {
    const { engine, caller, target, session } = await world(t);
    await talk(session, caller, target);
    assert.equal(await engine.transcodedSoon(), 0);
    await session.digits('target', '0123456789*#ABCD');
    await target.until(({ digits }) => digits.length >= 16, 10_000);
    assert.equal(target.measured.digits, '0123456789*#ABCD');
    assert.equal(caller.measured.digits, '');
    assert.equal(await engine.transcodedSoon(), 2);
    await session.digits('caller', '110#');
    await caller.until(({ digits }) => digits.length >= 4, 10_000);
    assert.equal(caller.measured.digits, '110#');
    assert.equal(target.measured.digits.length, 16);
    await Promise.all([hearsMore(caller, pitch.target, 0.5), hearsMore(target, pitch.caller, 0.5)]);
  });

  test('a side that takes no RFC 4733, one that hears music, and one that nobody speaks to: no-media, so that INFO is sent', async (t) => {
    const { caller, target, session, media } = await world(t);
    await talk(session, caller, target);
    await session.play('target', [music]);
    await assert.rejects(session.digits('target', '1'), { code: 'no-media' });
    await session.stop('target');
    caller.say(undefined);
    await hearsMore(caller, pitch.target, 0.3);
    await assert.rejects(session.digits('target', '1'), { code: 'no-media' });
    await session.digits('caller', '1');
    await assert.rejects(session.digits('caller', 'x'), { code: 'bad-input' });

    const plain = await openSession(media, 'plain');
    const noEvents = (sdp: string) => sdp.replace(/ 101\r/, '\r').replace(/a=(rtpmap|fmtp):101.*\r\n/g, '');
    await plain.offer('caller', offerSdp(ownMedia(caller)));
    await plain.answer('target', noEvents(offerSdp(ownMedia(target))));
    await assert.rejects(plain.digits('target', '1'), { code: 'no-media' });
    await assert.rejects(plain.digits('caller', '1'), { code: 'no-media' });
    await plain.close();
  });
});
