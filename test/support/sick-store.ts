// A sick embedded store: what another process at the same file, or a slow disk, does to the service.
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const openAt = (folder: string) => new DatabaseSync(path.join(folder, 'ringaway.db'), { timeout: 3_000 });

/** Whoever asks whose a number is waits for minutes, while all else goes on. Returns what ends that. */
export function slowLookUps(folder: string): () => void {
  const db = openAt(folder);
  db.exec(`
    BEGIN;
    ALTER TABLE numbers RENAME TO numbers_behind;
    CREATE VIEW numbers AS SELECT * FROM numbers_behind WHERE
      (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 10000000000) SELECT count(*) FROM n) > 0;
    COMMIT`);
  db.close();
  return () => {
    const again = openAt(folder);
    again.exec('BEGIN; DROP VIEW numbers; ALTER TABLE numbers_behind RENAME TO numbers; COMMIT');
    again.close();
  };
}
