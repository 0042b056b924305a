import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { subscriber, withStore, type NewPlace } from './place.ts';

export function subscribersConform(newPlace: NewPlace): void {
  describe('subscribers', () => {
    test('what was added comes back, without its secrets', () =>
      withStore(newPlace, async (store) => {
        const added = await store.subscribers.add({
          account: 'lin.mei',
          ownerName: 'Lin Mei 林梅',
          ownerAddress: 'Shennan Road 1',
          numbers: [{ number: '+8675526000001', secondCalled: '+8675590000001' }, { number: '95588' }],
          proof: 'pin',
          music: '/srv/music/spring 春.mp3',
          connect: ['refer', 'bridge'],
          secrets: { passwordHash: '$argon2id$p', pinHash: '$argon2id$q' },
        });
        const { createdAt, updatedAt, ...rest } = added;
        assert.deepEqual(rest, {
          account: 'lin.mei',
          ownerName: 'Lin Mei 林梅',
          ownerAddress: 'Shennan Road 1',
          numbers: [{ number: '+8675526000001', secondCalled: '+8675590000001' }, { number: '95588' }],
          proof: 'pin',
          music: '/srv/music/spring 春.mp3',
          connect: ['refer', 'bridge'],
        });
        assert.ok(Math.abs(createdAt - Date.now()) < 60_000);
        assert.equal(updatedAt, createdAt);
        assert.deepEqual(await store.subscribers.get('lin.mei'), added);
        assert.equal(await store.subscribers.get('lin'), undefined);
      }));

    test('the secrets are found by account and by each of its numbers', () =>
      withStore(newPlace, async (store) => {
        const numbers = [{ number: '+861', secondCalled: '+862' }, { number: '+863' }];
        const secrets = { passwordHash: 'p', pinHash: 'q' };
        const added = await store.subscribers.add({ account: 'a', numbers, proof: 'pin', secrets });
        for (const name of ['a', '+861', '+863']) {
          assert.deepEqual(await store.subscribers.credentials(name), { subscriber: added, secrets });
        }
        assert.equal(await store.subscribers.credentials('b'), undefined);
        const other = await store.subscribers.add(subscriber('b', { number: '+869' }));
        const found = await store.subscribers.credentials('b');
        assert.deepEqual(found, { subscriber: other, secrets: { passwordHash: 'hash of b' } });
      }));

    test('the first candidate that belongs to somebody decides, as number or as second called number', () =>
      withStore(newPlace, async (store) => {
        const a = await store.subscribers.add(
          subscriber('a', { number: '+861', secondCalled: '+862' }, { number: '+863', secondCalled: '+864' }),
        );
        const b = await store.subscribers.add(subscriber('b', { number: '+865' }));
        const find = (...candidates: string[]) => store.subscribers.findByNumber(candidates);
        assert.deepEqual(await find('+865'), { subscriber: b, number: { number: '+865' } });
        assert.deepEqual(await find('+864'), { subscriber: a, number: { number: '+863', secondCalled: '+864' } });
        assert.deepEqual((await find('+860', '+865', '+861'))?.subscriber.account, 'b');
        assert.deepEqual((await find('+861', '+865'))?.number.number, '+861');
        assert.equal(await find('+860', 'a'), undefined);
        assert.equal(await find(), undefined);
      }));

    test('an account is added once', () =>
      withStore(newPlace, async (store) => {
        const first = await store.subscribers.add(subscriber('a', { number: '+861' }));
        await assert.rejects(store.subscribers.add(subscriber('a', { number: '+862' })), { code: 'account-exists' });
        assert.deepEqual(await store.subscribers.get('a'), first);
        assert.equal(await store.subscribers.findByNumber(['+862']), undefined);
      }));

    test('a number is nobody else’s, in either role, and the refusal names it', () =>
      withStore(newPlace, async (store) => {
        await store.subscribers.add(subscriber('a', { number: '+861', secondCalled: '+862' }));
        const taken = [
          { numbers: [{ number: '+861' }], names: '+861' },
          { numbers: [{ number: '+862' }], names: '+862' },
          { numbers: [{ number: '+863', secondCalled: '+862' }], names: '+862' },
          { numbers: [{ number: '+863', secondCalled: '+861' }], names: '+861' },
          { numbers: [{ number: '+863' }, { number: '+863' }], names: '+863' },
          { numbers: [{ number: '+863', secondCalled: '+863' }], names: '+863' },
          {
            numbers: [
              { number: '+863', secondCalled: '+864' },
              { number: '+865', secondCalled: '+864' },
            ],
            names: '+864',
          },
        ];
        for (const { numbers, names } of taken) {
          await assert.rejects(
            store.subscribers.add(subscriber('b', ...numbers)),
            (error: Error & { code?: string }) => {
              assert.equal(error.code, 'number-taken');
              assert.ok(error.message.includes(names), `${error.message} names ${names}`);
              return true;
            },
          );
          assert.equal(await store.subscribers.get('b'), undefined, 'nothing of it stays');
          assert.equal(await store.subscribers.findByNumber(['+863', '+864', '+865']), undefined);
        }
        // And nothing of those attempts is in the way of the right one.
        await store.subscribers.add(subscriber('b', { number: '+863', secondCalled: '+864' }));
      }));

    test('of many that want the same number or account at once, one gets it', () =>
      withStore(newPlace, async (store, place) => {
        const other = await place.open();
        try {
          const stores = [store, other];
          const races = await Promise.allSettled(
            Array.from({ length: 20 }, (_, i) =>
              (i % 2 ? store : other).subscribers.add(subscriber(`account-${i}`, { number: '+861' })),
            ),
          );
          assert.equal(races.filter(({ status }) => status === 'fulfilled').length, 1);
          for (const race of races) {
            if (race.status === 'rejected') assert.equal((race.reason as { code?: string }).code, 'number-taken');
          }
          assert.equal((await store.subscribers.list({ limit: 100 })).length, 1);

          const same = await Promise.allSettled(
            Array.from({ length: 20 }, (_, i) =>
              (stores[i % 2] ?? store).subscribers.add(subscriber('same', { number: `+8620${i}` })),
            ),
          );
          assert.equal(same.filter(({ status }) => status === 'fulfilled').length, 1);
          for (const race of same) {
            if (race.status === 'rejected') assert.equal((race.reason as { code?: string }).code, 'account-exists');
          }
        } finally {
          await other.close();
        }
      }));

    test('the list goes by account name, in pages', () =>
      withStore(newPlace, async (store) => {
        const names = ['b', 'a.2', 'a', 'c@x', 'a-1', 'z_9'];
        await Promise.all(names.map((name, i) => store.subscribers.add(subscriber(name, { number: `+86${i}` }))));
        const seen: string[] = [];
        for (let after: string | undefined; ; after = seen.at(-1)) {
          const page = await store.subscribers.list(after === undefined ? { limit: 2 } : { after, limit: 2 });
          if (page.length === 0) break;
          assert.ok(page.length <= 2);
          seen.push(...page.map(({ account }) => account));
        }
        assert.deepEqual(seen, names.toSorted());
      }));

    test('a change alters what it names, removes what is null, and leaves the rest', () =>
      withStore(newPlace, async (store) => {
        const { subscribers } = store;
        const secrets = { passwordHash: 'p', pinHash: 'q' };
        await subscribers.add({ account: 'a', ownerName: 'A', numbers: [{ number: '+861' }], proof: 'pin', secrets });
        assert.equal((await subscribers.change('a', { ownerAddress: 'Road 1' })).ownerAddress, 'Road 1');
        assert.deepEqual((await subscribers.credentials('a'))?.secrets, secrets);

        const changed = await subscribers.change('a', { ownerName: null, pinHash: null, proof: 'password' });
        assert.equal('ownerName' in changed, false);
        assert.equal(changed.ownerAddress, 'Road 1');
        assert.equal(changed.proof, 'password');
        assert.deepEqual((await subscribers.credentials('a'))?.secrets, { passwordHash: 'p' });

        await subscribers.change('a', { passwordHash: 'p2', pinHash: 'q2', ownerAddress: null });
        assert.deepEqual((await subscribers.credentials('a'))?.secrets, { passwordHash: 'p2', pinHash: 'q2' });
        const last = await subscribers.get('a');
        assert.equal(last && 'ownerAddress' in last, false);
        assert.deepEqual(last?.numbers, [{ number: '+861' }]);

        const heard = await subscribers.change('a', { music: '/a.wav', connect: ['redirect', 'bridge'] });
        assert.deepEqual([heard.music, heard.connect], ['/a.wav', ['redirect', 'bridge']]);
        const bridged = await subscribers.change('a', { connect: ['bridge'] });
        assert.deepEqual([bridged.music, bridged.connect], ['/a.wav', ['bridge']]);
        assert.deepEqual(await subscribers.change('a', { ownerName: 'A2' }), await subscribers.get('a'));
        assert.deepEqual((await subscribers.get('a'))?.connect, ['bridge'], 'what was not named stays');
        const silent = await subscribers.change('a', { music: null, connect: null });
        assert.ok(!('music' in silent) && !('connect' in silent));
        await assert.rejects(subscribers.change('b', { ownerName: 'B' }), { code: 'unknown-account' });
      }));

    test('numbers are added and removed, but never the last', () =>
      withStore(newPlace, async ({ subscribers }) => {
        await subscribers.add(subscriber('a', { number: '+861' }));
        await subscribers.add(subscriber('b', { number: '+869', secondCalled: '+868' }));
        const added = await subscribers.addNumber('a', { number: '+862', secondCalled: '+863' });
        assert.deepEqual(added.numbers, [{ number: '+861' }, { number: '+862', secondCalled: '+863' }]);
        for (const number of ['+861', '+863', '+868', '+869']) {
          await assert.rejects(subscribers.addNumber('a', { number }), { code: 'number-taken' });
        }
        await assert.rejects(subscribers.addNumber('c', { number: '+864' }), { code: 'unknown-account' });
        await assert.rejects(subscribers.removeNumber('c', '+861'), { code: 'unknown-account' });
        await assert.rejects(subscribers.removeNumber('a', '+869'), { code: 'unknown-number' });
        await assert.rejects(subscribers.removeNumber('a', '+863'), { code: 'unknown-number' });

        assert.deepEqual((await subscribers.removeNumber('a', '+862')).numbers, [{ number: '+861' }]);
        assert.equal(await subscribers.findByNumber(['+862', '+863']), undefined);
        await assert.rejects(subscribers.removeNumber('a', '+861'), { code: 'last-number' });
        // What was given up is free, with its second called number.
        await subscribers.addNumber('b', { number: '+863', secondCalled: '+862' });
      }));

    test('two who remove the last two numbers at once leave one', () =>
      withStore(newPlace, async ({ subscribers }) => {
        await subscribers.add(subscriber('a', { number: '+861' }, { number: '+862' }));
        const races = await Promise.allSettled(['+861', '+862'].map((number) => subscribers.removeNumber('a', number)));
        assert.deepEqual(races.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
        assert.equal((await subscribers.get('a'))?.numbers.length, 1);
      }));

    test('a removed account is gone, and name and numbers are free again', () =>
      withStore(newPlace, async ({ subscribers }) => {
        const mine = { ownerName: 'A', music: '/a.wav', connect: ['bridge' as const] };
        await subscribers.add({ ...subscriber('a', { number: '+861', secondCalled: '+862' }), ...mine });
        await subscribers.add(subscriber('b', { number: '+863' }));
        assert.equal(await subscribers.remove('a'), true);
        assert.equal(await subscribers.remove('a'), false);
        assert.equal(await subscribers.remove('never'), false);
        assert.equal(await subscribers.get('a'), undefined);
        assert.equal(await subscribers.credentials('a'), undefined);
        assert.equal(await subscribers.findByNumber(['+861', '+862']), undefined);
        assert.deepEqual(
          (await subscribers.list({ limit: 10 })).map(({ account }) => account),
          ['b'],
        );
        await assert.rejects(subscribers.change('a', { ownerName: 'x' }), { code: 'unknown-account' });
        assert.equal(await subscribers.remove('b'), true);
        const again = await subscribers.add(subscriber('a', { number: '+862', secondCalled: '+861' }));
        for (const key of Object.keys(mine)) assert.equal(key in again, false, key);
      }));
  });
}
