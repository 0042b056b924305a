import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { openDatabase } from '../../../src/store/embedded/database.ts';
import { groupCommit } from '../../../src/store/embedded/group-commit.ts';
import { record, subscriber } from '../../conformance/store/place.ts';

let folder: string;
let db: DatabaseSync;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringaway-commit-'));
  db = openDatabase(join(folder, 'test.db'));
});
afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

/** What another connection sees: only what was committed. */
function committedRecords(): number {
  const other = new DatabaseSync(join(folder, 'test.db'), { readOnly: true });
  const count = other.prepare('SELECT count(*) AS n FROM records').get()?.['n'];
  other.close();
  return Number(count);
}

const open = (id: number) => ({ id, name: 'openRecord' as const, args: [record(`c${id}`)] });

describe('group commit', () => {
  test('all requests share one transaction, and are committed when the answers are given', () => {
    const commits: string[] = [];
    const exec = db.exec.bind(db);
    db.exec = (sql) => {
      if (/^(BEGIN|COMMIT)/.test(sql)) commits.push(sql);
      exec(sql);
    };
    const answers = groupCommit(db)([open(1), open(2), open(3)]);
    assert.deepEqual(
      answers.map(({ id, ok }) => ({ id, ok })),
      [1, 2, 3].map((id) => ({ id, ok: true })),
    );
    assert.deepEqual(commits, ['BEGIN IMMEDIATE', 'COMMIT']);
    assert.equal(committedRecords(), 3);
  });

  test('openings alone await no disk; together with anything else they do', () => {
    const perform = groupCommit(db);
    const synchronous = () => Number(db.prepare('PRAGMA synchronous').get()?.['synchronous']);
    const [normal, full] = [1, 2];
    const update = { id: 9, name: 'updateRecord' as const, args: ['c1', { account: 'a' }] };
    const batches = [
      { requests: [open(1), open(2)], expected: normal },
      { requests: [open(3), update], expected: full },
      { requests: [open(4)], expected: normal },
      { requests: [update], expected: full },
    ];
    for (const { requests, expected } of batches) {
      assert.ok(perform(requests).every(({ ok }) => ok));
      assert.equal(synchronous(), expected);
    }
    assert.equal(committedRecords(), 4);
  });

  test('a request that fails leaves nothing behind, and its neighbours are done', () => {
    const perform = groupCommit(db);
    const add = (id: number, account: string, ...numbers: string[]) => ({
      id,
      name: 'addSubscriber' as const,
      args: [subscriber(account, ...numbers.map((number) => ({ number }))), 0],
    });
    const answers = perform([add(1, 'a', '+861'), add(2, 'b', '+862', '+861'), add(3, 'c', '+862'), open(4)]);
    assert.deepEqual(
      answers.map((answer) => (answer.ok ? 'done' : answer.code)),
      ['done', 'number-taken', 'done', 'done'],
    );
    assert.deepEqual(
      db
        .prepare('SELECT account FROM subscribers ORDER BY account')
        .all()
        .map((row) => row['account']),
      ['a', 'c'],
    );
  });

  test('an error that ends the transaction is the answer to all of them: none is said to be kept', () => {
    // A full disk: no page more than there are.
    const { page_count: pages } = db.prepare('PRAGMA page_count').get() ?? {};
    db.exec(`PRAGMA max_page_count = ${Number(pages)}`);
    const big = record('big', { sipCallId: 'x'.repeat(500_000) });
    const perform = groupCommit(db);
    const answers = perform([open(1), { id: 2, name: 'openRecord', args: [big] }, open(3)]);
    assert.deepEqual(
      answers.map((answer) => (answer.ok ? 'done' : answer.code)),
      ['store-unavailable', 'store-unavailable', 'store-unavailable'],
    );
    assert.equal(committedRecords(), 0);
    assert.deepEqual(
      perform([open(4)]).map(({ ok }) => ok),
      [true],
    );
  });

  test('reads see the writes before them in the same batch', () => {
    const answers = groupCommit(db)([open(1), { id: 2, name: 'getRecord', args: ['c1'] }]);
    assert.deepEqual(answers[1], { id: 2, ok: true, value: record('c1') });
  });
});
