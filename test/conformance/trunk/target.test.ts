import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../../src/shared/clock.ts';
import type { Request } from '../../../src/sip/message/message.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import type { SipPeer } from '../../support/sip-peer.ts';
import { caller, dialRequest, finalCalled, firstCalled, Happenings, sdp, World } from './world.ts';

/** The target's phone accepts the INVITE that it got. */
async function accept(peer: SipPeer, invite: Request): Promise<Request> {
  peer.answer(invite, 200, { body: sdp(5) });
  return peer.request('ACK');
}

describe('a call to a final called number', () => {
  test('shows the caller and the diversion, rings, is answered and acknowledged, and is hung up by us', async () => {
    await using world = await World.start();
    const happenings = new Happenings();
    const leg = world.trunk.dial(dialRequest(), happenings.events);
    const phone = world.gateway();
    const invite = await phone.request('INVITE');
    assert.equal(invite.requestUri, `sip:${finalCalled}@127.0.0.1:${phone.port};user=phone`);
    assert.match(invite.get('From') ?? '', new RegExp(`<sip:\\${caller}@127\\.0\\.0\\.1;user=phone>;tag=`));
    assert.match(
      invite.get('To') ?? '',
      new RegExp(`^<sip:\\${finalCalled}@127\\.0\\.0\\.1:${phone.port};user=phone>$`),
    );
    assert.match(invite.get('P-Asserted-Identity') ?? '', new RegExp(`\\${caller}`));
    assert.match(invite.get('Diversion') ?? '', new RegExp(`\\${firstCalled}`));
    assert.match(invite.get('History-Info') ?? '', new RegExp(`\\${firstCalled}`));
    assert.equal(invite.get('Max-Forwards'), '65');
    assert.equal(invite.body.toString(), sdp(1));
    phone.answer(invite, 180);
    await happenings.until('progress 180');
    phone.answer(invite, 183, { body: sdp(4) });
    assert.equal(await happenings.until('progress 183'), sdp(4));
    await accept(phone, invite);
    assert.equal(await happenings.until('answered'), sdp(5));
    const gone = leg.hangUp({ sip: 200, q850: 16, text: 'Call completed' });
    const bye = await phone.request('BYE');
    assert.equal(bye.get('Reason'), 'SIP;cause=200;text="Call completed", Q.850;cause=16');
    phone.answer(bye, 200);
    await gone;
    assert.deepEqual(happenings.all, ['progress 180', 'progress 183', 'answered']);
    assert.equal(world.trunk.stats().legs, 0);
    assert.equal(world.server.stats().dialogs, 0);
  });

  test('is hung up by the target', async () => {
    await using world = await World.start();
    const happenings = new Happenings();
    world.trunk.dial(dialRequest(), happenings.events);
    const phone = world.gateway();
    const invite = await phone.request('INVITE');
    await accept(phone, invite);
    await happenings.until('answered');
    phone.sendWithin(invite, 'BYE', 1, { headers: ['Reason: SIP;cause=480;text="left"'] });
    await phone.response(200, 'BYE');
    assert.deepEqual(await happenings.until('ended'), { cause: { sip: 480, text: 'left' }, lost: false });
    assert.equal(world.trunk.stats().legs, 0);
  });

  for (const [status, reason, header, q850] of [
    [486, 'target-busy', undefined, 17],
    [603, 'target-refused', undefined, 21],
    [480, 'target-no-answer', 'Reason: Q.850;cause=20', 20],
    [404, 'target-unreachable', undefined, 1],
  ] as const) {
    test(`fails as ${reason} when the number answers ${status}, which no other gateway is asked about`, async () => {
      await using world = await World.start({ gateways: 2 });
      const happenings = new Happenings();
      const leg = world.trunk.dial(dialRequest(), happenings.events);
      const invite = await world.gateway(0).request('INVITE');
      world.gateway(0).answer(invite, status, { headers: header === undefined ? [] : [header] });
      assert.deepEqual(await happenings.until('failed'), { reason, status, q850 });
      await leg.hangUp();
      assert.equal(world.gateway(1).received.length, 0);
      assert.deepEqual(happenings.all, ['failed']);
      assert.equal(world.trunk.stats().legs, 0);
    });
  }

  test('goes to the next gateway on a 503, and fails with the last answer when none is left', async () => {
    await using world = await World.start({ gateways: 2 });
    const happenings = new Happenings();
    world.trunk.dial(dialRequest(), happenings.events);
    world.gateway(0).answer(await world.gateway(0).request('INVITE'), 503, { headers: ['Retry-After: 60'] });
    world.gateway(1).answer(await world.gateway(1).request('INVITE'), 500);
    assert.deepEqual(await happenings.until('failed'), { reason: 'target-unreachable', status: 500, q850: 41 });
    assert.equal(world.trunk.stats().failovers, 1);
    const next = new Happenings();
    world.trunk.dial(dialRequest(), next.events);
    await world.gateway(1).request('INVITE'); // the first one asked to be left alone for a minute
    assert.equal(
      world.gateway(0).count((message) => message.kind === 'request' && message.method === 'INVITE'),
      1,
    );
  });

  test('goes to the next gateway when the first is silent, and the first rings nobody any more', async () => {
    await using world = await World.start({ gateways: 2 });
    const happenings = new Happenings();
    const leg = world.trunk.dial(dialRequest(), happenings.events);
    const lost = await world.gateway(0).request('INVITE');
    const invite = await world.gateway(1).request('INVITE');
    world.gateway(0).answer(lost, 100);
    world.gateway(0).answer(await world.gateway(0).request('CANCEL'), 200);
    world.gateway(0).answer(lost, 487);
    await accept(world.gateway(1), invite);
    await happenings.until('answered');
    assert.deepEqual(happenings.all, ['answered']);
    const gone = leg.hangUp();
    world.gateway(1).answer(await world.gateway(1).request('BYE'), 200);
    await gone;
  });

  test('stays with a gateway that says nothing but answers OPTIONS', async () => {
    await using world = await World.start({ gateways: 2, trunk: { optionsInterval: 60_000, gatewayTimeout: 200 } });
    const first = world.gateway(0);
    first.answer(await first.request('OPTIONS'), 200);
    const happenings = new Happenings();
    const leg = world.trunk.dial(dialRequest(), happenings.events);
    const invite = await first.request('INVITE');
    first.answer(await first.request('OPTIONS'), 200); // asked half-way, as nothing had come
    await new Promise<void>((resolve) => void systemClock.after(250, resolve)); // past the timeout
    await accept(first, invite);
    await happenings.until('answered');
    assert.equal(
      world.gateway(1).count((message) => message.kind === 'request' && message.method === 'INVITE'),
      0,
    );
    const gone = leg.hangUp();
    first.answer(await first.request('BYE'), 200);
    await gone;
  });

  test('passes over a gateway that does not answer OPTIONS, until it does', async () => {
    const clock = new FakeClock();
    await using world = await World.start({
      clock,
      gateways: 2,
      trunk: { optionsInterval: 1000, gatewayTimeout: 100 },
    });
    const [first, second] = [world.gateway(0), world.gateway(1)];
    const health = (): string | undefined => world.trunk.gateways()[0]?.health;
    for (let round = 0; round < 2; round++) {
      await first.request('OPTIONS');
      second.answer(await second.request('OPTIONS'), 405); // any answer is a sign of life
      await clock.advance(100);
      if (round === 0) await clock.advance(900);
    }
    assert.equal(health(), 'down');
    const passedOver = new Happenings();
    const one = world.trunk.dial(dialRequest(), passedOver.events);
    await accept(second, await second.request('INVITE'));
    await passedOver.until('answered');
    await clock.advance(900);
    first.answer(await first.request('OPTIONS'), 200);
    while (health() !== 'up') await settle();
    const back = new Happenings();
    const other = world.trunk.dial(dialRequest(), back.events);
    await accept(first, await first.request('INVITE'));
    await back.until('answered');
    const gone = Promise.all([one.hangUp(), other.hangUp()]);
    second.answer(await second.request('BYE'), 200);
    first.answer(await first.request('BYE'), 200);
    await gone;
  });

  test('is taken back while it rings: CANCEL with its reason', async () => {
    await using world = await World.start();
    const happenings = new Happenings();
    const leg = world.trunk.dial(dialRequest(), happenings.events);
    const phone = world.gateway();
    const invite = await phone.request('INVITE');
    phone.answer(invite, 180);
    await happenings.until('progress 180');
    const gone = leg.hangUp({ sip: 200, text: 'Call completed elsewhere' });
    const cancel = await phone.request('CANCEL');
    assert.equal(cancel.get('Reason'), 'SIP;cause=200;text="Call completed elsewhere"');
    phone.answer(cancel, 200);
    phone.answer(invite, 487);
    await gone;
    assert.equal(leg.hangUp(), gone);
    assert.deepEqual(happenings.all, ['progress 180']);
    assert.equal(world.trunk.stats().legs, 0);
  });

  test('whose answer crosses our CANCEL is acknowledged and ended', async () => {
    await using world = await World.start();
    const happenings = new Happenings();
    const leg = world.trunk.dial(dialRequest(), happenings.events);
    const phone = world.gateway();
    const invite = await phone.request('INVITE');
    phone.answer(invite, 180);
    await happenings.until('progress 180');
    const gone = leg.hangUp({ q850: 16 });
    await phone.request('CANCEL');
    await accept(phone, invite);
    const bye = await phone.request('BYE');
    assert.equal(bye.get('Reason'), 'Q.850;cause=16');
    phone.answer(bye, 200);
    await gone;
    assert.equal(world.trunk.stats().lateAnswers, 1);
    assert.equal(world.server.stats().dialogs, 0);
    assert.deepEqual(happenings.all, ['progress 180']);
  });

  test('is taken back before anything came: whatever comes then is ended, and nothing is reported', async () => {
    await using world = await World.start();
    const phone = world.gateway();
    const happenings = new Happenings();
    const unsent = world.trunk.dial(dialRequest(), happenings.events).hangUp(); // before the INVITE has left
    await unsent;
    const leg = world.trunk.dial(dialRequest(), happenings.events);
    await Promise.resolve();
    const gone = leg.hangUp();
    const invite = await phone.request('INVITE');
    await accept(phone, invite);
    phone.answer(await phone.request('BYE'), 200);
    await gone;
    assert.deepEqual(happenings.all, []);
    assert.equal(
      phone.count((message) => message.kind === 'request' && message.method === 'INVITE'),
      1,
    );
    assert.equal(world.server.stats().dialogs, 0);
  });

  test('that rings too long is taken back and has failed', async () => {
    const clock = new FakeClock();
    await using world = await World.start({ clock, trunk: { ringTimeout: 20_000 } });
    const happenings = new Happenings();
    world.trunk.dial(dialRequest(), happenings.events);
    const phone = world.gateway();
    const invite = await phone.request('INVITE');
    phone.answer(invite, 180);
    await happenings.until('progress 180');
    await clock.advance(20_000);
    assert.deepEqual(await happenings.until('failed'), { reason: 'target-no-answer', q850: 19 });
    const cancel = await phone.request('CANCEL');
    assert.equal(cancel.get('Reason'), 'Q.850;cause=19');
    phone.answer(cancel, 200);
    phone.answer(invite, 487);
    await phone.request('ACK');
    assert.equal(world.trunk.stats().legs, 0);
  });

  test('is not even tried without hops left, without a route, or after the connection is gone', async () => {
    await using world = await World.start();
    const noHops = new Happenings();
    world.trunk.dial(dialRequest({ maxForwards: 0 }), noHops.events);
    assert.deepEqual(noHops.all, []); // never before dial returned
    assert.deepEqual(await noHops.until('failed'), { reason: 'failed', status: 483, q850: 25 });
    const noRoute = new Happenings();
    world.trunk.dial(dialRequest({ to: '10086' }), noRoute.events);
    assert.deepEqual(await noRoute.until('failed'), { reason: 'target-unreachable', q850: 3 });
    assert.equal(world.trunk.reaches('10086'), false);
    assert.equal(world.trunk.reaches(finalCalled), true);
    world.cut();
    const cut = new Happenings();
    world.trunk.dial(dialRequest(), cut.events);
    assert.deepEqual(await cut.until('failed'), { reason: 'failed' });
    assert.equal(world.gateway().received.length, 0);
  });

  test('goes straight to a phone of its own address', async () => {
    await using world = await World.start({ gateways: 2 });
    const phone = await world.caller();
    const happenings = new Happenings();
    const leg = world.trunk.dial(dialRequest({ to: `sip:li@127.0.0.1:${phone.port}` }), happenings.events);
    const invite = await phone.request('INVITE');
    assert.equal(invite.requestUri, `sip:li@127.0.0.1:${phone.port}`);
    await accept(phone, invite);
    await happenings.until('answered');
    const gone = leg.hangUp();
    phone.answer(await phone.request('BYE'), 200);
    await gone;
    assert.equal(world.gateway().received.length, 0);
  });

  test('is ended, and every wait with it, when the trunk closes', async () => {
    await using world = await World.start();
    const happenings = new Happenings();
    const leg = world.trunk.dial(dialRequest(), happenings.events);
    const phone = world.gateway();
    await accept(phone, await phone.request('INVITE'));
    await happenings.until('answered');
    const info = leg.request({ method: 'INFO', contentType: 'application/dtmf-relay', body: 'Signal=1\r\n' });
    await phone.request('INFO'); // never answered
    const closed = world.trunk.close();
    phone.answer(await phone.request('BYE'), 200);
    await closed;
    assert.equal((await info).status >= 400, true);
    assert.equal(world.trunk.stats().legs, 0);
  });
});
