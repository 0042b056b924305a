// The time before the answer, on fakes: whose early media are heard, and an engine that dies while phones ring.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { portOf } from '../support/call/phone.ts';
import type { FakeTarget } from '../support/call/target.ts';
import { CallWorld, settled } from '../support/call-world.ts';

const numbers: [string, string] = ['+8675520000009', '+8613800000001'];

/** A caller, and the phones that ring for them. */
async function ringing({
  to = [numbers[0]],
  settings = {},
  offers = true,
}: { to?: [string, ...string[]]; settings?: ConstructorParameters<typeof CallWorld>[0]; offers?: boolean } = {}) {
  const world = new CallWorld(settings);
  const { caller, id } = await world.arrive(undefined, { offers });
  await world.transfer(id, to);
  await settled();
  for (const target of world.targets) target.rings();
  await settled();
  const [target] = world.targets;
  assert.ok(target);
  return { world, caller, id, target };
}

/** A caller who requires 100rel and makes no offer. */
async function awaiting(settings: ConstructorParameters<typeof CallWorld>[0] = {}) {
  const world = new CallWorld(settings);
  const { caller, id } = await world.arrive(undefined, { offers: false, awaitsOffer: true });
  return { world, caller, id };
}

async function answers(target: FakeTarget): Promise<void> {
  target.answers();
  await settled();
}

describe('early media of several phones', () => {
  test('the first one that has some is heard, with its forks; when it fails, the next one; when all have, a ringing tone', async () => {
    const { world, caller, target } = await ringing({ to: [...numbers, '+8613800000002'] });
    const [, second] = world.targets;
    const sessionOfCaller = () => world.media.at(caller.early)?.session;
    target.rings(183, target.describe(), 'a');
    await settled();
    second?.rings(183, second.describe(), 'b');
    await settled();
    assert.equal(sessionOfCaller(), world.media.sessions[0]);
    target.fails();
    await settled();
    assert.equal(sessionOfCaller(), world.media.sessions[1]);
    second?.fails();
    await settled();
    assert.deepEqual(caller.sent.slice(-4), ['183 sdp', '183 sdp', '183 sdp', '180']);
  });

  test('it is one of those that ring now: a number that is called after others have failed is heard too', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    await world.transfer(id, numbers, { order: 'in-turn' });
    await settled();
    world.target.rings(183, world.target.describe());
    await settled();
    world.target.fails();
    await settled();
    world.target.rings(183, world.target.describe());
    await settled();
    assert.deepEqual(caller.sent, ['181', '183 sdp', '183 sdp']);
    assert.equal(world.media.at(caller.early)?.session, world.media.sessions[1]);
  });
});

