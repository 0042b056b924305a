// A connected call: held, moved to another party, given digits; on fakes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CallWorld, settled } from '../support/call-world.ts';

const another = '+8675520000008';
const attended = { attended: true };

describe('a connected call is moved, blind', () => {
  test('the standing call goes on until the new party answers; the old one is then hung up', async () => {
    const world = new CallWorld();
    const { caller, id, target } = await world.connected();
    await world.clock.advance(1_000);
    const answer = await world.transfer(id, another, { terminalId: 'phone' });
    assert.ok(answer.ok && answer.call?.state === 'moving');
    await settled();
    world.assertTalk(caller, target);
    const next = world.target;
    next.rings();
    assert.equal(world.view(id).move?.state, 'ringing');
    assert.equal(world.view(id).target?.to, '+8675520000009');
    const sent = caller.sent.length;
    next.answers();
    await settled();
    assert.equal(caller.sent.length, sent, 'no provisional response of the new party');
    world.assertTalk(caller, next);
    assert.deepEqual(target.hungUp, { q850: 16 });
    assert.equal(world.view(id).state, 'connected');
    assert.equal(world.view(id).target?.to, another);
    assert.equal(world.media.standing.size, 1);
    next.hangsUp();
    await settled();
    const record = world.record(id);
    assert.deepEqual(
      record.attempts.map(({ to, move, by, cause, endedAt }) => [to, move, by, cause, endedAt !== undefined]),
      [
        ['+8675520000009', undefined, 'pc', undefined, true],
        [another, 'blind', 'phone', undefined, true],
      ],
    );
    assert.equal(record.finalCalled, another);
    world.assertNothingLeft();
  });

  for (const how of ['busy', 'no media', 'caller refuses'] as const) {
    test(`a move that fails leaves the standing call as it was: ${how}`, async () => {
      const world = new CallWorld();
      const { caller, id, target } = await world.connected();
      await world.transfer(id, another);
      await settled();
      const next = world.target;
      if (how === 'busy') next.fails();
      else {
        if (how === 'no media') {
          world.media.onAsk = (what) => (what === 'answer' ? Promise.reject(new Error('gone')) : Promise.resolve());
        } else caller.onRequest = () => ({ status: 488 });
        next.answers();
      }
      await settled();
      await settled();
      assert.equal(next.leg, 'over');
      assert.equal(world.view(id).state, 'connected');
      assert.equal(world.view(id).move?.state, 'failed');
      assert.equal(world.view(id).target?.state, 'connected');
      world.assertTalk(caller, target);
      assert.equal(world.record(id).finalCalled, '+8675520000009');
      caller.hangsUp();
      await settled();
      world.assertNothingLeft();
    });
  }

  test('a move that is taken back leaves no trace in what terminals see, and a mark in the record', async () => {
    const world = new CallWorld();
    const { caller, id, target } = await world.connected();
    await world.transfer(id, another);
    await settled();
    assert.ok(world.view(id).move);
    assert.ok((await world.calls.resume('shop1', id, 'pc')).ok);
    await settled();
    const { state, target: with9, move } = world.view(id);
    assert.deepEqual([state, with9?.to, move], ['connected', '+8675520000009', undefined]);
    world.assertTalk(caller, target);
    caller.hangsUp();
    await settled();
    assert.deepEqual([world.record(id).attempts[1]?.move, world.record(id).attempts[1]?.cause], ['blind', undefined]);
    world.assertNothingLeft();
  });

  test('the party that moves the call may hang up at once: the caller hears music, and goes on to the new party', async () => {
    const world = new CallWorld();
    const { caller, id, target } = await world.connected();
    await world.transfer(id, another);
    await settled();
    target.hangsUp({ q850: 16 });
    await settled();
    assert.match(world.hears(caller), /^music/);
    assert.equal(caller.asked.length, 0, 'they are where they were');
    world.target.answers();
    await settled();
    world.assertTalk(caller, world.target);
    assert.equal(world.media.standing.size, 1);
    caller.hangsUp();
    await settled();
    assert.equal(world.record(id).end?.reason, 'completed');
    world.assertNothingLeft();
  });

  test('and when the new party then does not come, the caller waits with music for another instruction', async () => {
    const world = new CallWorld();
    const { caller, id, target } = await world.connected();
    await world.clock.advance(200_000);
    await world.transfer(id, another);
    await settled();
    target.hangsUp();
    await settled();
    world.target.fails();
    await settled();
    assert.equal(world.view(id).state, 'waiting');
    assert.match(world.hears(caller), /^music/);
    await world.transfer(id, '+8675520000007');
    await settled();
    world.target.answers();
    await settled();
    world.assertTalk(caller, world.target);
    caller.hangsUp();
    await settled();
    world.assertNothingLeft();
  });

  test('a terminal takes the move back', async () => {
    const world = new CallWorld();
    const { caller, id, target } = await world.connected();
    await world.transfer(id, another);
    await settled();
    assert.ok((await world.calls.resume('shop1', id, 'pc')).ok);
    await settled();
    assert.equal(world.target.leg, 'over');
    assert.equal(world.view(id).state, 'connected');
    world.assertTalk(caller, target);
  });

  test('one move at a time', async () => {
    const world = new CallWorld();
    const { id } = await world.connected();
    const [first, second] = await Promise.all([
      world.transfer(id, another),
      world.transfer(id, '+8675520000007', { terminalId: 'phone' }),
    ]);
    assert.ok(first.ok);
    assert.ok(!second.ok && second.error.code === 'already-taken' && second.error.by === 'pc');
  });

  test('by refer: the caller is transferred out of the standing call; a refusal is bridged', async () => {
    const world = new CallWorld();
    const { caller, id, target } = await world.connected();
    await world.transfer(id, another, { mode: 'refer' });
    await settled();
    world.assertTalk(caller, target);
    caller.referred[0]?.events.transferred();
    await settled();
    assert.equal(world.record(id).end?.reason, 'transferred');
    assert.equal(target.leg, 'over');
    world.assertNothingLeft();

    const refused = new CallWorld();
    const call = await refused.connected();
    await refused.transfer(call.id, another, { mode: 'refer' });
    await settled();
    call.caller.referred[0]?.events.refused({ status: 405 });
    await settled();
    refused.target.answers();
    await settled();
    refused.assertTalk(call.caller, refused.target);
    call.caller.hangsUp();
    await settled();
    refused.assertNothingLeft();
  });

  test('without a media engine: the phones are given each to the other', async () => {
    const world = new CallWorld();
    world.media.mode = 'direct';
    const { caller, id, target } = await world.connected();
    const first = caller.heard;
    await world.transfer(id, another);
    await settled();
    world.target.answers();
    await settled();
    world.assertTalk(caller, world.target);
    assert.equal(target.leg, 'over');
    const origins = [first, ...caller.asked.map(({ body }) => body)].map((sdp) => /^o=(\S+ \d+)/m.exec(sdp ?? '')?.[1]);
    assert.equal(new Set(origins).size, 1, 'one origin in one dialog (RFC 3264 8)');
  });
});

