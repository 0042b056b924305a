// A target that was forked behind its gateway (RFC 3261 12.1.2, 13.2.2.4), its early dialogs, and UPDATE in them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TargetLeg } from '../../../src/call/ports.ts';
import type { Request } from '../../../src/sip/message/message.ts';
import type { SipPeer } from '../../support/sip-peer.ts';
import { dialRequest, Happenings, sdp, World } from './world.ts';

interface Dialling {
  leg: TargetLeg;
  happenings: Happenings;
  phone: SipPeer;
  invite: Request;
}

async function dial(world: World): Promise<Dialling> {
  const happenings = new Happenings();
  const leg = world.trunk.dial(dialRequest(), happenings.events);
  const phone = world.gateway();
  return { leg, happenings, phone, invite: await phone.request('INVITE') };
}

const reliable = (sequence: number): string[] => [
  'Require: 100rel',
  `RSeq: ${sequence}`,
  'Allow: INVITE, PRACK, UPDATE',
];

async function hangUp({ leg, phone }: Dialling): Promise<void> {
  const gone = leg.hangUp();
  phone.answer(await phone.request('BYE'), 200);
  await gone;
}

describe('a target', () => {
  test('may answer provisionally in a reliable way, which each of its forks gets its PRACK for', async () => {
    await using world = await World.start();
    const dialling = await dial(world);
    const { phone, invite, happenings } = dialling;
    assert.ok(invite.list('Supported').includes('100rel'));
    // Both are there before the first PRACK leaves.
    phone.answer(invite, 183, { tag: 'one', body: sdp(3), headers: reliable(11) });
    phone.answer(invite, 183, { tag: 'two', body: sdp(4), headers: reliable(22) });
    for (let n = 0; n < 2; n++) {
      const prack = await phone.request('PRACK');
      const [sequence] = (prack.get('RAck') ?? '').split(' ');
      assert.equal(prack.to.parameters.get('tag'), sequence === '11' ? 'one' : 'two');
      phone.answer(prack, 200);
    }
    phone.answer(invite, 200, { tag: 'one' }); // its description is known
    await phone.request('ACK');
    assert.equal(await happenings.until('answered'), sdp(3));
    assert.deepEqual(happenings.forks, ['one', 'two', 'one']);
    await hangUp(dialling);
  });

  test('that answers twice is connected to the first; the surplus answer gets ACK and BYE', async () => {
    await using world = await World.start();
    const dialling = await dial(world);
    const { phone, invite, happenings } = dialling;
    phone.answer(invite, 180, { tag: 'one' });
    phone.answer(invite, 180, { tag: 'two' });
    phone.answer(invite, 200, { tag: 'two', body: sdp(4) });
    phone.answer(invite, 200, { tag: 'one', body: sdp(3) });
    const acks = [await phone.request('ACK'), await phone.request('ACK')];
    assert.deepEqual(acks.map(({ to }) => to.parameters.get('tag')).toSorted(), ['one', 'two']);
    const bye = await phone.request('BYE');
    assert.equal(bye.to.parameters.get('tag'), 'one');
    phone.answer(bye, 200);
    assert.equal(await happenings.until('answered'), sdp(4));
    assert.deepEqual(happenings.all, ['progress 180', 'progress 180', 'answered']);
    await hangUp(dialling);
    assert.equal(world.server.stats().dialogs, 0);
  });

  test('changes its session by UPDATE before the answer, once it is agreed', async () => {
    await using world = await World.start();
    const dialling = await dial(world);
    const { phone, invite, happenings } = dialling;
    phone.answer(invite, 183, { body: sdp(3) }); // not reliable: nothing is agreed
    await happenings.until('progress 183');
    phone.sendWithin(invite, 'UPDATE', 1, { body: sdp(6) });
    await phone.response(500, 'UPDATE');
    phone.sendWithin(invite, 'UPDATE', 2);
    await phone.response(200, 'UPDATE');
    phone.answer(invite, 183, { body: sdp(3), headers: reliable(1) });
    phone.answer(await phone.request('PRACK'), 200);
    phone.sendWithin(invite, 'UPDATE', 3, { body: sdp(6) });
    assert.deepEqual(await happenings.until('request UPDATE'), {
      method: 'UPDATE',
      contentType: 'application/sdp',
      body: sdp(6),
      fork: 'peer',
    });
    happenings.requests.shift()?.answer({ status: 200, body: sdp(7) });
    assert.equal((await phone.response(200, 'UPDATE')).body.toString(), sdp(7));
    phone.answer(invite, 200, { body: sdp(3) });
    await phone.request('ACK');
    await hangUp(dialling);
  });

  test('is told of a change by UPDATE before the answer, in the early dialog that is heard, where that takes it', async () => {
    await using world = await World.start();
    const dialling = await dial(world);
    const { leg, phone, invite, happenings } = dialling;
    const update = { method: 'UPDATE', contentType: 'application/sdp', body: sdp(8) };
    assert.equal((await leg.request(update)).status, 481);
    phone.answer(invite, 183, { body: sdp(3) });
    await happenings.until('progress 183');
    assert.equal((await leg.request(update)).status, 491);
    phone.answer(invite, 183, { body: sdp(3), headers: reliable(1) });
    phone.answer(await phone.request('PRACK'), 200);
    const told = leg.request(update);
    const received = await phone.request('UPDATE');
    assert.equal(received.body.toString(), sdp(8));
    phone.answer(received, 200, { body: sdp(9) });
    const { body, fork } = await told;
    assert.deepEqual([body, fork], [sdp(9), 'peer']);
    phone.answer(invite, 183, { tag: 'other', body: sdp(4), headers: reliable(7) });
    phone.answer(await phone.request('PRACK'), 200);
    const toOther = leg.request(update);
    const elsewhere = await phone.request('UPDATE');
    assert.equal(elsewhere.to.parameters.get('tag'), 'other');
    phone.answer(elsewhere, 200, { body: sdp(10) });
    assert.equal((await toOther).fork, 'other');
    phone.answer(invite, 180, { headers: ['Allow: UPDATE'] });
    await happenings.until('progress 180');
    assert.equal((await leg.request(update)).status, 491); // it would reach one that is not heard
    phone.sendWithin(invite, 'UPDATE', 4, { body: sdp(6) });
    await phone.response(500, 'UPDATE'); // nor is that one heard if it changes its media
    phone.answer(invite, 199, { tag: 'other', headers: reliable(8) }); // RFC 6228: the early dialog is over
    phone.answer(await phone.request('PRACK'), 200);
    const again = leg.request(update);
    const last = await phone.request('UPDATE');
    assert.equal(last.to.parameters.get('tag'), 'peer');
    phone.answer(last, 488);
    assert.equal((await again).status, 488);
    assert.ok(!happenings.all.includes('progress 199'));
    phone.answer(invite, 486);
    await happenings.until('failed');
  });

  test('that was challenged is heard before the answer as any other', async () => {
    await using world = await World.start({ trunk: { credentials: { username: 'as', password: 'secret' } } });
    const { phone, invite, happenings } = await dial(world);
    phone.answer(invite, 407, { headers: ['Proxy-Authenticate: Digest realm="op", nonce="n1"'] });
    const again = await phone.request('INVITE');
    assert.match(again.get('Proxy-Authorization') ?? '', /^Digest .*nonce="n1"/);
    phone.answer(again, 183, { body: sdp(3), headers: reliable(1) });
    phone.answer(await phone.request('PRACK'), 200);
    phone.sendWithin(again, 'UPDATE', 1); // drachtio-srf takes its listeners over to the second INVITE only in part
    await phone.response(200, 'UPDATE');
    phone.answer(again, 486);
    assert.deepEqual(await happenings.until('failed'), { reason: 'target-busy', status: 486, q850: 17 });
  });

  test('whose network says that there is nothing to be heard has no early media', async () => {
    await using world = await World.start();
    const { phone, invite, happenings } = await dial(world);
    assert.equal(invite.get('P-Early-Media'), 'supported');
    phone.answer(invite, 183, { body: sdp(3), headers: ['P-Early-Media: inactive'] });
    assert.equal(await happenings.until('progress 183'), undefined);
    phone.answer(invite, 180, { body: sdp(3), headers: ['P-Early-Media: sendrecv, gated'] });
    assert.equal(await happenings.until('progress 180'), sdp(3));
    phone.answer(invite, 486);
    await happenings.until('failed');
  });

  test('whose 200 gets lost is heard when it comes again, and connected once', async () => {
    await using world = await World.start();
    const dialling = await dial(world);
    const { phone, invite, happenings } = dialling;
    phone.answer(invite, 180);
    await happenings.until('progress 180'); // the first 200 never arrives
    for (let copy = 0; copy < 3; copy++) {
      phone.answer(invite, 200, { body: sdp(5) });
      await phone.request('ACK'); // each copy means that an ACK got lost
    }
    await happenings.until('answered');
    assert.deepEqual(happenings.all, ['progress 180', 'answered']);
    await hangUp(dialling);
  });
});
