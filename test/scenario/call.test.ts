import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Failure } from '../../src/shared/errors.ts';
import { CallWorld, callerNumber, settle, settled, subscriberNumber } from '../support/call-world.ts';
import { portOf } from '../support/call/phone.ts';

describe('a call through the service, on fakes', () => {
  test('transferred and connected; the caller hangs up; the record tells it all', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    const [told] = world.told;
    assert.equal(told?.event, 'incoming');
    assert.deepEqual(
      { caller: told.call.caller, firstCalled: told.call.firstCalled, state: told.call.state },
      { caller: callerNumber, firstCalled: subscriberNumber, state: 'waiting' },
    );

    await world.clock.advance(2_000);
    const answer = await world.transfer(id);
    assert.ok(answer.ok && answer.call?.state === 'connecting');
    await settle();
    const { target } = world;
    assert.equal(target.dialled.to, '+8675520000009');
    assert.equal(world.media.at(target.dialled.sdp)?.side, 'target');

    target.rings();
    await world.clock.advance(1_000);
    target.answers();
    await settle();
    assert.deepEqual(caller.sent, ['181', '180', '200 sdp']);
    assert.equal(world.told.at(-1)?.call.state, 'connected');

    await world.clock.advance(30_000);
    caller.hangsUp({ q850: 16 });
    await settle();
    assert.deepEqual(target.hungUp, { q850: 16 });
    const record = world.record(id);
    assert.deepEqual(record.end, { reason: 'completed', by: 'caller', at: world.clock.now(), status: 200, q850: 16 });
    assert.deepEqual(
      { account: record.account, final: record.finalCalled, by: record.instructedBy, mode: record.mode },
      { account: 'shop1', final: '+8675520000009', by: 'pc', mode: 'bridge' },
    );
    const started = record.arrivedAt;
    assert.deepEqual(
      [record.notifiedAt, record.instructedAt, record.ringingAt, record.answeredAt, record.end.at].map(
        (at) => (at ?? NaN) - started,
      ),
      [0, 2_000, 2_000, 3_000, 33_000],
    );
    assert.deepEqual(
      record.notified.map(({ terminalId, receivedAt }) => [terminalId, receivedAt !== undefined]),
      [
        ['pc', true],
        ['phone', true],
      ],
    );
    assert.ok(record.explanation?.some(({ about, where, used }) => about === 'first-called' && where === 'To' && used));
    assert.equal(world.told.at(-1)?.event, 'ended');
    world.assertNothingLeft();
  });

  test('nobody logged in and unknown number are refused at once, with a record and without a notification', async () => {
    const world = new CallWorld();
    world.present = [];
    const absent = await world.arrive();
    assert.deepEqual(absent.caller.sent, ['480']);
    const unknown = await world.arrive('+8675529999999');
    assert.deepEqual(unknown.caller.sent, ['404']);
    await settle();
    assert.deepEqual(
      [...world.records.records.values()].map((record) => record.end?.reason),
      ['no-terminal', 'rejected'],
    );
    assert.deepEqual(
      [...world.records.records.values()].map((record) => record.explanation?.at(-1)?.why),
      ['no terminal of shop1 is logged in', 'none of +8675529999999, +8675529990000 belongs to a subscriber'],
      'so that an operator can see why the call found nobody',
    );
    assert.deepEqual(world.told, []);
    world.assertNothingLeft();
  });

  test('nobody instructs in time', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    await world.clock.advance(59_999);
    assert.deepEqual(caller.sent, []);
    await world.clock.advance(1);
    assert.deepEqual(caller.sent, ['480']);
    assert.equal(world.record(id).end?.reason, 'not-instructed');
    world.assertNothingLeft();
  });

  test('the second instruction is told who won, and a repeated one gets the first answer again', async () => {
    const world = new CallWorld();
    const { id } = await world.arrive();
    const [first, second, again] = await Promise.all([
      world.transfer(id, '+8675520000009', { key: 'k1' }),
      world.transfer(id, '+8675520000008', { terminalId: 'phone', key: 'k2' }),
      world.transfer(id, '+8675520000009', { key: 'k1' }),
    ]);
    assert.ok(first.ok);
    assert.ok(!second.ok && second.error.code === 'already-taken' && second.error.by === 'pc');
    assert.equal(again, first);
    await settle();
    assert.equal(world.targets.length, 1);
  });

  test('a busy target, then another number', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    await world.transfer(id);
    await settle();
    world.target.rings();
    await world.clock.advance(1_000);
    world.target.fails();
    const told = world.told.at(-1)?.call;
    assert.deepEqual([told?.state, told?.target?.state, told?.target?.cause], ['waiting', 'failed', 'target-busy']);
    await world.clock.advance(1_000);
    await world.transfer(id, '0755-2000 0008', { terminalId: 'phone' });
    await settle();
    assert.equal(world.target.dialled.to, '+8675520000008');
    world.target.answers();
    await settle();
    assert.deepEqual(caller.sent, ['181', '180', '200 sdp']);
    world.target.hangsUp();
    await settle();
    const { attempts, end, instructedAt, ringingAt, answeredAt } = world.record(id);
    const times = [instructedAt, ringingAt, answeredAt, end?.at].filter((time) => time !== undefined);
    assert.deepEqual(times, times.toSorted(), 'the times of the record are in order');
    assert.equal(instructedAt, attempts[0]?.startedAt);
    assert.deepEqual(
      attempts.map(({ to, cause }) => [to, cause?.reason]),
      [
        ['+8675520000009', 'target-busy'],
        ['+8675520000008', undefined],
      ],
    );
    assert.equal(end?.by, 'target');
    world.assertNothingLeft();
  });

  test('the caller withdraws in each state: no leg, no media and no timer is left', async () => {
    for (const stage of ['waiting', 'connecting', 'ringing', 'answering'] as const) {
      const world = new CallWorld();
      const { caller, id } = await world.arrive();
      caller.onAnswer = () => Promise.reject(new Error('CANCEL was faster'));
      if (stage !== 'waiting') {
        await world.transfer(id);
        if (stage !== 'connecting') await settle();
        if (stage === 'ringing') world.target.rings();
        if (stage === 'answering') world.target.answers();
      }
      caller.cancels({ sip: 200 });
      await settle();
      await settle();
      assert.equal(world.record(id).end?.reason, 'answered-elsewhere', stage);
      assert.ok(
        world.targets.every((target) => target.hungUp !== undefined),
        stage,
      );
      world.assertNothingLeft();
    }
  });

  test('what is not a number, not permitted, an emergency or not reachable is refused, and the call goes on waiting', async () => {
    const world = new CallWorld();
    const { id } = await world.arrive();
    const codes = [];
    for (const to of ['hello', '110', '+19005550100', '95588', 'sip:x@192.0.2.66']) {
      const answer = await world.transfer(id, to);
      assert.ok(!answer.ok);
      codes.push(answer.error.code);
    }
    assert.deepEqual(codes, ['bad-number', 'emergency-number', 'not-allowed', 'not-allowed', 'not-allowed']);
    assert.equal(world.calls.callsOf('shop1')[0]?.state, 'waiting');
  });

  test('what no trunk leads to is refused', async () => {
    const world = new CallWorld();
    const { id } = await world.arrive();
    const answer = await world.transfer(id, '10086');
    assert.ok(!answer.ok && answer.error.code === 'not-allowed');
    assert.match(answer.error.message, /no trunk leads to 10086/);
  });

  test('what is allowed and denied by prefixes of the same length is denied', async () => {
    const world = new CallWorld({ allow: ['+86'], deny: ['+86'] });
    const { id } = await world.arrive();
    const answer = await world.transfer(id);
    assert.ok(!answer.ok && answer.error.code === 'not-allowed');
  });

  test('terminals see until when they may decide: anew after each failure, and never longer than the longest hold', async () => {
    const world = new CallWorld({ maxHold: 90_000, instructionsPerMinute: 100 });
    const { id } = await world.arrive();
    const { arrivedAt } = world.record(id);
    const seen = () => Date.parse(world.view(id).decideBefore) - arrivedAt;
    assert.equal(seen(), 60_000);
    for (const [after, until] of [
      [20_000, 80_000],
      [20_000, 90_000],
    ] as const) {
      await world.clock.advance(after);
      await world.transfer(id);
      await settled();
      assert.equal(seen(), 60_000, 'once instructed, that of the arrival');
      world.target.fails();
      assert.equal(seen(), until);
    }
    const short = new CallWorld({ maxHold: 30_000 });
    const { id: other } = await short.arrive();
    await short.transfer(other);
    assert.equal(Date.parse(short.view(other).decideBefore) - short.record(other).arrivedAt, 30_000);
  });

  test("a terminal's own IP phone, when it has one", async () => {
    const world = new CallWorld();
    const { id } = await world.arrive();
    const none = await world.transfer(id, 'terminal');
    assert.ok(!none.ok && none.error.code === 'not-allowed');
    const gone = await world.transfer(id, 'terminal', { terminalId: 'tablet' });
    assert.ok(!gone.ok && gone.error.code === 'not-allowed', 'one that is not logged in has none');
    assert.ok((await world.transfer(id, 'terminal', { terminalId: 'phone' })).ok);
    await settle();
    assert.equal(world.target.dialled.to, 'sip:shop1@127.0.0.1:5099');
  });

  test('instructions are limited by the minute', async () => {
    const world = new CallWorld();
    const { id } = await world.arrive();
    for (let tries = 0; tries < 5; tries += 1) await world.transfer(id, 'nonsense');
    const over = await world.transfer(id);
    assert.ok(!over.ok && over.error.code === 'unavailable' && over.error.retryAfter === 60);
    await world.clock.advance(60_000);
  });

  test("another account sees nothing of the call; an ended one is 'too late'", async () => {
    const world = new CallWorld();
    const { id } = await world.arrive();
    const stranger = await world.calls.transfer('other', {
      callId: id,
      to: ['+8675520000009'],
      terminalId: 'x',
      order: 'together',
      attended: false,
      mode: 'auto',
    });
    assert.ok(!stranger.ok && stranger.error.code === 'unknown-call');
    await world.calls.decline('shop1', id, 'pc');
    await settle();
    const late = await world.transfer(id);
    assert.ok(!late.ok && late.error.code === 'too-late');
    assert.equal(world.record(id).end?.reason, 'declined');
  });

  test('early media and re-INVITE go across: hold and resume are seen by the terminals', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    await world.transfer(id);
    await settled();
    const { target } = world;
    target.rings(183, target.describe());
    await settled();
    assert.deepEqual(caller.sent, ['181', '183 sdp']);
    target.answers();
    await settled();
    world.assertTalk(caller, target);

    const ask = async (body: string) => (await caller.asks({ method: 'INVITE', body })).status;
    assert.equal(await ask(caller.describe('sendonly')), 200);
    assert.match(target.asked[0]?.body ?? '', /a=sendonly/);
    assert.equal(portOf(target.asked[0]?.body ?? ''), world.media.sessions[0]?.ports.target);
    await settled();
    assert.equal(world.view(id).state, 'held');
    assert.equal(world.hears(target), 'music /sounds/music.wav');
    assert.equal(await ask(caller.describe()), 200);
    await settled();
    assert.equal(world.view(id).state, 'connected');
    world.assertTalk(caller, target);

    const digits = await world.calls.digits('shop1', id, 'pc', '12');
    assert.ok(digits.ok);
    assert.deepEqual(
      target.asked.slice(2).map(({ method, body }) => [method, body]),
      [
        ['INFO', 'Signal=1\r\nDuration=160\r\n'],
        ['INFO', 'Signal=2\r\nDuration=160\r\n'],
      ],
    );
    world.media.digitsByInfo = false;
    assert.ok((await world.calls.digits('shop1', id, 'pc', '34#')).ok);
    assert.deepEqual(world.media.sessions[0]?.digitsSent, ['target 34#']);
    assert.equal(target.asked.length, 4, 'in the voice, not beside it');
    for (const why of [new Failure('media-refused', 'no'), new Error('the engine does not answer')]) {
      world.media.onAsk = (what) => (what === 'digits' ? Promise.reject(why) : Promise.resolve());
      assert.ok(!(await world.calls.digits('shop1', id, 'pc', '5')).ok);
    }
    assert.equal(target.asked.length, 4, 'nor beside it where the voice fails');
    await world.calls.hangUp('shop1', id, 'pc');
    await settled();
    assert.deepEqual(caller.sent, ['181', '183 sdp', '200 sdp', 'BYE']);
    world.assertNothingLeft();
  });

  test('re-INVITEs that cross meet 491', async () => {
    const world = new CallWorld();
    const { caller, target } = await world.connected();
    const answers = await Promise.all([
      caller.asks({ method: 'INVITE', body: caller.describe() }),
      target.asks({ method: 'INVITE', body: target.describe() }),
    ]);
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 491]);
  });

  test('media that fail at the answer bring the caller back to waiting; no other engine would do better', async () => {
    for (const why of [new Error('the engine fails'), new Failure('media-refused', 'no codec')]) {
      const world = new CallWorld();
      const { id } = await world.arrive();
      const asked: string[] = [];
      world.media.onAsk = (what) => {
        asked.push(what);
        return what === 'answer' ? Promise.reject(why) : Promise.resolve();
      };
      await world.transfer(id);
      await settle();
      world.target.answers();
      await settle();
      assert.equal(world.told.at(-1)?.call.state, 'waiting');
      assert.ok(world.target.hungUp);
      assert.equal(world.media.standing.size, 0);
      assert.ok(!asked.includes('relocate'));
    }
  });

  test('the record is open while the call is looked up, and says whose it is before the terminals hear of it', async () => {
    const world = new CallWorld();
    world.onLookUp = () => new Promise<void>((resolve) => world.clock.after(2_000, resolve));
    const { caller, id } = await world.arrive();
    assert.deepEqual([world.record(id).account, world.told.length], [undefined, 0]);
    let written: () => void = () => undefined;
    world.records.onWrite = () => new Promise((resolve) => (written = resolve));
    await world.clock.advance(2_000);
    assert.deepEqual([world.record(id).account, world.told.length], [undefined, 0]);
    world.records.onWrite = () => Promise.resolve();
    written();
    await settled();
    assert.deepEqual([world.record(id).account, world.told.length], ['shop1', 1]);
    caller.cancels();
    await settled();
    world.assertNothingLeft();
  });

  test('a store that fails for a while holds no call up and loses no record', async () => {
    const world = new CallWorld();
    world.records.failing = true;
    const { caller } = await world.arrive();
    assert.equal(world.told[0]?.event, 'incoming', 'the terminals are told all the same');
    caller.cancels();
    await world.clock.advance(500);
    world.records.failing = false;
    await world.clock.advance(60_000);
    assert.deepEqual(
      [...world.records.records.values()].map((record) => record.end?.reason),
      ['withdrawn'],
    );
    world.assertNothingLeft();
  });

  test('an instruction is acknowledged when it stands in the record; a sick store holds nobody up', async () => {
    const world = new CallWorld();
    const { id } = await world.arrive();
    const seen = world.transfer(id).then(() => world.record(id).finalCalled);
    assert.equal(await seen, '+8675520000009');

    const sick = new CallWorld();
    const second = await sick.arrive();
    sick.records.failing = true;
    const answer = sick.transfer(second.id);
    await sick.clock.advance(0);
    assert.equal(sick.targets.length, 1, 'the final number is called meanwhile');
    assert.ok((await answer).ok);
  });

  test('what a crash left behind is closed as interrupted, and its media are removed', async () => {
    const before = new CallWorld();
    const { id } = await before.arrive();
    await before.transfer(id);
    await settle();
    const after = new CallWorld();
    after.records.records.set(id, before.record(id));
    assert.equal(await after.calls.recover(), 1);
    assert.equal(after.record(id).end?.reason, 'interrupted');
    assert.equal(after.record(id).attempts[0]?.endedAt, after.clock.now());
    // And of the attempt after it, which the store may not have seen any more
    assert.deepEqual(
      after.media.released.map(({ callId, sessions }) => [callId, sessions > 2]),
      [[id, true]],
    );
  });

  test('draining lets calls end by themselves, and interrupts what is left at the limit', async () => {
    const world = new CallWorld();
    const first = await world.arrive();
    const second = await world.arrive();
    const drained = world.calls.drain(10_000);
    first.caller.cancels();
    await world.clock.advance(10_000);
    await drained;
    assert.deepEqual(
      [first, second].map(({ id }) => world.record(id).end?.reason),
      ['withdrawn', 'interrupted'],
    );
    assert.deepEqual(second.caller.sent, ['503']);
    world.assertNothingLeft();
  });

  test('the longest call is ended on both sides', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    await world.transfer(id);
    await settle();
    world.target.answers();
    await settled();
    await world.clock.advance(3_600_000);
    assert.equal(world.record(id).end?.reason, 'limit-reached');
    assert.equal(caller.sent.at(-1), 'BYE');
    assert.ok(world.target.hungUp);
    world.assertNothingLeft();
  });
});
