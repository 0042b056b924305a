// Keys that a phone presses as RFC 4733 events, and what arrives at the other one as INFO: the whole service, a real rtpengine, real SIP.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import type { Message } from '../../../src/sip/message/message.ts';
import { answerSdp, offerSdp, readAnswer } from '../../../src/simulate/rtp/sdp.ts';
import type { RtpSession } from '../../../src/simulate/rtp/session.ts';
import { tone } from '../../../src/simulate/rtp/sources.ts';
import { eventually } from '../../support/eventually.ts';
import { engineFor, hearsOnly, ownMedia, phone, pitch } from '../../support/media-call.ts';
import { freeUdpPort, rtpengineMissing } from '../../support/rtpengine.ts';
import { Scene } from './scene.ts';

const withoutEvents = (sdp: string) => sdp.replace(/ 101\r/, '\r').replace(/a=(rtpmap|fmtp):101.*\r\n/g, '');
type Digits = 'agreed' | 'info';

describe('keys across, as INFO', { skip: rtpengineMissing() ?? false, timeout: 60_000 }, () => {
  /** A standing call; `without`: who says nothing of RFC 4733. */
  async function talking(t: TestContext, trunks: { caller: Digits; target: Digits }, without?: 'caller' | 'target') {
    const port = await freeUdpPort();
    const engine = await engineFor(t, `--dtmf-log-dest=127.0.0.1:${port}`);
    const scene = await Scene.open(
      { media: { digits: trunks.caller } },
      { media: { mode: 'rtpengine', engines: [engine.engine], digitEvents: `udp://127.0.0.1:${port}` } },
      { media: { digits: trunks.target } },
    );
    t.after(() => scene[Symbol.asyncDispose]());
    const [caller, target] = [await phone(t), await phone(t)];
    const saying = (who: string, sdp: string) => (who === without ? withoutEvents(sdp) : sdp);
    const invite = await scene.dial([], saying('caller', offerSdp(ownMedia(caller))));
    const taken = answerSdp(invite.body.toString(), ownMedia(target));
    scene.final.answer(invite, 200, { body: saying('target', taken.sdp) });
    await scene.final.request('ACK');
    const ok = await scene.caller.response(200, 'INVITE');
    scene.calling.ack(ok);
    await scene.terminal?.state('connected');
    caller.sendTo(readAnswer(ok.body.toString(), ownMedia(caller)).destination);
    target.sendTo(taken.agreed.destination);
    caller.say(tone(pitch.caller));
    target.say(tone(pitch.target));
    await Promise.all([hearsOnly(caller, pitch.target, 0.3), hearsOnly(target, pitch.caller, 0.3)]);
    return { scene, caller, target, engine, port, invite };
  }
  type Talk = Awaited<ReturnType<typeof talking>>;

  const isInfo = (message: Message) => message.kind === 'request' && message.method === 'INFO';

  /** Every key as an INFO, in order. */
  async function arrive(peer: Talk['scene']['caller'], keys: string): Promise<void> {
    for (const key of keys) {
      const info = await peer.request('INFO');
      assert.equal(info.get('Content-Type'), 'application/dtmf-relay');
      assert.equal(info.body.toString(), `Signal=${key}\r\nDuration=160\r\n`);
      peer.answer(info, 200);
    }
  }
  const press = (from: RtpSession, keys: string) =>
    assert.ok(from.press(keys), 'the phone was told that events are taken');

  test('the final phone takes INFO alone; music, a stranger, a repeat and garbage bring nothing', async (t) => {
    const { scene, caller, target, engine, port } = await talking(t, { caller: 'agreed', target: 'info' }, 'target');
    press(caller, '1590*##');
    await arrive(scene.final, '1590*##');

    const session = await scene.mediaSession();
    const report = Buffer.from(
      JSON.stringify({ callid: session, source_tag: 'caller', type: 'DTMF', event: 4, duration: 160 }),
    );
    const send = async (datagram: Buffer, from: string) => {
      const socket = createSocket('udp4');
      socket.bind(0, from);
      await once(socket, 'listening');
      socket.send(datagram, port, '127.0.0.1', () => socket.close());
      await once(socket, 'close');
    };
    const count = (kind: string) => scene.metric(`ringaway_media_digit_reports_total{kind="${kind}"}`);
    await send(report, '127.0.0.9');
    await eventually('the stranger was seen', async () => (await count('stranger')) === 1);
    await send(Buffer.from('{'), '127.0.0.1');
    await eventually('the garbage was seen', async () => (await count('unreadable')) === 1);
    await send(report, '127.0.0.1');
    await send(report, '127.0.0.1');
    await eventually('the repeat was seen', async () => (await count('repeated')) === 1);
    await arrive(scene.final, '4');
    assert.equal(await count('taken'), 8);
    assert.deepEqual([target.measured.digits, scene.caller.count(isInfo), scene.final.count(isInfo)], ['', 0, 8]);
    assert.equal((await scene.hangUp()).end?.reason, 'completed');
    assert.equal(await engine.sessions(), 0);
  });

  test('the caller takes INFO alone, and the final phone presses', async (t) => {
    const { scene, target } = await talking(t, { caller: 'info', target: 'agreed' });
    press(target, '007');
    await arrive(scene.caller, '007');
    assert.equal((await scene.hangUp()).end?.reason, 'completed');
  });

  for (const [from, without] of [
    ['caller', 'target'],
    ['target', 'caller'],
  ] as const) {
    test(`agreed: the ${without} knows nothing of RFC 4733, and the ${from} presses`, async (t) => {
      const talk = await talking(t, { caller: 'agreed', target: 'agreed' }, without);
      press(talk[from], '42');
      await arrive(without === 'caller' ? talk.scene.caller : talk.scene.final, '42');
      assert.equal((await talk.scene.hangUp()).end?.reason, 'completed');
    });
  }

  test('agreed: both know RFC 4733, and no INFO is sent', async (t) => {
    const { scene, caller, target } = await talking(t, { caller: 'agreed', target: 'agreed' });
    press(caller, '42');
    await target.until(({ digits }) => digits === '42', 5_000);
    await eventually(
      'it was reported',
      async () => (await scene.metric('ringaway_media_digit_reports_total{kind="unwanted"}')) === 2,
    );
    assert.equal((await scene.hangUp()).end?.reason, 'completed');
    assert.equal(scene.final.count(isInfo), 0);
  });

  const info = { body: 'Signal=7\r\nDuration=250\r\n', contentType: 'application/dtmf-relay' };

  for (const without of [undefined, 'caller'] as const) {
    const who = without ? 'knows nothing of RFC 4733' : 'takes INFO alone';
    test(`INFO of a caller that ${who} arrives as events, and is answered`, async (t) => {
      const digits = without ? 'agreed' : 'info';
      const { scene, target } = await talking(t, { caller: digits, target: 'agreed' }, without);
      for (const key of '7#7') {
        scene.calling.sendRequest('INFO', { ...info, body: info.body.replace('7', key) });
        await scene.caller.response(200, 'INFO');
      }
      await target.until((measured) => measured.digits.length >= 3, 5_000);
      assert.equal(target.measured.digits, '7#7');
      press(target, '8');
      await arrive(scene.caller, '8');
      assert.equal((await scene.hangUp()).end?.reason, 'completed');
      assert.equal(scene.final.count(isInfo), 0);
    });
  }

  test('INFO of a caller that presses its keys as events, too, goes on as INFO: nothing is heard twice', async (t) => {
    const { scene, target } = await talking(t, { caller: 'agreed', target: 'agreed' });
    scene.calling.sendRequest('INFO', info);
    const arrived = await scene.final.request('INFO');
    assert.equal(arrived.body.toString(), info.body);
    scene.final.answer(arrived, 415);
    await scene.caller.response(415, 'INFO');
    await hearsOnly(target, pitch.caller, 0.3);
    assert.equal(target.measured.digits, '');
    assert.equal((await scene.hangUp()).end?.reason, 'completed');
  });
});
