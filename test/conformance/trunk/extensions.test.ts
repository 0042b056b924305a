// Reliable provisional responses (RFC 3262) and session timers (RFC 4028) on the caller's leg, over the wire.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withoutDrachtio } from '../../support/drachtio.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import type { PeerCall, SipPeer } from '../../support/sip-peer.ts';
import { type Happenings, sdp, World } from './world.ts';

const responses = (peer: SipPeer, status: number): number =>
  peer.count((message) => message.kind === 'response' && message.status === status && message.cseq.method === 'INVITE');

describe('a caller that requires reliable provisional responses', () => {
  test('gets one 180 that its PRACK acknowledges, no early media, and the description in the 200', async () => {
    await using world = await World.start();
    const peer = await world.caller();
    const call = peer.invite(world.port, { body: sdp(1), headers: ['Require: 100rel', 'Supported: 100rel'] });
    const ringing = await peer.response(180, 'INVITE');
    assert.match(ringing.get('Require') ?? '', /100rel/);
    const { call: incoming } = await world.incoming();
    incoming.leg.progress(180);
    incoming.leg.progress(183, sdp(2));
    call.to = ringing.get('To') ?? '';
    call.sendRequest('PRACK', { headers: [`RAck: ${ringing.get('RSeq') ?? ''} 1 INVITE`] });
    await peer.response(200, 'PRACK');
    const answered = incoming.leg.answer(sdp(2));
    const ok = await peer.response(200, 'INVITE');
    assert.equal(ok.body.toString(), sdp(2));
    call.ack(ok);
    await answered;
    assert.deepEqual([responses(peer, 180), responses(peer, 183)], [1, 0]);
    call.sendRequest('BYE');
    await peer.response(200, 'BYE');
  });

  test('and never acknowledges has its call ended', async () => {
    const clock = new FakeClock();
    await using world = await World.start({ t1: 10, clock });
    const peer = await world.caller();
    peer.invite(world.port, { headers: ['Require: 100rel'] });
    const { happenings } = await world.incoming();
    await peer.response(504, 'INVITE');
    assert.ok(responses(peer, 180) > 1, 'the 180 was repeated');
    await clock.advance(40_000);
    await happenings.until('cancelled');
    assert.equal(world.trunk.stats().legs, 0);
  });

  test(
    'gets no 180 over drachtio-server, which would die when the call ends before the PRACK',
    { skip: withoutDrachtio },
    async () => {
      await using world = await World.start({ control: 'drachtio' });
      const peer = await world.caller();
      for (let n = 0; n < 3; n++) {
        const call = peer.invite(world.port, { headers: ['Require: 100rel', 'Supported: 100rel'] });
        const { happenings } = await world.incoming();
        call.cancel();
        call.ackFailure(await peer.response(487, 'INVITE'));
        await happenings.until('cancelled');
      }
      assert.equal(responses(peer, 180), 0);
      const call = peer.invite(world.port, { body: sdp(1), headers: ['Require: 100rel', 'Supported: 100rel'] });
      const { call: incoming } = await world.incoming();
      const answered = incoming.leg.answer(sdp(2));
      call.ack(await peer.response(200, 'INVITE'));
      await answered;
      call.sendRequest('BYE');
      await peer.response(200, 'BYE');
    },
  );

  test('is the only one that gets them', async () => {
    await using world = await World.start();
    const peer = await world.caller();
    peer.invite(world.port, { headers: ['Supported: 100rel'] });
    assert.equal((await peer.response(180, 'INVITE')).get('Require'), undefined);
    const { call } = await world.incoming();
    call.leg.reject(480);
  });
});