describe('a connected call is moved, attended', () => {
  async function consulting() {
    const world = new CallWorld();
    const { caller, id, target } = await world.connected();
    await world.transfer(id, another, attended);
    await settled();
    const next = world.target;
    return { world, caller, id, target, next };
  }
  async function talking() {
    const all = await consulting();
    all.next.answers();
    await settled();
    return all;
  }

  test('everybody hears something at every moment; `complete` joins the caller and the new party', async () => {
    const { world, caller, id, target, next } = await consulting();
    assert.equal(world.view(id).state, 'moving');
    assert.match(world.hears(caller), /^music/);
    assert.match(world.hears(target), /^music/);
    next.answers();
    await settled();
    assert.match(world.hears(caller), /^music/);
    world.assertTalk(target, next);
    assert.deepEqual(world.view(id).move?.attended, true);
    assert.ok((await world.calls.complete('shop1', id, 'pc')).ok);
    await settled();
    world.assertTalk(caller, next);
    assert.equal(target.leg, 'over');
    assert.equal(world.view(id).state, 'connected');
    assert.equal(world.media.standing.size, 1);
    next.hangsUp();
    await settled();
    world.assertNothingLeft();
  });

  test("the mover's BYE completes it, too", async () => {
    const { world, caller, id, target, next } = await talking();
    target.hangsUp();
    await settled();
    world.assertTalk(caller, next);
    assert.equal(world.view(id).state, 'connected');
    caller.hangsUp();
    await settled();
    assert.equal(world.record(id).end?.reason, 'completed');
    world.assertNothingLeft();
  });

  test('the mover hangs up while the new party still rings: it is a blind move then', async () => {
    const { world, caller, target, next } = await consulting();
    next.rings();
    target.hangsUp();
    await settled();
    assert.match(world.hears(caller), /^music/);
    next.answers();
    await settled();
    world.assertTalk(caller, next);
    caller.hangsUp();
    await settled();
    world.assertNothingLeft();
  });

  for (const how of ['resume', 'the new party hangs up', 'too long'] as const) {
    test(`back to the standing call: ${how}`, async () => {
      const { world, caller, id, target, next } = await talking();
      if (how === 'resume') assert.ok((await world.calls.resume('shop1', id, 'pc')).ok);
      else if (how === 'too long') await world.clock.advance(120_000);
      else next.hangsUp();
      await settled();
      assert.equal(next.leg, 'over');
      world.assertTalk(caller, target);
      assert.equal(world.view(id).state, 'connected');
      assert.equal(world.media.standing.size, 1);
      target.hangsUp();
      await settled();
      world.assertNothingLeft();
    });
  }

  test('a new party that is busy: the two are together again', async () => {
    const { world, caller, id, target, next } = await consulting();
    next.fails();
    await settled();
    world.assertTalk(caller, target);
    assert.equal(world.view(id).state, 'connected');
  });

  test('completing that fails brings the two together again', async () => {
    const { world, caller, id, target, next } = await talking();
    next.onRequest = () => ({ status: 488 });
    await world.calls.complete('shop1', id, 'pc');
    await settled();
    await settled();
    world.assertTalk(caller, target);
    assert.equal(next.leg, 'over');
    assert.equal(world.view(id).state, 'connected');
    caller.hangsUp();
    await settled();
    world.assertNothingLeft();
  });

  test('the caller who hangs up ends all of it', async () => {
    const { world, caller, id } = await talking();
    caller.hangsUp();
    await settled();
    assert.equal(world.record(id).end?.reason, 'completed');
    world.assertNothingLeft();
  });

  test('by refer: the caller is transferred to the standing leg of the new party (Replaces); refused, they are bridged', async () => {
    const world = new CallWorld();
    const { caller, id, target } = await world.connected();
    await world.transfer(id, another, { attended: true, mode: 'refer' });
    await settled();
    const next = world.target;
    next.answers();
    await settled();
    world.assertTalk(target, next);
    await world.calls.complete('shop1', id, 'pc');
    await settled();
    const [referral] = caller.referred;
    assert.equal(referral?.to.replaces, next);
    referral.events.refused({ status: 501 });
    await settled();
    world.assertTalk(caller, next);
    assert.equal(target.leg, 'over');
  });

  test('the mover hangs up while they are being introduced: the caller and the new party are joined', async () => {
    const { world, caller, id, target, next } = await consulting();
    target.onRequest = () => new Promise(() => undefined);
    next.answers();
    await settled();
    target.hangsUp();
    await settled();
    world.assertTalk(caller, next);
    assert.equal(world.view(id).state, 'connected');
    assert.equal(next.asked.length, 1, 'it is asked by nobody but the join that counts');
    caller.hangsUp();
    await settled();
    world.assertNothingLeft();
  });

  test("a re-INVITE of the caller's that the mover has not answered yet: the introduction waits for it", async () => {
    const { world, caller, target, next } = await consulting();
    let answer: () => void = () => undefined;
    target.onRequest = () => {
      target.onRequest = undefined;
      return new Promise((resolve) => (answer = () => resolve({ status: 200, body: target.describe() })));
    };
    const asked = caller.asks({ method: 'INVITE', body: caller.describe() });
    await settled();
    next.answers();
    await settled();
    assert.equal(target.asked.length, 1, 'one re-INVITE at a time');
    answer();
    assert.equal((await asked).status, 200);
    await settled();
    world.assertTalk(target, next);
  });

  test('is one of a connected call: of one that waits, it is an instruction like any other', async () => {
    const world = new CallWorld();
    world.media.mode = 'direct';
    const { id } = await world.arrive();
    assert.ok((await world.transfer(id, undefined, { attended: true })).ok);
  });

  test('needs a media engine', async () => {
    const world = new CallWorld();
    world.media.mode = 'direct';
    const { id } = await world.connected();
    const answer = await world.transfer(id, another, attended);
    assert.ok(!answer.ok && answer.error.code === 'no-media');
  });
});

