import assert from 'node:assert/strict';
import { once, EventEmitter } from 'node:events';
import { describe, test } from 'node:test';
import type { Store } from '../../../src/call/ports.ts';
import { subscriber, withStore, type NewPlace } from './place.ts';

/** Collects what a watcher is told, and waits for it. */
function watching(store: Store) {
  const emitter = new EventEmitter();
  const told = new Set<string>();
  const stop = store.subscribers.watch((account) => {
    told.add(account);
    emitter.emit('told');
  });
  return {
    stop,
    told,
    /** Resolves when all of `accounts` were told since the last `until`; fails after five seconds. */
    async until(...accounts: string[]): Promise<void> {
      const signal = AbortSignal.timeout(5000);
      while (!accounts.every((account) => told.has(account))) await once(emitter, 'told', { signal });
      told.clear();
    },
  };
}

export function watchConforms(newPlace: NewPlace): void {
  describe('watch', () => {
    test('every kind of change is seen, in this store and in another one', () =>
      withStore(newPlace, async (store, place) => {
        const other = await place.open();
        try {
          const [own, remote] = [watching(store), watching(other)];
          const seen = (...accounts: string[]) => Promise.all([own.until(...accounts), remote.until(...accounts)]);
          await store.subscribers.add(subscriber('a', { number: '+861' }));
          await store.subscribers.add(subscriber('b', { number: '+862' }));
          await seen('a', 'b');
          await store.subscribers.change('a', { ownerName: 'A' });
          await seen('a');
          await store.subscribers.addNumber('b', { number: '+863' });
          await seen('b');
          await store.subscribers.removeNumber('b', '+862');
          await seen('b');
          await store.subscribers.remove('a');
          await seen('a');
          await other.subscribers.add(subscriber('a', { number: '+861' }));
          await seen('a');
        } finally {
          await other.close();
        }
      }));

    test('nobody is told after the end of watching, and the others go on', () =>
      withStore(newPlace, async (store) => {
        await store.subscribers.add(subscriber('a', { number: '+861' }));
        const [first, second] = [watching(store), watching(store)];
        await store.subscribers.change('a', { ownerName: 'A' });
        await Promise.all([first.until('a'), second.until('a')]);
        first.stop();
        first.told.clear();
        await store.subscribers.change('a', { ownerName: 'A2' });
        await second.until('a');
        assert.deepEqual([...first.told], []);
      }));

    test('a listener that throws harms nobody', () =>
      withStore(newPlace, async (store) => {
        store.subscribers.watch(() => {
          throw new Error('a fault of the listener');
        });
        const other = watching(store);
        await store.subscribers.add(subscriber('a', { number: '+861' }));
        await other.until('a');
        await store.subscribers.change('a', { ownerName: 'A' });
        await other.until('a');
      }));
  });
}