describe('an engine that dies while the target rings', () => {
  test('the phone rings on; it is told of the other engine as it answers, before the caller is answered', async () => {
    const { world, caller, id, target } = await ringing();
    world.media.sessions[0]?.dies();
    await settled();
    assert.deepEqual([world.view(id).state, target.leg, target.asked.length], ['ringing', 'dialling', 0]);
    let answered = true;
    target.onRequest = () => {
      answered = caller.sent.includes('200 sdp');
      return { status: 200, body: target.describe() };
    };
    await answers(target);
    assert.equal(answered, false);
    world.assertTalk(caller, target);
    assert.deepEqual([target.asked.length, caller.asked.length], [1, 0]);
    assert.deepEqual(
      world.record(id).media.map(({ engine }) => engine),
      ['udp://127.0.0.1:2223', 'udp://127.0.0.1:2224'],
    );
    caller.hangsUp();
    await settled();
    world.assertNothingLeft();
  });

  test('its early media go on through the other engine, where it takes UPDATE', async () => {
    const { world, caller, target } = await ringing();
    target.rings(183, target.describe());
    await settled();
    world.media.sessions[0]?.dies();
    await settled();
    assert.deepEqual(caller.sent, ['181', '180', '183 sdp', '180', '183 sdp']);
    assert.equal(world.media.at(caller.early)?.session.ports.caller, portOf(caller.early ?? ''));
    assert.equal(world.media.at(target.heard)?.session.ports.target, portOf(target.heard ?? ''));
    await answers(target);
    world.assertTalk(caller, target);
    assert.deepEqual(
      target.asked.map(({ method }) => method),
      ['UPDATE'],
      'it knows where, when it answers',
    );
  });

  test('those of its other fork are for the dead one', async () => {
    const { world, caller, target } = await ringing();
    target.rings(183, target.describe());
    await settled();
    world.media.sessions[0]?.dies();
    await settled();
    const known = () => world.media.sessions[0]?.known.target ?? '';
    const others = target.describe().replace('RTP/AVP 8', 'RTP/AVP 8 101');
    target.rings(183, others, 'b');
    await settled();
    assert.doesNotMatch(known(), /8 101/);
    target.rings(183, target.describe(), 'a');
    await settled();
    assert.equal(caller.sent.at(-1), '183 sdp', 'those of the one that took it go on');
    world.media.sessions[0]?.dies();
    target.onRequest = ({ method }) =>
      method === 'UPDATE' ? { status: 488 } : { status: 200, body: target.describe() };
    await settled();
    target.rings(183, target.describe(), 'a');
    await settled();
    assert.deepEqual(caller.sent.slice(-2), ['180', '180'], 'and when that one dies, all of them are');
    await answers(target);
    world.assertTalk(caller, target);
  });

  test('it is understood by what it answers to the UPDATE', async () => {
    const { world, target } = await ringing();
    target.rings(183, target.describe());
    await settled();
    target.onRequest = () => ({ status: 200, body: target.describe().replace('RTP/AVP 8', 'RTP/AVP 8 101') });
    world.media.sessions[0]?.dies();
    await settled();
    assert.match(world.media.sessions[0]?.known.target ?? '', /RTP\/AVP 8 101/);
    assert.equal(target.asked[0]?.contentType, 'application/sdp');
  });

  for (const [what, answer] of [
    ['a refusal that says what it would take', { status: 488, described: true }],
    ['no description', { status: 200, described: false }],
  ] as const) {
    test(`${what} is no UPDATE taken: its early media give way to a ringing tone`, async () => {
      const { world, caller, target } = await ringing();
      target.rings(183, target.describe());
      await settled();
      target.onRequest = () => ({ status: answer.status, ...(answer.described && { body: target.describe() }) });
      world.media.sessions[0]?.dies();
      await settled();
      assert.deepEqual(caller.sent, ['181', '180', '183 sdp', '180']);
    });
  }

  test('it answers while it is asked by UPDATE', async () => {
    const { world, caller, target } = await ringing();
    target.rings(183, target.describe());
    await settled();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    let answered = false;
    target.onRequest = async ({ method }) => {
      if (method === 'INVITE' && !answered) return { status: 491 };
      await promise;
      answered = true;
      return { status: 200, body: target.describe() };
    };
    world.media.sessions[0]?.dies();
    await settled();
    await answers(target);
    resolve(undefined);
    await world.clock.advance(4_000);
    world.assertTalk(caller, target);
    assert.deepEqual(
      target.asked.map(({ method }) => method),
      ['UPDATE', 'INVITE', 'INVITE'],
    );
  });

  test('its early media give way to a ringing tone, where it does not', async () => {
    const { world, caller, target } = await ringing();
    target.rings(183, target.describe());
    target.onRequest = ({ method }) =>
      method === 'UPDATE' ? { status: 491 } : { status: 200, body: target.describe() };
    await settled();
    world.media.sessions[0]?.dies();
    await settled();
    assert.deepEqual(caller.sent, ['181', '180', '183 sdp', '180']);
    target.rings(183, target.describe(), 'b');
    await settled();
    assert.deepEqual(caller.sent.slice(4), ['180'], 'those of another fork are for the dead one, too');
    await answers(target);
    world.assertTalk(caller, target);
  });

  test('those of another phone are then heard, through the engine that lives', async () => {
    const { world, caller, target } = await ringing({ to: numbers });
    const [one, two] = world.media.sessions;
    const [, second] = world.targets;
    for (const phone of world.targets) {
      phone.rings(183, phone.describe());
      await settled();
    }
    target.onRequest = ({ method }) =>
      method === 'UPDATE' ? { status: 488 } : { status: 200, body: target.describe() };
    one?.dies();
    await settled();
    assert.equal(world.media.at(caller.early)?.session, two);
    await answers(target);
    world.assertTalk(caller, target);
    assert.equal(second?.leg, 'over');
    assert.deepEqual([...world.media.standing], [one]);
  });

  test('nobody has found out when it answers', async () => {
    const { world, caller, target } = await ringing();
    target.rings(183, target.describe());
    await settled();
    world.media.sessions[0]?.dies('unnoticed');
    await answers(target);
    world.assertTalk(caller, target);
  });

  test('the target answers as it is found out', async () => {
    const { world, caller, target } = await ringing();
    target.answers();
    world.media.sessions[0]?.dies();
    await settled();
    world.assertTalk(caller, target);
  });

  test("and the caller's ACK is under way: both are told when it is there", async () => {
    const { world, caller, id, target } = await ringing();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    caller.onAnswer = () => promise;
    await answers(target);
    world.media.sessions[0]?.dies();
    await settled();
    assert.deepEqual([target.asked.length, caller.asked.length], [0, 0]);
    resolve(undefined);
    await settled();
    world.assertTalk(caller, target);
    assert.equal(world.view(id).state, 'connected');
  });

  test('a target that answers with other media then is understood by them', async () => {
    const { world, caller, target } = await ringing();
    world.media.sessions[0]?.dies();
    target.onRequest = () => ({ status: 200, body: target.describe().replace('RTP/AVP 8', 'RTP/AVP 8 101') });
    await answers(target);
    assert.match(caller.heard ?? '', /RTP\/AVP 8 101/);
    world.assertTalk(caller, target);
  });

  test('no engine is left: the phone rings on; only its answer cannot be joined, and the caller waits', async () => {
    const { world, caller, id, target } = await ringing();
    world.media.sessions[0]?.dies();
    await settled();
    assert.equal(world.view(id).state, 'ringing');
    world.media.onAsk = (what) => (what === 'relocate' ? Promise.reject(new Error('none')) : Promise.resolve());
    await answers(target);
    assert.deepEqual([world.view(id).state, target.leg, caller.leg], ['waiting', 'over', 'ringing']);
    assert.equal(world.media.standing.size, 0);
  });

  test('a target that takes no re-INVITE is let go, and the caller waits', async () => {
    const { world, caller, id, target } = await ringing();
    world.media.sessions[0]?.dies();
    target.onRequest = () => ({ status: 488 });
    await answers(target);
    assert.deepEqual([world.view(id).state, target.leg, caller.leg], ['waiting', 'over', 'ringing']);
  });

  test('a parked caller: their own media go to another engine at once, and they are joined on yet another', async () => {
    const { world, caller, target } = await ringing({ settings: { answerEarly: true } });
    for (const session of world.media.sessions) session.dies();
    await settled();
    assert.match(world.hears(caller), /^music/);
    await answers(target);
    world.assertTalk(caller, target);
    assert.equal(world.media.standing.size, 1);
    assert.deepEqual([target.asked.length, caller.asked.length], [1, 2]);
  });

  test('a caller who is being answered with music, and whose ACK is under way: they are told when it is there', async () => {
    const world = new CallWorld({ answerEarly: true });
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const arriving = world.arrive();
    const [caller] = world.callers;
    assert.ok(caller);
    caller.onAnswer = () => promise;
    await arriving;
    world.media.sessions[0]?.dies();
    await settled();
    assert.equal(caller.asked.length, 0);
    resolve(undefined);
    await settled();
    assert.equal(caller.asked.length, 1);
    assert.match(world.hears(caller), /^music/);
  });

  test('a parked caller whose engine dies as they are joined ends with the target, not with the music', async () => {
    const { world, caller, target } = await ringing({ settings: { answerEarly: true } });
    const { promise, resolve } = Promise.withResolvers<undefined>();
    caller.onRequest = async () => {
      await promise;
      return { status: 200, body: caller.describe() };
    };
    await answers(target);
    world.media.sessions[0]?.dies();
    await settled();
    resolve(undefined);
    await settled();
    world.assertTalk(caller, target);
  });

  test('somebody who is talked to before the call is handed to them: the two talk, then the caller and they', async () => {
    const world = new CallWorld();
    const { caller, id, target } = await world.connected();
    await world.transfer(id, numbers[1], { attended: true });
    await settled();
    const other = world.target;
    other.rings();
    await settled();
    for (const session of [...world.media.standing]) session.dies();
    await settled();
    assert.equal(other.leg, 'dialling');
    await answers(other);
    world.assertTalk(target, other);
    assert.match(world.hears(caller), /^music/);
    await world.calls.complete('shop1', id, 'pc');
    await settled();
    world.assertTalk(caller, other);
  });

  test('an INVITE without an offer: the offer of the answer goes to an engine that lives', async () => {
    const { world, caller, target } = await ringing({ offers: false });
    for (const session of world.media.sessions) session.dies();
    await answers(target);
    world.assertTalk(caller, target);
    assert.deepEqual([target.asked.length, caller.asked.length], [0, 0]);
  });

  for (const how of [undefined, 'unnoticed'] as const) {
    test(`an INVITE without an offer, as its ACK is awaited (${how ?? 'noticed'}): the caller is told again`, async () => {
      const { world, caller, target } = await ringing({ offers: false });
      const { promise, resolve } = Promise.withResolvers<undefined>();
      caller.onAnswer = () => promise;
      await answers(target);
      world.media.sessions[0]?.dies(how);
      await settled();
      resolve(undefined);
      await settled();
      world.assertTalk(caller, target);
      assert.equal(caller.asked.length, 1);
    });
  }
});

