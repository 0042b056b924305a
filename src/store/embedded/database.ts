import { DatabaseSync } from 'node:sqlite';
import { migrate } from './schema.ts';

/** Milliseconds for which a statement waits while another process (a command of the CLI) writes. */
const busyTimeout = 3000;
const sqliteBusy = 5;

/**
 * Opens the file as the store uses it, with the newest schema. Blocks the thread it runs in.
 * @throws Failure `bad-setting`, or an Error of SQLite
 */
export function openDatabase(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: busyTimeout, enableForeignKeyConstraints: true });
  try {
    // Readers and one writer do not wait for each other; FULL syncs the log at each commit, which makes an
    // acknowledged write survive a power failure (group-commit.ts leaves it out where nobody needs that).
    patiently(() => db.exec('PRAGMA journal_mode = WAL'));
    db.exec('PRAGMA synchronous = FULL');
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Opens a file that `openDatabase` has opened before, to read what is committed. Blocks the thread it runs in. */
export function openForReading(file: string): DatabaseSync {
  return new DatabaseSync(file, { timeout: busyTimeout, readOnly: true });
}

/** Changing to WAL reports a busy file at once, whatever the busy timeout is: two processes may open a new one. */
function patiently(action: () => void): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let tries = busyTimeout / 10; ; tries -= 1) {
    try {
      action();
      return;
    } catch (error) {
      const busy = error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy;
      if (!busy || tries <= 0) throw error;
      Atomics.wait(pause, 0, 0, 10);
    }
  }
}
