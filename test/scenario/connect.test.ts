// Every way of connecting a call, on fakes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CallWorld, settled } from '../support/call-world.ts';

const early = { answerEarly: true };
const elsewhere = { sip: 200, text: 'Call completed elsewhere' };

describe('a caller who is answered early', () => {
  test('hears the announcement and then music, and goes on to the target without a gap', async () => {
    const world = new CallWorld({ ...early, announcements: { wait: '/sounds/wait.wav' } });
    const { caller, id } = await world.arrive();
    assert.equal(world.view(id).state, 'waiting');
    assert.deepEqual(caller.sent, ['200 sdp']);
    assert.equal(world.hears(caller), 'music /sounds/wait.wav /sounds/music.wav');
    await world.transfer(id);
    await settled();
    world.target.rings();
    await settled();
    assert.deepEqual(caller.sent, ['200 sdp'], 'nothing but music until the target answers');
    assert.match(world.hears(caller), /^music/);
    world.target.answers();
    await settled();
    world.assertTalk(caller, world.target);
    assert.equal(world.media.standing.size, 1, 'the media of the music are gone');
    assert.equal(caller.asked.length, 1);
    assert.equal(world.target.asked.length, 0, 'the caller took what it was offered: nothing new for the target');
    caller.hangsUp();
    await settled();
    const record = world.record(id);
    assert.equal(record.end?.reason, 'completed');
    assert.equal(record.parkedAt, record.arrivedAt);
    world.assertNothingLeft();
  });

  test('hears the music of the subscriber, where they have their own', async () => {
    const world = new CallWorld(early);
    world.subscriber.music = '/sounds/of-the-shop.mp3';
    const { caller } = await world.arrive();
    assert.equal(world.hears(caller), 'music /sounds/of-the-shop.mp3');
  });

  test('hears that the number is busy, and waits on', async () => {
    const world = new CallWorld({ ...early, announcements: { busy: '/sounds/busy.wav' } });
    const { caller, id } = await world.arrive();
    await world.transfer(id);
    await settled();
    world.target.fails();
    await settled();
    assert.equal(world.view(id).state, 'waiting');
    assert.equal(world.hears(caller), 'music /sounds/busy.wav /sounds/music.wav');
    await world.clock.advance(60_000);
    assert.equal(world.record(id).end?.reason, 'not-instructed');
    assert.deepEqual(caller.sent, ['200 sdp', 'BYE']);
    assert.deepEqual(caller.released, { q850: 19 });
    world.assertNothingLeft();
  });

  test('whose media are refused goes on ringing', async () => {
    const world = new CallWorld(early);
    world.media.onAsk = (what) => (what === 'park' ? Promise.reject(new Error('no codec')) : Promise.resolve());
    const { caller, id } = await world.arrive();
    assert.deepEqual(caller.sent, []);
    await world.transfer(id);
    await settled();
    world.target.answers();
    await settled();
    assert.deepEqual(caller.sent, ['181', '200 sdp']);
    world.assertTalk(caller, world.target);
  });

  test('who sends no ACK is released, and nobody is called', async () => {
    const world = new CallWorld(early);
    const arriving = world.arrive();
    const [caller] = world.callers;
    assert.ok(caller);
    caller.onAnswer = () => Promise.reject(new Error('no ACK'));
    const { id } = await arriving;
    assert.equal(world.record(id).end?.reason, 'failed');
    assert.deepEqual(caller.sent, ['200 sdp']);
    world.assertNothingLeft();
  });

  test('who offers nothing answers our offer in the ACK, and is then offered to the target', async () => {
    const world = new CallWorld(early);
    const { caller, id } = await world.arrive(undefined, { offers: false });
    assert.match(world.hears(caller), /^music/);
    await world.transfer(id);
    await settled();
    assert.notEqual(world.target.dialled.sdp, undefined);
    world.target.answers();
    await settled();
    world.assertTalk(caller, world.target);
  });

  test('whose phone has moved is known to the target, too', async () => {
    const world = new CallWorld(early);
    const { caller, id } = await world.arrive();
    await world.transfer(id);
    await settled();
    caller.onRequest = () => ({ status: 200, body: caller.describe().replace('RTP/AVP 8', 'RTP/AVP 8 101') });
    world.target.answers();
    await settled();
    assert.equal(world.target.asked.length, 1);
    assert.match(world.target.asked[0]?.body ?? '', /RTP\/AVP 8 101/);
    world.assertTalk(caller, world.target);
  });

  test('re-INVITEs that cross are tried again after a while', async () => {
    const world = new CallWorld(early);
    const { caller, id } = await world.arrive();
    await world.transfer(id);
    await settled();
    let crossings = 2;
    caller.onRequest = () => (crossings-- > 0 ? { status: 491 } : { status: 200, body: caller.describe() });
    world.target.answers();
    await settled();
    assert.equal(world.view(id).state, 'ringing');
    await world.clock.advance(4_000);
    await world.clock.advance(4_000);
    assert.equal(world.view(id).state, 'connected');
    world.assertTalk(caller, world.target);
  });

  test('who hangs up before a crossed re-INVITE is tried again leaves nothing behind', async () => {
    const world = new CallWorld(early);
    const { caller, id } = await world.arrive();
    await world.transfer(id);
    await settled();
    caller.onRequest = () => ({ status: 491 });
    world.target.answers();
    await settled();
    caller.hangsUp();
    await settled();
    world.assertNothingLeft();
  });

  test('who takes no other media goes back to the music, and the target is hung up', async () => {
    const world = new CallWorld(early);
    const { caller, id } = await world.arrive();
    await world.transfer(id);
    await settled();
    caller.onRequest = () => ({ status: 488 });
    world.target.answers();
    await settled();
    assert.equal(world.view(id).state, 'waiting');
    assert.equal(world.target.leg, 'over');
    assert.match(world.hears(caller), /^music/);
    await world.clock.advance(100); // what nobody waits for is written together with what follows
    assert.equal(world.record(id).attempts[0]?.cause?.reason, 'failed');
  });
});

