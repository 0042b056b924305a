// The final phone moves the call on by its own transfer key; on fakes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CallSettings } from '../../src/call/call.ts';
import type { FakeCaller } from '../support/call/caller.ts';
import type { FakeTarget } from '../support/call/target.ts';
import { CallWorld, settled } from '../support/call-world.ts';

const phone = 'sip:shop1@127.0.0.1:5099';
const another = '+8675520000008';
const referTo = `sip:${another}@127.0.0.1:5060`;

interface Scene {
  world: CallWorld;
  caller: FakeCaller;
  id: string;
  /** The terminal's own IP phone, that the caller talks to. */
  target: FakeTarget;
}

/** A call that is connected with a terminal's own IP phone. */
async function connected(
  settings: Partial<CallSettings> = {},
  media: 'rtpengine' | 'direct' = 'rtpengine',
): Promise<Scene> {
  const world = new CallWorld(settings);
  world.media.mode = media;
  const { caller, id } = await world.arrive();
  await world.transfer(id, 'terminal', { terminalId: 'phone' });
  await settled();
  const { target } = world;
  assert.equal(target.dialled.to, phone);
  target.answers();
  await settled();
  assert.equal(world.view(id).state, 'connected');
  return { world, caller, id, target };
}

async function hold({ target }: Scene): Promise<void> {
  await target.asks({ method: 'INVITE', contentType: 'application/sdp', body: target.describe('sendonly') });
  await settled();
}

async function refer({ target }: Scene, to = referTo, here = true): Promise<number[]> {
  const told = target.refers(to, here);
  await settled();
  return told;
}

