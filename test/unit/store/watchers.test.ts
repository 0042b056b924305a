import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { silentLog } from '../../../src/shared/log.ts';
import { Watchers } from '../../../src/store/watchers.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';

function playing() {
  const clock = new FakeClock();
  const world = { changed: [] as string[], away: false, looks: 0 };
  const look = (): Promise<string[]> => {
    world.looks += 1;
    return world.away ? Promise.reject(new Error('away')) : Promise.resolve(world.changed.splice(0));
  };
  return { clock, world, watchers: new Watchers(look, silentLog, clock) };
}

describe('watchers', () => {
  test('a change is told within a second, and only once', async () => {
    const { clock, world, watchers } = playing();
    const told: string[] = [];
    watchers.watch((account) => void told.push(account));
    await settle();
    world.changed.push('a');
    await clock.advance(1000);
    assert.deepEqual(told, ['a']);
    await clock.advance(5000);
    assert.deepEqual(told, ['a']);
  });

  test('a change of our own is told at once, even while a look is under way', async () => {
    const { world, watchers, clock } = playing();
    const told: string[] = [];
    watchers.watch((account) => void told.push(account));
    world.changed.push('a');
    watchers.lookNow();
    await clock.advance(0);
    assert.deepEqual(told, ['a']);
  });

  test('a store that is away is asked again', async () => {
    const { clock, world, watchers } = playing();
    const told: string[] = [];
    watchers.watch((account) => void told.push(account));
    world.away = true;
    world.changed.push('a');
    await clock.advance(3000);
    assert.deepEqual(told, []);
    world.away = false;
    await clock.advance(1000);
    assert.deepEqual(told, ['a']);
  });

  test('without a watcher nothing is asked and no timer runs', async () => {
    const { clock, world, watchers } = playing();
    const stop = watchers.watch(() => undefined);
    await clock.advance(1000);
    stop();
    const { looks } = world;
    await clock.advance(10_000);
    watchers.lookNow();
    assert.equal(world.looks, looks);
    assert.equal(clock.pendingTimers, 0);
  });
});