describe('by bridge, several numbers', () => {
  const numbers: [string, ...string[]] = ['+8675520000007', '+8675520000008', '+8675520000009'];

  test('more than the site permits are refused, and nobody is called', async () => {
    const world = new CallWorld({ maxNumbers: 2 });
    const { id } = await world.arrive();
    const answer = await world.transfer(id, numbers);
    assert.ok(!answer.ok && answer.error.code === 'not-allowed');
    assert.match(answer.error.message, /at most 2 numbers/);
    assert.deepEqual(world.targets, []);
    const [first, second] = numbers;
    assert.ok((await world.transfer(id, [first, second ?? ''])).ok);
  });

  test('one that is named twice is called once; several cannot be transferred to', async () => {
    const world = new CallWorld();
    const { id } = await world.arrive();
    const refer = await world.transfer(id, numbers, { mode: 'refer' });
    assert.ok(!refer.ok && refer.error.code === 'not-allowed');
    await world.transfer(id, [numbers[0], '0755-2000 0007']);
    await settled();
    assert.equal(world.targets.length, 1);
    assert.equal(world.view(id).target?.among, undefined);
  });

  test('together: the first answer wins, the others are told that it was answered elsewhere', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    await world.transfer(id, numbers);
    await settled();
    const [first, second, third] = world.targets;
    assert.deepEqual(
      world.targets.map(({ dialled }) => dialled.to),
      numbers,
    );
    assert.equal(world.media.standing.size, 3);
    first?.rings();
    third?.rings();
    second?.answers();
    await settled();
    assert.deepEqual([first?.hungUp, second?.hungUp, third?.hungUp], [elsewhere, undefined, elsewhere]);
    assert.ok(second);
    world.assertTalk(caller, second);
    assert.equal(world.media.standing.size, 1);
    assert.deepEqual([world.view(id).target?.to, world.view(id).target?.among], [numbers[1], numbers]);
    second.hangsUp({ q850: 16 });
    await settled();
    const record = world.record(id);
    assert.equal(record.finalCalled, numbers[1]);
    assert.deepEqual(record.attempts[0]?.among, numbers);
    world.assertNothingLeft();
  });

  test('together: an answer that crosses the winner is hung up as answered elsewhere', async () => {
    const world = new CallWorld();
    const { id, caller } = await world.arrive();
    await world.transfer(id, numbers);
    await settled();
    const [first, second] = world.targets;
    assert.ok(first?.answers());
    assert.equal(second?.leg, 'over', 'it was cancelled in the same tick');
    await settled();
    assert.deepEqual(caller.finals, ['200 sdp']);
  });

  test('together: one that declines does not stop the others; all failed gives the best failure', async () => {
    const world = new CallWorld();
    const { id } = await world.arrive();
    await world.transfer(id, numbers);
    await settled();
    const [first, second, third] = world.targets;
    first?.fails({ reason: 'target-no-answer', status: 480, q850: 19 });
    second?.fails({ reason: 'target-refused', status: 603, q850: 21 });
    await settled();
    assert.equal(world.view(id).state, 'connecting');
    third?.fails({ reason: 'target-unreachable', status: 503 });
    await settled();
    assert.equal(world.view(id).state, 'waiting');
    assert.equal(world.view(id).target?.cause, 'target-refused', 'RFC 3261 16.7: a 6xx before anything else');
  });

  test('in turn: the next one is called when one has failed, none of them twice', async () => {
    const world = new CallWorld();
    const { id, caller } = await world.arrive();
    await world.transfer(id, numbers, { order: 'in-turn' });
    await settled();
    assert.equal(world.targets.length, 1);
    world.target.fails();
    await settled();
    assert.equal(world.targets.length, 2);
    world.target.fails({ reason: 'target-refused', status: 603 });
    await settled();
    world.target.answers();
    await settled();
    assert.deepEqual(
      world.targets.map(({ dialled }) => dialled.to),
      numbers,
    );
    world.assertTalk(caller, world.target);
    assert.equal(world.view(id).target?.attempt, 1);
  });

  test('in turn: no further number once the caller has waited as long as they may', async () => {
    const world = new CallWorld();
    const { id, caller } = await world.arrive();
    await world.transfer(id, numbers, { order: 'in-turn' });
    await world.clock.advance(120_000);
    world.target.fails();
    await settled();
    assert.equal(world.targets.length, 1);
    assert.equal(world.record(id).end?.reason, 'target-busy');
    assert.deepEqual(caller.finals, ['480']);
    world.assertNothingLeft();
  });

  test('each number is checked, and each counts for the limit', async () => {
    const world = new CallWorld();
    const { id } = await world.arrive();
    const wrong = await world.transfer(id, [numbers[0], '110']);
    assert.ok(!wrong.ok && wrong.error.code === 'emergency-number');
    const paid = await world.transfer(id, [numbers[0], '+19005550100']);
    assert.ok(!paid.ok && paid.error.code === 'not-allowed');
    const over = await world.transfer(id, [numbers[0], '+8675520000008']);
    assert.ok(!over.ok && over.error.code === 'unavailable' && over.error.retryAfter === 60);
    await world.clock.advance(60_001);
    const many = await world.transfer(id, ['1', '2', '3', '4', '5', '6']);
    assert.ok(!many.ok && many.error.code !== 'malformed');
  });
});

