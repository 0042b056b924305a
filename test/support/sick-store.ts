// A sick embedded store: what another process at the same file, or a slow disk, does to the service.
import { execFileSync, spawnSync } from 'node:child_process';
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

/** Another process writes, and lets nobody else: reads go on. Returns what ends that. */
export function holdWrites(folder: string): () => void {
  const db = openAt(folder);
  db.exec('BEGIN IMMEDIATE');
  return () => db.close();
}

/** Why the disk of a process cannot be filled here; undefined when it can. For `{ skip: diskFillingMissing() ?? false }`. */
export function diskFillingMissing(): string | undefined {
  if (spawnSync('prlimit', ['--version'], { stdio: 'ignore' }).status === 0) return undefined;
  return 'NOT TESTED: a full disk, as there is no prlimit (Debian and Ubuntu: apt install util-linux)';
}

/** No file takes anything from that process any more (RLIMIT_FSIZE). Returns what ends that. */
export function fillDisk(pid: number): () => void {
  const limit = (size: string) => execFileSync('prlimit', ['--pid', String(pid), `--fsize=${size}:unlimited`]);
  limit('0');
  return () => void limit('unlimited');
}
