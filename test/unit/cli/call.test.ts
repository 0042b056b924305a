import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallRecord } from '../../../src/call/record.ts';
import { tellStory } from '../../../src/cli/commands/call/story.ts';
import { localTime, span, withIsoTimes } from '../../../src/cli/time.ts';
import { record } from '../../conformance/store/place.ts';
import { withCli } from './cli-at.ts';

const start = Date.UTC(2026, 0, 31, 0, 15);
const whole: CallRecord = record('c1', {
  account: 'shop1',
  caller: '+8613800000009',
  firstCalled: '+8675520000001',
  arrivedAt: start,
  notified: [{ terminalId: 'pc', sentAt: start + 20, receivedAt: start + 40 }],
  notifiedAt: start + 20,
  instructedAt: start + 5000,
  instructedBy: 'pc',
  finalCalled: '+8613800000002',
  mode: 'bridge',
  attempts: [
    {
      attempt: 1,
      to: '+8613800000001',
      by: 'pc',
      mode: 'bridge',
      startedAt: start + 5010,
      endedAt: start + 6000,
      cause: { reason: 'target-busy', status: 486, q850: 17 },
    },
    {
      attempt: 2,
      to: '+8613800000002',
      by: 'pc',
      mode: 'bridge',
      startedAt: start + 8000,
      ringingAt: start + 8200,
      answeredAt: start + 12_000,
    },
  ],
  answeredAt: start + 12_100,
  end: { reason: 'completed', by: 'caller', at: start + 85_100, status: 200, q850: 16 },
});

test('the story of a call tells everything that happened, in order', () => {
  const told = tellStory(whole);
  const order = [
    /\+8613800000009 called \+8675520000001 \(by Diversion\)/,
    /terminal pc was told/,
    /terminal pc confirmed/,
    /terminal pc said: to \+8613800000001/,
    /attempt 1: calling \+8613800000001/,
    /attempt 1 failed: target-busy \[SIP 486, Q\.850 cause 17\]/,
    /attempt 2: calling \+8613800000002/,
    /\+8613800000002 rang/,
    /\+8613800000002 answered/,
    /the caller was connected/,
    /ended by the caller: completed .* \[SIP 200, Q\.850 cause 16\], 1 min 13 s/,
  ];
  const lines = told.split('\n').slice(3);
  assert.equal(lines.length, order.length, told);
  order.forEach((expected, index) => assert.match(lines[index] ?? '', expected));
});

test('the story of a caller who waits with music, of several numbers, and of a move', () => {
  const told = tellStory({
    ...whole,
    parkedAt: start + 30,
    attempts: [
      {
        ...{ attempt: 1, to: '+8613800000002', among: ['+8613800000001', '+8613800000002'], by: 'pc', mode: 'bridge' },
        ...{ startedAt: start + 5010, ringingAt: start + 5200, answeredAt: start + 9000, endedAt: start + 40_000 },
      },
      {
        ...{ attempt: 2, to: '+8613800000003', by: 'phone', mode: 'refer', move: 'attended' },
        ...{ startedAt: start + 20_000, answeredAt: start + 30_000, endedAt: start + 50_000 },
      },
      {
        ...{ attempt: 3, to: '+8613800000004', by: '+8613800000003', mode: 'bridge', move: 'blind' },
        ...{ startedAt: start + 45_000 },
      },
    ],
  });
  const order = [
    /the caller was answered, to wait with music/,
    /terminal pc said: to \+8613800000001, \+8613800000002/,
    /attempt 1: calling \+8613800000001, \+8613800000002 by bridge, for terminal pc$/m,
    /one of them rang/,
    /\+8613800000002 answered/,
    /the caller was connected/,
    /attempt 2: calling \+8613800000003 by refer, for terminal phone, who is asked first while the caller waits/,
    /\+8613800000003 answered/,
    /attempt 1 was over/,
    /attempt 3: calling \+8613800000004 by bridge, for the phone at \+8613800000003, moving the call/,
  ];
  let from = 0;
  for (const expected of order) {
    const at = told.slice(from).search(expected);
    assert.ok(at >= 0, `${expected} in its place: ${told}`);
    from += at;
  }
});

test('a record without an end says so', () => {
  assert.match(tellStory(record('c1')), /no end yet/);
  assert.match(tellStory(record('c1', { caller: null, callerWithheld: true })), /unknown caller \(withheld\)/);
});

test('times are local with their offset for people, UTC for programs, and spans are readable', () => {
  const time = localTime(start);
  assert.match(time, /^2026-01-3\dT\d\d:\d\d:00\.000[+-]\d\d:\d\d$/);
  assert.equal(Date.parse(time), start);
  assert.deepEqual(withIsoTimes({ at: start, attempt: 1, list: [{ endedAt: start, port: 5060 }], none: null }), {
    at: '2026-01-31T00:15:00.000Z',
    attempt: 1,
    list: [{ endedAt: '2026-01-31T00:15:00.000Z', port: 5060 }],
    none: null,
  });
  assert.deepEqual([0, 7240, 185_000, 3_725_000].map(span), ['0.0 s', '7.2 s', '3 min 5 s', '1 h 2 min']);
});

test('calls are listed and shown by the command', { timeout: 60_000 }, () =>
  withCli(async (cli) => {
    const store = await cli.openStore();
    const { end, ...opened } = whole;
    assert.ok(end);
    await store.records.open(opened);
    await store.records.close('c1', end, {});
    await store.records.open(record('c2', { arrivedAt: start + 1, caller: '8001' }));
    await store.close();

    const listed = await cli.run(['call', 'list']);
    const [head, newest = '', oldest = ''] = listed.out.split('\n');
    assert.match(head ?? '', /^ARRIVED +CALLER +CALLED/);
    assert.match(newest, /stands +c2$/);
    assert.match(oldest, /^2026-01-31T08:15:00\.000\+08:00 +\+8613800000009 .*1 min 13 s +completed +c1$/);
    for (const [args, ids] of [
      [['--number', '0755 20000001'], ['c1']],
      [['--number', '8001'], ['c2']],
      [['--account', 'shop1'], ['c1']],
      [['--before', '2026-01-31T00:15:00.001Z'], ['c1']],
      [['--limit', '1'], ['c2']],
    ] as const) {
      const found = await cli.json(['call', 'list', ...args]);
      assert.ok(Array.isArray(found));
      assert.deepEqual(
        found.map((each: { id: string }) => each.id),
        ids,
        args.join(' '),
      );
    }
    assert.deepEqual(await cli.json(['call', 'show', 'c1']), withIsoTimes(whole));
    assert.match((await cli.run(['call', 'show', 'c1'])).out, /ended by the caller/);
  }),
);