describe('by bridge, when the caller offers nothing (delayed offer)', () => {
  test('the offer of the target goes to the caller, the answer of the ACK back', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive(undefined, { offers: false });
    await world.transfer(id);
    await settled();
    assert.equal(world.target.dialled.sdp, undefined);
    world.target.rings(183, world.target.describe());
    world.target.answers();
    await settled();
    assert.deepEqual(caller.sent, ['181', '180', '200 sdp']);
    assert.notEqual(world.target.acknowledged, undefined);
    world.assertTalk(caller, world.target);
  });

  test('an ACK that cannot be used ends both legs', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive(undefined, { offers: false });
    await world.transfer(id);
    await settled();
    world.media.onAsk = (what) => (what === 'answer' ? Promise.reject(new Error('no SDP')) : Promise.resolve());
    world.target.answers();
    await settled();
    assert.equal(world.record(id).end?.reason, 'failed');
    assert.deepEqual(caller.sent, ['181', '200 sdp', 'BYE']);
    world.assertNothingLeft();
  });
});

describe('by refer', () => {
  const refer = { mode: 'refer' } as const;

  test('the caller is answered with music, referred, and released after success only', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    await world.transfer(id, undefined, refer);
    await settled();
    assert.match(world.hears(caller), /^music/);
    const [referral] = caller.referred;
    assert.deepEqual(referral?.to.to, ['+8675520000009']);
    assert.equal(world.targets.length, 0);
    referral.events.progress({ status: 100 });
    assert.equal(world.view(id).state, 'connecting');
    referral.events.progress({ status: 180 });
    assert.equal(world.view(id).state, 'ringing');
    assert.equal(caller.leg, 'standing');
    referral.events.transferred();
    await settled();
    assert.deepEqual(caller.sent, ['200 sdp', 'BYE']);
    const record = world.record(id);
    assert.deepEqual([record.end?.reason, record.mode, record.attempts.length], ['transferred', 'refer', 1]);
    world.assertNothingLeft();
  });

  test('a trunk that refuses: the same instruction is bridged, and the music plays on until the target answers', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    await world.transfer(id, undefined, refer);
    await settled();
    caller.referred[0]?.events.refused({ status: 403 });
    await settled();
    assert.match(world.hears(caller), /^music/);
    assert.equal(world.target.dialled.to, '+8675520000009');
    assert.equal(world.view(id).target?.mode, 'bridge');
    world.target.answers();
    await settled();
    world.assertTalk(caller, world.target);
    assert.deepEqual(
      world.record(id).attempts.map(({ mode, cause }) => [mode, cause?.status]),
      [
        ['refer', 403],
        ['bridge', undefined],
      ],
    );
    caller.hangsUp();
    await settled();
    world.assertNothingLeft();
  });

  test('a network that was silent and refers after all: the call goes on by itself, and the log names it', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    await world.transfer(id, undefined, refer);
    await settled();
    const [referral] = caller.referred;
    referral?.events.refused({});
    await settled();
    referral?.events.late();
    assert.deepEqual(world.warnings.at(-1)?.[0], { attempt: 1, sipCallId: 'call-1', peer: '127.0.0.1' });
    world.target.answers();
    await settled();
    world.assertTalk(caller, world.target);
  });

  test('a number that is busy is not rung again: back to waiting', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    await world.transfer(id, undefined, refer);
    await settled();
    caller.referred[0]?.events.failed({ reason: 'target-busy', status: 486, q850: 17 });
    await settled();
    assert.equal(world.view(id).state, 'waiting');
    assert.equal(world.view(id).target?.cause, 'target-busy');
    assert.match(world.hears(caller), /^music/);
    assert.equal(world.targets.length, 0);
  });

  test('the far side hangs up after it accepted: transferred, not hung up', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    await world.transfer(id, undefined, refer);
    await settled();
    caller.referred[0]?.events.transferred();
    caller.hangsUp();
    await settled();
    assert.equal(world.record(id).end?.reason, 'transferred');
    world.assertNothingLeft();
  });

  test('a caller whose media are refused is bridged', async () => {
    const world = new CallWorld();
    world.media.onAsk = (what) => (what === 'park' ? Promise.reject(new Error('no codec')) : Promise.resolve());
    const { caller, id } = await world.arrive();
    await world.transfer(id, undefined, refer);
    await settled();
    world.target.answers();
    await settled();
    world.assertTalk(caller, world.target);
    assert.equal(caller.referred.length, 0);
  });

  test('needs a media engine', async () => {
    const world = new CallWorld();
    world.media.mode = 'direct';
    const { id } = await world.arrive();
    const answer = await world.transfer(id, undefined, refer);
    assert.ok(!answer.ok && answer.error.code === 'no-media');
  });
});

