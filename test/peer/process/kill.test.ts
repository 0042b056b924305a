// `kill -9` in the middle of 50 calls, and of one that is only being looked up: what the next process of the same node finds, and makes of it.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { CallRecord } from '../../../src/call/record.ts';
import { eventually } from '../../support/eventually.ts';
import { answering, Crowd, ringing } from '../../support/process/crowd.ts';
import { numbers, openScene, type Scene } from '../../support/process/scene.ts';
import { slowLookUps } from '../../support/sick-store.ts';
import { rtpengineMissing, startRtpengine, type RunningRtpengine } from '../../support/rtpengine.ts';
import type { WatchedTerminal } from '../../support/site.ts';

const calls = 50;

/** What a call of the crowd was when the process was killed. */
type At = 'waiting' | 'ringing' | 'connected';
const planned = (index: number): At => (index < 15 ? 'waiting' : index < 30 ? 'ringing' : 'connected');

describe('kill -9 in the middle of 50 calls', { skip: rtpengineMissing() ?? false, timeout: 60_000 }, () => {
  let engine: RunningRtpengine;
  let scene: Scene;
  let crowd: Crowd;
  let terminals: WatchedTerminal[];
  before(async () => (engine = await startRtpengine()));
  after(() => engine.stop());
  beforeEach(async () => {
    scene = await openScene({
      node: 'mortal',
      media: { mode: 'rtpengine', engines: [engine.engine] },
      calls: { instructionsPerMinute: 1000 },
    });
    crowd = await Crowd.gather(scene);
    await scene.subscribe('shop1', numbers.first);
  });
  afterEach(async () => {
    await crowd.close();
    await scene.close();
  });

  const logIn = async () => {
    terminals = await Promise.all(crowd.accounts.map((account) => scene.terminal(account)));
  };
  const told = () => terminals.flatMap((terminal) => terminal.told);
  const recordsByCaller = async (): Promise<Map<string | null, CallRecord>> => {
    const { records } = await scene.store();
    return new Map((await records.list({ limit: 1_000 })).map((record) => [record.caller, record]));
  };
  /** The same settings, a new process: nothing stands, and a new call with voice works at once. */
  const restart = async () => {
    const service = await scene.serve();
    const { records } = await scene.store();
    assert.deepEqual(await records.standing('mortal'), [], 'the old records are closed when the service is ready');
    assert.equal(await engine.sessions(), 0, 'rtpengine holds nothing of the calls when the service is ready');
    await scene.connect(await scene.terminal('shop1'));
    assert.equal(await engine.sessions(), 1);
    // The network clears up behind the dead process: nothing of it disturbs the new one
    for (const { session } of crowd.members) session.hangUp();
    scene.phones.caller.hangUp();
    assert.equal((await scene.closedRecord({ account: 'shop1' })).end?.reason, 'completed');
    await eventually('the end of the media', async () => (await engine.sessions()) === 0);
    assert.equal(service.over, false);
  };

  test('calls that wait, ring and stand are closed as interrupted with their facts; closed ones stay as they were', async () => {
    const service = await scene.serve();
    await logIn();
    // Three calls whose records are closed before
    const [completed, declined, gaveUp] = [crowd.call(), crowd.call(), crowd.call()];
    for (const [member, end] of [
      [completed, 'completed'],
      [declined, 'declined'],
      [gaveUp, 'caller-hung-up'],
    ] as const) {
      const terminal = terminals[crowd.members.indexOf(member)];
      assert.ok(terminal);
      const { id } = await terminal.incoming();
      if (end === 'completed') {
        assert.ok((await terminal.client.transfer({ callId: id, to: answering(0) })).ok);
        await terminal.state('connected');
      }
      if (end === 'declined') assert.ok((await terminal.client.decline(id)).ok);
      else member.session.hangUp('Q.850;cause=16');
      assert.equal((await terminal.ended()).end?.reason, end);
    }
    await eventually('three closed records', async () => {
      const records = await recordsByCaller();
      return records.size === 3 && [...records.values()].every((record) => record.end);
    });
    const closedBefore = await recordsByCaller();

    const plans = new Map<string, { at: At; to: string | undefined; by: string }>();
    for (let index = 0; index < calls; index++) {
      const member = crowd.call();
      const at = planned(index);
      const to = { waiting: undefined, ringing: ringing(index), connected: answering(index) }[at];
      plans.set(member.caller, { at, to, by: `${member.account}-pc` });
    }
    await Promise.all(
      terminals.map((terminal, index) =>
        Promise.all(
          crowd.members
            .filter(({ account, caller }) => account === crowd.accounts[index] && plans.has(caller))
            .map(async ({ caller }) => {
              const { id } = await terminal.when(
                `the call of ${caller}`,
                ({ event, call }) => event === 'incoming' && call.caller === caller,
              );
              const { at, to } = plans.get(caller) ?? {};
              if (to === undefined) return;
              assert.ok((await terminal.client.transfer({ callId: id, to })).ok);
              await terminal.when(`it is ${String(at)}`, ({ call }) => call.id === id && call.state === at);
            }),
        ),
      ),
    );
    assert.equal(await engine.sessions(), [...plans.values()].filter(({ to }) => to !== undefined).length);
    assert.equal(await scene.metric('ringaway_calls{state="waiting"}'), 15);
    // What terminals are told of is written at the same time: it may be a moment later on the disk.
    await eventually('what the terminals were told of in the records', async () => {
      const known = [...(await recordsByCaller()).values()].filter(({ end }) => !end);
      const answered = known.filter(({ answeredAt }) => answeredAt !== undefined).length;
      const rang = known.filter(({ ringingAt }) => ringingAt !== undefined).length;
      return answered === calls - 30 && rang === calls - 15;
    });
    const killedAt = Date.now();
    await service.kill();

    await restart();
    const records = await recordsByCaller();
    for (const [caller, before] of closedBefore) assert.deepEqual(records.get(caller), before);
    for (const [caller, { at, to, by }] of plans) {
      const { account, firstCalled } = crowd.member(caller);
      const record = records.get(caller);
      assert.ok(record, `the record of ${caller}, which was ${at}`);
      assert.deepEqual(
        [record.node, record.account, record.firstCalled, record.secondCalled, record.finalCalled, record.instructedBy],
        ['mortal', account, firstCalled, numbers.second, to, to === undefined ? undefined : by],
        `the facts of ${caller}, which was ${at}`,
      );
      assert.deepEqual(
        record.notified.map(({ terminalId }) => terminalId),
        [by],
      );
      assert.deepEqual([record.end?.reason, record.end?.by], ['interrupted', 'service']);
      assert.ok(
        record.arrivedAt <= killedAt && killedAt <= (record.end?.at ?? 0),
        JSON.stringify({ record, killedAt }),
      );
      assert.equal(record.answeredAt !== undefined, at === 'connected');
      assert.equal(record.ringingAt !== undefined, at !== 'waiting');
    }
    assert.equal(records.size, 3 + calls + 1, 'no record but those, and that of the call afterwards');
  });

  test('in the rush, while calls arrive and are instructed: each that rang or was notified has its record, and nothing is left at rtpengine', async (t) => {
    const service = await scene.serve();
    await logIn();
    const instructed = new Map<string, string>();
    let connected = 0;
    const { promise: enough, resolve } = Promise.withResolvers<undefined>();
    for (const { client } of terminals) {
      client.events.on('incoming', (call) => {
        const to = answering(crowd.members.indexOf(crowd.member(call.caller)));
        client.transfer({ callId: call.id, to }).then(
          (answer) => {
            if (answer.ok) instructed.set(call.caller ?? '', to);
          },
          () => undefined, // it was dead before it could answer
        );
      });
      client.events.on('changed', ({ state }) => {
        if (state !== 'connected' || ++connected !== 10) return;
        service.signal('SIGKILL');
        resolve(undefined);
      });
    }
    for (let index = 0; index < calls; index++) crowd.call();
    await enough;
    await service.ended;
    const rang = crowd.members.filter((member) => member.ringing);
    const notified = told().filter(({ event }) => event === 'incoming');
    const leftAtEngine = await engine.sessions();
    assert.ok(leftAtEngine > 0, 'the kill came while rtpengine had sessions of the calls');

    await restart();
    const records = await recordsByCaller();
    for (const { call } of notified) {
      const record = records.get(call.caller);
      assert.ok(record, `the record of ${String(call.caller)}, which was notified`);
      assert.equal(record.end?.reason, 'interrupted');
      assert.equal(record.firstCalled, call.firstCalled);
    }
    const without = {
      record: rang.filter(({ caller }) => !records.has(caller)).length,
      account: notified.filter(({ call }) => records.get(call.caller)?.account === undefined).length,
      instruction: [...instructed].filter(([caller, to]) => records.get(caller)?.finalCalled !== to).length,
    };
    t.diagnostic(
      `${rang.length} of ${calls} rang, ${notified.length} were notified, ${instructed.size} instructed, ` +
        `${leftAtEngine} sessions at rtpengine; without: ${JSON.stringify(without)}`,
    );
    assert.deepEqual(
      without,
      { record: 0, account: 0, instruction: 0 },
      'what was told or acknowledged had been written',
    );
  });
});

