// 302 to the caller (RFC 3261 21.3.3), over the wire.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { destination, finalCalled, firstCalled, World } from './world.ts';

describe('a redirection', () => {
  test('names where to in order of preference, and who diverts', async () => {
    await using world = await World.start({ trunk: { identity: { domain: 'ims.example.net' } } });
    const peer = await world.caller();
    const call = peer.invite(world.port);
    const { call: incoming, happenings } = await world.incoming();
    const redirected = incoming.leg.redirect(
      destination({ to: [finalCalled, 'tel:+8675520000009', 'sip:li@example.net'] }),
    );
    const moved = await peer.response(302, 'INVITE');
    call.ackFailure(moved);
    await redirected;
    assert.deepEqual(moved.list('Contact'), [
      `<sip:${finalCalled}@ims.example.net;user=phone>;q=1;mp=1`,
      '<tel:+8675520000009>;q=0.667;mp=1',
      '<sip:li@example.net>;q=0.333;mp=1',
    ]);
    assert.match(
      moved.get('Diversion') ?? '',
      new RegExp(`^<sip:\\${firstCalled}@ims\\.example\\.net;user=phone>;reason=`),
    );
    assert.equal(moved.get('History-Info'), `<sip:${firstCalled}@ims.example.net;user=phone>;index=1`);
    assert.deepEqual(happenings.all, []);
    assert.equal(world.trunk.stats().legs, 0);
    assert.equal(world.server.stats().dialogs, 0);
  });

  test('of one number needs no order, and keeps what the trunk does not want to itself', async () => {
    await using world = await World.start({ trunk: { identity: { diversion: false, historyInfo: false } } });
    const peer = await world.caller();
    const call = peer.invite(world.port);
    const { call: incoming } = await world.incoming();
    const redirected = incoming.leg.redirect(destination());
    const moved = await peer.response(302, 'INVITE');
    call.ackFailure(moved);
    await redirected;
    assert.equal(moved.get('Contact'), `<sip:${finalCalled}@127.0.0.1:${world.gateway().port};user=phone>`);
    assert.deepEqual([moved.get('Diversion'), moved.get('History-Info')], [undefined, undefined]);
  });

  test('is not possible once there is a final response, nor to what is no address', async () => {
    await using world = await World.start();
    const { leg } = await world.standing();
    await assert.rejects(leg.redirect(destination()), /standing/);
    const peer = await world.caller();
    const call = peer.invite(world.port);
    const { call: incoming } = await world.incoming();
    await assert.rejects(incoming.leg.redirect(destination({ to: ['sip:a@b>,<sip:c'] })), /no number/);
    incoming.leg.reject(480); // nothing has left yet
    call.ackFailure(await peer.response(480, 'INVITE'));
    await assert.rejects(incoming.leg.redirect(destination()), /over/);
  });

  test('that a CANCEL crosses is none', async () => {
    await using world = await World.start();
    const peer = await world.caller();
    const rejected = new Promise<void>((resolve, reject) => {
      world.trunk.onIncoming(({ leg }) => {
        assert.rejects(leg.redirect(destination()), /was over before our 302/).then(resolve, reject);
        return { cancelled: () => undefined, ended: () => undefined, request: () => undefined };
      });
    });
    // Both datagrams are there before the server reads: it ends the INVITE before it gets our 302.
    peer.invite(world.port).cancel();
    await peer.response(487, 'INVITE');
    await rejected;
    assert.equal(world.trunk.stats().legs, 0);
  });
});
