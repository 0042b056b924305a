import type { DatabaseSync } from 'node:sqlite';
import { Failure, messageOf } from '../../shared/errors.ts';
import type { StoreAnswer } from './answer.ts';
import { prepareOperations, type StoreRequest, unsynced } from './operations.ts';

/**
 * Does many requests in one transaction, so that they share one fsync. Each one stands in a savepoint of its
 * own: what fails leaves nothing behind and does not touch its neighbours. The answers may be given away only
 * after this returned: by then all of it survives `kill -9`, and power failure, too, unless all of it is `unsynced`.
 */
export function groupCommit(db: DatabaseSync): (requests: readonly StoreRequest[]) => StoreAnswer[] {
  const operations = prepareOperations(db);
  const reads = new Map<string, Operation>(Object.entries(operations.reads));
  const writes = new Map<string, Operation>(Object.entries(operations.writes));

  function answer(request: StoreRequest): StoreAnswer {
    const { id, name, args } = request;
    const write = writes.get(name);
    const operation = write ?? reads.get(name);
    if (!operation) return failed(id, new Error(`the store knows no ${name}`));
    try {
      if (write) db.exec('SAVEPOINT request');
      const value = call(operation, args);
      if (write) db.exec('RELEASE request');
      return { id, ok: true, value };
    } catch (error) {
      // Disk full, I/O error and their like end the whole transaction (SQLite, "Response To Errors Within A
      // Transaction"): then nothing of the batch stays.
      if (write && !db.isTransaction) throw error;
      if (write) db.exec('ROLLBACK TO request; RELEASE request');
      return failed(id, error);
    }
  }

  let synced = true;
  /** In WAL mode FULL syncs the log at each commit, with all that was committed before; NORMAL leaves it to the system. */
  function sync(wanted: boolean): void {
    if (wanted !== synced) db.exec(`PRAGMA synchronous = ${wanted ? 'FULL' : 'NORMAL'}`);
    synced = wanted;
  }

  return (requests) => {
    const writing = requests.filter(({ name }) => writes.has(name));
    if (writing.length === 0) return requests.map(answer);
    try {
      sync(!writing.every(({ name }) => unsynced.has(name)));
      db.exec('BEGIN IMMEDIATE');
      const answers = requests.map(answer);
      db.exec('COMMIT');
      return answers;
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      return requests.map(({ id }) => failed(id, error));
    }
  };
}

type Operation = (...args: never[]) => unknown;

/** The types of name and arguments were joined where the request was made (store-thread.ts); a message loses them. */
function call(operation: Operation, args: readonly unknown[]): unknown {
  return operation(...(args as never[]));
}

/** The answer to a request that failed with `error`. */
export function failed(id: number, error: unknown): StoreAnswer {
  if (error instanceof Failure) return { id, ok: false, code: error.code, message: error.message };
  return { id, ok: false, code: 'store-unavailable', message: `the embedded store failed: ${messageOf(error)}` };
}
