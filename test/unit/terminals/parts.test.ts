import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CallRecord } from '../../../src/call/record.ts';
import { EventBudget } from '../../../src/terminals/event-budget.ts';
import { FirstAnswers } from '../../../src/terminals/first-answers.ts';
import { KeyedQueue } from '../../../src/terminals/keyed-queue.ts';
import { Presence } from '../../../src/terminals/presence.ts';
import { Tokens, makeTokenKey } from '../../../src/terminals/tokens.ts';
import { viewOfRecord } from '../../../src/call/view-of.ts';
import { FakeClock } from '../../support/fake-clock.ts';

describe('first answers', () => {
  test('are kept for their time and number, and no longer', async () => {
    const clock = new FakeClock();
    const answers = new FirstAnswers<number>(clock, 1_000, 2);
    let made = 0;
    const make = () => Promise.resolve(++made);
    assert.equal(await answers.once('a', make), 1);
    assert.equal(await answers.once('a', make), 1);
    await clock.advance(1_000);
    assert.equal(await answers.once('a', make), 2);
    await answers.once('b', make);
    await answers.once('c', make);
    assert.equal(await answers.once('c', make), 4);
    assert.equal(await answers.once('a', make), 5, 'the oldest gave way');
  });

  test('a failure is no answer', async () => {
    const answers = new FirstAnswers<string>(new FakeClock(), 1_000, 10);
    await assert.rejects(
      answers.once('a', () => Promise.reject(new Error('away'))),
      /away/,
    );
    assert.equal(await answers.once('a', () => Promise.resolve('here')), 'here');
  });
});

describe('presence', () => {
  test('an older session that goes does not take its successor away', () => {
    const presence = new Presence();
    const [old, young] = [
      { account: 'a', terminalId: 't' },
      { account: 'a', terminalId: 't' },
    ];
    assert.equal(presence.add(old), undefined);
    assert.equal(presence.add(young), old);
    assert.equal(presence.remove(old), false);
    assert.deepEqual([presence.of('a'), presence.size, presence.others('a', 't')], [[young], 1, 0]);
    assert.equal(presence.remove(young), true);
    assert.deepEqual([presence.size, presence.accounts], [0, 0]);
  });
});

describe('the keyed queue', () => {
  test('one after the other for a key, side by side for others, and on after a failure', async () => {
    const queue = new KeyedQueue();
    const order: string[] = [];
    const gate = Promise.withResolvers<undefined>();
    const first = queue.run('a', async () => {
      await gate.promise;
      order.push('first');
      throw new Error('fault of the test');
    });
    const second = queue.run('a', () => Promise.resolve(order.push('second')));
    await queue.run('b', () => Promise.resolve(order.push('other')));
    gate.resolve(undefined);
    await assert.rejects(first, /fault of the test/);
    await second;
    assert.deepEqual(order, ['other', 'first', 'second']);
    assert.equal(queue.size, 0);
  });
});

describe('the event budget', () => {
  test('a burst, then a steady rate; refusals are counted until it has recovered', async () => {
    const clock = new FakeClock();
    const budget = new EventBudget(clock, 10, 20);
    const passed = () => Array.from({ length: 40 }, () => budget.take()).filter(Boolean).length;
    assert.equal(passed(), 20);
    assert.equal(budget.refused, 20);
    await clock.advance(500);
    assert.equal(passed(), 5);
    await clock.advance(60_000);
    assert.ok(budget.take());
    assert.equal(budget.refused, 0);
  });
});

describe('tokens', () => {
  test('of another key, audience or shape are none of ours', async () => {
    const clock = new FakeClock();
    const claims = { account: 'a', terminalId: 't', loggedInAt: 1, credential: 'c' };
    const [key, otherKey] = [makeTokenKey(), makeTokenKey()];
    const ours = new Tokens(() => Promise.resolve(key), clock, 60_000);
    const theirs = new Tokens(() => Promise.resolve(otherKey), clock, 60_000);
    const { token, expiresAt } = await ours.issue(claims);
    assert.equal(expiresAt, clock.now() + 60_000);
    assert.deepEqual(await ours.read(token), claims);
    assert.equal(await theirs.read(token), 'invalid');
    assert.equal(await ours.read('a.b.c'), 'invalid');
    await clock.advance(60_001);
    assert.equal(await ours.read(token), 'expired');
  });
});

