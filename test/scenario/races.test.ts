// Races by name, on fakes: both orders of each, in the same moment. Over real sockets: test/peer/call.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CallWorld, settled } from '../support/call-world.ts';

const later = (world: CallWorld, milliseconds: number) =>
  new Promise<void>((resolve) => world.clock.after(milliseconds, resolve));

describe('races of a call', () => {
  test('CANCEL while the instruction is being checked: nobody is called, and the terminal is told', async () => {
    const before = new CallWorld();
    const first = await before.arrive();
    first.caller.cancels();
    const late = await before.transfer(first.id);
    assert.ok(!late.ok && late.error.code === 'too-late');
    assert.equal(before.targets.length, 0);
    await settled();
    before.assertNothingLeft();

    const after = new CallWorld();
    const second = await after.arrive();
    const answer = after.transfer(second.id);
    second.caller.cancels();
    await answer;
    await settled();
    assert.equal(after.targets.length, 0, 'its media were being opened when the CANCEL came');
    assert.equal(after.view(second.id).end?.reason, 'withdrawn');
    after.assertNothingLeft();
  });

  test('CANCEL crossing our 200: whichever the network took first counts', async () => {
    for (const cancelFirst of [true, false]) {
      const world = new CallWorld();
      const { caller, id } = await world.arrive();
      await world.transfer(id);
      await settled();
      let acknowledge: () => void = () => undefined;
      caller.onAnswer = () => new Promise((resolve) => (acknowledge = resolve));
      world.target.answers();
      await settled();
      assert.equal(caller.leg, 'answering');
      if (cancelFirst) {
        assert.ok(caller.cancels({ sip: 200 }));
        acknowledge();
      } else {
        acknowledge();
        await settled();
        caller.events.cancelled({ sip: 200 }); // it is not in the trunk's contract, and must not hurt
        assert.equal(world.view(id).state, 'connected');
        caller.hangsUp();
      }
      await settled();
      assert.equal(world.record(id).end?.reason, cancelFirst ? 'answered-elsewhere' : 'completed');
      assert.equal(world.record(id).answeredAt === undefined, cancelFirst, 'who is gone is not billed');
      world.assertNothingLeft();
    }
  });

  test('CANCEL crossing the 200 of the music', async () => {
    const world = new CallWorld({ answerEarly: true });
    const arriving = world.arrive();
    const [caller] = world.callers;
    assert.ok(caller);
    caller.onAnswer = () => new Promise(() => undefined);
    const { id } = await arriving;
    assert.equal(caller.leg, 'answering');
    caller.cancels();
    await settled();
    assert.equal(world.record(id).end?.reason, 'withdrawn');
    world.assertNothingLeft();
  });

  test('target answers as the caller hangs up', async () => {
    for (const answerFirst of [true, false]) {
      const world = new CallWorld();
      const { caller, id } = await world.arrive();
      await world.transfer(id);
      await settled();
      const { target } = world;
      const race = [() => target.answers(), () => caller.cancels({ q850: 16 })];
      for (const act of answerFirst ? race : race.toReversed()) act();
      await settled();
      assert.equal(world.record(id).end?.reason, 'caller-hung-up');
      assert.equal(world.record(id).answeredAt, undefined);
      assert.equal(target.leg, 'over');
      world.assertNothingLeft();
    }
  });

  test('two terminals instruct in the same millisecond: one wins, the other is told who', async () => {
    const world = new CallWorld();
    const { id } = await world.arrive();
    const answers = await Promise.all(
      ['pc', 'phone'].map((terminalId) => world.transfer(id, undefined, { terminalId })),
    );
    assert.deepEqual(
      answers.map((answer) => (answer.ok ? 'won' : answer.error.by)),
      ['won', 'pc'],
    );
    await settled();
    assert.equal(world.targets.length, 1);
  });

  test('instruction at the very deadline: it wins before the timer has fired, and is too late after it', async () => {
    for (const inTime of [true, false]) {
      const world = new CallWorld();
      const { id } = await world.arrive();
      await world.clock.advance(60_000 - (inTime ? 1 : 0));
      const answer = await world.transfer(id);
      await world.clock.advance(1);
      assert.equal(answer.ok, inTime);
      assert.equal(world.targets.length, inTime ? 1 : 0);
      if (inTime) assert.equal(world.view(id).state, 'connecting');
      else assert.equal(world.record(id).end?.reason, 'not-instructed');
    }
  });

  test('terminal disconnects right after instructing: the call goes on', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    const answer = world.transfer(id);
    world.present = [];
    await answer;
    await settled();
    world.target.answers();
    await settled();
    world.assertTalk(caller, world.target);
    caller.hangsUp();
    await settled();
    world.assertNothingLeft();
  });

  test('BYE crossing BYE: one end, by whom came first', async () => {
    for (const callerFirst of [true, false]) {
      const world = new CallWorld();
      const { caller, id, target } = await world.connected();
      const race = [() => caller.hangsUp({ q850: 16 }), () => target.hangsUp({ q850: 16 })];
      for (const act of callerFirst ? race : race.toReversed()) act();
      await settled();
      assert.equal(world.record(id).end?.by, callerFirst ? 'caller' : 'target');
      assert.equal(world.told.filter(({ event }) => event === 'ended').length, 1);
      world.assertNothingLeft();
    }
  });

  test('re-INVITE glare: of the two phones', async () => {
    const world = new CallWorld();
    const { caller, target } = await world.connected();
    const answers = await Promise.all([
      target.asks({ method: 'INVITE', body: target.describe() }),
      caller.asks({ method: 'INVITE', body: caller.describe() }),
    ]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 491],
    );
    assert.equal((await caller.asks({ method: 'INVITE', body: caller.describe() })).status, 200);
    world.assertTalk(caller, target);
  });

  test("re-INVITE glare: a phone's with the one that moves it", async () => {
    const world = new CallWorld();
    const { caller, id } = await world.connected();
    await world.transfer(id, '+8675520000008');
    await settled();
    const statuses: number[] = [];
    caller.onRequest = () => {
      caller.onRequest = undefined;
      const asked = caller.asks({ method: 'INVITE', body: caller.describe() });
      void asked.then(({ status }) => statuses.push(status));
      return { status: 491 };
    };
    world.target.answers();
    await settled();
    await world.clock.advance(2_000);
    assert.deepEqual(statuses, [200], 'the old call still stands then, and answers');
    world.assertTalk(caller, world.target);
  });

  test('a re-INVITE that is refused leaves the media as they were', async () => {
    const world = new CallWorld();
    const { caller, target } = await world.connected();
    target.onRequest = () => ({ status: 488 });
    const t38 = caller.describe().replace('RTP/AVP 8', 'udptl t38').replace('m=audio', 'm=image');
    assert.equal((await caller.asks({ method: 'INVITE', body: t38 })).status, 488);
    world.assertTalk(caller, target);
  });

  test('an instruction whose password takes longer to check than the call to be connected does not move it', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    const slow = world.instruction(id, '+8675520000008', { terminalId: 'phone' });
    assert.ok((await world.transfer(id)).ok);
    await settled();
    world.target.answers();
    await settled();
    const late = await world.calls.transfer('shop1', slow);
    assert.ok(!late.ok && late.error.code === 'already-taken');
    assert.equal(late.error.by, 'pc');
    assert.equal(world.view(id).state, 'connected');
    assert.equal(world.record(id).attempts.length, 1);
    assert.ok((await world.transfer(id, '+8675520000008')).ok, 'one that comes now does');
    caller.hangsUp();
    await settled();
    world.assertNothingLeft();
  });

  test('rtpengine answers late: within its time the call goes on, after it the target is given up', async () => {
    for (const [milliseconds, connects] of [
      [4_000, true],
      [6_000, false],
    ] as const) {
      const world = new CallWorld();
      const { caller, id } = await world.arrive();
      await world.transfer(id);
      await settled();
      world.media.onAsk = () => later(world, milliseconds);
      world.target.answers();
      await world.clock.advance(7_000);
      assert.equal(world.view(id).state, connects ? 'connected' : 'waiting');
      world.media.onAsk = () => Promise.resolve();
      if (connects) caller.hangsUp();
      else caller.cancels();
      await world.clock.advance(7_000);
      world.assertNothingLeft();
    }
  });

  test('rtpengine answers late, and until then the caller has heard nothing of who answered', async () => {
    for (const [how, after] of [
      ['target hangs up', 'waiting'],
      ['terminal hangs up', 'declined'],
      ['service stops', 'interrupted'],
    ] as const) {
      const world = new CallWorld();
      const { caller, id } = await world.arrive();
      await world.transfer(id);
      await settled();
      world.media.onAsk = () => later(world, 4_000);
      world.target.answers();
      await world.clock.advance(1_000);
      if (how === 'target hangs up') world.target.hangsUp();
      if (how === 'terminal hangs up') await world.calls.hangUp('shop1', id, 'pc');
      if (how === 'service stops') void world.calls.drain(0);
      await settled();
      if (after === 'waiting') {
        assert.equal(world.view(id).state, 'waiting', how);
        assert.equal(world.view(id).target?.cause, 'target-refused');
        caller.cancels();
      }
      await world.clock.advance(7_000);
      const { end, answeredAt } = world.record(id);
      assert.deepEqual([end?.reason, answeredAt], [after === 'waiting' ? 'withdrawn' : after, undefined]);
      assert.ok(!caller.sent.includes('BYE'), how);
      assert.deepEqual(caller.finals, after === 'waiting' ? [] : [String(end?.status)], how);
      world.assertNothingLeft();
    }
  });

  test('rtpengine that opens a session too late: it is closed again', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    world.media.onAsk = (what) => (what === 'open' ? later(world, 6_000) : Promise.resolve());
    await world.transfer(id);
    await world.clock.advance(7_000);
    assert.equal(world.view(id).state, 'waiting');
    assert.equal(world.media.standing.size, 0);
    caller.cancels();
    await settled();
    world.assertNothingLeft();
  });

  test('store is slow: calls go on, and the records are written', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    world.records.onWrite = () => later(world, 3_000);
    const answer = world.transfer(id);
    await world.clock.advance(500); // our INVITE waits for its record, but not longer
    world.target.answers();
    await world.clock.advance(0);
    assert.equal(world.view(id).state, 'connected');
    await world.clock.advance(2_000);
    assert.ok((await answer).ok, 'no longer than 2 s for the acknowledgement');
    caller.hangsUp();
    await world.clock.advance(20_000);
    assert.equal(world.record(id).end?.reason, 'completed');
    world.assertNothingLeft();
  });

  test('store is gone for a minute: calls go on, and their records are written later', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    world.records.failing = true;
    await Promise.all([world.transfer(id), settled()]);
    world.target.answers();
    await settled();
    world.assertTalk(caller, world.target);
    caller.hangsUp();
    await world.clock.advance(60_000);
    world.records.failing = false;
    await world.clock.advance(60_000);
    const { end, attempts, answeredAt } = world.record(id);
    assert.deepEqual([end?.reason, attempts.length, answeredAt !== undefined], ['completed', 1, true]);
    world.assertNothingLeft();
  });

  test('Socket.IO server restarts: who logs in again is told of the calls, and may instruct', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    world.present = [];
    await world.clock.advance(5_000);
    world.present = ['tablet'];
    world.calls.terminalArrived('shop1', 'tablet');
    world.calls.received('shop1', id, 'tablet');
    assert.deepEqual(
      world.calls.callsOf('shop1').map(({ state }) => state),
      ['waiting'],
    );
    assert.ok((await world.transfer(id, undefined, { terminalId: 'tablet' })).ok);
    await settled();
    assert.ok(world.record(id).notified.some(({ terminalId, receivedAt }) => terminalId === 'tablet' && receivedAt));
    caller.cancels();
    await settled();
    world.assertNothingLeft();
  });

  test('the network sends CANCEL without Reason: withdrawn, and the target hears no more than that', async () => {
    const world = new CallWorld();
    const { caller, id } = await world.arrive();
    await world.transfer(id);
    await settled();
    caller.cancels();
    await settled();
    assert.equal(world.record(id).end?.reason, 'withdrawn');
    assert.deepEqual(world.target.hungUp, {});
    world.assertNothingLeft();
  });

  test('CANCEL and BYE carry their causes to the other leg', async () => {
    const ringing = new CallWorld();
    const first = await ringing.arrive();
    await ringing.transfer(first.id);
    await settled();
    first.caller.cancels({ sip: 200, text: 'Call completed elsewhere' });
    assert.deepEqual(ringing.target.hungUp, { sip: 200, text: 'Call completed elsewhere' });

    const talking = new CallWorld();
    const { caller, target } = await talking.connected();
    target.hangsUp({ q850: 38 });
    await settled();
    assert.deepEqual(caller.released, { q850: 38 });
  });

  test('a second answer of the same phone is none', async () => {
    const world = new CallWorld();
    const { caller, target } = await world.connected();
    target.events.answered({ sdp: target.describe(), fork: 'b' });
    await settled();
    world.assertTalk(caller, target);
    assert.deepEqual(world.faults, []);
  });
});
