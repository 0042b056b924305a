import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { openEmbeddedStore } from '../../../src/store/embedded/open.ts';
import { record, subscriber } from '../../conformance/store/place.ts';
import { FakeClock } from '../../support/fake-clock.ts';

let path: string;
const open = (clock = systemClock) => openEmbeddedStore({ path, log: silentLog, clock });

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'ringaway-embedded-'));
});
afterEach(() => rmSync(path, { recursive: true }));

describe('the embedded store on its disk', () => {
  test('only its owner may read the file', async () => {
    chmodSync(path, 0o755);
    await (await open()).close();
    assert.equal(statSync(join(path, 'ringaway.db')).mode & 0o777, 0o600);
  });

  test('commits are synced: WAL with synchronous=FULL', async () => {
    const { openDatabase } = await import('../../../src/store/embedded/database.ts');
    const db = openDatabase(join(path, 'test.db'));
    assert.equal(db.prepare('PRAGMA journal_mode').get()?.['journal_mode'], 'wal');
    assert.equal(db.prepare('PRAGMA synchronous').get()?.['synchronous'], 2);
    assert.equal(db.prepare('PRAGMA foreign_keys').get()?.['foreign_keys'], 1);
    db.close();
  });

  test('a folder that is a file is a bad setting, and the message names it', async () => {
    const file = join(path, 'file');
    writeFileSync(file, '');
    const opening = openEmbeddedStore({ path: file, log: silentLog, clock: systemClock });
    await assert.rejects(opening, (error: Error & { code?: string }) => {
      assert.equal(error.code, 'bad-setting');
      assert.ok(error.message.includes(file));
      return true;
    });
  });

  test('a file that is no database is reported', async () => {
    writeFileSync(join(path, 'ringaway.db'), 'this is no database, '.repeat(100));
    await assert.rejects(open(), { code: 'store-unavailable', message: /not a database/ });
  });

  test('a file of the first release keeps its subscribers, who then may have music and ways to connect', async () => {
    const store = await open();
    await store.subscribers.add(subscriber('old', { number: '+861' }));
    await store.close();
    const db = new DatabaseSync(join(path, 'ringaway.db'));
    db.exec('ALTER TABLE subscribers DROP COLUMN music; ALTER TABLE subscribers DROP COLUMN connect');
    db.exec('DROP TABLE dialled');
    db.exec('PRAGMA user_version = 1');
    db.close();
    const migrated = await open();
    const old = await migrated.subscribers.get('old');
    assert.ok(old && !('music' in old) && !('connect' in old));
    const changed = await migrated.subscribers.change('old', { music: '/a.wav', connect: ['bridge'] });
    assert.deepEqual(await migrated.subscribers.get('old'), changed);
    assert.deepEqual([changed.music, changed.connect], ['/a.wav', ['bridge']]);
    await migrated.close();
  });

  test('a file of a newer release is refused and not touched', async () => {
    await (await open()).close();
    const db = new DatabaseSync(join(path, 'ringaway.db'));
    db.exec('PRAGMA user_version = 99');
    db.close();
    await assert.rejects(open(), { code: 'bad-setting', message: /newer release/ });
  });

  test('a request that gets no answer by its deadline is rejected, and the store goes on afterwards', async () => {
    const clock = new FakeClock();
    const store = await open(clock);
    const other = new DatabaseSync(join(path, 'ringaway.db'));
    other.exec('BEGIN IMMEDIATE');
    const stuck = assert.rejects(store.records.open(record('stuck')), { code: 'store-unavailable', message: /within/ });
    await clock.advance(10_000);
    await stuck;
    other.exec('COMMIT');
    other.close();
    await store.records.open(record('next'));
    assert.equal((await store.records.get('next'))?.id, 'next');
    await store.close();
    assert.equal(clock.pendingTimers, 0);
  });
});