describe('by redirect', () => {
  const redirect = { mode: 'redirect' } as const;

  test('302 before anything was answered; we are out of the call', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    await world.transfer(id, ['+8675520000008', '+8675520000009'], redirect);
    await settled();
    assert.deepEqual(caller.sent, ['302']);
    assert.deepEqual(caller.redirected[0]?.to, ['+8675520000008', '+8675520000009']);
    assert.deepEqual([world.record(id).end?.reason, world.record(id).end?.status], ['transferred', 302]);
    world.assertNothingLeft();
  });

  test('a 302 that cannot be written leaves the caller where they are: they are bridged', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    caller.onRedirect = () => Promise.reject(new Error('no number could be written'));
    await world.transfer(id, undefined, redirect);
    await settled();
    world.target.answers();
    await settled();
    world.assertTalk(caller, world.target);
  });

  test('a caller who was answered early is bridged instead', async () => {
    const world = new CallWorld(early);
    const { caller, id } = await world.arrive();
    await world.transfer(id, undefined, redirect);
    await settled();
    assert.equal(world.view(id).target?.mode, 'bridge');
    world.target.answers();
    await settled();
    world.assertTalk(caller, world.target);
  });

  test('CANCEL that is faster than the 302', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    caller.onRedirect = () => new Promise((_resolve, reject) => setImmediate(() => reject(new Error('cancelled'))));
    const answer = world.transfer(id, undefined, redirect);
    assert.ok(caller.cancels({ sip: 487 }));
    await answer;
    await settled();
    assert.equal(world.record(id).end?.reason, 'caller-hung-up');
    assert.equal(world.targets.length, 0, 'a caller who is gone is not bridged');
    world.assertNothingLeft();
  });
});