describe('a record as a terminal sees it', () => {
  const record: CallRecord = {
    id: 'c1',
    node: 'n1',
    trunk: 'ngn',
    sipCallId: 'x',
    account: 'a',
    caller: '+8613700137000', // what a trusted trunk told, and nobody's business
    callerWithheld: true,
    firstCalled: '+8675520000001',
    firstCalledSource: 'To',
    secondCalled: '+8675529990001',
    notified: [],
    attempts: [],
    arrivedAt: 0,
    media: [],
  };
  const tried = { attempt: 1, to: '+8613800138000', by: 't1', mode: 'bridge', startedAt: 1_000 } as const;
  const base = {
    id: 'c1',
    caller: null,
    callerWithheld: true,
    firstCalled: '+8675520000001',
    secondCalled: '+8675529990001',
    arrivedAt: '1970-01-01T00:00:00.000Z',
    decideBefore: '1970-01-01T00:01:00.000Z',
  };
  const target = { to: '+8613800138000', by: 't1', mode: 'bridge', attempt: 1 };
  test('has no second number where the network told of none', () => {
    const view = viewOfRecord({ ...record, secondCalled: null, firstCalled: null }, 60_000);
    assert.deepEqual(['secondCalled' in view, view.firstCalled], [false, '']);
  });
  for (const [what, change, expected] of [
    ['waits', {}, { state: 'waiting' }],
    ['is being connected', { attempts: [tried] }, { state: 'connecting', target: { ...target, state: 'connecting' } }],
    [
      'rings',
      { attempts: [{ ...tried, ringingAt: 2_000 }] },
      { state: 'ringing', target: { ...target, state: 'ringing' } },
    ],
    [
      'waits again after a busy target',
      { attempts: [{ ...tried, cause: { reason: 'target-busy', status: 486 } }] },
      { state: 'waiting', target: { ...target, state: 'failed', cause: 'target-busy' } },
    ],
    [
      'talks at another node',
      { attempts: [{ ...tried, ringingAt: 2_000, answeredAt: 3_000 }], answeredAt: 3_000 },
      {
        state: 'connected',
        target: { ...target, state: 'connected' },
        connectedAt: '1970-01-01T00:00:03.000Z',
      },
    ],
    [
      'was to be moved in vain, and ended without a word',
      {
        attempts: [
          { ...tried, answeredAt: 3_000 },
          { ...tried, attempt: 2, to: '+8613800138001', cause: { reason: 'target-busy' } },
        ],
        finalCalled: '+8613800138000',
        end: { reason: 'withdrawn', by: 'caller', at: 9_000 },
      },
      {
        state: 'ended',
        target: { ...target, state: 'connected' },
        end: { reason: 'withdrawn', at: '1970-01-01T00:00:09.000Z' },
      },
    ],
    [
      'was connected and is over',
      {
        attempts: [{ ...tried, answeredAt: 3_000 }],
        answeredAt: 3_000,
        end: { reason: 'completed', by: 'target', at: 9_000, status: 200, q850: 16 },
      },
      {
        state: 'ended',
        target: { ...target, state: 'connected' },
        connectedAt: '1970-01-01T00:00:03.000Z',
        end: { reason: 'completed', at: '1970-01-01T00:00:09.000Z', status: 200, q850: 16 },
      },
    ],
  ] as const) {
    test(what, () => {
      const { attempts, ...others } = { attempts: [], ...change };
      assert.deepEqual(viewOfRecord({ ...record, ...others, attempts: [...attempts] }, 60_000), {
        ...base,
        ...expected,
      });
    });
  }
});