describe('a connected call is held', () => {
  test('by a terminal: the caller hears music until it is resumed', async () => {
    const world = new CallWorld();
    const { caller, id, target } = await world.connected();
    assert.ok((await world.calls.hold('shop1', id)).ok);
    await settled();
    assert.equal(world.view(id).state, 'held');
    assert.match(world.hears(caller), /^music/);
    await world.clock.advance(119_000);
    assert.ok((await world.calls.resume('shop1', id, 'pc')).ok);
    await settled();
    world.assertTalk(caller, target);
    await world.clock.advance(119_000);
    assert.equal(world.view(id).state, 'connected');
  });

  test('no longer than calls.maxHold', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.connected();
    await world.calls.hold('shop1', id);
    await world.clock.advance(119_999);
    assert.equal(world.view(id).state, 'held');
    await world.clock.advance(1);
    assert.equal(world.record(id).end?.reason, 'limit-reached');
    assert.equal(caller.sent.at(-1), 'BYE');
    world.assertNothingLeft();
  });

  test('by both: it lasts until the last of them has resumed', async () => {
    const world = new CallWorld();
    const { caller, id, target } = await world.connected();
    await world.calls.hold('shop1', id);
    await target.asks({ method: 'INVITE', body: target.describe('sendonly') });
    await settled();
    await world.calls.resume('shop1', id, 'pc');
    await settled();
    assert.equal(world.view(id).state, 'held');
    assert.match(world.hears(caller), /^music/);
    await target.asks({ method: 'INVITE', body: target.describe() });
    await settled();
    assert.equal(world.view(id).state, 'connected');
    world.assertTalk(caller, target);
  });

  for (const why of ['there is none', 'none can be played'] as const) {
    test(`without music, as ${why}: neither hears the other until it is resumed`, async () => {
      const world = new CallWorld();
      if (why === 'there is none') delete world.settings.music;
      else
        world.media.onAsk = (what) => (what === 'play' ? Promise.reject(new Error('no such file')) : Promise.resolve());
      const { caller, id, target } = await world.connected();
      await world.calls.hold('shop1', id);
      await settled();
      assert.deepEqual([world.hears(caller), world.hears(target)], ['silence', 'silence']);
      await target.asks({ method: 'INVITE', body: target.describe('sendonly') });
      await settled();
      await world.calls.resume('shop1', id, 'pc');
      await settled();
      assert.deepEqual([world.hears(caller), world.hears(target)], ['silence', 'silence']);
      await target.asks({ method: 'INVITE', body: target.describe() });
      await settled();
      world.assertTalk(caller, target);
    });
  }

  test('by a phone that says inactive: the other one hears music, and the phone nothing', async () => {
    const world = new CallWorld();
    const { caller, id, target } = await world.connected();
    const { status, body } = await target.asks({ method: 'INVITE', body: target.describe('inactive') });
    assert.equal(status, 200);
    assert.match(body ?? '', /a=inactive/);
    assert.match(caller.heard ?? '', /a=sendonly/);
    await settled();
    assert.equal(world.view(id).state, 'held');
    assert.match(world.hears(caller), /^music/);
    await target.asks({ method: 'INVITE', body: target.describe() });
    await settled();
    world.assertTalk(caller, target);
  });

  test('by a phone that answers so: the other one, which asked, hears music', async () => {
    const world = new CallWorld();
    const { caller, id, target } = await world.connected();
    target.holding = true;
    await caller.asks({ method: 'INVITE', body: caller.describe() });
    await settled();
    assert.equal(world.view(id).state, 'held');
    assert.match(world.hears(caller), /^music/);
    target.holding = false;
    await caller.asks({ method: 'INVITE', body: caller.describe() });
    await settled();
    world.assertTalk(caller, target);
  });

  for (const how of ['blind', 'attended'] as const) {
    test(`by the caller's phone, which stays on hold while the call is moved (${how}): the new party hears music`, async () => {
      const world = new CallWorld();
      const { caller, id } = await world.connected();
      await caller.asks({ method: 'INVITE', body: caller.describe('sendonly') });
      await world.transfer(id, another, how === 'attended' ? attended : {});
      await settled();
      const next = world.target;
      next.answers();
      await settled();
      if (how === 'attended') await world.calls.complete('shop1', id, 'pc');
      await settled();
      assert.equal(world.view(id).state, 'held');
      assert.match(world.hears(next), /^music/);
      await caller.asks({ method: 'INVITE', body: caller.describe() });
      await settled();
      assert.equal(world.view(id).state, 'connected');
      world.assertTalk(caller, next);
    });
  }

  test("by the caller's phone during an attended move that is taken back: the party hears music", async () => {
    const world = new CallWorld();
    const { caller, id, target } = await world.connected();
    await world.transfer(id, another, attended);
    await settled();
    world.target.answers();
    await settled();
    await caller.asks({ method: 'INVITE', body: caller.describe('sendonly') });
    await world.calls.resume('shop1', id, 'pc');
    await settled();
    assert.equal(world.view(id).state, 'held');
    assert.match(world.hears(target), /^music/);
    await world.transfer(id, another, attended);
    await settled();
    world.target.answers();
    await settled();
    await caller.asks({ method: 'INVITE', body: caller.describe() });
    await world.calls.resume('shop1', id, 'pc');
    await settled();
    assert.equal(world.view(id).state, 'connected', 'and that it is taken back is seen, too');
    world.assertTalk(caller, target);
  });

  test('without a media engine by re-INVITE: neither hears the other', async () => {
    const world = new CallWorld();
    world.media.mode = 'direct';
    const { caller, id, target } = await world.connected();
    world.assertTalk(caller, target);
    await world.calls.hold('shop1', id);
    await settled();
    assert.deepEqual([world.hears(caller), world.hears(target)], ['silence', 'silence']);
    assert.match(caller.heard ?? '', /a=sendonly/);
    await world.calls.resume('shop1', id, 'pc');
    await settled();
    world.assertTalk(caller, target);
  });

  for (const holder of ['caller', 'target'] as const) {
    test(`without a media engine by the ${holder}'s phone, too: neither hears the other before both have resumed`, async () => {
      const world = new CallWorld();
      world.media.mode = 'direct';
      const { caller, id, target } = await world.connected();
      const phone = holder === 'caller' ? caller : target;
      const asks = async (direction?: string) => {
        await phone.asks({ method: 'INVITE', body: phone.describe(direction) });
        await settled();
      };
      const heard = () => [world.hears(caller), world.hears(target)];
      await asks('sendonly');
      await world.calls.hold('shop1', id);
      await settled();
      await asks();
      assert.equal(world.view(id).state, 'held');
      assert.deepEqual(heard(), ['silence', 'silence']);
      await world.calls.resume('shop1', id, 'pc');
      await settled();
      world.assertTalk(caller, target);
    });
  }

  test('only while it is connected', async () => {
    const world = new CallWorld();
    const { id } = await world.arrive();
    for (const answer of [
      await world.calls.hold('shop1', id),
      await world.calls.resume('shop1', id, 'pc'),
      await world.calls.complete('shop1', id, 'pc'),
      await world.calls.digits('shop1', id, 'pc', '1'),
    ]) {
      assert.ok(!answer.ok && answer.error.code === 'too-late');
    }
  });
});

