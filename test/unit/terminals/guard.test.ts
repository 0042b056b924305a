import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Guard } from '../../../src/terminals/guard.ts';
import type { Verdict } from '../../../src/terminals/guard.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const limits = { perAccount: 4, perAddress: 6, window: 900_000, lockFor: 300_000 };

/** One attempt, with all the time it needs. */
async function attempt(guard: Guard, clock: FakeClock, right: boolean, account = 'a', address = 'x'): Promise<Verdict> {
  const verdict = guard.check(account, address, () => Promise.resolve(right));
  await clock.advance(4_000);
  return verdict;
}

describe('the guard', () => {
  test('each lock that follows another is twice as long, up to eight times', async () => {
    const clock = new FakeClock();
    const guard = new Guard(clock, limits);
    const waits: number[] = [];
    for (let lock = 0; lock < 5; lock++) {
      for (let count = 0; count < 4; count++) {
        assert.deepEqual(await attempt(guard, clock, false, 'a', `x${lock}`), { is: 'wrong' });
      }
      const verdict = await guard.check('a', 'y', () => Promise.resolve(true));
      assert.ok(verdict.is === 'locked');
      waits.push(verdict.retryAfter);
      await clock.advance(verdict.retryAfter * 1000);
    }
    // 4 s of each lock had passed in the last attempt.
    assert.deepEqual(
      waits.map((wait) => Math.ceil(wait / 100) * 100),
      [300, 600, 1200, 2400, 2400],
    );
  });

  test('failures and locks are forgotten in time', async () => {
    const clock = new FakeClock();
    const guard = new Guard(clock, limits);
    for (let count = 0; count < 3; count++) await attempt(guard, clock, false);
    await clock.advance(limits.window);
    for (let count = 0; count < 3; count++) assert.equal((await attempt(guard, clock, false)).is, 'wrong');
    assert.equal((await attempt(guard, clock, true)).is, 'right');
  });

  test('a success clears the account but not the address', async () => {
    const clock = new FakeClock();
    const guard = new Guard(clock, limits);
    for (let count = 0; count < 3; count++) {
      await attempt(guard, clock, false, 'victim1');
      await attempt(guard, clock, false, 'victim2');
      await attempt(guard, clock, true, 'mine');
    }
    assert.equal((await attempt(guard, clock, true, 'mine')).is, 'locked');
    assert.equal((await attempt(guard, clock, true, 'mine', 'elsewhere')).is, 'right');
  });

  test('a comparison that could not be made counts neither way', async () => {
    const clock = new FakeClock();
    const guard = new Guard(clock, limits);
    for (let count = 0; count < 10; count++) {
      await assert.rejects(
        guard.check('a', 'x', () => Promise.reject(new Error('store away'))),
        /store away/,
      );
    }
    assert.equal((await attempt(guard, clock, true)).is, 'right');
  });

  test('many right passwords at once from one address all pass', async () => {
    const clock = new FakeClock();
    const guard = new Guard(clock, limits);
    const verdicts = await Promise.all(
      Array.from({ length: 200 }, (_, index) => guard.check(`a${index}`, 'office', () => Promise.resolve(true))),
    );
    assert.ok(verdicts.every(({ is }) => is === 'right'));
  });

  test('however attempts overlap, no more are compared than the limit before a lock', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 9 }),
        async (attempts, perAccount) => {
          const clock = new FakeClock();
          const guard = new Guard(clock, { ...limits, perAccount, perAddress: 1000 });
          let compared = 0;
          const all = Promise.all(
            Array.from({ length: attempts }, (_, index) =>
              guard.check('a', `x${index}`, () => {
                compared++;
                return Promise.resolve(false);
              }),
            ),
          );
          await clock.advance(60_000);
          const verdicts = await all;
          assert.equal(compared, Math.min(attempts, perAccount));
          assert.equal(verdicts.filter(({ is }) => is === 'locked').length, Math.max(0, attempts - perAccount));
        },
      ),
      { numRuns: 50 },
    );
  });
});
