// Session timers (RFC 4028) on both legs, over the wire: what the trunk agrees, and what the SIP server makes of it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock } from '../../support/fake-clock.ts';
import type { SipPeer } from '../../support/sip-peer.ts';
import { dialRequest, Happenings, sdp, World } from './world.ts';

const timer = ['Supported: timer', 'Session-Expires: 120'];

/** Resolves when the server has read everything that was sent to it before. */
async function read(peer: SipPeer, call: { sendRequest(method: string): void }): Promise<void> {
  call.sendRequest('OPTIONS');
  await peer.response(200, 'OPTIONS');
}

describe('a caller that asks for a session timer', () => {
  test('refreshes it; when no refresh comes in time the call is ended, a little early', async () => {
    const serverClock = new FakeClock();
    await using world = await World.start({ serverClock });
    const { peer, call, happenings, ok } = await world.standing(['Require: timer', 'Session-Expires: 120']);
    assert.deepEqual([ok.get('Session-Expires'), ok.get('Require')], ['120;refresher=uac', 'timer']);
    await serverClock.advance(80_000);
    call.sendRequest('UPDATE', { headers: ['Supported: timer', 'Session-Expires: 180;refresher=uac'] });
    assert.equal((await peer.response(200, 'UPDATE')).get('Session-Expires'), '180;refresher=uac');
    await serverClock.advance(147_900);
    assert.deepEqual(happenings.all, []);
    await serverClock.advance(200);
    assert.deepEqual(await happenings.until('ended'), { cause: {}, lost: true });
    peer.answer(await peer.request('BYE'), 200);
    assert.equal(world.trunk.stats().legs, 0);
  });

  test('a re-INVITE refreshes it, too, and only when it is accepted', async () => {
    const serverClock = new FakeClock();
    await using world = await World.start({ serverClock });
    const { peer, call, happenings } = await world.standing(timer);
    const reinvite = async (answer: { status: number; body?: string }): Promise<string | undefined> => {
      call.sendRequest('INVITE', { body: sdp(3), headers: [call.contact, ...timer] });
      await happenings.until('request INVITE');
      happenings.details.delete('request INVITE');
      happenings.requests.shift()?.answer(answer);
      const response = await peer.response(answer.status, 'INVITE');
      if (answer.status < 300) call.ack(response);
      else call.ackFailure(response);
      await read(peer, call);
      return response.get('Session-Expires');
    };
    await serverClock.advance(60_000);
    assert.equal(await reinvite({ status: 200, body: sdp(4) }), '120;refresher=uac');
    await serverClock.advance(60_000);
    assert.equal(await reinvite({ status: 488 }), undefined);
    assert.ok(!happenings.all.includes('ended'));
    await serverClock.advance(28_000);
    await happenings.until('ended');
    peer.answer(await peer.request('BYE'), 200);
  });

  test('and wants us to refresh it is refreshed about half-way, each time, and by one of us only', async () => {
    const [serverClock, clock] = [new FakeClock(), new FakeClock()];
    await using world = await World.start({ serverClock, clock });
    const headers = ['Supported: timer', 'Allow: INVITE, ACK, BYE, UPDATE', 'Session-Expires: 120;refresher=uas'];
    const { peer, call, happenings, ok } = await world.standing(headers);
    assert.deepEqual([ok.get('Session-Expires'), ok.get('Require')], ['120;refresher=uas', undefined]);
    for (let turn = 1; turn <= 2; turn++) {
      // the server waits a little beyond the half, in case that an application refreshes by itself
      await Promise.all([serverClock.advance(70_000), clock.advance(70_000)]);
      const update = await peer.request('UPDATE');
      assert.equal(update.get('Session-Expires'), '120;refresher=uac');
      peer.answer(update, 200, { headers: ['Session-Expires: 120;refresher=uac', 'Require: timer'] });
      await read(peer, call);
      assert.equal(
        peer.count((message) => message.kind === 'request'),
        turn,
      );
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
    assert.equal(
      peer.count((message) => message.kind === 'response' && message.status === 180),
      0,
    );
  });

  test('without knowing timers gets none', async () => {
    await using world = await World.start({ trunk: { sessionInterval: 1_800_000 } });
    const { ok } = await world.standing(['Session-Expires: 30']);
    assert.equal(ok.get('Session-Expires'), undefined);
  });
});

describe('a caller that knows session timers and asks for none', () => {
  test('gets that of the trunk, not shorter than it bears, and we refresh it', async () => {
    await using world = await World.start({ trunk: { sessionInterval: 600_000 } });
    assert.equal((await world.standing(['Supported: timer'])).ok.get('Session-Expires'), '600;refresher=uas');
    const { ok } = await world.standing(['Supported: timer', 'Min-SE: 900']);
    assert.equal(ok.get('Session-Expires'), '900;refresher=uas');
  });

  test('gets none where the trunk wants none', async () => {
    await using world = await World.start({ trunk: { sessionInterval: 0 } });
    assert.equal((await world.standing(['Supported: timer'])).ok.get('Session-Expires'), undefined);
  });
});

describe('a target', () => {
  for (const refresher of ['uac', 'uas'] as const) {
    test(`is asked for a session timer, which the ${refresher} refreshes; without a refresh the call ends`, async () => {
      const serverClock = new FakeClock();
      await using world = await World.start({ serverClock, trunk: { sessionInterval: 120_000 } });
      const happenings = new Happenings();
      world.trunk.dial(dialRequest(), happenings.events);
      const phone = world.gateway();
      const invite = await phone.request('INVITE');
      assert.deepEqual([invite.get('Session-Expires'), invite.get('Min-SE')], ['120', '90']);
      assert.ok(invite.list('Supported').includes('timer'));
      const headers = [`Session-Expires: 120;refresher=${refresher}`, 'Require: timer', 'Allow: INVITE, UPDATE'];
      phone.answer(invite, 200, { body: sdp(5), headers });
      await phone.request('ACK');
      await happenings.until('answered');
      await serverClock.advance(60_000);
      if (refresher === 'uac') {
        phone.answer(await phone.request('UPDATE'), 200, { headers: headers.slice(0, 2) });
        phone.sendWithin(invite, 'OPTIONS', 1); // by its answer ours has been read
        await phone.response(200, 'OPTIONS');
      } else {
        phone.sendWithin(invite, 'UPDATE', 1, { headers: ['Supported: timer', 'Session-Expires: 120;refresher=uac'] });
        assert.equal((await phone.response(200, 'UPDATE')).get('Session-Expires'), '120;refresher=uac');
      }
      await serverClock.advance(30_000); // past what the first agreement was good for
      assert.deepEqual(happenings.all, ['answered']);
      await serverClock.advance(60_000);
      assert.deepEqual(await happenings.until('ended'), { cause: {}, lost: true });
      phone.answer(await phone.request('BYE'), 200);
    });
  }

  test('that wants a longer interval gets it, from the same gateway', async () => {
    await using world = await World.start({ gateways: 2, trunk: { sessionInterval: 120_000 } });
    const happenings = new Happenings();
    const leg = world.trunk.dial(dialRequest(), happenings.events);
    const phone = world.gateway();
    phone.answer(await phone.request('INVITE'), 422, { headers: ['Min-SE: 900'] });
    const again = await phone.request('INVITE');
    assert.deepEqual([again.get('Session-Expires'), again.get('Min-SE')], ['900', '900']);
    phone.answer(again, 422, { headers: ['Min-SE: 600'] }); // nonsense: it ends here
    assert.deepEqual(await happenings.until('failed'), { reason: 'target-unreachable', status: 422, q850: 127 });
    await leg.hangUp();
    assert.deepEqual([world.gateway(1).received.length, world.trunk.stats().failovers], [0, 0]);
  });
});
