// INVITEs without an offer, on both legs (RFC 3261 13.2.1): the 2xx carries it, and the ACK the answer.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CallerLeg, TargetLeg } from '../../../src/call/ports.ts';
import type { Request } from '../../../src/sip/message/message.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import type { PeerCall, SipPeer } from '../../support/sip-peer.ts';
import { dialRequest, Happenings, sdp, World } from './world.ts';

describe('a caller without an offer', () => {
  async function offerless(
    world: World,
  ): Promise<{ peer: SipPeer; call: PeerCall; leg: CallerLeg; happenings: Happenings }> {
    const peer = await world.caller();
    const call = peer.invite(world.port, { body: '' });
    const { call: incoming, happenings } = await world.incoming();
    assert.equal(incoming.sdp, undefined);
    return { peer, call, leg: incoming.leg, happenings };
  }

  test('gets ours in the 200, and answers it in the ACK', async () => {
    await using world = await World.start();
    const { peer, call, leg } = await offerless(world);
    const answered = leg.answer(sdp(2));
    const ok = await peer.response(200, 'INVITE');
    assert.equal(ok.body.toString(), sdp(2));
    call.ack(ok, { body: sdp(3) });
    assert.deepEqual(await answered, { sdp: sdp(3) });
    call.sendRequest('BYE');
    await peer.response(200, 'BYE');
  });

  test('whose ACK has no answer cannot be spoken with, and is hung up', async () => {
    await using world = await World.start();
    const { peer, call, leg } = await offerless(world);
    const rejected = assert.rejects(leg.answer(sdp(2)), /no answer/);
    call.ack(await peer.response(200, 'INVITE'));
    await rejected;
    const bye = await peer.request('BYE');
    assert.match(bye.get('Reason') ?? '', /^Q\.850;cause=127/);
    peer.answer(bye, 200);
    await leg.hangUp();
    assert.equal(world.trunk.stats().legs, 0);
  });
});

describe('a target without an offer', () => {
  async function offered(
    world: World,
  ): Promise<{ leg: TargetLeg; happenings: Happenings; invite: Request; phone: SipPeer }> {
    const happenings = new Happenings();
    const { sdp: _, ...request } = dialRequest();
    const leg = world.trunk.dial(request, happenings.events);
    const phone = world.gateway();
    const invite = await phone.request('INVITE');
    assert.deepEqual([invite.body.length, invite.get('Content-Type')], [0, undefined]);
    phone.answer(invite, 200, { body: sdp(5) });
    assert.equal(await happenings.until('answered'), sdp(5));
    return { leg, happenings, invite, phone };
  }
  const acks = (phone: SipPeer): number =>
    phone.count((message) => message.kind === 'request' && message.method === 'ACK');

  test('makes one in its 2xx, whose ACK waits for the answer', async () => {
    await using world = await World.start();
    const { leg, phone, invite } = await offered(world);
    phone.answer(invite, 200, { body: sdp(5) }); // again, as no ACK came
    assert.equal(acks(phone), 0);
    leg.acknowledge(sdp(6));
    const ack = await phone.request('ACK');
    assert.equal(ack.body.toString(), sdp(6));
    assert.equal(ack.get('Content-Type'), 'application/sdp');
    leg.acknowledge(sdp(7)); // once is enough
    const gone = leg.hangUp();
    phone.answer(await phone.request('BYE'), 200);
    await gone;
    assert.ok(!phone.received.some((message) => message.body.toString() === sdp(7)));
  });

  test('is acknowledged before it is hung up', async () => {
    await using world = await World.start();
    const { leg, phone } = await offered(world);
    const gone = leg.hangUp({ q850: 16 });
    await phone.request('ACK');
    phone.answer(await phone.request('BYE'), 200);
    await gone;
    assert.equal(world.server.stats().dialogs, 0);
  });

  test('is hung up when nobody answers its offer in time', async () => {
    const clock = new FakeClock();
    await using world = await World.start({ clock });
    const { happenings, phone } = await offered(world);
    await clock.advance(20_000);
    await phone.request('ACK');
    phone.answer(await phone.request('BYE'), 200);
    assert.deepEqual(await happenings.until('ended'), { cause: { q850: 102 }, lost: true });
    assert.deepEqual(happenings.all, ['answered', 'ended']);
  });

  test('that answers without an offer has failed', async () => {
    await using world = await World.start();
    const happenings = new Happenings();
    const { sdp: _, ...request } = dialRequest();
    world.trunk.dial(request, happenings.events);
    const phone = world.gateway();
    const invite = await phone.request('INVITE');
    phone.answer(invite, 183, { body: sdp(4) }); // unreliable: no offer (RFC 3261 13.2.1)
    phone.answer(invite, 200);
    await phone.request('ACK');
    phone.answer(await phone.request('BYE'), 200);
    assert.deepEqual(await happenings.until('failed'), { reason: 'failed', status: 200, q850: 127 });
  });
});
