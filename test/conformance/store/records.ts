import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CallEnd } from '../../../src/call/end.ts';
import type { Store } from '../../../src/call/ports.ts';
import { record, withStore, type NewPlace } from './place.ts';

const end: CallEnd = { reason: 'completed', by: 'caller', at: 1_760_000_060_000, status: 200, q850: 16 };
type Filter = Parameters<Store['records']['list']>[0];

export function recordsConform(newPlace: NewPlace): void {
  describe('records', () => {
    test('a record is opened, updated and closed, and comes back whole', () =>
      withStore(newPlace, async ({ records }) => {
        const opened = record('c1', { caller: null, callerWithheld: true, secondCalled: '+868' });
        await records.open(opened);
        assert.deepEqual(await records.get('c1'), opened);
        const change = {
          account: 'a',
          notifiedAt: 2,
          notified: [{ terminalId: 't', sentAt: 2, receivedAt: 3 }],
          media: [{ session: 's', engine: 'e' }],
        };
        await records.update('c1', change);
        assert.deepEqual(await records.get('c1'), { ...opened, ...change });
        const last = {
          finalCalled: '+869',
          instructedBy: 't',
          mode: 'bridge' as const,
          media: [],
          attempts: [{ attempt: 1, to: '+869', by: 't', mode: 'bridge' as const, startedAt: 4, answeredAt: 5 }],
        };
        assert.equal(await records.close('c1', end, last), true);
        assert.deepEqual(await records.get('c1'), { ...opened, ...change, ...last, end });
        assert.equal(await records.get('c2'), undefined);
      }));

    test('opening again what is there changes nothing', () =>
      withStore(newPlace, async ({ records }) => {
        await records.open(record('c1'));
        await records.update('c1', { account: 'a' });
        await records.open(record('c1'));
        assert.equal((await records.get('c1'))?.account, 'a');
      }));

    test('what concerns one record is done in the order in which it was asked', () =>
      withStore(newPlace, async ({ records }) => {
        const ids = Array.from({ length: 50 }, (_, i) => `c${i}`);
        await Promise.all(
          ids.flatMap((id) => [
            records.open(record(id)),
            records.update(id, { notifiedAt: 1, account: 'first' }),
            records.update(id, { account: 'second' }),
            records.close(id, end, { instructedAt: 2 }),
          ]),
        );
        for (const id of ids) {
          const { account, notifiedAt, instructedAt, end: last } = (await records.get(id)) ?? {};
          assert.deepEqual(
            { account, notifiedAt, instructedAt, last },
            { account: 'second', notifiedAt: 1, instructedAt: 2, last: end },
          );
        }
      }));

    test('a record is closed once, however many want to at the same time', () =>
      withStore(newPlace, async (store, place) => {
        const other = await place.open();
        try {
          await store.records.open(record('c1'));
          const closings = await Promise.all(
            Array.from({ length: 20 }, (_, i) =>
              (i % 2 ? store : other).records.close('c1', { ...end, at: i }, { notifiedAt: i }),
            ),
          );
          const winners = closings.flatMap((won, i) => (won ? [i] : []));
          assert.equal(winners.length, 1);
          const closed = await store.records.get('c1');
          assert.equal(closed?.end?.at, winners[0]);
          assert.equal(closed?.notifiedAt, winners[0]);
        } finally {
          await other.close();
        }
      }));

    test('a late update fills what a closed record lacks and never alters it', () =>
      withStore(newPlace, async ({ records }) => {
        await records.open(record('c1', { caller: null, media: [{ session: 's', engine: 'e' }] }));
        await records.close('c1', end, { answeredAt: 10, account: 'a' });
        const notified = [{ terminalId: 't', sentAt: 1, receivedAt: 2 }];
        await records.update('c1', { answeredAt: 99, ringingAt: 9, account: 'b', caller: '+861', notified, media: [] });
        const expected = {
          ...record('c1', { caller: '+861' }),
          answeredAt: 10,
          ringingAt: 9,
          account: 'a',
          notified,
          end,
        };
        assert.deepEqual(await records.get('c1'), expected);
        assert.equal(await records.close('c1', { ...end, reason: 'failed' }, { instructedAt: 1 }), false);
        assert.deepEqual(await records.get('c1'), expected);
      }));

    test('a record that was never opened is reported', () =>
      withStore(newPlace, async ({ records }) => {
        await assert.rejects(records.update('c1', { notifiedAt: 1 }), { code: 'unknown-call' });
        await assert.rejects(records.close('c1', end, {}), { code: 'unknown-call' });
        assert.equal(await records.get('c1'), undefined);
      }));

    test('the standing records are those of the node that have no end', () =>
      withStore(newPlace, async ({ records }) => {
        const late = record('late', { arrivedAt: 30 });
        const early = record('early', { arrivedAt: 10 });
        for (const each of [late, early, record('closed'), record('elsewhere', { node: 'node-2' })]) {
          await records.open(each);
        }
        await records.close('closed', end, {});
        assert.deepEqual(await records.standing('node-1'), [early, late]);
        assert.deepEqual(await records.standing('node-3'), []);
      }));

    test('what is being called is found by the numbers of the attempts, on whatever node, newest first', () =>
      withStore(newPlace, async ({ records }) => {
        const calling = async (numbers: string[], since: number) =>
          (await records.calling(numbers, since)).map(({ id }) => id);
        const to = (...numbers: [string, ...string[]]) => ({
          attempts: numbers.map((number, i) => ({
            attempt: i + 1,
            ...{ to: number, by: 't', mode: 'bridge' as const, startedAt: 4 },
          })),
        });
        await records.open(record('old', { arrivedAt: 10, ...to('+861') }));
        await records.open(record('here', { arrivedAt: 20 }));
        await records.open(record('elsewhere', { arrivedAt: 30, node: 'node-2', ...to('+863', '+862') }));
        await records.open(record('caller', { arrivedAt: 40, caller: '+861', finalCalled: '+861' }));
        await records.update('here', { notifiedAt: 1 });
        assert.deepEqual(await calling(['+861', '+862'], 20), ['elsewhere']);
        await records.update('here', to('+861'));
        assert.deepEqual(await calling(['+861', '+862'], 20), ['elsewhere', 'here']);
        assert.deepEqual(await calling(['+861'], 0), ['here', 'old']);
        assert.deepEqual(await calling(["x' OR 1=1"], 0), []);
        assert.deepEqual(await calling([], 0), []);
        const [attempt] = to('+865').attempts;
        assert.ok(attempt);
        await records.update('here', { attempts: [{ ...attempt, among: ['+865', '+866', '+867'] }] });
        assert.deepEqual(await calling(['+867'], 20), ['here']);
        await records.close('here', end, {});
        const [whole] = await records.calling(['+866', '+865'], 20);
        assert.deepEqual([whole?.id, whole?.end], ['here', end]);
        await Promise.all(
          Array.from({ length: 60 }, (_, i) => records.open(record(`m${i}`, { arrivedAt: 100 + i, ...to('+864') }))),
        );
        const many = await calling(['+864'], 0);
        assert.deepEqual([many.length, many[0]], [50, 'm59']);
      }));

    test('the list is searched by account, by number in each role, and by time', () =>
      withStore(newPlace, async ({ records }) => {
        const list = async (filter: Omit<Filter, 'limit'>, limit = 100) =>
          (await records.list({ ...filter, limit })).map(({ id }) => id);
        await records.open(record('caller', { caller: '+861', arrivedAt: 10, account: 'a' }));
        await records.open(record('first', { firstCalled: '+861', arrivedAt: 20 }));
        await records.open(record('second', { secondCalled: '+861', arrivedAt: 30, account: 'a' }));
        await records.open(record('final', { arrivedAt: 40 }));
        await records.update('final', { finalCalled: '+861' });
        await records.open(record('both', { caller: '+861', firstCalled: '+861', arrivedAt: 50 }));
        await records.open(record('none', { arrivedAt: 60 }));
        assert.deepEqual(await list({}), ['none', 'both', 'final', 'second', 'first', 'caller']);
        assert.deepEqual(await list({}, 2), ['none', 'both']);
        assert.deepEqual(await list({ number: '+861' }), ['both', 'final', 'second', 'first', 'caller']);
        assert.deepEqual(await list({ number: '+861' }, 2), ['both', 'final']);
        assert.deepEqual(await list({ number: '+861', before: 40 }), ['second', 'first', 'caller']);
        assert.deepEqual(await list({ account: 'a' }), ['second', 'caller']);
        assert.deepEqual(await list({ account: 'a', number: '+861', before: 30 }), ['caller']);
        assert.deepEqual(await list({ account: 'b' }), []);
      }));

    test('10,000 records are listed page by page, none lost and none twice', () =>
      withStore(newPlace, async ({ records }) => {
        const count = 10_000;
        // Many of them arrive in the same millisecond, over the borders of the pages too.
        const all = Array.from({ length: count }, (_, i) =>
          record(`c${String(i).padStart(5, '0')}`, { arrivedAt: i >> 4 }),
        );
        const waiting = all.values();
        // So many at once as a busy node has; a pool of connections is no queue for 10,000.
        await Promise.all(
          Array.from({ length: 200 }, async () => {
            for (const each of waiting) await records.open(each);
          }),
        );
        for (const filter of [{}, { number: '+8675526000002' }]) {
          const seen: string[] = [];
          let page = await records.list({ ...filter, limit: 999 });
          while (page.length > 0) {
            seen.push(...page.map(({ id }) => id));
            const last = page.at(-1);
            assert.ok(last);
            page = await records.list({ ...filter, before: last.arrivedAt, beforeId: last.id, limit: 999 });
          }
          assert.deepEqual(seen, all.map(({ id }) => id).reverse());
        }
      }));
  });
}
