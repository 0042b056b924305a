import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Store } from '../../call/ports.ts';
import type { Clock } from '../../shared/clock.ts';
import { Failure, messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { Watchers } from '../watchers.ts';
import { StoreThread } from './store-thread.ts';

export interface EmbeddedStoreOptions {
  /** The folder in which the store keeps its file; created when it is not there. */
  path: string;
  log: Logger;
  clock: Clock;
}

/**
 * The store in a file of its own (SQLite, `ringaway.db` in `path`), for one node. What was acknowledged is read from then on;
 * reads do not wait for writes. Several processes of one
 * machine may have it open: the service and commands of the CLI. Not for network file systems.
 * @throws Failure `bad-setting` when the folder cannot be used, `store-unavailable`
 */
export async function openEmbeddedStore({ path, log, clock }: EmbeddedStoreOptions): Promise<Store> {
  const file = await prepareFile(path);
  const thread = new StoreThread(file, 'writes', log, clock);
  await thread.opened();
  // What is asked while a call arrives must not wait until other calls are on the disk.
  const reader = new StoreThread(file, 'reads', log, clock);
  let revision = await thread.ask('revision');
  const watchers = new Watchers(
    async () => {
      const changes = await reader.ask('changesSince', revision);
      revision = changes.revision;
      return changes.accounts;
    },
    log,
    clock,
  );
  /** Lets those who watch know at once what this process did. */
  const told = async <T>(change: Promise<T>): Promise<T> => {
    const result = await change;
    watchers.lookNow();
    return result;
  };

  return {
    subscribers: {
      findByNumber: (candidates) => reader.ask('findByNumber', candidates),
      add: (subscriber) => told(thread.ask('addSubscriber', subscriber, clock.now())),
      get: (account) => reader.ask('getSubscriber', account),
      credentials: (accountOrNumber) => reader.ask('credentials', accountOrNumber),
      list: ({ after = '', limit }) => reader.ask('listSubscribers', after, limit),
      change: (account, change) => told(thread.ask('changeSubscriber', account, change, clock.now())),
      remove: (account) => told(thread.ask('removeSubscriber', account)),
      addNumber: (account, number) => told(thread.ask('addNumber', account, number, clock.now())),
      removeNumber: (account, number) => told(thread.ask('removeNumber', account, number, clock.now())),
      watch: (changed) => watchers.watch(changed),
    },
    logins: {
      save: (login) => thread.ask('saveLogin', login),
      seen: (account, terminalId, at) => thread.ask('terminalSeen', account, terminalId, at),
      loggedOut: (account, terminalId, at) => thread.ask('terminalLoggedOut', account, terminalId, at),
      of: (account) => reader.ask('loginsOf', account),
    },
    records: {
      open: (record) => thread.ask('openRecord', record),
      update: (id, change) => thread.ask('updateRecord', id, change),
      close: (id, end, change) => thread.ask('closeRecord', id, end, change),
      standing: (node) => reader.ask('standingRecords', node),
      calling: (numbers, since) => reader.ask('recordsCalling', numbers, since),
      get: (id) => reader.ask('getRecord', id),
      list: (filter) => reader.ask('listRecords', filter),
    },
    secret: async (name, make) => (await reader.ask('getSecret', name)) ?? thread.ask('keepSecret', name, make()),
    ping: async () => {
      await thread.ask('revision');
    },
    close: () => {
      watchers.close();
      return Promise.all([reader.close(), thread.close()]).then(() => undefined);
    },
  };
}

/** The file, readable by its owner only: it holds hashes of passwords. SQLite's log files take over its rights. */
async function prepareFile(path: string): Promise<string> {
  const file = join(path, 'ringaway.db');
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await (await open(file, 'a', 0o600)).close();
    return file;
  } catch (error) {
    throw new Failure('bad-setting', `store.path: ${path} cannot be used as the store's folder: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
