// Real G.711 through a real rtpengine: what one phone says is what the other one hears, both ways.
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { createMedia } from '../../../src/media/media.ts';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { answerSdp, offerSdp, readAnswer, type OwnMedia } from '../../../src/simulate/rtp/sdp.ts';
import { RtpSession } from '../../../src/simulate/rtp/session.ts';
import { tone } from '../../../src/simulate/rtp/sources.ts';
import { rtpengineMissing, startRtpengine } from '../../support/rtpengine.ts';
import { openSession, relays } from '../../support/media-session.ts';

async function phone(t: TestContext): Promise<RtpSession> {
  const session = await RtpSession.open({ clock: systemClock, address: '127.0.0.1', expect: [440, 1_000] });
  t.after(() => session.close());
  return session;
}

/** One call: the caller says 440 Hz, the target 1,000 Hz. */
async function callThrough(t: TestContext, laws: NonNullable<OwnMedia['laws']>) {
  const running = await startRtpengine();
  t.after(() => running.stop());
  const media = await createMedia(relays([running.engine]), { clock: systemClock, log: silentLog });
  t.after(() => media.close());
  const [caller, target] = [await phone(t), await phone(t)];
  const session = await openSession(media, 'sound');
  const callerSide: OwnMedia = { address: caller.address, port: caller.port, laws };
  const targetSide: OwnMedia = { address: target.address, port: target.port };
  const taken = answerSdp(await session.offer('caller', offerSdp(callerSide)), targetSide);
  const agreed = readAnswer(await session.answer('target', taken.sdp), callerSide);
  target.sendTo(taken.agreed.destination);
  caller.sendTo(agreed.destination);
  caller.say(tone(440, -13));
  target.say(tone(1_000, -20));
  return { running, media, session, caller, target, callerSide, targetSide };
}

describe('sound through rtpengine', { skip: rtpengineMissing() ?? false, timeout: 60_000 }, () => {
  for (const laws of [['PCMA'], ['PCMU']] as const) {
    test(`a tone each way for 2 s: ${laws.join()}`, async (t) => {
      const { running, session, caller, target } = await callThrough(t, laws);
      const [atTarget, atCaller] = await Promise.all([target.hears(440, 2, 20_000), caller.hears(1_000, 2, 20_000)]);
      const enginePort = (source: string | undefined) => Number(source?.split(':')[1]);
      assert.notEqual(enginePort(atTarget.source), caller.port, 'it came from the engine, not from the caller');
      assert.notEqual(enginePort(atCaller.source), target.port);
      for (const [heard, level] of [
        [atTarget, -13],
        [atCaller, -20],
      ] as const) {
        assert.equal(heard.tones.length, 1, 'one tone and no echo of the own one');
        assert.ok(Math.abs((heard.tones[0]?.level ?? 0) - level) < 0.2, `${heard.tones[0]?.level} dBm0`);
        assert.equal(heard.lost, 0);
        assert.equal(heard.streams, 1);
        t.diagnostic(
          `${heard.tones[0]?.frequency} Hz at ${heard.tones[0]?.level.toFixed(2)} dBm0, ${heard.packets} packets, ` +
            `jitter ${heard.jitterMs.toFixed(2)} ms`,
        );
      }
      await session.close();
      assert.equal(await running.sessions(), 0);
    });
  }

  test('hold and resume by the target: the caller hears it, then nothing of it, then it again', async (t) => {
    const { session, caller, target, callerSide, targetSide } = await callThrough(t, ['PCMA']);
    await Promise.all([target.hears(440, 0.3, 10_000), caller.hears(1_000, 0.3, 10_000)]);

    const reoffer = async (direction: 'inactive' | 'sendrecv', version: number) => {
      const offered = await session.offer('target', offerSdp({ ...targetSide, direction, version }));
      const taken = answerSdp(offered, callerSide);
      caller.sendTo(taken.agreed.destination);
      target.sendTo(readAnswer(await session.answer('caller', taken.sdp), { ...targetSide, direction }).destination);
      return taken.agreed.peer.direction;
    };
    assert.equal(await reoffer('inactive', 2), 'inactive');
    const sent = caller.sent;
    const heard = caller.measured.packets;
    // Time is what is tested here: on hold, ten packet times bring nothing but what was under way.
    await new Promise((later) => setTimeout(later, 200));
    assert.equal(caller.sent, sent);
    assert.ok(caller.measured.packets - heard <= 2);

    assert.equal(await reoffer('sendrecv', 3), 'sendrecv');
    const [before] = caller.measured.tones;
    const again = await caller.hears(1_000, (before?.seconds ?? 0) + 0.5, 10_000);
    assert.equal(again.streams, 1);
    const atTarget = target.measured.tones[0]?.seconds ?? 0;
    await target.hears(440, atTarget + 0.3, 10_000);
    await session.close();
  });

  test('after the end nothing passes any more', async (t) => {
    const { session, caller, target } = await callThrough(t, ['PCMA']);
    await Promise.all([target.hears(440, 0.2, 10_000), caller.hears(1_000, 0.2, 10_000)]);
    await session.close();
    const [atTarget, atCaller] = [target.measured.packets, caller.measured.packets];
    await new Promise((later) => setTimeout(later, 200));
    assert.ok(target.measured.packets - atTarget <= 2 && caller.measured.packets - atCaller <= 2);
  });
});
