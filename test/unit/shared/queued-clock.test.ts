import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { QueuedClock } from '../../../src/shared/queued-clock.ts';
import type { Timer } from '../../../src/shared/clock.ts';
import { FakeClock } from '../../support/fake-clock.ts';

/** Timers that are set, cleared, and set from within others; what fires, and when, is the same as without queues. */
const deeds = fc.array(
  fc.record({
    at: fc.integer({ min: 0, max: 300 }),
    length: fc.constantFrom(0, 1, 50, 50.5, 100, 250),
    clearsAfter: fc.option(fc.integer({ min: 0, max: 260 }), { nil: undefined }),
    setsAnother: fc.option(fc.constantFrom(0, 50, 100), { nil: undefined }),
    clears: fc.option(fc.nat(20), { nil: undefined }),
  }),
  { maxLength: 20 },
);

test('fires what a clock without queues fires, at the same times, and leaves no timer behind', async () => {
  await fc.assert(
    fc.asyncProperty(deeds, async (plan) => {
      const play = async (queued: boolean): Promise<string[]> => {
        const below = new FakeClock();
        const clock = queued ? new QueuedClock(below) : below;
        const fired: string[] = [];
        const timers: Timer[] = [];
        plan.forEach(({ at, length, clearsAfter, setsAnother, clears }, index) => {
          below.after(at, () => {
            timers[index] = clock.after(length, () => {
              fired.push(`${index} at ${clock.monotonic()}`);
              if (setsAnother !== undefined) {
                clock.after(setsAnother, () => fired.push(`${index}, another, at ${clock.monotonic()}`));
              }
              if (clears !== undefined && clears < index) timers[clears]?.clear();
            });
            if (clearsAfter !== undefined) below.after(clearsAfter + 0.25, () => timers[index]?.clear());
          });
        });
        await below.advance(1_000);
        assert.equal(below.pendingTimers, 0);
        // Of timers that are due in the same moment, those of one length keep their order; the others have none.
        return fired.sort();
      };
      assert.deepEqual(await play(true), await play(false));
    }),
    { numRuns: 60 },
  );
});

test('timers of one length share one timer of the clock below, in the order in which they were set', async () => {
  const below = new FakeClock();
  const clock = new QueuedClock(below);
  const fired: number[] = [];
  const timers = Array.from({ length: 1_000 }, (_, n) => clock.after(100, () => fired.push(n)));
  assert.equal(below.pendingTimers, 1);
  timers[0]?.clear();
  timers[1]?.clear();
  timers[1]?.clear();
  await below.advance(100);
  assert.deepEqual(
    fired,
    Array.from({ length: 998 }, (_, n) => n + 2),
  );
  assert.equal(below.pendingTimers, 0);
});

test('an action that throws takes nothing from those behind it', async () => {
  const below = new FakeClock();
  const clock = new QueuedClock(below);
  const fired: string[] = [];
  clock.after(10, () => {
    throw new Error('its own fault');
  });
  clock.after(10, () => fired.push('behind it'));
  await assert.rejects(below.advance(10), /its own fault/);
  await below.advance(10);
  assert.deepEqual(fired, ['behind it']);
});
