// REFER of the caller (RFC 3515), what comes of it, and how it is told from other ends of the call; over the wire.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import type { Request } from '../../../src/sip/message/message.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { destination, finalCalled, firstCalled, Happenings, World, type StandingCall } from './world.ts';

interface Referred extends StandingCall {
  refer: Request;
  told: Happenings;
}

async function refer(world: World, to = destination()): Promise<Referred> {
  const standing = await world.standing();
  const told = new Happenings();
  standing.leg.refer(to, told.referral);
  return { ...standing, told, refer: await standing.peer.request('REFER') };
}

/** A NOTIFY of the far side about `referred`. */
async function notify(
  { peer, call, refer }: Referred,
  status: string | undefined,
  options: { state?: string; event?: string; answered?: number } = {},
): Promise<void> {
  const { state = 'active;expires=60', event = `refer;id=${refer.cseq.sequence}`, answered = 200 } = options;
  call.sendRequest('NOTIFY', {
    body: status === undefined ? '' : `SIP/2.0 ${status}\r\n`,
    contentType: 'message/sipfrag;version=2.0',
    headers: [call.contact, `Event: ${event}`, `Subscription-State: ${state}`],
  });
  await peer.response(answered, 'NOTIFY');
}

describe('REFER', () => {
  test('names the number, who refers, and is followed from 202 to the answer; the leg stands until it is hung up', async () => {
    await using world = await World.start({ trunk: { identity: { domain: 'ims.example.net' } } });
    const referred = await refer(world);
    const { peer, told, leg } = referred;
    assert.equal(referred.refer.get('Refer-To'), `<sip:${finalCalled}@ims.example.net;user=phone>`);
    assert.equal(referred.refer.get('Referred-By'), `<sip:${firstCalled}@ims.example.net;user=phone>`);
    peer.answer(referred.refer, 202);
    await told.until('refer 202');
    await notify(referred, '100 Trying');
    await notify(referred, '180 Ringing');
    await notify(referred, '200 OK', { state: 'terminated;reason=noresource' });
    await told.until('transferred');
    assert.deepEqual(told.all, ['refer 202', 'refer 100', 'refer 180', 'transferred']);
    assert.deepEqual(referred.happenings.all, []);
    await notify(referred, '200 OK', { answered: 481 }); // the subscription has ended
    const gone = leg.hangUp({ q850: 16 });
    peer.answer(await peer.request('BYE'), 200);
    await gone;
  });

  for (const to of ['tel:+8613900139000;ext=5', 'sip:li@example.net:5070;transport=tcp']) {
    test(`sends to ${to} as it is written`, async () => {
      await using world = await World.start();
      const { refer: request } = await refer(world, destination({ to: [to] }));
      assert.equal(request.get('Refer-To'), `<${to}>`);
    });
  }

  test('writes numbers as the trunk does, at its gateway where it names no domain', async () => {
    await using world = await World.start({ trunk: { identity: { numberFormat: 'national' } } });
    const { refer: request } = await refer(world);
    assert.equal(request.get('Refer-To'), `<sip:13900139000@127.0.0.1:${world.gateway().port};user=phone>`);
  });

  test('replaces the dialog of a standing leg, named as its far side knows it', async () => {
    await using world = await World.start();
    const { leg, ack, phone } = await world.standingTarget();
    const { refer: request } = await refer(world, destination({ replaces: leg }));
    const replaces = /\?Replaces=([^>&]+)>$/.exec(request.get('Refer-To') ?? '')?.[1] ?? '';
    const [to, from] = [ack.to.parameters.get('tag') ?? '', ack.from.parameters.get('tag') ?? ''];
    assert.match(replaces, /^[\w.!~*'()%-]+$/); // escaped
    assert.equal(decodeURIComponent(replaces), `${ack.callId};to-tag=${to};from-tag=${from}`);
    const gone = leg.hangUp();
    phone.answer(await phone.request('BYE'), 200);
    await gone;
    const told = new Happenings();
    const { leg: other } = await world.standing();
    other.refer(destination({ replaces: leg }), told.referral); // nobody is there to be replaced
    await told.until('refused');
  });

  for (const challenge of [401, 407]) {
    test(`is sent again with credentials when it is challenged by ${challenge}`, async () => {
      await using world = await World.start({ trunk: { credentials: { username: 'as', password: 'secret' } } });
      const referred = await refer(world);
      const { peer, told, call } = referred;
      const name = challenge === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate';
      peer.answer(referred.refer, challenge, {
        headers: [`${name}: Digest realm="op", nonce="n1", algorithm=MD5, qop="auth"`],
      });
      const again = await peer.request('REFER');
      const answer = again.get(challenge === 401 ? 'Authorization' : 'Proxy-Authorization') ?? '';
      const value = (key: string): string => new RegExp(`\\b${key}="?([^",]+)`).exec(answer)?.[1] ?? '';
      const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
      assert.equal(value('uri'), `sip:caller@127.0.0.1:${call.peer.port}`); // that of the request (RFC 3261 22.4)
      const [a1, a2] = [md5('as:op:secret'), md5(`REFER:${value('uri')}`)];
      assert.equal(value('response'), md5(`${a1}:n1:${value('nc')}:${value('cnonce')}:auth:${a2}`));
      peer.answer(again, 202);
      await notify({ ...referred, refer: again }, '200 OK', { state: 'terminated' });
      await told.until('transferred');
    });
  }

  for (const status of [403, 405, 408, 420, 481, 501, 603]) {
    test(`answered with ${status} is refused, and the leg stands`, async () => {
      await using world = await World.start();
      const { peer, told, refer: request, leg, happenings } = await refer(world);
      peer.answer(request, status);
      assert.deepEqual(await told.until('refused'), { status });
      const info = leg.request({ method: 'INFO' });
      peer.answer(await peer.request('INFO'), 200);
      assert.equal((await info).status, 200);
      assert.deepEqual([told.all, happenings.all], [['refused'], []]);
    });
  }

  for (const [fragment, reason] of [
    ['486 Busy Here', 'target-busy'],
    ['600 Busy Everywhere', 'target-busy'],
    ['603 Decline', 'target-refused'],
    ['480 Temporarily Unavailable', 'target-no-answer'],
    ['487 Request Terminated', 'target-no-answer'],
  ] as const) {
    test(`has failed by the number when NOTIFY says ${fragment}`, async () => {
      await using world = await World.start();
      const referred = await refer(world);
      referred.peer.answer(referred.refer, 202);
      await notify(referred, `${fragment}\r\nReason: Q.850;cause=31`, { state: 'terminated;reason=noresource' });
      assert.deepEqual(await referred.told.until('refer failed'), {
        reason,
        status: Number(fragment.slice(0, 3)),
        q850: 31,
      });
      assert.deepEqual(referred.told.all, ['refer 202', 'refer failed']);
    });
  }

  test('tells a silence that rang somebody from one of the network', async () => {
    await using world = await World.start();
    const [silent, rang] = [await refer(world), await refer(world)];
    for (const one of [silent, rang]) one.peer.answer(one.refer, 202);
    await notify(silent, '408 Request Timeout', { state: 'terminated' });
    assert.deepEqual(await silent.told.until('refused'), { status: 408 });
    await notify(rang, '180 Ringing');
    await notify(rang, '408 Request Timeout', { state: 'terminated' });
    assert.deepEqual(await rang.told.until('refer failed'), { reason: 'target-no-answer', status: 408, q850: 102 });
  });

  for (const [what, fragment, state, refusal] of [
    ['a fault of the network', '503 Service Unavailable', 'terminated;reason=noresource', { status: 503 }],
    ['the end of the subscription before an outcome', '100 Trying', 'terminated;reason=timeout', {}],
    ['the end of the subscription and nothing else', undefined, 'terminated', {}],
  ] as const) {
    test(`is refused when NOTIFY tells ${what}`, async () => {
      await using world = await World.start();
      const referred = await refer(world);
      referred.peer.answer(referred.refer, 202);
      await notify(referred, fragment, { state });
      assert.deepEqual(await referred.told.until('refused'), refusal);
    });
  }

  test('is accepted by a NOTIFY that comes before the 202, with or without its id', async () => {
    await using world = await World.start();
    const referred = await refer(world);
    await notify(referred, '100 Trying', { event: 'refer' });
    await referred.told.until('refer 202');
    referred.peer.answer(referred.refer, 202);
    await notify(referred, '200 OK', { event: 'refer;id=999999999', answered: 481 }); // of another REFER
    await notify(referred, '200 OK', { state: 'terminated' });
    await referred.told.until('transferred');
    assert.deepEqual(referred.told.all, ['refer 202', 'refer 100', 'transferred']);
  });

  test('whose answer, first NOTIFY or outcome does not come in time is refused', async () => {
    const clock = new FakeClock();
    await using world = await World.start({ clock, trunk: { ringTimeout: 60_000 } });
    const [unanswered, unheard, undecided] = [await refer(world), await refer(world), await refer(world)];
    for (const one of [unheard, undecided]) {
      one.peer.answer(one.refer, 202);
      await one.told.until('refer 202');
    }
    await notify(undecided, '180 Ringing');
    await clock.advance(9_999);
    assert.deepEqual(unanswered.told.all, []);
    await clock.advance(1);
    assert.deepEqual(unanswered.told.all, ['refused']);
    await clock.advance(21_999);
    assert.deepEqual(unheard.told.all, ['refer 202']);
    await clock.advance(1);
    assert.deepEqual(unheard.told.all, ['refer 202', 'refused']); // RFC 6665 timer N
    await clock.advance(27_999);
    assert.ok(!undecided.told.all.includes('refused'));
    await clock.advance(1);
    assert.deepEqual(undecided.told.all, ['refer 202', 'refer 180', 'refused']);
    await notify(undecided, '200 OK', { state: 'terminated', answered: 481 }); // too late: nobody follows any more
    assert.deepEqual(undecided.told.all.slice(3), ['late']);
  });

  test('that is accepted when we have given up is told to be late, once; its NOTIFYs hear that nobody follows', async () => {
    const clock = new FakeClock();
    await using world = await World.start({ clock });
    const [answered, notified, refused] = [await refer(world), await refer(world), await refer(world)];
    await clock.advance(10_000);
    refused.peer.answer(refused.refer, 603);
    await notify(notified, '180 Ringing', { answered: 481 });
    answered.peer.answer(answered.refer, 202);
    await answered.told.until('late');
    await notify(answered, '180 Ringing', { answered: 481 });
    refused.call.sendRequest('OPTIONS'); // by its answer the 603 was read
    await refused.peer.response(200, 'OPTIONS');
    for (const [{ told, happenings }, all] of [
      [answered, ['refused', 'late']],
      [notified, ['refused', 'late']],
      [refused, ['refused']],
    ] as const) {
      assert.deepEqual([told.all, happenings.all], [all, []]);
    }
  });

  test('followed by a BYE that nothing explains has transferred the call', async () => {
    const clock = new FakeClock();
    await using world = await World.start({ clock });
    const { peer, call, told, refer: request, happenings } = await refer(world);
    peer.answer(request, 202);
    await told.until('refer 202');
    call.sendRequest('BYE');
    call.sendRequest('OPTIONS'); // by its answer the BYE was read
    await peer.response(200, 'OPTIONS');
    assert.ok(!told.all.includes('transferred'));
    await clock.advance(1_000);
    await peer.response(200, 'BYE');
    await happenings.until('ended');
    assert.deepEqual([told.all, happenings.all], [['refer 202', 'transferred'], ['ended']]);
    assert.equal(world.trunk.stats().legs, 0);
  });

  test('followed by a BYE is told by the NOTIFY behind it: a success, or a caller who hung up', async () => {
    await using world = await World.start();
    for (const [fragment, outcome] of [
      ['200 OK', ['refer 202', 'transferred']],
      ['487 Request Terminated', ['refer 202']],
    ] as const) {
      const referred = await refer(world);
      referred.peer.answer(referred.refer, 202);
      await referred.told.until('refer 202');
      referred.call.sendRequest('BYE', { headers: ['Reason: Q.850;cause=16'] });
      await notify(referred, fragment, { state: 'terminated' });
      await referred.peer.response(200, 'BYE');
      assert.deepEqual(await referred.happenings.until('ended'), { cause: { q850: 16 }, lost: false });
      assert.deepEqual(referred.told.all, outcome);
    }
    assert.equal(world.trunk.stats().legs, 0);
  });

  test('before whose answer the caller hangs up comes to nothing', async () => {
    await using world = await World.start();
    const { peer, call, told, happenings } = await refer(world);
    call.sendRequest('BYE');
    await peer.response(200, 'BYE');
    await happenings.until('ended');
    assert.deepEqual(told.all, []);
  });

  test('is not sent before the call stands, nor a second one beside the first, nor to what is no address', async () => {
    await using world = await World.start();
    const peer = await world.caller();
    peer.invite(world.port);
    const { call: ringing } = await world.incoming();
    const [early, second, bad] = [new Happenings(), new Happenings(), new Happenings()];
    ringing.leg.refer(destination(), early.referral);
    assert.deepEqual(early.all, []); // never before refer returned
    await early.until('refused');
    ringing.leg.reject(480);
    const { leg, peer: caller } = await refer(world);
    leg.refer(destination(), second.referral);
    await second.until('refused');
    const { leg: third } = await world.standing();
    third.refer(destination({ to: ['sip:a@b>\r\nX: 1'] }), bad.referral);
    await bad.until('refused');
    assert.equal(
      caller.count((message) => message.kind === 'request' && message.method === 'REFER'),
      1,
    );
  });
});
