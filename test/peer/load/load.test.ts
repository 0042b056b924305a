// 200 calls at 20 a second: every record right, every terminal told, and nothing left behind.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CallRecord } from '../../../src/call/record.ts';
import { eventually } from '../../support/eventually.ts';
import { rtpengineMissing } from '../../support/rtpengine.ts';
import { sippMissing } from '../../support/sipp.ts';
import { Crowd, finalCalled, secondCalled, type Planned } from './crowd.ts';

const calls = 200;
const rate = 20;
const warmUp = 120;
/**
 * Octets by which the heap may have grown after 200 calls: what is remembered of calls that ended (their ids and accounts)
 * and what the machine compiled meanwhile; seen: 0.9 MB. A call that stays behind with its legs takes several times this.
 */
const heapGrowth = 200 * 8 * 1024;

describe('200 calls at 20 a second', { skip: sippMissing() ?? rtpengineMissing() ?? false, timeout: 90_000 }, () => {
  test('all records are right, the terminals were told of all, nothing is left', async (t) => {
    const crowd = await Crowd.gather();
    t.after(() => crowd.close());
    await crowd.call(warmUp, 2 * rate);
    await quiet(crowd, warmUp);
    const before = await leftovers(crowd);
    const heapBefore = await crowd.heap();

    const planned = await crowd.call(calls, rate);
    await quiet(crowd, warmUp + calls);

    assert.deepEqual(crowd.refused, [], 'no instruction was refused');
    for (const call of planned) assertTold(crowd, call);
    const recordsOf = (account: string) => crowd.store.records.list({ account, limit: 100 });
    const records = (await Promise.all([...new Set(planned.map(({ account }) => account))].map(recordsOf))).flat();
    for (const call of planned)
      assertRecord(
        crowd,
        records.filter((record) => record.caller === call.caller),
        call,
      );

    const grown = (await crowd.heap()) - heapBefore;
    t.diagnostic(`heap of the service: ${heapBefore} octets before, ${grown} more after ${calls} calls`);
    assert.ok(grown < heapGrowth, `the heap grew by ${grown} octets`);
    let more: string[] = [];
    // What works at this moment (the store writes, a scrape is answered) counts too, so it is asked again.
    await eventually('no timer, socket or other resource more than before', async () => {
      const now = [...(await leftovers(crowd))];
      more = now.filter(([name, value]) => value > (before.get(name) ?? 0)).map((one) => one.join(' '));
      return more.length === 0;
    }).catch((error: unknown) => assert.fail(`${String(error)}: ${more.join()}`));
    assert.equal((await crowd.metrics()).get('ringaway_unhandled_rejections_total'), 0);
  });
});

/** Waits until the last of so many calls since the start has ended everywhere. */
async function quiet(crowd: Crowd, ended: number): Promise<void> {
  await eventually('the end of all calls at the terminals', () => {
    return (
      crowd.terminals.reduce((sum, { told }) => sum + told.filter(({ event }) => event === 'ended').length, 0) >= ended
    );
  });
  // 64 * T1 of 100 ms, and some more: the last transaction absorbs repetitions for as long (RFC 3261 17.2.2, Timer J).
  await eventually('nothing is left', async () => {
    const metrics = await crowd.metrics();
    const standing = [...metrics].filter(([name]) =>
      /^ringaway_(calls\{|sip_dialogs|sip_transactions|trunk_legs)/.test(name),
    );
    assert.equal(standing.length, 10, 'each of the gauges is there');
    return standing.every(([, value]) => value === 0) && (await crowd.engine.sessions()) === 0;
  });
}

/** What a process holds open: timers, sockets, servers. */
async function leftovers(crowd: Crowd): Promise<Map<string, number>> {
  const metrics = [...(await crowd.metrics())].filter(([name]) => name.startsWith('nodejs_active_resources{'));
  assert.ok(
    metrics.some(([name]) => name.includes('Timeout')),
    'timers are counted',
  );
  return new Map(metrics);
}

/** The account's terminal heard of the call once, of its end once, and of each step between. */
function assertTold(crowd: Crowd, { caller, account, firstCalled }: Planned): void {
  const terminal = crowd.terminals.find(({ client }) => client.session?.account === account);
  const told = terminal?.told.filter(({ call }) => call.caller === caller) ?? [];
  const steps = told.map(({ event, call }) => (event === 'changed' ? `${call.state}, ${call.target?.state}` : event));
  assert.deepEqual(
    steps,
    [
      'incoming',
      'connecting, connecting',
      'ringing, ringing',
      'ringing, connected', // the target answered, and the caller is being joined with it
      'connected, connected',
      'ended',
    ],
    `what ${account} was told of ${caller}`,
  );
  assert.deepEqual(new Set(told.map(({ call }) => call.firstCalled)), new Set([firstCalled]));
  assert.equal(told.at(-1)?.call.end?.reason, 'completed');
  for (const other of crowd.terminals) {
    if (other !== terminal)
      assert.ok(
        other.told.every(({ call }) => call.caller !== caller),
        'nobody else was told',
      );
  }
}

function assertRecord(crowd: Crowd, records: CallRecord[], { caller, account, firstCalled }: Planned): void {
  assert.equal(records.length, 1, `records of ${caller}`);
  const [record] = records;
  assert.ok(record?.end);
  const { end, notified, attempts, media } = record;
  assert.deepEqual(
    {
      ...{ account: record.account, firstCalled: record.firstCalled, source: record.firstCalledSource },
      ...{ secondCalled: record.secondCalled, finalCalled: record.finalCalled, by: record.instructedBy },
      ...{ reason: end.reason, endedBy: end.by, status: end.status, q850: end.q850, mode: record.mode },
      ...{ engines: media.map(({ engine }) => engine), to: attempts.map(({ to, cause }) => [to, cause]) },
      notified: notified.map(({ terminalId, receivedAt }) => [terminalId, receivedAt !== undefined]),
    },
    {
      ...{ account, firstCalled, source: 'diversion', secondCalled, finalCalled, by: `${account}-pc` },
      ...{ reason: 'completed', endedBy: 'caller', status: 200, q850: 16, mode: 'bridge' },
      ...{ engines: [crowd.engine.engine], to: [[finalCalled, undefined]], notified: [[`${account}-pc`, true]] },
    },
  );
  const { arrivedAt, notifiedAt = 0, instructedAt = 0, ringingAt = 0, answeredAt = 0 } = record;
  const times = [arrivedAt, notifiedAt, instructedAt, ringingAt, answeredAt, end.at];
  assert.deepEqual(times, times.toSorted(), `times of ${caller} in order`);
}
