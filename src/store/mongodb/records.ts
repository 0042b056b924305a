import type { Collection, Db, Filter } from 'mongodb';
import type { CallEnd } from '../../call/end.ts';
import type { RecordBook, Store } from '../../call/ports.ts';
import type { CallRecord, RecordChange } from '../../call/record.ts';
import { unknownCall } from '../failures.ts';
import { lateChange } from '../late-change.ts';
import { type Gate, isDuplicate } from './errors.ts';
import { InOrder } from './in-order.ts';

type RecordDocument = Omit<CallRecord, 'id'> & {
  _id: string;
  /** While the record has no end: for a small index of those that stand. */
  open?: true;
};
/** In the server's memory: a call that arrives waits for no disk and no other member. */
const unsynced = { w: 1, journal: false } as const;
type RecordFilter = Parameters<Store['records']['list']>[0];

const numberFields = ['caller', 'firstCalled', 'secondCalled', 'finalCalled'] as const;

export class RecordCollection implements RecordBook {
  readonly #documents: Collection<RecordDocument>;
  /** A pool of connections keeps no order: changes of one record wait for each other. */
  readonly #inOrder = new InOrder();
  readonly #gate: Gate;

  /** Reads go through the gate outside of here; changes do in their turn, so that one which gets stuck does not hold up the next. */
  constructor(db: Db, gate: Gate) {
    this.#documents = db.collection<RecordDocument>('records');
    this.#gate = gate;
  }

  #change<T>(id: string, action: () => Promise<T>): Promise<T> {
    return this.#inOrder.run(id, () => this.#gate.pass(action));
  }

  async createIndexes(): Promise<void> {
    const newestFirst = { arrivedAt: -1, _id: -1 } as const;
    await this.#documents.createIndex(newestFirst);
    await this.#documents.createIndex({ account: 1, ...newestFirst });
    for (const field of numberFields) await this.#documents.createIndex({ [field]: 1, ...newestFirst });
    for (const field of ['attempts.to', 'attempts.among']) {
      await this.#documents.createIndex({ [field]: 1, arrivedAt: -1 });
    }
    await this.#documents.createIndex({ node: 1 }, { partialFilterExpression: { open: true } }, {});
  }

  open({ id, ...record }: CallRecord): Promise<void> {
    return this.#change(id, async () => {
      try {
        await this.#documents.insertOne({ _id: id, ...record, open: true }, { writeConcern: unsynced });
      } catch (error) {
        // Opening again what was opened is no error: after a lost answer the caller of the port may repeat itself.
        if (!isDuplicate(error)) throw error;
      }
    });
  }

  update(id: string, change: RecordChange): Promise<void> {
    return this.#change(id, async () => {
      const $set = defined(change);
      if (Object.keys($set).length === 0) return;
      const { matchedCount } = await this.#documents.updateOne({ _id: id, open: true }, { $set });
      if (matchedCount === 0) await this.#updateClosed(id, change);
    });
  }

  async #updateClosed(id: string, change: RecordChange): Promise<void> {
    const document = await this.#documents.findOne({ _id: id });
    if (!document) throw unknownCall(id);
    for (const [key, value] of Object.entries(defined(lateChange(recordOf(document), change)))) {
      // Only what is still missing, whoever else fills it at the same time; lists go on.
      const filter: Filter<RecordDocument> = Array.isArray(value) ? { _id: id } : { _id: id, [key]: null };
      await this.#documents.updateOne(filter, { $set: { [key]: value } });
    }
  }

  close(id: string, end: CallEnd, change: RecordChange): Promise<boolean> {
    return this.#change(id, async () => {
      const update = { $set: { ...defined(change), end: defined(end) }, $unset: { open: true as const } };
      const { matchedCount } = await this.#documents.updateOne({ _id: id, open: true }, update);
      if (matchedCount === 1) return true;
      if (!(await this.get(id))) throw unknownCall(id);
      return false;
    });
  }

  async standing(node: string): Promise<CallRecord[]> {
    const documents = this.#documents.find({ node, open: true }).sort({ arrivedAt: 1, _id: 1 });
    return (await documents.toArray()).map(recordOf);
  }

  async calling(numbers: readonly string[], since: number): Promise<CallRecord[]> {
    const called = { $in: [...numbers] };
    const filter: Filter<RecordDocument> = {
      $or: [
        { 'attempts.to': called, arrivedAt: { $gte: since } },
        { 'attempts.among': called, arrivedAt: { $gte: since } },
      ],
    };
    const documents = this.#documents.find(filter).sort({ arrivedAt: -1, _id: -1 }).limit(50);
    return (await documents.toArray()).map(recordOf);
  }

  async get(id: string): Promise<CallRecord | undefined> {
    const document = await this.#documents.findOne({ _id: id });
    return document ? recordOf(document) : undefined;
  }

  async list({ account, number, before, beforeId, limit }: RecordFilter): Promise<CallRecord[]> {
    const conditions: Filter<RecordDocument>[] = [];
    if (account !== undefined) conditions.push({ account });
    if (number !== undefined) conditions.push({ $or: numberFields.map((field) => ({ [field]: number })) });
    if (before !== undefined) {
      const earlier = { arrivedAt: { $lt: before } };
      conditions.push(
        beforeId === undefined ? earlier : { $or: [earlier, { arrivedAt: before, _id: { $lt: beforeId } }] },
      );
    }
    const filter = conditions.length > 0 ? { $and: conditions } : {};
    const documents = this.#documents.find(filter).sort({ arrivedAt: -1, _id: -1 }).limit(limit);
    return (await documents.toArray()).map(recordOf);
  }
}

function recordOf({ _id, open: _open, ...record }: RecordDocument): CallRecord {
  return { id: _id, ...record };
}

/** Without keys whose value is undefined: the driver would write null. */
function defined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T;
}
