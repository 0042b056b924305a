import type { DatabaseSync } from 'node:sqlite';
import { loginTable } from './logins.ts';
import { recordTable } from './records.ts';
import { text } from './rows.ts';
import { subscriberTable } from './subscribers.ts';

/** All that the store's thread can be asked, by name; arguments and results are plain data. */
export function prepareOperations(db: DatabaseSync) {
  const subscribers = subscriberTable(db);
  const logins = loginTable(db);
  const records = recordTable(db);
  const secret = db.prepare('SELECT value FROM secrets WHERE name = ?');
  const keepSecret = db.prepare('INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING');

  const reads = {
    ...subscribers.reads,
    ...logins.reads,
    ...records.reads,
    getSecret(name: string): string | undefined {
      const row = secret.get(name);
      return row && text(row, 'value');
    },
  };
  const writes = {
    ...subscribers.writes,
    ...logins.writes,
    ...records.writes,
    /** Keeps `value`, unless there is one; what is kept then. */
    keepSecret(name: string, value: string): string {
      keepSecret.run(name, value);
      return reads.getSecret(name) ?? value;
    },
  };
  return { reads, writes };
}

type Prepared = ReturnType<typeof prepareOperations>;
export type Operations = Prepared['reads'] & Prepared['writes'];
export type OperationName = keyof Operations;

/** Writes that await no disk: they survive the process, and reach the disk with the next one that does. */
export const unsynced: ReadonlySet<string> = new Set<OperationName>(['openRecord']);

/** A request to the store's thread; `close` ends it after all that was asked before. */
export interface StoreRequest {
  id: number;
  name: OperationName | 'close';
  args: readonly unknown[];
}

/** Whether a thread may change the file. One that only reads waits for no disk while the other commits. */
export type Access = 'writes' | 'reads';

/** What a thread of the store is started with. */
export interface StoreWork {
  file: string;
  access: Access;
}
