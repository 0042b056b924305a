import type { DatabaseSync } from 'node:sqlite';
import type { CallEnd } from '../../call/end.ts';
import type { CallRecord, RecordChange } from '../../call/record.ts';
import { unknownCall } from '../failures.ts';
import { lateChange } from '../late-change.ts';
import { text, type Row } from './rows.ts';

/** Which records, newest first; see the port. */
export interface RecordFilter {
  account?: string;
  number?: string;
  before?: number;
  beforeId?: string;
  limit: number;
}

/** The columns in which a call has a number. */
const numberColumns = ['caller', 'first_called', 'second_called', 'final_called'];

/** Call detail records, in SQL: the record itself is JSON, what is searched stands in generated columns. */
export function recordTable(db: DatabaseSync) {
  // Opening again what was opened is no error: after a lost answer the caller of the port may repeat itself.
  const insert = db.prepare('INSERT INTO records (id, body) VALUES (?, ?) ON CONFLICT (id) DO NOTHING');
  const one = db.prepare('SELECT body FROM records WHERE id = ?');
  const update = db.prepare('UPDATE records SET body = ? WHERE id = ?');
  const close = db.prepare('UPDATE records SET body = ?, ended_at = ? WHERE id = ? AND ended_at IS NULL');
  const standing = db.prepare('SELECT body FROM records WHERE node = ? AND ended_at IS NULL ORDER BY arrived_at, id');

  const calling = db.prepare(
    `SELECT body FROM records WHERE id IN (
       SELECT record FROM dialled WHERE number IN (SELECT value FROM json_each(?)) AND arrived_at >= ?
     ) ORDER BY arrived_at DESC, id DESC LIMIT 50`,
  );

  const dialled = db.prepare('INSERT OR IGNORE INTO dialled (number, arrived_at, record) VALUES (?, ?, ?)');

  function noteDialled(id: string, arrivedAt: number, attempts: CallRecord['attempts'] = []): void {
    for (const { to, among = [] } of attempts) {
      for (const number of [to, ...among]) dialled.run(number, arrivedAt, id);
    }
  }

  function existing(id: string): CallRecord {
    const row = one.get(id);
    if (!row) throw unknownCall(id);
    return recordOf(row);
  }

  const reads = {
    getRecord(id: string): CallRecord | undefined {
      const row = one.get(id);
      return row && recordOf(row);
    },
    standingRecords(node: string): CallRecord[] {
      return standing.all(node).map(recordOf);
    },
    recordsCalling(numbers: readonly string[], since: number): CallRecord[] {
      return calling.all(JSON.stringify(numbers), since).map(recordOf);
    },
    listRecords(filter: RecordFilter): CallRecord[] {
      const { sql, parameters } = listing(filter);
      return db.prepare(sql).all(parameters).map(recordOf);
    },
  };
  const writes = {
    openRecord(record: CallRecord): void {
      insert.run(record.id, JSON.stringify(record));
      noteDialled(record.id, record.arrivedAt, record.attempts);
    },
    updateRecord(id: string, change: RecordChange): void {
      const record = existing(id);
      const applied = record.end ? lateChange(record, change) : change;
      update.run(JSON.stringify({ ...record, ...applied }), id);
      noteDialled(id, record.arrivedAt, applied.attempts);
    },
    closeRecord(id: string, end: CallEnd, change: RecordChange): boolean {
      const record = existing(id);
      return close.run(JSON.stringify({ ...record, ...change, end }), end.at, id).changes === 1;
    },
  };
  return { reads, writes };
}

/** The query of a page: for a number one search by index in each column that may hold it, merged. */
function listing(filter: RecordFilter): { sql: string; parameters: Record<string, string | number> } {
  const parameters: Record<string, string | number> = { limit: filter.limit };
  const conditions: string[] = [];
  if (filter.account !== undefined) {
    conditions.push('account = :account');
    parameters['account'] = filter.account;
  }
  if (filter.before !== undefined) {
    conditions.push('(arrived_at, id) < (:before, :beforeId)');
    parameters['before'] = filter.before;
    parameters['beforeId'] = filter.beforeId ?? '';
  }
  const order = 'ORDER BY arrived_at DESC, id DESC LIMIT :limit';
  const search = (extra: string[]): string => {
    const where = [...extra, ...conditions];
    return `SELECT id, arrived_at, body FROM records ${where.length ? `WHERE ${where.join(' AND ')}` : ''} ${order}`;
  };
  if (filter.number === undefined) return { sql: search([]), parameters };
  parameters['number'] = filter.number;
  const searches = numberColumns.map((column) => `SELECT * FROM (${search([`${column} = :number`])})`);
  return { sql: `${searches.join(' UNION ')} ${order}`, parameters };
}

function recordOf(row: Row): CallRecord {
  // The body is what openRecord, updateRecord or closeRecord above wrote.
  return JSON.parse(text(row, 'body')) as CallRecord;
}
