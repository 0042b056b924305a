// What a caller hears before the answer: provisional responses, reliable ones (RFC 3262), early media of several numbers,
// UPDATE in the early dialog (RFC 3311); over the wire.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CallerLeg } from '../../../src/call/ports.ts';
import type { Response } from '../../../src/sip/message/message.ts';
import { withoutDrachtio } from '../../support/drachtio.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import type { PeerCall, SipPeer } from '../../support/sip-peer.ts';
import { sdp, World, type Happenings } from './world.ts';

interface Ringing {
  peer: SipPeer;
  call: PeerCall;
  leg: CallerLeg;
  happenings: Happenings;
}

const required = ['Require: 100rel', 'Supported: 100rel'];
const updates = [...required, 'Allow: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE'];

async function ringing(world: World, headers: string[], body = sdp(1)): Promise<Ringing> {
  const peer = await world.caller();
  const call = peer.invite(world.port, { body, headers });
  const { call: incoming, happenings } = await world.incoming();
  return { peer, call, leg: incoming.leg, happenings };
}

/** Acknowledges a reliable response. */
async function prack({ peer, call }: Ringing, response: Response, body = '', answered = 200): Promise<void> {
  call.to = response.get('To') ?? '';
  call.sendRequest('PRACK', { body, headers: [`RAck: ${response.get('RSeq') ?? ''} 1 INVITE`] });
  await peer.response(answered, 'PRACK');
}

/** A caller that has heard our 180 and, where given, this early media. */
async function heard(world: World, headers: string[], early?: string): Promise<Ringing> {
  const one = await ringing(world, headers);
  await prack(one, await one.peer.response(180, 'INVITE'));
  if (early === undefined) return one;
  one.leg.progress(183, early);
  const response = await one.peer.response(183, 'INVITE');
  assert.equal(response.body.toString(), early);
  await prack(one, response);
  return one;
}

const responses = (peer: SipPeer, status: number): number =>
  peer.count((message) => message.kind === 'response' && message.status === status && message.cseq.method === 'INVITE');

const updatesSeen = (peer: SipPeer): string[] =>
  peer.received
    .filter((message) => message.kind === 'request' && message.method === 'UPDATE')
    .map((message) => message.body.toString());

async function hangUp({ peer, call }: Ringing): Promise<void> {
  call.sendRequest('BYE');
  await peer.response(200, 'BYE');
}

