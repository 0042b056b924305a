import type { DatabaseSync } from 'node:sqlite';
import { Failure } from '../../shared/errors.ts';
import { integer } from './rows.ts';

/**
 * What was done to the file so far is its `PRAGMA user_version`: the count of these steps. Steps are never
 * changed once released; a new one is put at the end.
 */
const steps: readonly string[] = [
  `
  CREATE TABLE subscribers (
    account TEXT PRIMARY KEY,
    owner_name TEXT,
    owner_address TEXT,
    proof TEXT NOT NULL CHECK (proof IN ('session', 'pin', 'password')),
    password_hash TEXT NOT NULL,
    pin_hash TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;

  -- First and second called numbers stand in one column, so that one constraint keeps each value unique over
  -- all accounts and both roles: a number on an INVITE then names at most one subscriber.
  CREATE TABLE numbers (
    id INTEGER PRIMARY KEY,
    value TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL REFERENCES subscribers (account) ON DELETE CASCADE,
    second_of TEXT UNIQUE REFERENCES numbers (value) ON DELETE CASCADE
  ) STRICT;
  CREATE INDEX numbers_by_account ON numbers (account, id);

  -- The last change of each account, also of removed ones, so that other processes learn what changed.
  CREATE TABLE changes (account TEXT PRIMARY KEY, revision INTEGER NOT NULL UNIQUE) STRICT;
  ${changeTrigger('subscribers', 'INSERT', 'NEW')}
  ${changeTrigger('subscribers', 'UPDATE', 'NEW')}
  ${changeTrigger('subscribers', 'DELETE', 'OLD')}
  ${changeTrigger('numbers', 'INSERT', 'NEW')}
  ${changeTrigger('numbers', 'DELETE', 'OLD')}

  -- Without a reference to subscribers: where a terminal was stays known after its account was removed.
  CREATE TABLE logins (
    account TEXT NOT NULL,
    terminal_id TEXT NOT NULL,
    body TEXT NOT NULL CHECK (json_valid(body)),
    logged_in_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    logged_out_at INTEGER,
    PRIMARY KEY (account, terminal_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE records (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL CHECK (json_valid(body)),
    ended_at INTEGER,
    arrived_at INTEGER NOT NULL GENERATED ALWAYS AS (body ->> '$.arrivedAt') STORED,
    node TEXT NOT NULL GENERATED ALWAYS AS (body ->> '$.node') STORED,
    account TEXT GENERATED ALWAYS AS (body ->> '$.account') STORED,
    caller TEXT GENERATED ALWAYS AS (body ->> '$.caller') STORED,
    first_called TEXT GENERATED ALWAYS AS (body ->> '$.firstCalled') STORED,
    second_called TEXT GENERATED ALWAYS AS (body ->> '$.secondCalled') STORED,
    final_called TEXT GENERATED ALWAYS AS (body ->> '$.finalCalled') STORED
  ) STRICT;
  CREATE INDEX records_by_time ON records (arrived_at, id);
  CREATE INDEX records_by_account ON records (account, arrived_at, id);
  CREATE INDEX records_by_caller ON records (caller, arrived_at, id);
  CREATE INDEX records_by_first_called ON records (first_called, arrived_at, id);
  CREATE INDEX records_by_second_called ON records (second_called, arrived_at, id);
  CREATE INDEX records_by_final_called ON records (final_called, arrived_at, id);
  CREATE INDEX records_standing ON records (node) WHERE ended_at IS NULL;

  CREATE TABLE secrets (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE subscribers ADD COLUMN music TEXT;
  ALTER TABLE subscribers ADD COLUMN connect TEXT CHECK (json_valid(connect));
  `,
  `
  -- Which numbers the attempts of a record called: several in each, so that no column of the record can be searched.
  CREATE TABLE dialled (
    number TEXT NOT NULL,
    arrived_at INTEGER NOT NULL,
    record TEXT NOT NULL REFERENCES records (id) ON DELETE CASCADE,
    PRIMARY KEY (number, arrived_at, record)
  ) STRICT, WITHOUT ROWID;
  `,
];

function changeTrigger(table: string, event: 'INSERT' | 'UPDATE' | 'DELETE', row: 'NEW' | 'OLD'): string {
  return `
  CREATE TRIGGER ${table}_${event.toLowerCase()} AFTER ${event} ON ${table} BEGIN
    INSERT INTO changes (account, revision)
    VALUES (${row}.account, (SELECT coalesce(max(revision), 0) + 1 FROM changes))
    ON CONFLICT (account) DO UPDATE SET revision = excluded.revision;
  END;`;
}

/**
 * Brings the file to the newest schema, in one transaction: another process that opens it at the same time
 * waits and then finds it done.
 * @throws Failure `bad-setting` when the file was written by a newer release
 */
export function migrate(db: DatabaseSync): void {
  if (versionOf(db) === steps.length) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    const version = versionOf(db);
    if (version > steps.length) {
      throw new Failure(
        'bad-setting',
        `the store was written by a newer release (schema ${version}, this release knows ${steps.length}): ` +
          'run that release, or name another folder in store.path',
      );
    }
    for (const step of steps.slice(version)) db.exec(step);
    db.exec(`PRAGMA user_version = ${steps.length}`);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function versionOf(db: DatabaseSync): number {
  const row = db.prepare('PRAGMA user_version').get();
  return row ? integer(row, 'user_version') : 0;
}
