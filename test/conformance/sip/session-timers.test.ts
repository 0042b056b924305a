import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import { openApplicationWorld } from '../../support/application-world.ts';
import type { Message, Request } from '../../../src/sip/message/message.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import type { PeerCall } from '../../support/sip-peer.ts';
import { nextInvite, type AppDialog } from '../../support/srf-application.ts';

/** RFC 4028: the server keeps session timers by itself, as drachtio-server does. Time is the test's. */
describe('session timers', { timeout: 30_000 }, () => {
  const open = async (t: TestContext) => {
    const clock = new FakeClock();
    return { ...(await openApplicationWorld(t, { clock })), clock };
  };
  type World = Awaited<ReturnType<typeof open>>;

  /** A call of the peer that the application answers; `headers` of the INVITE, `answer` of the 200. */
  const callIn = async (
    world: World,
    headers: string[],
    answer: object = {},
  ): Promise<{ call: PeerCall; dialog: AppDialog; agreed: string | undefined }> => {
    const taken = nextInvite(world.application);
    const call = world.peer.invite(world.port, { headers: [...headers, 'Supported: timer'] });
    const { req, res } = await taken;
    const answered = world.application.createUAS(req, res, { localSdp: 'v=0\r\n', headers: answer });
    const ok = await world.peer.response(200, 'INVITE');
    call.ack(ok);
    return { call, dialog: await answered, agreed: ok.get('Session-Expires') };
  };

  /** A call of the application that the peer answers. */
  const callOut = async (world: World, answer: string[]): Promise<{ dialog: AppDialog; tag: string }> => {
    const headers = { 'Session-Expires': '90', Supported: 'timer' };
    const placed = world.application.createUAC(`sip:127.0.0.1:${world.peer.port}`, { localSdp: 'v=0\r\n', headers });
    world.peer.answer(await world.peer.request('INVITE'), 200, { body: 'v=0\r\n', headers: answer, tag: 'callee' });
    await world.peer.request('ACK');
    return { dialog: await placed, tag: 'callee' };
  };

  test('an interval that is too short is refused with the shortest that there is', async (t) => {
    const world = await open(t);
    world.application.invite(() => assert.fail('the application is not to see it'));
    const call = world.peer.invite(world.port, { headers: ['Session-Expires: 60', 'Supported: timer'] });
    const refused = await world.peer.response(422, 'INVITE');
    assert.equal(refused.get('Min-SE'), '90');
    call.ackFailure(refused);
  });

  test('the peer that asks for a timer refreshes; when it does not, the call is ended', async (t) => {
    const world = await open(t);
    const { call, dialog, agreed } = await callIn(world, ['Session-Expires: 120']);
    assert.equal(agreed, '120;refresher=uac');
    await world.clock.advance(80_000);
    call.sendRequest('UPDATE', { headers: [call.contact, 'Session-Expires: 120;refresher=uac', 'Supported: timer'] });
    // drachtio-srf answers an UPDATE of a dialog by itself
    const again = await world.peer.response(200, 'UPDATE');
    assert.match(again.get('Session-Expires') ?? '', /^120;refresher=uac/);
    await world.clock.advance(80_000);
    assert.equal(
      world.peer.count((m) => m.kind === 'request' && m.method === 'BYE'),
      0,
    );
    const destroyed = once(dialog, 'destroy');
    await world.clock.advance(10_000);
    const bye = await world.peer.request('BYE');
    assert.match(bye.get('Reason') ?? '', /Session timer expired/);
    world.peer.answer(bye, 200);
    await destroyed;
    await eventually('the dialog is forgotten', () => world.server.stats().dialogs === 0);
  });

  test('where we refresh, a re-INVITE with our description leaves at half the interval, unseen by the application', async (t) => {
    const world = await open(t);
    const { dialog } = await callOut(world, ['Session-Expires: 90;refresher=uac']);
    dialog.on('modify', () => assert.fail('the application is not to see it'));
    for (let turn = 0; turn < 2; turn++) {
      await world.clock.advance(44_000);
      assert.equal(
        world.peer.count((m) => m.kind === 'request' && m.method === 'INVITE'),
        turn + 1,
      );
      await world.clock.advance(1000);
      const invite = await world.peer.request('INVITE');
      assert.equal(invite.get('Session-Expires'), '90;refresher=uac');
      assert.equal(invite.body.toString(), 'v=0\r\n');
      world.peer.answer(invite, 200, { body: 'v=0\r\n', headers: ['Session-Expires: 90;refresher=uac'] });
      assert.equal((await world.peer.request('ACK')).cseq.sequence, invite.cseq.sequence);
    }
    assert.equal(world.server.stats().dialogs, 1);
  });

  test('a peer that takes UPDATE is refreshed by that; as the called side too', async (t) => {
    const world = await open(t);
    const { agreed } = await callIn(world, ['Session-Expires: 90;refresher=uas', 'Allow: INVITE, UPDATE']);
    assert.equal(agreed, '90;refresher=uas');
    await world.clock.advance(45_000);
    const update = await world.peer.request('UPDATE');
    assert.equal(update.body.length, 0);
    world.peer.answer(update, 200, { headers: ['Session-Expires: 90;refresher=uac'] });
    await eventually('the answer has come', () => world.server.stats().received['200'] === 1);
    await world.clock.advance(45_000);
    await world.peer.request('UPDATE');
  });

  test('a refresh that crosses a request of the peer (491) is tried again after 2.1 to 4 s, as the Call-ID is ours', async (t) => {
    const world = await open(t);
    await callOut(world, ['Session-Expires: 90;refresher=uac']);
    await world.clock.advance(45_000);
    world.peer.answer(await world.peer.request('INVITE'), 491);
    await world.peer.request('ACK');
    await world.clock.advance(2000);
    assert.equal(
      world.peer.count((m) => m.kind === 'request' && m.method === 'INVITE'),
      2,
    );
    await world.clock.advance(2100);
    world.peer.answer(await world.peer.request('INVITE'), 200, { body: 'v=0\r\n' });
    await world.peer.request('ACK');
  });

  test('a peer that wants a longer interval gets it, one that does not know the call ends it', async (t) => {
    const world = await open(t);
    const { dialog } = await callOut(world, ['Session-Expires: 90;refresher=uac']);
    await world.clock.advance(45_000);
    world.peer.answer(await world.peer.request('INVITE'), 422, { headers: ['Min-SE: 180'] });
    const again = await world.peer.expect(
      'the second try',
      (m) => m.kind === 'request' && m.method === 'INVITE' && m.get('Session-Expires') === '180;refresher=uac',
    );
    assert.ok(again.kind === 'request');
    const destroyed = once(dialog, 'destroy');
    world.peer.answer(again, 481);
    const bye = await world.peer.request('BYE');
    world.peer.answer(bye, 200);
    await destroyed;
  });

  test('an application that refreshes by itself is left to it; when it does not, the server does, a little later', async (t) => {
    const world = await open(t);
    const written = { 'Session-Expires': '120;refresher=uas' };
    const asked = ['Session-Expires: 120;refresher=uas', 'Allow: INVITE, UPDATE'];
    const { dialog } = await callIn(world, asked, written);
    const seen = new Set<number>();
    const updates = (): number =>
      new Set(world.peer.received.flatMap((m) => (isUpdate(m) ? [m.cseq.sequence] : []))).size;
    /** The next one that is no copy of one before. */
    const nextUpdate = async (): Promise<Request> => {
      const update = await world.peer.expect('a new UPDATE', (m) => isUpdate(m) && !seen.has(m.cseq.sequence));
      assert.ok(update.kind === 'request');
      seen.add(update.cseq.sequence);
      return update;
    };
    for (let turn = 1; turn <= 3; turn++) {
      await world.clock.advance(60_000);
      assert.equal(updates(), turn - 1);
      const refreshed = dialog.request({
        method: 'UPDATE',
        headers: { 'Session-Expires': '120;refresher=uac', Supported: 'timer' },
      });
      const update = await nextUpdate();
      await world.clock.advance(5_000); // the peer takes its time, and the server does not meddle
      assert.equal(updates(), turn);
      world.peer.answer(update, 200, { headers: ['Session-Expires: 120;refresher=uac'] });
      await refreshed;
    }
    await world.clock.advance(69_999);
    assert.equal(updates(), 3);
    await world.clock.advance(2);
    const ours = await nextUpdate();
    assert.equal(ours.get('Session-Expires'), '120;refresher=uac');
    world.peer.answer(ours, 200, { headers: ['Session-Expires: 120;refresher=uac'] });
    assert.equal(world.server.stats().dialogs, 1);
  });

  test('without a word of timers there is none', async (t) => {
    const world = await open(t);
    const { agreed } = await callIn(world, []);
    assert.equal(agreed, undefined);
    await world.clock.advance(86_400_000);
    assert.equal(
      world.peer.count((m) => m.kind === 'request' && m.method !== 'ACK'),
      0,
    );
  });
});

function isUpdate(message: Message): boolean {
  return message.kind === 'request' && message.method === 'UPDATE';
}