describe('a caller who requires 100rel and makes no offer', () => {
  test('rings with an offer of the engine, and is then offered to the target like any other', async () => {
    const { world, caller, id } = await awaiting();
    assert.deepEqual(caller.sent, ['180 offer']);
    await world.transfer(id);
    await settled();
    const { target } = world;
    assert.notEqual(target.dialled.sdp, undefined);
    target.rings(183, target.describe());
    await settled();
    assert.deepEqual(caller.sent, ['180 offer', '181', '183 sdp']);
    assert.equal(world.media.at(caller.early)?.session, world.media.sessions[1]);
    assert.equal(world.media.standing.size, 2, "their first ports are nobody else's before the answer");
    await answers(target);
    world.assertTalk(caller, target);
    assert.equal(world.media.standing.size, 1);
    caller.hangsUp();
    await settled();
    world.assertNothingLeft();
  });

  test('who has not answered the offer yet is waited for', async () => {
    const world = new CallWorld();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const arriving = world.arrive(undefined, { offers: false, awaitsOffer: true });
    const [caller] = world.callers;
    assert.ok(caller);
    caller.onOffer = () => promise.then(() => caller.describe());
    const { id } = await arriving;
    await world.transfer(id);
    await settled();
    assert.equal(world.targets.length, 0);
    resolve(undefined);
    await settled();
    assert.notEqual(world.target.dialled.sdp, undefined);
  });

  test('whose PRACK has no answer is connected by the offer of who answers', async () => {
    const world = new CallWorld();
    const arriving = world.arrive(undefined, { offers: false, awaitsOffer: true });
    const [caller] = world.callers;
    assert.ok(caller);
    caller.onOffer = () => Promise.reject(new Error('the PRACK has no answer to our offer'));
    const { id } = await arriving;
    await world.transfer(id);
    await settled();
    assert.equal(world.target.dialled.sdp, undefined);
    await answers(world.target);
    world.assertTalk(caller, world.target);
  });

  test('is referred before their PRACK is there: it is waited for, and then they are parked', async () => {
    const world = new CallWorld();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const arriving = world.arrive(undefined, { offers: false, awaitsOffer: true });
    const [caller] = world.callers;
    assert.ok(caller);
    caller.onOffer = () => promise.then(() => caller.describe());
    const { id } = await arriving;
    await world.transfer(id, undefined, { mode: 'refer' });
    await settled();
    assert.deepEqual(caller.sent, ['180 offer']);
    resolve(undefined);
    await settled();
    assert.deepEqual(caller.sent, ['180 offer', '200 sdp']);
    assert.match(world.hears(caller), /^music/);
  });

  test('is referred after all: parked with music, by what their PRACK said', async () => {
    const { world, caller, id } = await awaiting();
    await world.transfer(id, undefined, { mode: 'refer' });
    await settled();
    assert.match(world.hears(caller), /^music/);
    assert.equal(world.media.standing.size, 1);
    caller.hangsUp();
    await settled();
    world.assertNothingLeft();
  });

  test('gives up while they are made an offer, or while they wait: nothing is left', async () => {
    const { world, caller } = await awaiting();
    caller.cancels();
    await settled();
    const arriving = world.arrive(undefined, { offers: false, awaitsOffer: true });
    const [, other] = world.callers;
    assert.ok(other);
    other.onOffer = () => new Promise(() => undefined);
    world.media.onAsk = () => Promise.resolve().then(() => void other.cancels());
    await arriving;
    await settled();
    world.assertNothingLeft();
  });

  test('is answered early: the 200 makes the offer', async () => {
    const { caller } = await awaiting({ answerEarly: true });
    assert.deepEqual(caller.sent, ['200 sdp']);
  });

  for (const takes of [true, false]) {
    test(`without an engine is offered no place, and ${takes ? 'takes it' : 'takes no stream of it'}`, async () => {
      const world = new CallWorld();
      world.media.mode = 'direct';
      const arriving = world.arrive(undefined, { offers: false, awaitsOffer: true });
      const [caller] = world.callers;
      assert.ok(caller);
      const answer = takes ? caller.describe('recvonly') : caller.describe().replace(/m=audio \d+/, 'm=audio 0');
      caller.onOffer = () => Promise.resolve(answer);
      const { id } = await arriving;
      assert.match(caller.early ?? '', /^c=IN IP4 0\.0\.0\.0\r\n(.*\r\n)*m=audio [1-9]/m);
      await world.transfer(id);
      await settled();
      const { target } = world;
      if (takes) assert.match(target.dialled.sdp ?? '', /a=sendrecv/);
      else assert.equal(target.dialled.sdp, undefined);
      await answers(target);
      assert.deepEqual(caller.sent, ['180 offer', '181', '200 sdp']);
      world.assertTalk(caller, target);
      assert.deepEqual([target.asked.length, caller.asked.length], [0, 0]);
    });
  }

  test('describes themselves anew as they are answered: who answered is told', async () => {
    const { world, caller, id } = await awaiting();
    await world.transfer(id);
    await settled();
    const first = caller.describe();
    caller.describe = () => first.replace('RTP/AVP 8', 'RTP/AVP 8 101');
    await answers(world.target);
    assert.match(world.target.heard ?? '', /RTP\/AVP 8 101/);
    world.assertTalk(caller, world.target);
  });
});