test('kill -9 while it is being looked up whose call it is: its record is there, and the next start closes it', async (t) => {
  const scene = await openScene({ node: 'mortal' });
  t.after(() => scene.close());
  await scene.subscribe('shop1', numbers.first);
  const service = await scene.serve();
  const swift = slowLookUps(path.join(scene.folder, 'data'));
  scene.phones.caller.call(numbers.first);
  const { records } = await scene.store();
  let opened: CallRecord | undefined;
  await eventually('the record of the call', async () => {
    [opened] = await records.list({ number: numbers.caller, limit: 1 });
    return opened !== undefined;
  });
  assert.ok(opened);
  assert.deepEqual([opened.account, opened.firstCalled, opened.end], [undefined, numbers.first, undefined]);
  await service.kill();
  swift();

  await scene.serve();
  const { end, ...facts } = await scene.closedRecord(opened);
  assert.deepEqual(facts, opened);
  assert.deepEqual([end?.reason, end?.by], ['interrupted', 'service']);
  scene.phones.caller.hangUp();
  await scene.connect(await scene.terminal('shop1'));
  scene.phones.caller.hangUp();
  assert.equal((await scene.closedRecord({ account: 'shop1' })).end?.reason, 'completed');
  assert.equal((await records.list({ limit: 10 })).length, 2);
});