describe('keys that are pressed as events, towards a side that takes none', () => {
  const infos = ({ asked }: { asked: readonly { method: string; body?: string }[] }) =>
    asked.filter(({ method }) => method === 'INFO').map(({ body }) => body);
  const info = (digit: string, milliseconds = 160) => `Signal=${digit}\r\nDuration=${milliseconds}\r\n`;

  test('arrive as INFO, in order, each when the one before was answered; in both directions', async () => {
    const world = new CallWorld();
    const { caller, target } = await world.connected();
    const events = world.media.sessions[0]?.events;
    const answers: ((status: number) => void)[] = [];
    target.onRequest = () => new Promise((resolve) => answers.push((status) => resolve({ status })));
    for (const digit of '5#5') events?.digit('caller', digit, 160);
    events?.digit('target', '9', 40);
    await settled();
    assert.deepEqual(infos(caller), [info('9', 40)]);
    assert.deepEqual(infos(target), [info('5')]);
    assert.equal(target.asked.at(-1)?.contentType, 'application/dtmf-relay');
    answers[0]?.(200);
    await settled();
    assert.deepEqual(infos(target), [info('5'), info('#')]);
    answers[1]?.(415);
    await settled();
    assert.deepEqual(infos(target), [info('5'), info('#'), info('5')], 'one that is refused stops no other');
    answers[2]?.(200);
    await settled();
    world.assertTalk(caller, target);
    caller.hangsUp();
    await settled();
    world.assertNothingLeft();
  });

  test('who does not answer gets no more than may wait, and nothing once they are gone', async () => {
    const world = new CallWorld();
    const { target, caller } = await world.connected();
    const events = world.media.sessions[0]?.events;
    let answer: () => void = () => undefined;
    target.onRequest = () => new Promise((resolve) => (answer = () => resolve({ status: 200 })));
    for (let count = 0; count < 100; count++) events?.digit('caller', '1', 160);
    target.onRequest = undefined;
    await settled();
    answer();
    for (let turn = 0; turn < 40; turn++) await settled();
    assert.equal(infos(target).length, 32);
    target.onRequest = () => new Promise(() => undefined);
    for (const digit of '12') events?.digit('caller', digit, 160);
    await settled();
    target.hangsUp();
    await settled();
    events?.digit('caller', '3', 160);
    await settled();
    assert.equal(infos(target).length, 33);
    assert.deepEqual(infos(caller), []);
    world.assertNothingLeft();
  });

  test('are for nobody while a side rings, is elsewhere, or has been left', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    await world.transfer(id);
    await settled();
    const party = world.target;
    party.rings(183, party.describe());
    await settled();
    const events = world.media.sessions[0]?.events;
    events?.digit('caller', '1', 160);
    party.answers();
    await settled();
    await world.transfer(id, another, attended);
    await settled();
    world.target.answers();
    await settled();
    assert.equal(world.view(id).move?.state, 'connected');
    events?.digit('caller', '2', 160);
    events?.digit('target', '3', 160);
    await settled();
    assert.deepEqual([infos(party), infos(caller), infos(world.target)], [[], [], []]);
    const between = [...world.media.standing].find(({ known }) => known.target === world.target.describe());
    between?.events.digit('target', '4', 160);
    await settled();
    assert.deepEqual([infos(party), infos(caller), infos(world.target)], [[info('4')], [], []]);
    await world.calls.hangUp('shop1', id, 'pc');
    await settled();
    world.assertNothingLeft();
  });

  test("a terminal's digits and a phone's come one at a time to the same party", async () => {
    const world = new CallWorld();
    const { id, target } = await world.connected();
    const answers: (() => void)[] = [];
    target.onRequest = () => new Promise((resolve) => answers.push(() => resolve({ status: 200 })));
    const sent = world.calls.digits('shop1', id, 'pc', '1');
    await settled();
    world.media.sessions[0]?.events.digit('caller', '2', 160);
    await settled();
    assert.deepEqual(infos(target), [info('1')]);
    answers[0]?.();
    assert.ok((await sent).ok);
    await settled();
    assert.deepEqual(infos(target), [info('1'), info('2')]);
    answers[1]?.();
    await settled();
  });
});

