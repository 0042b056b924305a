import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RecordBook } from '../../../src/call/ports.ts';
import type { CallRecord } from '../../../src/call/record.ts';
import { RecordKeeper } from '../../../src/call/record-keeper.ts';
import { Failure } from '../../../src/shared/errors.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { record } from '../../conformance/store/place.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';

/** A keeper over a book that notes what is written, and writes when it is let. */
function keeping() {
  const clock = new FakeClock();
  const written: string[] = [];
  const gate: { open: (what: string) => Promise<void> } = { open: () => Promise.resolve() };
  const note = async (what: string): Promise<void> => {
    written.push(what);
    await gate.open(what);
  };
  const keys = (change: object): string => Object.keys(change).join();
  const opened: CallRecord[] = [];
  const book: RecordBook = {
    open: (record) => {
      opened.push(record);
      return note('open');
    },
    update: (_id, change) => note(`update ${keys(change)}${change.notified ? ` of ${change.notified.length}` : ''}`),
    close: async () => {
      await note('close');
      return true;
    },
    standing: () => Promise.resolve([]),
    calling: () => Promise.resolve([]),
  };
  const kept: CallRecord = record('c1');
  return { clock, written, opened, gate, kept, keeper: new RecordKeeper(book, clock, silentLog) };
}
const end = { reason: 'completed', by: 'caller', at: 1 } as const;

describe('the record of a call is written in few writes', () => {
  test('what nobody waits for is gathered, and written as it then is', async () => {
    const { clock, written, kept, keeper } = keeping();
    keeper.open(kept);
    await settle();
    keeper.update('c1', { notified: kept.notified });
    kept.notified.push({ terminalId: 'a', sentAt: 1 });
    keeper.update('c1', { notifiedAt: 1 });
    await clock.advance(99);
    assert.deepEqual(written, ['open']);
    await clock.advance(1);
    assert.deepEqual(written, ['open', 'update notified,notifiedAt of 1']);
    keeper.update('c1', { ringingAt: 2 });
    await clock.advance(100);
    assert.equal(written.at(-1), 'update ringingAt');
  });

  test('who waits until it is safe has it written at once', async () => {
    const { clock, written, kept, keeper } = keeping();
    keeper.open(kept);
    await settle();
    keeper.update('c1', { attempts: [] });
    await keeper.safe(1_000);
    assert.deepEqual(written, ['open', 'update attempts']);
    await clock.advance(1_000);
    assert.equal(written.length, 2, 'and once');
  });

  for (const change of [{ answeredAt: 1 }, { parkedAt: 1 }, { media: [] }]) {
    test(`${Object.keys(change).join()} does not wait, and takes with it what did`, async () => {
      const { written, kept, keeper } = keeping();
      keeper.open(kept);
      await settle();
      keeper.update('c1', { ringingAt: 1 });
      keeper.update('c1', change);
      await settle();
      assert.deepEqual(written, ['open', `update ringingAt,${Object.keys(change).join()}`]);
    });
  }

  test('while the store is busy with one write, what follows is one more', async () => {
    const { written, gate, kept, keeper } = keeping();
    let free: () => void = () => undefined;
    gate.open = () => new Promise((resolve) => (free = resolve));
    keeper.open(kept);
    keeper.update('c1', { answeredAt: 1 });
    await settle();
    keeper.update('c1', { ringingAt: 1 });
    await settle();
    assert.deepEqual(written, ['open']);
    free();
    await settle();
    assert.deepEqual(written, ['open', 'update answeredAt,ringingAt']);
    free();
  });

  test('who waits behind the opening has it written behind it at once, and all the rest in its turn', async () => {
    const { written, gate, kept, keeper } = keeping();
    const answers: (() => void)[] = [];
    gate.open = () => new Promise((resolve) => answers.push(resolve));
    keeper.open(kept);
    keeper.update('c1', { account: 'a' });
    let safe = false;
    void keeper.safe(1_000).then(() => (safe = true));
    assert.deepEqual(written, ['open', 'update account'], 'both in one commit');
    keeper.update('c1', { answeredAt: 1 });
    answers[0]?.();
    await settle();
    assert.deepEqual([written.length, safe], [2, false]);
    answers[1]?.();
    await settle();
    assert.deepEqual([written.at(-1), safe], ['update answeredAt', true]);
    answers[2]?.();
  });

  test('what was written behind an opening that failed is written again behind the next', async () => {
    const { clock, written, gate, kept, keeper } = keeping();
    gate.open = (what) =>
      Promise.reject(new Failure(what === 'open' ? 'store-unavailable' : 'unknown-call', `${what} fails`));
    keeper.open(kept);
    keeper.update('c1', { account: 'a' });
    await keeper.safe(1_000);
    assert.deepEqual(written.splice(0), ['open', 'update account']);
    gate.open = () => Promise.resolve();
    await clock.advance(500);
    assert.deepEqual(written, ['open', 'open', 'update account'], 'opened again, and once more as it was unknown');
    assert.equal(clock.pendingTimers, 0);
  });

  test('a record that the store has lost is opened again, as it then is and without its end', async () => {
    const { clock, written, opened, gate, kept, keeper } = keeping();
    keeper.open(kept);
    await settle();
    gate.open = (what) => (what === 'close' ? Promise.reject(new Failure('unknown-call', 'lost')) : Promise.resolve());
    kept.end = end;
    const closed = keeper.close(kept, end);
    await settle();
    gate.open = () => Promise.resolve();
    await clock.advance(250);
    await closed;
    assert.deepEqual(written, ['open', 'close', 'open', 'close']);
    assert.deepEqual(opened, [record('c1'), record('c1')]);
  });

  test('the end takes with it what was gathered, and leaves no timer', async () => {
    const { clock, written, kept, keeper } = keeping();
    keeper.open(kept);
    await settle();
    keeper.update('c1', { notifiedAt: 1 });
    await keeper.close(kept, end);
    assert.deepEqual(written, ['open', 'close']);
    assert.equal(clock.pendingTimers, 0);
    keeper.update('c1', { notified: [] }); // a receipt that was late
    await clock.advance(100);
    assert.equal(written.at(-1), 'update notified of 0');
  });

  test('a call that ends before its record was opened has one', async () => {
    const { written, kept, keeper } = keeping();
    await keeper.close(kept, end);
    assert.deepEqual(written, ['open', 'close']);
  });
});