describe('a phone that presses its transfer key', () => {
  test('after hold: the caller hears music, then the new party; the phone is told all of it, and hung up', async () => {
    const scene = await connected();
    const { world, caller, id, target } = scene;
    await hold(scene);
    assert.match(world.hears(caller), /^music/);
    const told = await refer(scene);
    assert.deepEqual(told, [202, 100]);
    const { state, move } = world.view(id);
    assert.deepEqual([state, move?.to, move?.by, move?.attended], ['moving', another, phone, false]);
    assert.match(world.hears(caller), /^music/);
    assert.doesNotMatch(
      world.target.dialled.sdp ?? '',
      /a=(sendonly|recvonly|inactive)/,
      'the new party is not on hold',
    );
    world.target.rings(183);
    assert.deepEqual(told, [202, 100, 183]);
    world.target.answers();
    await settled();
    assert.deepEqual(told, [202, 100, 183, 200]);
    assert.deepEqual(target.hungUp, { q850: 16 });
    world.assertTalk(caller, world.target);
    world.target.hangsUp();
    await settled();
    const record = world.record(id);
    assert.deepEqual([record.finalCalled, record.instructedBy, record.end?.reason], [another, phone, 'completed']);
    assert.deepEqual(record.attempts[1]?.move, 'blind');
    world.assertNothingLeft();
  });

  test('and hangs up right after 202: the caller is kept with music, and goes on to the new party', async () => {
    const scene = await connected();
    const { world, caller, id, target } = scene;
    await hold(scene);
    const told = await refer(scene);
    target.hangsUp({ q850: 16 });
    await settled();
    assert.match(world.hears(caller), /^music/);
    assert.equal(world.view(id).state, 'connecting');
    world.target.rings();
    world.target.answers();
    await settled();
    world.assertTalk(caller, world.target);
    assert.deepEqual(told, [202, 100], 'nothing more is said to a phone that has gone');
    caller.hangsUp();
    await settled();
    world.assertNothingLeft();
  });

  for (const leaves of [true, false]) {
    test(`goes the same way without an engine${leaves ? ', when the phone leaves at once' : ''}`, async () => {
      const scene = await connected({}, 'direct');
      const { world, caller, target } = scene;
      await hold(scene);
      const told = await refer(scene);
      if (leaves) target.hangsUp();
      await settled();
      world.target.answers();
      await settled();
      assert.deepEqual(told, leaves ? [202, 100] : [202, 100, 200]);
      world.assertTalk(caller, world.target);
      caller.hangsUp();
      await settled();
      world.assertNothingLeft();
    });
  }

  test('is told why it failed; the standing call goes on, on hold until the phone takes it back', async () => {
    const scene = await connected();
    const { world, caller, id, target } = scene;
    await hold(scene);
    const told = await refer(scene);
    world.target.rings();
    world.target.fails({ reason: 'target-busy', status: 486, q850: 17 });
    await settled();
    assert.deepEqual(told, [202, 100, 180, 486]);
    assert.equal(world.view(id).state, 'held');
    assert.deepEqual([world.view(id).move?.state, world.view(id).move?.cause], ['failed', 'target-busy']);
    assert.match(world.hears(caller), /^music/);
    await target.asks({ method: 'INVITE', contentType: 'application/sdp', body: target.describe() });
    await settled();
    world.assertTalk(caller, target);
    assert.deepEqual((await refer(scene)).slice(0, 2), [202, 100], 'and may try again');
    world.target.fails({ reason: 'target-no-answer' });
    await settled();
    caller.hangsUp();
    await settled();
    world.assertNothingLeft();
  });

  for (const [why, failure, status] of [
    ['declines', { reason: 'target-refused', status: 603 }, 603],
    ['does not answer', { reason: 'target-no-answer' }, 408],
    ['is nowhere', { reason: 'target-unreachable' }, 404],
    ['answers without media', { reason: 'failed', status: 200 }, 500],
  ] as const) {
    test(`hears ${status} when the new party ${why}`, async () => {
      const scene = await connected();
      const told = await refer(scene);
      scene.world.target.fails(failure);
      await settled();
      assert.equal(told.at(-1), status);
    });
  }

  test('hears of a join that failed, and has the caller back', async () => {
    const scene = await connected();
    const { world, caller, target } = scene;
    const told = await refer(scene);
    caller.onRequest = () => ({ status: 488 });
    world.target.answers();
    await settled();
    await settled();
    assert.deepEqual(told, [202, 100, 488]);
    world.assertTalk(caller, target);
  });

  for (const [what, act] of [
    ['the caller hangs up', ({ caller }: Scene) => void caller.hangsUp()],
    ['a terminal hangs up', ({ world, id }: Scene) => void world.calls.hangUp('shop1', id, 'pc')],
    ['a terminal takes it back', ({ world, id }: Scene) => void world.calls.resume('shop1', id, 'pc')],
  ] as const) {
    test(`hears 487 when ${what} meanwhile`, async () => {
      const scene = await connected();
      const { world, caller, target } = scene;
      const told = await refer(scene);
      act(scene);
      await settled();
      assert.deepEqual(told, [202, 100, 487]);
      if (what === 'a terminal takes it back') {
        world.assertTalk(caller, target);
        caller.hangsUp();
        await settled();
      }
      world.assertNothingLeft();
    });
  }

  test('while the call is moved already, by a terminal or by itself, gets 491; and a terminal hears who was faster', async () => {
    const scene = await connected();
    const { world, id } = scene;
    const told = await refer(scene);
    assert.deepEqual(await refer(scene), [491]);
    const answer = await world.transfer(id, '+8675520000007');
    assert.deepEqual(!answer.ok && [answer.error.code, answer.error.by], ['already-taken', phone]);
    assert.deepEqual(told, [202, 100], 'the first goes on');
    await world.calls.resume('shop1', id, 'pc');
    assert.ok((await world.transfer(id, '+8675520000007')).ok);
    assert.deepEqual(await refer(scene), [491]);
    scene.caller.hangsUp();
    await settled();
    world.assertNothingLeft();
  });

  for (const outcome of ['transfers', 'refuses'] as const) {
    test(`goes by the network of the caller where the trunk prefers that: which ${outcome}`, async () => {
      const world = new CallWorld();
      const { caller, id } = await world.arrive(undefined, { connect: ['refer', 'bridge'] });
      await world.transfer(id, 'terminal', { terminalId: 'phone', mode: 'bridge' });
      await settled();
      const { target } = world;
      target.answers();
      await settled();
      const told = target.refers(referTo, true);
      await settled();
      const [referred] = caller.referred;
      assert.ok(referred);
      assert.equal(referred.to.to[0], another);
      referred.events.progress({ status: 180 });
      if (outcome === 'refuses') {
        referred.events.refused({ status: 603 });
        await settled();
        assert.deepEqual(told, [202, 100, 180], 'which the phone hears nothing of');
        world.target.answers();
      } else referred.events.transferred();
      await settled();
      assert.deepEqual(told, [202, 100, 180, 200]);
      assert.deepEqual(target.hungUp, { q850: 16 });
      caller.hangsUp();
      await settled();
      assert.equal(world.record(id).end?.reason, outcome === 'transfers' ? 'transferred' : 'completed');
      world.assertNothingLeft();
    });
  }
});

