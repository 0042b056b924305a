import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import type { Store } from '../../../src/call/ports.ts';
import { record, subscriber, withStore, type NewPlace, type Place } from './place.ts';

const writer = new URL('./writer.ts', import.meta.url).pathname;

/** Starts a process that writes records without end, and says which ones were acknowledged. */
function writing(place: Place) {
  const child = spawn(process.execPath, [writer, place.kind, place.location], { stdio: ['ignore', 'pipe', 'inherit'] });
  return { child, lines: createInterface({ input: child.stdout }) };
}

const everything: { name: string; ask: (store: Store) => Promise<unknown> }[] = [
  { name: 'get', ask: (store) => store.subscribers.get('a') },
  { name: 'add', ask: (store) => store.subscribers.add(subscriber('b', { number: '+862' })) },
  { name: 'findByNumber', ask: (store) => store.subscribers.findByNumber(['+861']) },
  { name: 'open', ask: (store) => store.records.open(record('c')) },
  { name: 'logins', ask: (store) => store.logins.of('a') },
  { name: 'secret', ask: (store) => store.secret('x', () => 'y') },
  { name: 'ping', ask: (store) => store.ping() },
];

export function lifetimeConforms(newPlace: NewPlace): void {
  describe('the store itself', () => {
    test('what was stored is there when it is opened again', () =>
      withStore(newPlace, async (store, place) => {
        await store.subscribers.add(subscriber('a', { number: '+861' }));
        await store.records.open(record('c1'));
        await store.close();
        const again = await place.open();
        try {
          assert.equal((await again.subscribers.get('a'))?.account, 'a');
          assert.deepEqual(await again.records.get('c1'), record('c1'));
        } finally {
          await again.close();
        }
      }));

    test('a secret is made once and is the same for all', () =>
      withStore(newPlace, async (store, place) => {
        const other = await place.open();
        try {
          const made = await Promise.all(
            Array.from({ length: 20 }, (_, i) => (i % 2 ? store : other).secret('token-key', () => `made by ${i}`)),
          );
          assert.equal(new Set(made).size, 1);
          assert.equal(await other.secret('token-key', () => assert.fail('there is one')), made[0]);
          assert.equal(await store.secret('another', () => 'else'), 'else');
        } finally {
          await other.close();
        }
      }));

    test('it answers while it is open; closed, everything is refused at once', () =>
      withStore(newPlace, async (store) => {
        await store.ping();
        await store.close();
        await store.close();
        for (const { name, ask } of everything) {
          await assert.rejects(ask(store), { name: 'Failure', code: 'store-unavailable' }, name);
        }
      }));

    test('closing settles every request that waits', () =>
      withStore(newPlace, async (store) => {
        const waiting = Array.from({ length: 200 }, (_, i) => store.records.open(record(`c${i}`)));
        const closed = store.close();
        const settled = await Promise.allSettled(waiting);
        await closed;
        for (const each of settled) {
          if (each.status === 'rejected') assert.equal((each.reason as { code?: string }).code, 'store-unavailable');
        }
      }));

    test('everybody may open an empty place at the same time', async () => {
      const place = await newPlace();
      try {
        const stores = await Promise.all(Array.from({ length: 5 }, () => place.open()));
        await Promise.all(stores.map((store, i) => store.subscribers.add(subscriber(`a${i}`, { number: `+86${i}` }))));
        assert.equal((await stores[0]?.subscribers.list({ limit: 10 }))?.length, 5);
        await Promise.all(stores.map((store) => store.close()));
      } finally {
        await place.remove();
      }
    });

    test('two processes write at the same time, and both find everything', () =>
      withStore(newPlace, async (store, place) => {
        const { child, lines } = writing(place);
        try {
          let theirs = 0;
          for await (const line of lines) {
            await store.records.open(record(`mine-${theirs}`));
            assert.ok(await store.records.get(line));
            theirs += 1;
            if (theirs === 200) break;
          }
          assert.equal(theirs, 200);
        } finally {
          child.kill('SIGKILL');
        }
      }));

    test('what was acknowledged survives kill -9 of the process', () =>
      withStore(newPlace, async (store, place) => {
        const { child, lines } = writing(place);
        const exited = once(child, 'exit');
        const acknowledged: string[] = [];
        for await (const line of lines) {
          acknowledged.push(line);
          // It goes on writing when it is killed: what it said until then still comes out of the pipe.
          if (acknowledged.length === 300) child.kill('SIGKILL');
        }
        assert.deepEqual(await exited, [null, 'SIGKILL']);
        assert.ok(acknowledged.length >= 300);
        for (const id of acknowledged) assert.ok(await store.records.get(id), `${id} was acknowledged and is lost`);
        // And the store goes on.
        await store.records.open(record('after'));
      }));
  });
}
