import type { Store } from '../../../src/call/ports.ts';
import type { CallRecord } from '../../../src/call/record.ts';
import type { NewSubscriber } from '../../../src/call/ports.ts';
import { openEmbeddedStore } from '../../../src/store/embedded/open.ts';
import { openMongoStore } from '../../../src/store/mongodb/open.ts';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';

export type Kind = 'embedded' | 'mongodb';

/** One empty set of data, which may be opened several times at once, also by other processes. */
export interface Place {
  kind: Kind;
  /** Path of the folder, or URI. */
  location: string;
  open(): Promise<Store>;
  remove(): Promise<void>;
}
export type NewPlace = () => Promise<Place>;

export function openAt(kind: Kind, location: string): Promise<Store> {
  const parts = { log: silentLog, clock: systemClock };
  return kind === 'embedded'
    ? openEmbeddedStore({ path: location, ...parts })
    : openMongoStore({ uri: location, ...parts });
}

/** Runs `use` with an open store over an empty place; afterwards store and place are gone, whatever happened. */
export async function withStore(newPlace: NewPlace, use: (store: Store, place: Place) => Promise<void>): Promise<void> {
  const place = await newPlace();
  try {
    const store = await place.open();
    try {
      await use(store, place);
    } finally {
      await store.close();
    }
  } finally {
    await place.remove();
  }
}

export function subscriber(account: string, ...numbers: NewSubscriber['numbers']): NewSubscriber {
  return { account, numbers, proof: 'session', secrets: { passwordHash: `hash of ${account}` } };
}

export function record(id: string, changes: Partial<CallRecord> = {}): CallRecord {
  return {
    id,
    node: 'node-1',
    trunk: 'ngn',
    sipCallId: `${id}@10.0.0.1`,
    caller: '+8675526000001',
    callerWithheld: false,
    firstCalled: '+8675526000002',
    firstCalledSource: 'Diversion',
    secondCalled: null,
    notified: [],
    attempts: [],
    arrivedAt: 1_760_000_000_000,
    media: [],
    ...changes,
  };
}
