import { randomUUID } from 'node:crypto';
import type { Collection, Db, UpdateFilter } from 'mongodb';
import type { NewSubscriber, SubscriberChange } from '../../call/ports.ts';
import type { ConnectMode } from '../../call/record.ts';
import type { InstructionProof, Subscriber, SubscriberNumber, SubscriberSecrets } from '../../call/subscriber.ts';
import { accountExists, lastNumber, numberTaken, unknownAccount, unknownNumber } from '../failures.ts';
import { isDuplicate } from './errors.ts';

/**
 * One document an account, so that each change is atomic on any server, a standalone one too (no transactions).
 * A removed account stays as a document without `live` and data: other processes learn of its removal by it.
 */
export interface SubscriberDocument {
  _id: string;
  live?: true;
  ownerName?: string;
  ownerAddress?: string;
  /** `claims`: number and second called number, in one place for one unique index over all accounts and both roles. */
  numbers?: (SubscriberNumber & { claims: string[] })[];
  proof?: InstructionProof;
  music?: string;
  connect?: ConnectMode[];
  passwordHash?: string;
  pinHash?: string;
  createdAt?: number;
  updatedAt?: number;
  /** By the server's clock. */
  changedAt?: Date;
  /** New at each change. */
  changeToken?: string;
}
type Update = UpdateFilter<SubscriberDocument>;

export class SubscriberCollection {
  readonly #documents: Collection<SubscriberDocument>;

  constructor(db: Db) {
    this.#documents = db.collection<SubscriberDocument>('subscribers');
  }

  async createIndexes(): Promise<void> {
    await this.#documents.createIndex({ 'numbers.claims': 1 }, { unique: true, sparse: true }, {});
    await this.#documents.createIndex({ changedAt: 1 });
  }

  async findByNumber(
    candidates: readonly string[],
  ): Promise<{ subscriber: Subscriber; number: SubscriberNumber } | undefined> {
    const documents = await this.#documents.find({ 'numbers.claims': { $in: [...candidates] } }).toArray();
    for (const candidate of candidates) {
      for (const document of documents) {
        const number = document.numbers?.find(({ claims }) => claims.includes(candidate));
        if (number) return { subscriber: subscriberOf(document), number: plain(number) };
      }
    }
    return undefined;
  }

  async get(account: string): Promise<Subscriber | undefined> {
    const document = await this.#documents.findOne({ _id: account, live: true });
    return document ? subscriberOf(document) : undefined;
  }

  async credentials(of: string): Promise<{ subscriber: Subscriber; secrets: SubscriberSecrets } | undefined> {
    const document =
      (await this.#documents.findOne({ _id: of, live: true })) ??
      (await this.#documents.findOne({ 'numbers.claims': of }));
    if (document?.passwordHash === undefined) return undefined;
    const { passwordHash, pinHash } = document;
    const secrets = { passwordHash, ...(pinHash === undefined ? {} : { pinHash }) };
    return { subscriber: subscriberOf(document), secrets };
  }

  async list(after: string, limit: number): Promise<Subscriber[]> {
    const documents = this.#documents.find({ live: true, _id: { $gt: after } }).sort({ _id: 1 });
    return (await documents.limit(limit).toArray()).map(subscriberOf);
  }

  async add({ account, numbers, secrets, ...rest }: NewSubscriber, at: number): Promise<Subscriber> {
    const claimed = numbers.map(withClaims);
    refuseRepeated(
      account,
      claimed.flatMap(({ claims }) => claims),
    );
    const data = { ...rest, ...secrets, numbers: claimed, live: true as const, createdAt: at, updatedAt: at };
    // An account that is there and live does not match, and its _id then refuses the insertion.
    const update = () =>
      this.#documents.updateOne({ _id: account, live: { $exists: false } }, changed({ $set: data }), { upsert: true });
    await this.#unlessTaken(update, numbers, async () => {
      if (await this.get(account)) throw accountExists(account);
    });
    const added = await this.get(account);
    if (!added) throw unknownAccount(account);
    return added;
  }