describe('INFO of a phone that tells of a key', () => {
  const info = { method: 'INFO', contentType: 'application/dtmf-relay', body: 'Signal=7\r\nDuration=250\r\n' };

  test('goes into the voice where keys of this side go there, and is answered; what is no key goes on as it is', async () => {
    const world = new CallWorld();
    const { caller, target } = await world.connected();
    world.media.digitsByInfo = false;
    assert.equal((await caller.asks(info)).status, 200);
    assert.equal((await target.asks(info)).status, 200);
    assert.deepEqual(world.media.sessions[0]?.digitsSent, ['target 7', 'caller 7']);
    assert.deepEqual([caller.asked, target.asked], [[], []]);
    const other = { ...info, contentType: 'application/media_control+xml' };
    await caller.asks(other);
    assert.deepEqual(target.asked, [other]);
  });

  test('goes on as the INFO that it is where that cannot be, with the answer to it', async () => {
    const world = new CallWorld();
    const { caller, target } = await world.connected();
    target.onRequest = () => ({ status: 415 });
    assert.equal((await caller.asks(info)).status, 415);
    assert.deepEqual(target.asked, [info]);
  });
});

describe('the media of a call', () => {
  test('that fall silent end it on both sides, with a reason', async () => {
    const world = new CallWorld();
    const { caller, id, target } = await world.connected();
    world.media.sessions[0]?.events.silent('target');
    await settled();
    assert.equal(world.record(id).end?.reason, 'failed');
    assert.deepEqual([caller.released, target.hungUp], [{ q850: 41 }, { q850: 41 }]);
    world.assertNothingLeft();
  });

  test('whose engine died are brought to another one', async () => {
    const world = new CallWorld();
    const { caller, id, target } = await world.connected();
    world.media.sessions[0]?.dies();
    await settled();
    world.assertTalk(caller, target);
    assert.deepEqual(
      world.record(id).media.map(({ engine }) => engine),
      ['udp://127.0.0.1:2223', 'udp://127.0.0.1:2224'],
    );
    assert.equal(world.view(id).state, 'connected');
  });

  test('that no engine takes over end it', async () => {
    const world = new CallWorld();
    const { id } = await world.connected();
    world.media.onAsk = (what) => (what === 'relocate' ? Promise.reject(new Error('none')) : Promise.resolve());
    world.media.sessions[0]?.dies();
    await settled();
    assert.equal(world.record(id).end?.reason, 'failed');
    world.assertNothingLeft();
  });

  test('of a parked caller go to another engine, music and all', async () => {
    const world = new CallWorld({ answerEarly: true });
    const { caller } = await world.arrive();
    world.media.sessions[0]?.dies();
    await settled();
    assert.match(world.hears(caller), /^music/);
    assert.equal(caller.asked.length, 1);
  });

  test('a re-INVITE of a parked caller is answered, and the music plays on', async () => {
    const world = new CallWorld({ answerEarly: true });
    const { caller } = await world.arrive();
    const { status, body } = await caller.asks({ method: 'INVITE', body: caller.describe() });
    assert.equal(status, 200);
    assert.notEqual(body, undefined);
    assert.match(world.hears(caller), /^music/);
  });
});