describe('a caller that asks for a session timer', () => {
  /** A call with these headers that stands, and what its 200 said. */
  async function standing(
    world: World,
    headers: string[],
  ): Promise<{ peer: SipPeer; call: PeerCall; happenings: Happenings; expires: string | undefined; requires: string }> {
    const peer = await world.caller();
    const call = peer.invite(world.port, { body: sdp(1), headers });
    const { call: incoming, happenings } = await world.incoming();
    const answered = incoming.leg.answer(sdp(2));
    const ok = await peer.response(200, 'INVITE');
    call.ack(ok);
    await answered;
    return { peer, call, happenings, expires: ok.get('Session-Expires'), requires: ok.get('Require') ?? '' };
  }

  test('refreshes it; when no refresh comes in time the call is ended, a little early', async () => {
    const clock = new FakeClock();
    await using world = await World.start({ clock });
    const { peer, call, happenings, expires, requires } = await standing(world, [
      'Require: timer',
      'Session-Expires: 120',
    ]);
    assert.deepEqual([expires, requires], ['120;refresher=uac', 'timer']);
    await clock.advance(80_000);
    call.sendRequest('UPDATE', { headers: ['Supported: timer', 'Session-Expires: 180;refresher=uac'] });
    assert.equal((await peer.response(200, 'UPDATE')).get('Session-Expires'), '180;refresher=uac');
    await clock.advance(147_999);
    assert.deepEqual(happenings.all, []);
    await clock.advance(1);
    assert.deepEqual(await happenings.until('ended'), { cause: {}, lost: true });
    peer.answer(await peer.request('BYE'), 200);
  });

  test('a re-INVITE refreshes it, too, and only when it is accepted', async () => {
    const clock = new FakeClock();
    await using world = await World.start({ clock });
    const timer = ['Supported: timer', 'Session-Expires: 120'];
    const { peer, call, happenings } = await standing(world, timer);
    const reinvite = async (answer: { status: number; body?: string }): Promise<string | undefined> => {
      call.sendRequest('INVITE', { body: sdp(3), headers: [call.contact, ...timer] });
      await happenings.until('request INVITE');
      happenings.details.delete('request INVITE');
      happenings.requests.shift()?.answer(answer);
      const response = await peer.response(answer.status, 'INVITE');
      if (answer.status < 300) call.ack(response);
      else call.ackFailure(response);
      return response.get('Session-Expires');
    };
    await clock.advance(60_000);
    assert.equal(await reinvite({ status: 200, body: sdp(4) }), '120;refresher=uac');
    await clock.advance(60_000);
    assert.equal(await reinvite({ status: 488 }), undefined);
    assert.ok(!happenings.all.includes('ended'));
    await clock.advance(28_000);
    await happenings.until('ended');
    peer.answer(await peer.request('BYE'), 200);
  });

  test('and wants us to refresh it gets an UPDATE half-way, each time', async () => {
    const clock = new FakeClock();
    await using world = await World.start({ clock });
    const { peer, call, happenings, expires, requires } = await standing(world, [
      'Supported: timer',
      'Session-Expires: 120;refresher=uas',
    ]);
    assert.deepEqual([expires, requires], ['120;refresher=uas', '']);
    for (let turn = 0; turn < 2; turn++) {
      await clock.advance(60_000);
      const update = await peer.request('UPDATE');
      assert.equal(update.get('Session-Expires'), '120;refresher=uac');
      peer.answer(update, 200, { headers: ['Session-Expires: 120;refresher=uac'] });
      call.sendRequest('OPTIONS'); // by its answer, ours has been read
      await peer.response(200, 'OPTIONS');
    }
    assert.deepEqual(happenings.all, []);
    call.sendRequest('BYE');
    await peer.response(200, 'BYE');
    await happenings.until('ended');
    assert.equal(clock.pendingTimers, 0);
  });

  test('shorter than 90 s is told the shortest with 422', async () => {
    await using world = await World.start();
    const peer = await world.caller();
    const call = peer.invite(world.port, { headers: ['Supported: timer', 'Session-Expires: 30'] });
    const refused = await peer.response(422, 'INVITE');
    call.ackFailure(refused);
    assert.equal(refused.get('Min-SE'), '90');
    assert.equal(responses(peer, 180), 0);
  });

  test('without knowing timers gets none', async () => {
    await using world = await World.start();
    const { peer, call, expires } = await standing(world, ['Session-Expires: 30']);
    assert.equal(expires, undefined);
    call.sendRequest('BYE');
    await peer.response(200, 'BYE');
  });
});
