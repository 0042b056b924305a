import { MongoClient, type Db } from 'mongodb';
import type { Store } from '../../call/ports.ts';
import type { TerminalLogin } from '../../call/subscriber.ts';
import type { Clock } from '../../shared/clock.ts';
import { Failure, messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { Watchers } from '../watchers.ts';
import { followChanges } from './changes.ts';
import { Gate, despiteRaces, unavailable } from './errors.ts';
import { renewWhenStuck } from './heartbeats.ts';
import { LoginCollection } from './logins.ts';
import { RecordCollection } from './records.ts';
import { SubscriberCollection } from './subscribers.ts';

export interface MongoStoreOptions {
  /** `mongodb://…` or `mongodb+srv://…`; the database is that of its path, or `ringaway`. */
  uri: string;
  log: Logger;
  clock: Clock;
}

/**
 * Milliseconds for each stage of an operation: to find a server that takes writes (longer than the election of a
 * new primary normally takes), to connect, to get a connection of the pool, to wait for the majority. The driver's
 * `timeoutMS` for the whole has no effect any more (7.8); the whole is limited by the gate.
 */
const stageDeadline = 4000;
/** Milliseconds without a byte of an answer; above the others, so that it only meets servers that are stuck. */
const silenceDeadline = 6000;

/**
 * The store in MongoDB, for several nodes. Needs no replica set, but with one a write is acknowledged only
 * when a majority has it in its journal.
 * @throws Failure `bad-setting` for a malformed URI, `store-unavailable` when there is no server
 */
export async function openMongoStore({ uri, log, clock }: MongoStoreOptions): Promise<Store> {
  const client = clientOf(uri);
  const unwatch = renewWhenStuck(client, clock, log);
  const close = () => {
    unwatch();
    return client.close();
  };
  try {
    const db = (await client.connect()).db(databaseOf(client, uri));
    return await storeOf(close, db, log, clock);
  } catch (error) {
    await close();
    throw error instanceof Failure ? error : unavailable(error);
  }
}

function clientOf(uri: string): MongoClient {
  try {
    return new MongoClient(uri, {
      appName: 'ringaway',
      ignoreUndefined: true,
      serverSelectionTimeoutMS: stageDeadline,
      connectTimeoutMS: stageDeadline,
      waitQueueTimeoutMS: stageDeadline,
      socketTimeoutMS: silenceDeadline,
      writeConcern: { w: 'majority', journal: true, wtimeoutMS: stageDeadline },
    });
  } catch (error) {
    // The constructor only reads the URI; the server is not asked yet.
    throw new Failure('bad-setting', `store.uri is no connection string of MongoDB: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** The one that the URI names behind its hosts; the driver's own default would be `test`. */
function databaseOf(client: MongoClient, uri: string): string {
  return /^[^:]+:\/\/[^/]+\/[^?]/.test(uri) ? client.options.dbName : 'ringaway';
}

async function storeOf(end: () => Promise<void>, db: Db, log: Logger, clock: Clock): Promise<Store> {
  const subscribers = new SubscriberCollection(db);
  const logins = new LoginCollection(db);
  const gate = new Gate(clock);
  const records = new RecordCollection(db, gate);
  const secrets = db.collection<{ _id: string; value: string }>('secrets');
  await Promise.all([subscribers.createIndexes(), logins.createIndexes(), records.createIndexes()]);

  const look = await followChanges(subscribers);
  const watchers = new Watchers(() => gate.pass(look), log, clock);
  /** A change of subscribers: those who watch know at once what this process did. */
  const told = async <T>(change: () => Promise<T>): Promise<T> => {
    const result = await gate.pass(change);
    watchers.lookNow();
    return result;
  };
  let closing: Promise<void> | undefined;

  return {
    subscribers: {
      findByNumber: (candidates) => gate.pass(() => subscribers.findByNumber(candidates)),
      add: (subscriber) => told(() => subscribers.add(subscriber, clock.now())),
      get: (account) => gate.pass(() => subscribers.get(account)),
      credentials: (accountOrNumber) => gate.pass(() => subscribers.credentials(accountOrNumber)),
      list: ({ after = '', limit }) => gate.pass(() => subscribers.list(after, limit)),
      change: (account, change) => told(() => subscribers.change(account, change, clock.now())),
      remove: (account) => told(() => subscribers.remove(account)),
      addNumber: (account, number) => told(() => subscribers.addNumber(account, number, clock.now())),
      removeNumber: (account, number) => told(() => subscribers.removeNumber(account, number, clock.now())),
      watch: (changed) => watchers.watch(changed),
    },
    logins: {
      save: (login: TerminalLogin) => gate.pass(() => logins.save(login)),
      seen: (account, terminalId, at) => gate.pass(() => logins.seen(account, terminalId, at)),
      loggedOut: (account, terminalId, at) => gate.pass(() => logins.loggedOut(account, terminalId, at)),
      of: (account) => gate.pass(() => logins.of(account)),
    },
    records: {
      open: (record) => records.open(record),
      update: (id, change) => records.update(id, change),
      close: (id, end, change) => records.close(id, end, change),
      standing: (node) => gate.pass(() => records.standing(node)),
      calling: (numbers, since) => gate.pass(() => records.calling(numbers, since)),
      get: (id) => gate.pass(() => records.get(id)),
      list: (filter) => gate.pass(() => records.list(filter)),
    },
    secret: (name, make) =>
      gate.pass(async () => {
        const kept = await secrets.findOne({ _id: name });
        if (kept) return kept.value;
        const made = await despiteRaces(() =>
          secrets.findOneAndUpdate(
            { _id: name },
            { $setOnInsert: { value: make() } },
            { upsert: true, returnDocument: 'after' },
          ),
        );
        if (!made) throw new Failure('store-unavailable', `MongoDB did not return the secret ${name} after keeping it`);
        return made.value;
      }),
    ping: () =>
      gate.pass(async () => {
        await db.command({ ping: 1 });
      }),
    close: () => {
      gate.close();
      watchers.close();
      return (closing ??= end());
    },
  };
}
