import assert from 'node:assert/strict';
import type { CallEnd } from '../../../src/call/end.ts';
import type { RecordBook } from '../../../src/call/ports.ts';
import type { CallRecord, RecordChange } from '../../../src/call/record.ts';

/** Records in memory; may fail or be slow as a sick store is. */
export class MemoryRecords implements RecordBook {
  readonly records = new Map<string, CallRecord>();
  readonly closed: string[] = [];
  failing = false;
  onWrite: () => Promise<void> = () => Promise.resolve();

  async open(record: CallRecord): Promise<void> {
    await this.#write();
    assert.ok(!this.records.has(record.id) || this.records.get(record.id)?.end === undefined, 'opened after its end');
    this.records.set(record.id, structuredClone(record));
  }
  async update(id: string, change: RecordChange): Promise<void> {
    await this.#write();
    const record = this.records.get(id);
    assert.ok(record, 'an update of a record that was not opened');
    Object.assign(record, structuredClone(change));
  }
  async close(id: string, end: CallEnd, change: RecordChange): Promise<boolean> {
    await this.#write();
    const record = this.records.get(id);
    assert.ok(record, 'the end of a record that was not opened');
    if (record.end) return false;
    Object.assign(record, structuredClone(change), { end });
    this.closed.push(id);
    return true;
  }
  calling(numbers: readonly string[], since: number): Promise<CallRecord[]> {
    const found = [...this.records.values()].filter(
      ({ attempts, arrivedAt }) =>
        arrivedAt >= since &&
        attempts.some(({ to, among = [] }) => [to, ...among].some((one) => numbers.includes(one))),
    );
    return Promise.resolve(structuredClone(found.reverse()));
  }
  standing(): Promise<CallRecord[]> {
    return Promise.resolve([...this.records.values()].filter((record) => !record.end));
  }
  async #write(): Promise<void> {
    await this.onWrite();
    if (this.failing) throw new Error('the disk is full');
  }
}

/** Every time of a record lies where it belongs: between what came before and what comes after. */
export function assertTimesInOrder(record: CallRecord): void {
  const inOrder = (name: string, ...times: (number | undefined)[]) => {
    const known = times.filter((time) => time !== undefined);
    assert.deepEqual(
      known,
      known.toSorted((one, other) => one - other),
      `${name}: ${times.join(' ')}`,
    );
  };
  const { arrivedAt, notifiedAt, instructedAt, ringingAt, answeredAt, parkedAt, end } = record;
  inOrder('call', arrivedAt, notifiedAt, instructedAt, answeredAt, end?.at);
  inOrder('ringing', instructedAt, ringingAt, end?.at);
  inOrder('parked', arrivedAt, parkedAt, end?.at);
  for (const attempt of record.attempts) {
    inOrder(
      `attempt ${attempt.attempt}`,
      arrivedAt,
      attempt.startedAt,
      attempt.ringingAt,
      attempt.answeredAt,
      attempt.endedAt,
      end?.at,
    );
    if (end) assert.notEqual(attempt.endedAt, undefined, `attempt ${attempt.attempt} has an end`);
  }
  inOrder('attempts', ...record.attempts.map(({ startedAt }) => startedAt));
}
