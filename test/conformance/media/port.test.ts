// What every implementation of the media port does, where they do the same.
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { createMedia, type Media } from '../../../src/media/media.ts';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { offerSdp } from '../../../src/simulate/rtp/sdp.ts';
import { openSession, relays } from '../../support/media-session.ts';
import { rtpengineMissing, startRtpengine } from '../../support/rtpengine.ts';

const parts = { clock: systemClock, log: silentLog };
const [callerSdp, targetSdp] = [4_000, 5_000].map((port) => offerSdp({ address: '127.0.0.1', port })) as [
  string,
  string,
];

const implementations: Record<string, { skip: string | false; open: (t: TestContext) => Promise<Media> }> = {
  direct: { skip: false, open: () => createMedia({ mode: 'direct' }, parts) },
  rtpengine: {
    skip: rtpengineMissing() ?? false,
    open: async (t) => {
      const engine = await startRtpengine();
      t.after(() => engine.stop());
      return await createMedia(relays([engine.engine]), parts);
    },
  },
};

for (const [name, { skip, open }] of Object.entries(implementations)) {
  describe(`the media port: ${name}`, { skip, timeout: 30_000 }, () => {
    async function media(t: TestContext): Promise<Media> {
      const made = await open(t);
      t.after(() => made.close());
      return made;
    }

    test('says what it is, and that calls find media', async (t) => {
      const made = await media(t);
      assert.equal(made.mode, name);
      assert.equal(made.health().mode, name);
      assert.equal(made.health().ok, true);
    });

    test('an offer and its answers, early and final, from either side', async (t) => {
      const session = await openSession(await media(t), 'call');
      assert.match(await session.offer('caller', callerSdp), /^m=audio \d+ RTP\/AVP 8 0 101\r$/m);
      const early = await session.answer('target', targetSdp, 'one');
      assert.equal(await session.answer('target', targetSdp, 'one'), early);
      await session.offer('target', targetSdp);
      assert.match(await session.answer('caller', callerSdp), /^m=audio/m);
      await session.close();
    });

    test('what is no description is refused with 488, and the session goes on', async (t) => {
      const session = await openSession(await media(t), 'call');
      for (const text of ['', 'hello', callerSdp.replace(/^c=.*\r\n/m, '')]) {
        await assert.rejects(session.offer('caller', text), { code: 'media-refused', sip: 488 });
      }
      await session.offer('caller', callerSdp);
      await assert.rejects(session.answer('target', 'hello'), { code: 'media-refused', sip: 488 });
      await session.answer('target', targetSdp);
      await session.close();
    });

    test('before anything was agreed on nothing is played, no digits are sent, nothing can be brought back', async (t) => {
      const session = await openSession(await media(t), 'call');
      await assert.rejects(session.play('caller', [{ file: '/none.wav', repeat: true }]), { code: 'no-media' });
      await assert.rejects(session.digits('target', '1'), { code: 'no-media' });
      await assert.rejects(session.key('target', '1'), { code: 'no-media' });
      await assert.rejects(session.relocate(), { code: 'no-media' });
      await session.stop('caller');
      await session.close();
    });

    test('close is idempotent and never rejects; so is releasing what never was', async (t) => {
      const made = await media(t);
      const session = await openSession(made, 'call');
      await session.close();
      await session.close();
      await made.release({ callId: 'never', sessions: 2, noted: [{ session: 'x', engine: 'udp://192.0.2.1:1' }] });
      await made.close();
      await made.close();
    });
  });
}

test('direct: all that needs an engine says so', async () => {
  const made = await createMedia({ mode: 'direct' }, parts);
  const session = await openSession(made, 'call');
  await session.offer('caller', callerSdp);
  await session.answer('target', targetSdp);
  const needing = [
    () => session.park(callerSdp),
    () => session.parked(callerSdp),
    () => session.play('caller', [{ file: 'x.wav', repeat: true }]),
    () => session.digits('target', '1'),
    () => session.key('target', '1'),
    () => session.relocate(),
  ];
  for (const ask of needing) await assert.rejects(ask(), { code: 'no-media', message: /media\.mode is direct/ });
});
