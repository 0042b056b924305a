// What of a call goes on to the target, and what is known again when it comes back, over the wire.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock } from '../../support/fake-clock.ts';
import { caller, dialRequest, finalCalled, firstCalled, Happenings, sdp, World } from './world.ts';

describe('the onward leg', () => {
  test("carries the network's headers by the trunk's policy, and never the charging addresses", async () => {
    await using world = await World.start({
      trunk: { network: { accessNetworkInfo: 'drop', originIoi: 'as.example' } },
    });
    const peer = await world.caller();
    peer.invite(world.port, {
      body: sdp(1),
      headers: [
        'P-Charging-Vector: icid-value=abc;orig-ioi=home1.net',
        'P-Access-Network-Info: IEEE-802.11',
        'P-Charging-Function-Addresses: ccf=192.0.2.77',
      ],
    });
    const { call } = await world.incoming();
    world.trunk.dial(dialRequest({ network: call.network ?? {} }), new Happenings().events);
    const onward = await world.gateway().request('INVITE');
    assert.equal(onward.get('P-Charging-Vector'), 'icid-value=abc;orig-ioi=as.example');
    assert.equal(onward.get('P-Access-Network-Info'), undefined);
    assert.equal(onward.get('P-Charging-Function-Addresses'), undefined);
    world.gateway().answer(onward, 486);
  });

  test('is known by its Session-ID when it comes back, and by nothing when it is another call', async () => {
    await using world = await World.start();
    world.trunk.dial(dialRequest(), new Happenings().events);
    const onward = await world.gateway().request('INVITE');
    const sessionId = onward.get('Session-ID') ?? '';
    assert.match(sessionId, /^[0-9a-f]{32};remote=0{32}$/);
    const peer = await world.caller();
    peer.invite(world.port, { headers: [`Session-ID: ${sessionId}`] });
    const { call } = await world.incoming();
    assert.equal(call.ownLeg, 'token');
    call.leg.reject(480);
    peer.invite(world.port, { headers: [`Session-ID: ${'1'.repeat(32)};remote=${'0'.repeat(32)}`] });
    const { call: other } = await world.incoming();
    assert.equal(other.ownLeg, undefined);
    other.leg.reject(480);
    world.gateway().answer(onward, 486);
    assert.equal(world.trunk.stats().ownLegs, 1);
  });

  test('is known by caller and number while it rings, where the Session-ID got lost', async () => {
    const reading = { defaultCountry: 'CN', areaCode: '755', accounts: { service: '+8675529990001' } };
    await using world = await World.start({ trunk: { reading } });
    const happenings = new Happenings();
    world.trunk.dial(dialRequest(), happenings.events);
    const onward = await world.gateway().request('INVITE');
    const peer = await world.caller();
    const headers = [
      `P-Asserted-Identity: <sip:${caller}@127.0.0.1>`,
      `Diversion: <sip:${finalCalled}@127.0.0.1>;reason=unconditional`,
    ];
    peer.invite(world.port, { headers });
    const { call } = await world.incoming();
    assert.equal(call.ownLeg, 'numbers');
    call.leg.reject(480);
    peer.invite(world.port, { headers: [headers[0] ?? '', `Diversion: <sip:${firstCalled}@127.0.0.1>`] });
    const { call: other } = await world.incoming();
    assert.equal(other.ownLeg, undefined);
    other.leg.reject(480);
    world.gateway().answer(onward, 486);
    await happenings.until('failed');
  });

  for (const outcome of ['refused', 'answered'] as const) {
    test(`is no longer known by its numbers once it was ${outcome}: the same caller may call there again`, async () => {
      const clock = new FakeClock();
      const reading = { defaultCountry: 'CN', areaCode: '755', accounts: { service: '+8675529990001' } };
      await using world = await World.start({ clock, trunk: { reading } });
      const happenings = new Happenings();
      const leg = world.trunk.dial(dialRequest(), happenings.events);
      const gateway = world.gateway();
      const onward = await gateway.request('INVITE');
      gateway.answer(onward, outcome === 'refused' ? 486 : 200, { body: outcome === 'refused' ? '' : sdp(5) });
      await happenings.until(outcome === 'refused' ? 'failed' : 'answered');
      await clock.advance(5_001);
      const peer = await world.caller();
      peer.invite(world.port, {
        headers: [
          `P-Asserted-Identity: <sip:${caller}@127.0.0.1>`,
          `Diversion: <sip:${finalCalled}@127.0.0.1>;reason=unconditional`,
        ],
      });
      const { call } = await world.incoming();
      assert.equal(call.ownLeg, undefined);
      call.leg.reject(480);
      if (outcome === 'refused') return;
      const gone = leg.hangUp();
      gateway.answer(await gateway.request('BYE'), 200);
      await gone;
    });
  }
});