describe('a caller that requires reliable provisional responses', () => {
  test('hears one after the other, each when the one before has its PRACK; early media is the answer to its offer', async () => {
    await using world = await World.start();
    const one = await ringing(world, required);
    const { peer, call, leg } = one;
    const first = await peer.response(180, 'INVITE');
    assert.match(first.get('Require') ?? '', /100rel/);
    leg.progress(180);
    leg.progress(183, sdp(2));
    call.to = first.get('To') ?? '';
    call.sendRequest('OPTIONS');
    await peer.response(200, 'OPTIONS');
    assert.equal(responses(peer, 183), 0);
    await prack(one, first);
    const second = await peer.response(183, 'INVITE');
    assert.match(second.get('Require') ?? '', /100rel/);
    assert.equal(second.body.toString(), sdp(2));
    const answered = leg.answer(sdp(2));
    call.sendRequest('OPTIONS');
    await peer.response(200, 'OPTIONS');
    assert.equal(responses(peer, 200), 0); // RFC 3262 3: not before the PRACK of a description
    await prack(one, second);
    const ok = await peer.response(200, 'INVITE');
    assert.equal(ok.body.toString(), sdp(2));
    call.ack(ok);
    assert.deepEqual(await answered, {});
    await hangUp(one);
  });

  test('and never acknowledges has its call ended', async () => {
    const clock = new FakeClock();
    await using world = await World.start({ t1: 10, clock });
    const { peer, happenings } = await ringing(world, ['Require: 100rel']);
    await peer.response(504, 'INVITE');
    assert.ok(responses(peer, 180) > 1, 'the 180 was repeated');
    await clock.advance(32_000);
    await happenings.until('cancelled');
    assert.equal(world.trunk.stats().legs, 0, 'no later than the server has ended it (64*T1)');
  });

  test(
    'hears no 180 over drachtio-server, which would die when the call ends before the PRACK',
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

  test('and sends a PRACK that answers nothing, or offers, is told so', async () => {
    await using world = await World.start();
    const one = await ringing(world, required);
    const response = await one.peer.response(180, 'INVITE');
    await prack(one, response, sdp(9), 488);
    await prack(one, response, '', 481);
    one.leg.reject(480);
  });

  test('hears of another description by UPDATE where it allows that, and nothing twice', async () => {
    await using world = await World.start();
    const one = await heard(world, updates, sdp(2));
    const { peer, call, leg } = one;
    leg.progress(183, sdp(3)); // another fork, or another number
    const update = await peer.request('UPDATE');
    assert.equal(update.body.toString(), sdp(3));
    leg.progress(183, sdp(4));
    leg.progress(183, sdp(5)); // only the last one is worth telling by then
    peer.answer(update, 200, { body: sdp(1) });
    const next = await peer.request('UPDATE');
    assert.equal(next.body.toString(), sdp(5));
    peer.answer(next, 200, { body: sdp(1) });
    const answered = leg.answer(sdp(5));
    const ok = await peer.response(200, 'INVITE');
    assert.equal(ok.body.length, 0); // RFC 6337 3.1.1
    call.ack(ok);
    assert.deepEqual(await answered, {});
    assert.deepEqual([responses(peer, 183), updatesSeen(peer)], [1, [sdp(3), sdp(5)]]);
    await hangUp(one);
  });

  test('is answered by somebody else: the new description goes ahead of the 200', async () => {
    await using world = await World.start();
    const one = await heard(world, updates, sdp(2));
    const { peer, call, leg } = one;
    const answered = leg.answer(sdp(6));
    const update = await peer.request('UPDATE');
    assert.equal(responses(peer, 200), 0);
    peer.answer(update, 200, { body: sdp(1) });
    const ok = await peer.response(200, 'INVITE');
    assert.equal(ok.body.length, 0);
    call.ack(ok);
    await answered;
    await hangUp(one);
  });

  test('is answered by somebody else and takes no UPDATE: the new description follows the ACK, also after a glare', async () => {
    await using world = await World.start();
    for (const [headers, refused] of [
      [required, 0],
      [updates, 500],
    ] as const) {
      const one = await heard(world, [...headers], sdp(2));
      const { peer, call, leg } = one;
      const answered = leg.answer(sdp(6));
      if (refused > 0) peer.answer(await peer.request('UPDATE'), refused);
      const ok = await peer.response(200, 'INVITE');
      assert.equal(ok.body.toString(), sdp(2)); // the answer that binds
      call.ack(ok);
      peer.answer(await peer.request('INVITE'), 491);
      const reinvite = await peer.request('INVITE');
      assert.equal(reinvite.body.toString(), sdp(6));
      peer.answer(reinvite, 200, { body: sdp(1) });
      assert.deepEqual(await answered, {});
      await hangUp(one);
    }
  });

  test('refuses the description of who answered: nobody would be heard, so the call ends', async () => {
    await using world = await World.start();
    const { peer, call, leg } = await heard(world, required, sdp(2));
    const rejected = assert.rejects(leg.answer(sdp(6)), /488/);
    call.ack(await peer.response(200, 'INVITE'));
    peer.answer(await peer.request('INVITE'), 488);
    await rejected;
    peer.answer(await peer.request('BYE'), 200);
    await leg.hangUp();
    assert.equal(world.trunk.stats().legs, 0);
  });

  test('takes the call back while its answer waits for a PRACK', async () => {
    await using world = await World.start();
    const { peer, call, leg, happenings } = await ringing(world, required);
    await peer.response(180, 'INVITE');
    const rejected = assert.rejects(leg.answer(sdp(2)), /took the call back/);
    call.cancel();
    await peer.response(487, 'INVITE');
    await rejected;
    await happenings.until('cancelled');
    assert.equal(world.trunk.stats().legs, 0);
  });

  test('and offers nothing hears no provisional response, as the first one would have to offer', async () => {
    await using world = await World.start();
    const { peer, call, leg } = await ringing(world, required, '');
    leg.progress(183, sdp(2));
    const answered = leg.answer(sdp(2));
    const ok = await peer.response(200, 'INVITE');
    assert.deepEqual([responses(peer, 180), responses(peer, 183)], [0, 0]);
    call.ack(ok, { body: sdp(3) });
    assert.deepEqual(await answered, { sdp: sdp(3) });
  });
});

describe('a caller that requires reliable provisional responses and offers nothing', () => {
  /** One that was made an offer, which its PRACK answers. */
  async function offered(world: World, headers: string[], answer = sdp(3)) {
    const one = await ringing(world, headers, '');
    const agreed = one.leg.offer(sdp(2));
    const outcome = agreed.catch((error: unknown) => error);
    const response = await one.peer.response(180, 'INVITE');
    assert.match(response.get('Require') ?? '', /100rel/);
    assert.equal(response.body.toString(), sdp(2));
    await prack(one, response, answer);
    return { ...one, outcome: await outcome };
  }

  test('is known to wait for an offer; nobody else is, and none gets a second one', async () => {
    await using world = await World.start();
    for (const [headers, body, awaits] of [
      [required, '', true],
      [required, sdp(1), undefined],
      [['Supported: 100rel'], '', undefined],
    ] as const) {
      const peer = await world.caller();
      peer.invite(world.port, { body, headers: [...headers] });
      const { call } = await world.incoming();
      assert.equal(call.awaitsOffer, awaits);
      if (awaits !== true) await assert.rejects(call.leg.offer(sdp(2)), /awaits no offer/);
      call.leg.reject(480);
      await assert.rejects(call.leg.offer(sdp(2)));
    }
  });

  test('answers our offer in its PRACK; early media go by UPDATE, and the 200 says nothing of them', async () => {
    await using world = await World.start();
    const one = await offered(world, updates);
    const { peer, call, leg, outcome } = one;
    assert.equal(outcome, sdp(3));
    leg.progress(180); // which it has heard
    leg.progress(183, sdp(4));
    const update = await peer.request('UPDATE');
    assert.equal(update.body.toString(), sdp(4));
    peer.answer(update, 200, { body: sdp(3) });
    const rings = await peer.response(183, 'INVITE');
    assert.equal(rings.body.length, 0);
    await prack(one, rings);
    const answered = leg.answer(sdp(4));
    const ok = await peer.response(200, 'INVITE');
    assert.equal(ok.body.length, 0);
    call.ack(ok);
    assert.deepEqual(await answered, {});
    assert.equal(responses(peer, 180), 1);
    await hangUp(one);
  });

  test('takes no UPDATE: who answered is told behind the ACK, and the 200 has no second offer', async () => {
    await using world = await World.start();
    const one = await offered(world, required);
    const { peer, call, leg } = one;
    const answered = leg.answer(sdp(6));
    const ok = await peer.response(200, 'INVITE');
    assert.equal(ok.body.length, 0);
    call.ack(ok);
    const reinvite = await peer.request('INVITE');
    assert.equal(reinvite.body.toString(), sdp(6));
    peer.answer(reinvite, 200, { body: sdp(3) });
    assert.deepEqual(await answered, { sdp: sdp(3) });
    await hangUp(one);
  });

  test('has no answer in its PRACK: that is told, and the call may still be answered', async () => {
    await using world = await World.start();
    const one = await offered(world, required, '');
    assert.match(String(one.outcome), /no answer/);
    const answered = one.leg.answer(sdp(6));
    one.call.ack(await one.peer.response(200, 'INVITE'));
    one.peer.answer(await one.peer.request('INVITE'), 200, { body: sdp(3) });
    assert.deepEqual(await answered, { sdp: sdp(3) });
    await hangUp(one);
  });

  test('has no answer in its PRACK, and takes UPDATE: its answer to that is what it says', async () => {
    await using world = await World.start();
    const one = await offered(world, updates, '');
    const answered = one.leg.answer(sdp(6));
    one.peer.answer(await one.peer.request('UPDATE'), 200, { body: sdp(3) });
    one.call.ack(await one.peer.response(200, 'INVITE'));
    assert.deepEqual(await answered, { sdp: sdp(3) });
    await hangUp(one);
  });

  test('takes the call back before its PRACK', async () => {
    await using world = await World.start();
    const { peer, call, leg, happenings } = await ringing(world, required, '');
    const rejected = assert.rejects(leg.offer(sdp(2)), /over/);
    await peer.response(180, 'INVITE');
    call.cancel();
    await rejected;
    await happenings.until('cancelled');
    assert.equal(world.trunk.stats().legs, 0);
  });
});

describe('whether provisional responses are reliable', () => {
  for (const [policy, headers, reliable] of [
    ['required', ['Supported: 100rel'], false],
    ['supported', ['Supported: 100rel'], true],
    ['supported', [], false],
  ] as const) {
    test(`${policy}, to a caller with ${headers.join() || 'neither tag'}: ${reliable ? 'yes' : 'no'}`, async () => {
      await using world = await World.start({ trunk: { reliableProvisionals: policy } });
      const { peer, leg } = await ringing(world, [...headers]);
      const response = await peer.response(180, 'INVITE');
      assert.equal(response.get('RSeq') !== undefined, reliable);
      leg.reject(480);
    });
  }

  test('never: a caller that requires them is refused, and they are not offered to targets', async () => {
    await using world = await World.start({ trunk: { reliableProvisionals: 'never' } });
    const peer = await world.caller();
    const call = peer.invite(world.port, { headers: required });
    const refused = await peer.response(420, 'INVITE');
    call.ackFailure(refused);
    assert.equal(refused.get('Unsupported'), '100rel');
  });

  test('to others each response may describe another one, and an UPDATE is too early', async () => {
    await using world = await World.start();
    const one = await ringing(world, ['Allow: UPDATE', 'P-Early-Media: supported']);
    const { peer, call, leg } = one;
    const first = await peer.response(180, 'INVITE');
    leg.progress(183, sdp(2));
    const early = await peer.response(183, 'INVITE');
    assert.equal(early.get('P-Early-Media'), 'sendrecv');
    leg.progress(183, sdp(3));
    assert.equal((await peer.response(183, 'INVITE')).body.toString(), sdp(3));
    call.to = first.get('To') ?? '';
    call.sendRequest('UPDATE', { body: sdp(9), headers: [call.contact] });
    assert.notEqual((await peer.response(500, 'UPDATE')).get('Retry-After'), undefined); // RFC 3311 5.2
    call.sendRequest('PRACK', { headers: ['RAck: 1 1 INVITE'] });
    await peer.response(481, 'PRACK');
    const answered = leg.answer(sdp(4));
    const ok = await peer.response(200, 'INVITE');
    assert.equal(ok.body.toString(), sdp(4));
    call.ack(ok);
    await answered;
    await hangUp(one);
  });
});

describe('a caller, before the answer,', () => {
  test('changes the session by UPDATE once it is agreed; the 200 then says nothing of it', async () => {
    await using world = await World.start();
    const one = await heard(world, updates, sdp(2));
    const { peer, call, leg, happenings } = one;
    call.sendRequest('UPDATE', { headers: [call.contact] });
    await peer.response(200, 'UPDATE'); // no offer: nothing to decide
    call.sendRequest('UPDATE', { body: sdp(7), headers: [call.contact] });
    assert.deepEqual(await happenings.until('request UPDATE'), {
      method: 'UPDATE',
      contentType: 'application/sdp',
      body: sdp(7),
    });
    happenings.requests.shift()?.answer({ status: 200, body: sdp(8) });
    assert.equal((await peer.response(200, 'UPDATE')).body.toString(), sdp(8));
    const answered = leg.answer(sdp(8));
    const ok = await peer.response(200, 'INVITE');
    assert.equal(ok.body.length, 0);
    call.ack(ok);
    await answered;
    await hangUp(one);
  });

  test('gets 491 when its UPDATE crosses ours, and 488 when nobody has an answer to it', async () => {
    await using world = await World.start();
    const { peer, call, leg, happenings } = await heard(world, updates, sdp(2));
    leg.progress(183, sdp(3));
    const ours = await peer.request('UPDATE');
    call.sendRequest('UPDATE', { body: sdp(7), headers: [call.contact] });
    await peer.response(491, 'UPDATE');
    peer.answer(ours, 491);
    call.sendRequest('OPTIONS');
    await peer.response(200, 'OPTIONS');
    call.sendRequest('UPDATE', { body: sdp(7), headers: [call.contact] });
    await happenings.until('request UPDATE');
    happenings.requests.shift()?.answer({ status: 200 });
    await peer.response(488, 'UPDATE');
    leg.reject(480);
    call.ackFailure(await peer.response(480, 'INVITE'));
  });

  test('is asked by UPDATE for what the target asks, where that can be', async () => {
    await using world = await World.start();
    const update = { method: 'UPDATE', contentType: 'application/sdp', body: sdp(7) };
    const plain = await ringing(world, ['Allow: UPDATE']);
    plain.leg.progress(183, sdp(2));
    await plain.peer.response(183, 'INVITE');
    assert.equal((await plain.leg.request(update)).status, 491);
    const { peer, call, leg } = await heard(world, updates, sdp(2));
    const told = leg.request(update);
    const received = await peer.request('UPDATE');
    assert.equal(received.body.toString(), sdp(7));
    assert.equal((await leg.request(update)).status, 491); // one at a time
    peer.answer(received, 200, { body: sdp(8) });
    assert.equal((await told).body, sdp(8));
    const answered = leg.answer(sdp(7)); // which it knows by now
    const ok = await peer.response(200, 'INVITE');
    assert.equal(ok.body.length, 0);
    call.ack(ok);
    await answered;
  });

  test('ends the early dialog by BYE', async () => {
    await using world = await World.start();
    const { peer, call, happenings } = await ringing(world, []);
    const response = await peer.response(180, 'INVITE');
    call.to = response.get('To') ?? '';
    call.sendRequest('BYE', { headers: ['Reason: Q.850;cause=16'] });
    await peer.response(200, 'BYE');
    await peer.response(487, 'INVITE');
    assert.deepEqual(await happenings.until('cancelled'), { q850: 16 });
    assert.deepEqual([world.trunk.stats().legs, world.server.stats().dialogs], [0, 0]);
  });

  for (const announced of [true, false]) {
    test(`is ${announced ? '' : 'not '}told by 181 that its call is forwarded`, async () => {
      await using world = await World.start({ trunk: { announceForwarding: announced } });
      const { peer, leg } = await ringing(world, []);
      await peer.response(180, 'INVITE');
      leg.progress(181);
      leg.progress(180);
      leg.reject(480);
      await peer.response(480, 'INVITE');
      assert.deepEqual([responses(peer, 181), responses(peer, 180)], announced ? [1, 2] : [0, 1]);
    });
  }
});