describe('a phone that has talked to the new party itself', () => {
  const theirs = 'c-2@192.0.2.50;to-tag=b;from-tag=a';

  test('which is a phone that we call directly: our call takes the place of theirs', async () => {
    const scene = await connected();
    const { world, caller, target } = scene;
    await hold(scene);
    const told = target.refers('sip:shop2@127.0.0.1:5099', false, theirs);
    await settled();
    assert.deepEqual(told, [202, 100]);
    assert.equal(world.target.dialled.replaces, theirs);
    assert.equal(world.target.dialled.to, 'sip:shop2@127.0.0.1:5099');
    world.target.answers();
    await settled();
    assert.deepEqual(told, [202, 100, 200]);
    world.assertTalk(caller, world.target);
    caller.hangsUp();
    await settled();
    world.assertNothingLeft();
  });

  test('that phone is called by us, whatever way is preferred', async () => {
    const world = new CallWorld();
    world.subscriber.connect = ['refer', 'bridge'];
    const { caller, id } = await world.arrive();
    await world.transfer(id, 'terminal', { terminalId: 'phone', mode: 'bridge' });
    await settled();
    const { target } = world;
    target.answers();
    await settled();
    target.refers('sip:shop2@127.0.0.1:5099', false, theirs);
    await settled();
    assert.deepEqual([world.target.dialled.replaces, caller.referred.length], [theirs, 0]);
  });

  for (const [what, to, here] of [
    ['a number', `sip:${another}@127.0.0.1:5060`, true],
    ['a number by tel:', `tel:${another}`, false],
    ['a number at a phone that may be called', `sip:${another}@127.0.0.1:5099;user=phone`, false],
    ['ourselves', 'sip:shop2@127.0.0.1:5099', true],
    ['a stranger', 'sip:thief@192.0.2.66', false],
  ] as const) {
    test(`is refused with 501 where that is ${what}`, async () => {
      const { world, caller, target } = await connected();
      assert.deepEqual(target.refers(to, here, theirs), [501]);
      await settled();
      assert.equal(world.targets.length, 1);
      world.assertTalk(caller, target);
    });
  }
});

describe('the transfer key is no way around what may be called', () => {
  for (const [what, to, here, status] of [
    ['a number that is not allowed', 'tel:+19001234567', false, 403],
    ['the same as a phone writes it', 'sip:+19001234567@127.0.0.1', true, 403],
    ['an emergency number', 'sip:110@127.0.0.1', true, 403],
    ['a stranger', 'sip:thief@192.0.2.66', false, 403],
    ['a stranger whose name is a number that is not allowed', 'sip:+19001234567@192.0.2.66', false, 403],
    ['what is no number', 'tel:123456789012345678901234567890', false, 404],
    ['a name at our own host', 'sip:terminal@127.0.0.1:5060', true, 403],
  ] as const) {
    test(`${what}: ${status}, and nobody is called`, async () => {
      const scene = await connected();
      const { world, caller, target } = scene;
      assert.deepEqual(await refer(scene, to, here), [status]);
      assert.equal(world.targets.length, 1);
      world.assertTalk(caller, target);
    });
  }

  for (const [what, to, here, dialled] of [
    ['a number at our host', 'sip:075520000008@127.0.0.1', true, another],
    ['a number at whatever host the phone makes of it', 'sip:075520000008@pbx.example', false, another],
    ['tel: with its context', 'tel:20000008;phone-context=+86755', false, another],
    ['user=phone', `sip:${another};phone-context=+86@192.0.2.1;user=phone`, false, another],
    ['another IP phone', 'sip:shop2@127.0.0.1:5099', false, 'sip:shop2@127.0.0.1:5099'],
    ['an extension of an IP phone', 'sip:201@127.0.0.1:5099', true, 'sip:201@127.0.0.1:5099'],
    ['a number at the phone itself', `sip:${another}@127.0.0.1:5099`, true, another],
    ['a phone that is named by a number', `sip:${another}@127.0.0.1:5099`, false, `sip:${another}@127.0.0.1:5099`],
  ] as const) {
    test(`${what} calls ${dialled}`, async () => {
      const scene = await connected();
      assert.deepEqual(await refer(scene, to, here), [202, 100]);
      assert.equal(scene.world.target.dialled.to, dialled);
    });
  }

  test('counts as an instruction of its account', async () => {
    const scene = await connected({ instructionsPerMinute: 3 });
    for (let times = 0; times < 2; times++) {
      assert.deepEqual((await refer(scene)).slice(0, 2), [202, 100]);
      scene.world.target.fails();
      await settled();
    }
    assert.deepEqual(await refer(scene), [503]);
    await scene.world.clock.advance(60_000);
    assert.deepEqual((await refer(scene)).slice(0, 2), [202, 100]);
  });

  for (const [setting, ipPhone, desk] of [
    ['never', false, false],
    ['ip-phones', true, false],
    ['all', true, true],
  ] as const) {
    test(`calls.phonesMayTransfer: ${setting}`, async () => {
      const { target } = await connected({ phonesMayTransfer: setting });
      assert.equal(target.dialled.mayRefer, ipPhone);
      const world = new CallWorld({ phonesMayTransfer: setting });
      assert.equal((await world.connected()).target.dialled.mayRefer, desk);
    });
  }
});