describe('a way that an instruction names', () => {
  test('is a bridge where it is too late for a 302', async () => {
    const world = new CallWorld(early);
    const { id } = await world.arrive();
    const answer = await world.transfer(id, undefined, { mode: 'redirect' });
    assert.ok(answer.ok && answer.call?.target?.mode === 'bridge');
  });

  test('by refer needs media only to answer the caller with music', async () => {
    const world = new CallWorld();
    world.media.mode = 'direct';
    const { id } = await world.connected();
    const answer = await world.transfer(id, undefined, { mode: 'refer' });
    assert.ok(answer.ok && answer.call?.move?.mode === 'refer');
  });
});

describe('auto', () => {
  test('takes the order of the trunk, or the one of the subscriber, and the first way that is possible', async () => {
    const modeOf = async (
      world: CallWorld,
      connect: ('redirect' | 'refer' | 'bridge')[],
      to?: [string, ...string[]],
    ) => {
      const [first = 'bridge', ...others] = connect;
      const { id } = await world.arrive(undefined, { connect: [first, ...others] });
      const answer = await world.transfer(id, to);
      return answer.ok ? answer.call?.target?.mode : answer.error.code;
    };
    assert.equal(await modeOf(new CallWorld(), ['redirect', 'bridge']), 'redirect');
    assert.equal(await modeOf(new CallWorld(early), ['redirect', 'refer', 'bridge']), 'refer');
    assert.equal(await modeOf(new CallWorld(), ['refer', 'bridge'], ['+8675520000008', '+8675520000009']), 'bridge');
    const direct = new CallWorld();
    direct.media.mode = 'direct';
    assert.equal(await modeOf(direct, ['refer', 'redirect']), 'redirect');
    assert.equal(await modeOf(new CallWorld(early), ['redirect']), 'bridge', 'where nothing else is possible');
    const own = new CallWorld();
    own.subscriber.connect = ['bridge'];
    assert.equal(await modeOf(own, ['refer', 'redirect']), 'bridge');
  });
});
