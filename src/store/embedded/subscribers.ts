import type { DatabaseSync } from 'node:sqlite';
import type { NewSubscriber, SubscriberChange } from '../../call/ports.ts';
import type { ConnectMode } from '../../call/record.ts';
import type { InstructionProof, Subscriber, SubscriberNumber, SubscriberSecrets } from '../../call/subscriber.ts';
import { accountExists, lastNumber, numberTaken, unknownAccount, unknownNumber } from '../failures.ts';
import { integer, maybeText, text, type Row } from './rows.ts';

/** Accounts and their numbers, in SQL. Every write is a savepoint of its own: it throws, and nothing of it stays. */
export function subscriberTable(db: DatabaseSync) {
  const one = db.prepare('SELECT * FROM subscribers WHERE account = ?');
  const page = db.prepare('SELECT * FROM subscribers WHERE account > ? ORDER BY account LIMIT ?');
  const numbersOf = db.prepare(
    `SELECT n.value AS number, s.value AS second FROM numbers n LEFT JOIN numbers s ON s.second_of = n.value
     WHERE n.account = ? AND n.second_of IS NULL ORDER BY n.id`,
  );
  const holder = db.prepare('SELECT account, coalesce(second_of, value) AS number FROM numbers WHERE value = ?');
  const insert = db.prepare(
    `INSERT INTO subscribers (account, owner_name, owner_address, proof, music, connect, password_hash, pin_hash,
       created_at, updated_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account) DO NOTHING`,
  );
  const insertNumber = db.prepare(
    'INSERT INTO numbers (value, account, second_of) VALUES (?, ?, ?) ON CONFLICT (value) DO NOTHING',
  );
  const deleteNumber = db.prepare('DELETE FROM numbers WHERE value = ?');
  const remove = db.prepare('DELETE FROM subscribers WHERE account = ?');
  const touch = db.prepare('UPDATE subscribers SET updated_at = ? WHERE account = ?');
  const update = db.prepare(
    `UPDATE subscribers SET owner_name = ?, owner_address = ?, proof = ?, music = ?, connect = ?, password_hash = ?,
       pin_hash = ?, updated_at = ?
     WHERE account = ?`,
  );
  const changes = db.prepare('SELECT account, revision FROM changes WHERE revision > ? ORDER BY revision');
  const revision = db.prepare('SELECT coalesce(max(revision), 0) AS revision FROM changes');

  const subscriberOf = (row: Row): Subscriber => ({
    account: text(row, 'account'),
    ...maybeText(row, 'owner_name', 'ownerName'),
    ...maybeText(row, 'owner_address', 'ownerAddress'),
    numbers: numbersOf.all(text(row, 'account')).map((number) => ({
      number: text(number, 'number'),
      ...maybeText(number, 'second', 'secondCalled'),
    })),
    proof: proofOf(row),
    ...maybeText(row, 'music', 'music'),
    ...(row['connect'] !== null && { connect: connectOf(row) }),
    createdAt: integer(row, 'created_at'),
    updatedAt: integer(row, 'updated_at'),
  });

  function get(account: string): Subscriber | undefined {
    const row = one.get(account);
    return row && subscriberOf(row);
  }

  function existing(account: string): Row {
    const row = one.get(account);
    if (!row) throw unknownAccount(account);
    return row;
  }

  function claim(account: string, value: string, secondOf: string | null): void {
    if (insertNumber.run(value, account, secondOf).changes === 1) return;
    const taken = holder.get(value);
    throw numberTaken(value, taken && text(taken, 'account'));
  }

  function claimBoth(account: string, { number, secondCalled }: SubscriberNumber): void {
    claim(account, number, null);
    if (secondCalled !== undefined) claim(account, secondCalled, number);
  }

  const reads = {
    getSubscriber: get,

    findByNumber(candidates: readonly string[]): { subscriber: Subscriber; number: SubscriberNumber } | undefined {
      for (const candidate of candidates) {
        const found = holder.get(candidate);
        const subscriber = found && get(text(found, 'account'));
        const number = subscriber?.numbers.find((each) => each.number === text(found ?? {}, 'number'));
        if (subscriber && number) return { subscriber, number };
      }
      return undefined;
    },

    credentials(accountOrNumber: string): { subscriber: Subscriber; secrets: SubscriberSecrets } | undefined {
      const found = holder.get(accountOrNumber);
      const row = one.get(accountOrNumber) ?? (found && one.get(text(found, 'account')));
      if (!row) return undefined;
      const secrets = { passwordHash: text(row, 'password_hash'), ...maybeText(row, 'pin_hash', 'pinHash') };
      return { subscriber: subscriberOf(row), secrets };
    },

    listSubscribers(after: string, limit: number): Subscriber[] {
      return page.all(after, limit).map(subscriberOf);
    },

    /** The accounts that changed after `since`, and the revision up to which that is the whole truth. */
    changesSince(since: number): { accounts: string[]; revision: number } {
      const rows = changes.all(since);
      const last = rows.at(-1);
      return { accounts: rows.map((row) => text(row, 'account')), revision: last ? integer(last, 'revision') : since };
    },

    revision(): number {
      const row = revision.get();
      return row ? integer(row, 'revision') : 0;
    },
  };

  const writes = {
    addSubscriber(subscriber: NewSubscriber, at: number): Subscriber {
      const { account, ownerName = null, ownerAddress = null, proof, music = null, secrets } = subscriber;
      const { passwordHash, pinHash = null } = secrets;
      const connect = json(subscriber.connect);
      const owner = [ownerName, ownerAddress];
      const inserted = insert.run(account, ...owner, proof, music, connect, passwordHash, pinHash, at, at);
      if (inserted.changes === 0) throw accountExists(account);
      for (const number of subscriber.numbers) claimBoth(account, number);
      return subscriberOf(existing(account));
    },

    changeSubscriber(account: string, change: SubscriberChange, at: number): Subscriber {
      const row = existing(account);
      update.run(
        change.ownerName === undefined ? nullableText(row, 'owner_name') : change.ownerName,
        change.ownerAddress === undefined ? nullableText(row, 'owner_address') : change.ownerAddress,
        change.proof ?? text(row, 'proof'),
        change.music === undefined ? nullableText(row, 'music') : change.music,
        change.connect === undefined ? nullableText(row, 'connect') : json(change.connect),
        change.passwordHash ?? text(row, 'password_hash'),
        change.pinHash === undefined ? nullableText(row, 'pin_hash') : change.pinHash,
        at,
        account,
      );
      return subscriberOf(existing(account));
    },

    removeSubscriber(account: string): boolean {
      return remove.run(account).changes > 0;
    },

    addNumber(account: string, number: SubscriberNumber, at: number): Subscriber {
      existing(account);
      claimBoth(account, number);
      touch.run(at, account);
      return subscriberOf(existing(account));
    },

    removeNumber(account: string, number: string, at: number): Subscriber {
      const { numbers } = subscriberOf(existing(account));
      if (!numbers.some((each) => each.number === number)) throw unknownNumber(account, number);
      if (numbers.length === 1) throw lastNumber(account, number);
      deleteNumber.run(number);
      touch.run(at, account);
      return subscriberOf(existing(account));
    },
  };

  return { reads, writes };
}

function nullableText(row: Row, column: string): string | null {
  return row[column] === null ? null : text(row, column);
}

function json(list: readonly string[] | null | undefined): string | null {
  return list ? JSON.stringify(list) : null;
}

function connectOf(row: Row): ConnectMode[] {
  // What addSubscriber and changeSubscriber above wrote.
  return JSON.parse(text(row, 'connect')) as ConnectMode[];
}

function proofOf(row: Row): InstructionProof {
  const proof = text(row, 'proof');
  if (proof === 'session' || proof === 'pin' || proof === 'password') return proof;
  throw new TypeError(`column proof holds ${proof}`);
}