describe('UPDATE before the answer', () => {
  const update = (body: string) => ({ method: 'UPDATE', contentType: 'application/sdp', body });

  /** Early media of the target are heard, agreed reliably: either side may offer anew. */
  async function agreed(to?: [string, ...string[]]) {
    const scene = await ringing(to ? { to } : {});
    scene.target.rings(183, scene.target.describe(), 'a');
    await settled();
    scene.target.heard = scene.target.dialled.sdp;
    return scene;
  }

  const widened = (sdp: string) => sdp.replace('RTP/AVP 8', 'RTP/AVP 8 101');

  test('of the target: its 200 repeats what it said before, which is not so any more', async () => {
    const { world, caller, target } = await agreed();
    assert.equal((await target.asks(update(widened(target.describe())))).status, 200);
    target.rings(183, target.describe());
    await settled();
    await answers(target);
    world.assertTalk(caller, target);
    assert.match(world.media.sessions[0]?.known.target ?? '', /RTP\/AVP 8 101/);
    assert.equal(target.asked.length, 0, 'it knows');
  });

  test('of the target, whose engine dies then', async () => {
    const { world, caller, target } = await agreed();
    assert.equal((await target.asks(update(widened(target.describe())))).status, 200);
    world.media.sessions[0]?.dies();
    await settled();
    await answers(target);
    world.assertTalk(caller, target);
    assert.equal(target.asked.length, 1);
  });

  for (const by of ['target', 'caller'] as const) {
    test(`of the ${by} in one fork, and another one answers: both are heard`, async () => {
      const { world, caller, target } = await agreed();
      const phone = by === 'target' ? target : caller;
      assert.equal((await phone.asks(update(widened(phone.describe())))).status, 200);
      target.rings(183, target.describe(), 'b');
      await settled();
      target.answers(target.describe(), 'b');
      await settled();
      world.assertTalk(caller, target);
      const offers = target.asked.filter(({ method }) => method === 'INVITE').map(({ body = '' }) => body);
      assert.equal(offers.length, by === 'caller' ? 1 : 0, 'where it has to know');
      if (by === 'caller') assert.match(offers[0] ?? '', /RTP\/AVP 8 101/);
    });
  }

  test('of the caller: the phone that they hear is told, and another one as it answers', async () => {
    const { world, caller, target } = await agreed(numbers);
    assert.equal((await caller.asks(update(widened(caller.describe())))).status, 200);
    assert.match(target.heard ?? '', /RTP\/AVP 8 101/);
    const [, second] = world.targets;
    assert.ok(second);
    await answers(second);
    world.assertTalk(caller, second);
    assert.match(second.heard ?? '', /RTP\/AVP 8 101/);
    assert.match(world.media.sessions[1]?.known.caller ?? '', /RTP\/AVP 8 101/);
  });
});