  async change(account: string, change: SubscriberChange, at: number): Promise<Subscriber> {
    const given = Object.entries(change).filter(([, value]) => value !== null && value !== undefined);
    const $unset = {
      ...(change.ownerName === null && { ownerName: true as const }),
      ...(change.ownerAddress === null && { ownerAddress: true as const }),
      ...(change.music === null && { music: true as const }),
      ...(change.connect === null && { connect: true as const }),
      ...(change.pinHash === null && { pinHash: true as const }),
    };
    // Servers differ in whether an empty $unset is permitted.
    const removal: Update = Object.keys($unset).length > 0 ? { $unset } : {};
    const update: Update = { $set: { ...Object.fromEntries(given), updatedAt: at }, ...removal };
    const document = await this.#documents.findOneAndUpdate({ _id: account, live: true }, changed(update), {
      returnDocument: 'after',
    });
    if (!document) throw unknownAccount(account);
    return subscriberOf(document);
  }

  async remove(account: string): Promise<boolean> {
    const $unset = {
      live: true,
      ownerName: true,
      ownerAddress: true,
      numbers: true,
      proof: true,
      music: true,
      connect: true,
      passwordHash: true,
      pinHash: true,
      createdAt: true,
      updatedAt: true,
    } as const;
    const { matchedCount } = await this.#documents.updateOne({ _id: account, live: true }, changed({ $unset }));
    return matchedCount === 1;
  }

  async addNumber(account: string, number: SubscriberNumber, at: number): Promise<Subscriber> {
    const claimed = withClaims(number);
    refuseRepeated(account, claimed.claims);
    const update = () =>
      this.#documents.findOneAndUpdate(
        // The unique index guards across documents, the filter within this one.
        { _id: account, live: true, 'numbers.claims': { $nin: claimed.claims } },
        changed({ $push: { numbers: claimed }, $set: { updatedAt: at } }),
        { returnDocument: 'after' },
      );
    const document = await this.#unlessTaken(update, [number]);
    if (document) return subscriberOf(document);
    if (!(await this.get(account))) throw unknownAccount(account);
    throw numberTaken(number.number, account);
  }

  async removeNumber(account: string, number: string, at: number): Promise<Subscriber> {
    const document = await this.#documents.findOneAndUpdate(
      // With a second element in the list this number is not the last.
      { _id: account, live: true, 'numbers.number': number, 'numbers.1': { $exists: true } },
      changed({ $pull: { numbers: { number } }, $set: { updatedAt: at } }),
      { returnDocument: 'after' },
    );
    if (document) return subscriberOf(document);
    const subscriber = await this.get(account);
    if (!subscriber) throw unknownAccount(account);
    if (!subscriber.numbers.some((each) => each.number === number)) throw unknownNumber(account, number);
    throw lastNumber(account, number);
  }

  /** Account, time and token of what changed since `since`, by the server's clock. */
  async changesSince(since: Date): Promise<{ account: string; at: Date; token: string }[]> {
    const documents = this.#documents.find({ changedAt: { $gte: since } }).project<SubscriberDocument>({
      changedAt: 1,
      changeToken: 1,
    });
    return (await documents.toArray()).map(({ _id, changedAt = since, changeToken = '' }) => ({
      account: _id,
      at: changedAt,
      token: changeToken,
    }));
  }

  async lastChange(): Promise<Date | undefined> {
    const [document] = await this.#documents.find().sort({ changedAt: -1 }).limit(1).toArray();
    return document?.changedAt;
  }

  /** Runs `update`; refused by a unique index, it says by which number, or tries again when that one is gone. */
  async #unlessTaken<T>(
    update: () => Promise<T>,
    numbers: SubscriberNumber[],
    other: () => Promise<void> = () => Promise.resolve(),
  ): Promise<T> {
    for (let tries = 3; ; tries -= 1) {
      try {
        return await update();
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        await other();
        const claims = numbers.flatMap((number) => withClaims(number).claims);
        const taken = await this.findByNumber(claims);
        const value = claims.find((claim) => taken?.number.number === claim || taken?.number.secondCalled === claim);
        if (taken && value !== undefined) throw numberTaken(value, taken.subscriber.account);
        if (tries === 0) throw error;
      }
    }
  }
}

/** Puts the mark on a change by which other processes see it. */
function changed(update: Update): Update {
  return {
    ...update,
    $set: { ...update.$set, changeToken: randomUUID() },
    $currentDate: { changedAt: true },
  };
}

function withClaims(number: SubscriberNumber): SubscriberNumber & { claims: string[] } {
  const { secondCalled } = number;
  return { ...number, claims: secondCalled === undefined ? [number.number] : [number.number, secondCalled] };
}

/** A unique index over a list does not see what is twice in one document. */
function refuseRepeated(account: string, claims: string[]): void {
  const repeated = claims.find((claim, index) => claims.indexOf(claim) !== index);
  if (repeated !== undefined) throw numberTaken(repeated, account);
}

function plain({ number, secondCalled }: SubscriberNumber): SubscriberNumber {
  return secondCalled === undefined ? { number } : { number, secondCalled };
}

function subscriberOf(document: SubscriberDocument): Subscriber {
  const { _id, ownerName, ownerAddress, numbers = [], proof, music, connect, createdAt = 0, updatedAt = 0 } = document;
  if (!proof) throw new TypeError(`the document of account ${_id} is damaged: it has no proof`);
  return {
    account: _id,
    ...(ownerName === undefined ? {} : { ownerName }),
    ...(ownerAddress === undefined ? {} : { ownerAddress }),
    numbers: numbers.map(plain),
    proof,
    ...(music === undefined ? {} : { music }),
    ...(connect === undefined ? {} : { connect }),
    createdAt,
    updatedAt,
  };
}
