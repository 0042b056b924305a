// Our own call that comes back to another node of the site, or to the same one after it was started again: the records tell.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AttemptRecord, CallRecord } from '../../src/call/record.ts';
import { CallWorld, callerNumber, settle, subscriberNumber } from '../support/call-world.ts';

/** Another call of the site, which another node sends to the number of our subscriber just now. */
function dialling(world: CallWorld, change: Partial<CallRecord> = {}, attempt: Partial<AttemptRecord> = {}): void {
  const now = world.clock.now();
  const record: CallRecord = {
    id: 'elsewhere',
    node: 'node-2',
    trunk: 'ngn',
    sipCallId: 'x',
    caller: callerNumber,
    callerWithheld: false,
    firstCalled: '+8675520000077',
    firstCalledSource: 'to',
    secondCalled: '+8675529990000',
    finalCalled: subscriberNumber,
    notified: [],
    attempts: [{ attempt: 1, to: subscriberNumber, by: 'pc', mode: 'bridge', startedAt: now - 10_000, ...attempt }],
    media: [],
    arrivedAt: now - 20_000,
    ...change,
  };
  world.records.records.set(record.id, record);
}

/** Whether the call that arrives now is told to the terminals; otherwise it was refused quietly. */
async function isTold(world: CallWorld): Promise<boolean> {
  const { caller, id } = await world.arrive();
  const told = world.told.length > 0;
  if (told) caller.cancels();
  else {
    assert.deepEqual(caller.sent, ['480'], 'quietly, so that the phone rings on');
    const { end, explanation } = world.record(id);
    assert.equal(end?.reason, 'rejected');
    assert.match(explanation?.at(-1)?.why ?? '', /making that call itself \(elsewhere/);
  }
  await settle();
  return told;
}

describe('a call that the records of the site know as one of ours', () => {
  const rows: [
    title: string,
    told: boolean,
    change?: Partial<CallRecord>,
    attempt?: (now: number) => Partial<AttemptRecord>,
  ][] = [
    ['it rings at another node', false],
    ['another caller', true, { caller: '+8613700000000' }],
    ['to another number', true, {}, () => ({ to: '+8675520000099' })],
    ['it was answered just now', false, {}, (now) => ({ answeredAt: now - 5_000 })],
    ['it was answered before', true, {}, (now) => ({ answeredAt: now - 5_001 })],
    ['it failed just now', false, {}, (now) => ({ endedAt: now - 5_000 })],
    ['it failed before', true, {}, (now) => ({ endedAt: now - 5_001 })],
    ['it was never closed', true, {}, (now) => ({ startedAt: now - 600_001 })],
    ['the network was asked to dial it', true, {}, () => ({ mode: 'redirect' })],
    ['no attempt was made yet', true, { attempts: [] }],
  ];
  for (const [title, told, change, attempt] of rows) {
    test(`${title}: ${told ? 'told' : 'refused'}`, async () => {
      const world = new CallWorld();
      dialling(world, change, attempt?.(world.clock.now()));
      assert.equal(await isTold(world), told);
      world.records.records.delete('elsewhere');
      world.assertNothingLeft();
    });
  }

  test('a withheld caller is the same as another one for a moment only', async () => {
    for (const [age, told] of [
      [5_000, false],
      [5_001, true],
    ] as const) {
      const world = new CallWorld();
      dialling(world, { callerWithheld: true }, { startedAt: world.clock.now() - age });
      const { caller } = await world.arrive(subscriberNumber, { from: 'anonymous' });
      assert.equal(world.told.length > 0, told);
      if (told) caller.cancels();
    }
  });

  test('nobody withdrew what a node was dialling when it died: it rings on for three minutes', async () => {
    for (const [age, told] of [
      [180_000, false],
      [180_001, true],
    ] as const) {
      const world = new CallWorld();
      const now = world.clock.now();
      const end = { reason: 'interrupted', by: 'service', at: now - 60_000 } as const;
      dialling(world, { end }, { startedAt: now - age, endedAt: now - 60_000 });
      assert.equal(await isTold(world), told);
    }
  });

  test('any of several numbers that it dials', async () => {
    const world = new CallWorld();
    dialling(world);
    const other = world.records.records.get('elsewhere');
    assert.ok(other);
    other.attempts = other.attempts.map((attempt) => ({
      ...attempt,
      to: '+8675520000055',
      among: ['+8675520000055', subscriberNumber],
    }));
    assert.equal(await isTold(world), false);
  });

  test('a store that fails, or does not answer, holds no call up', async () => {
    const failing = new CallWorld();
    failing.records.calling = () => Promise.reject(new Error('the disk is full'));
    assert.equal(await isTold(failing), true);
    const silent = new CallWorld();
    silent.records.calling = () => new Promise(() => undefined);
    const { caller } = await silent.arrive();
    assert.equal(silent.told.length, 0);
    await silent.clock.advance(1_000);
    assert.equal(silent.told.length, 1);
    caller.cancels();
  });

  test('what is dialled stands in the records before the INVITE leaves', async () => {
    const world = new CallWorld();
    const { id } = await world.arrive();
    const update = world.records.update.bind(world.records);
    let write: (() => void) | undefined;
    world.records.update = async (...args) => {
      await new Promise<void>((resolve) => (write = resolve));
      await update(...args);
    };
    void world.transfer(id);
    await world.clock.advance(499);
    assert.equal(world.targets.length, 0);
    write?.();
    await world.clock.advance(0);
    assert.equal(world.targets.length, 1);
    assert.equal(world.record(id).finalCalled, '+8675520000009');
  });
});
