import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import type { Db, MongoClient } from 'mongodb';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { Gate } from '../../../src/store/mongodb/errors.ts';
import { renewWhenStuck } from '../../../src/store/mongodb/heartbeats.ts';
import { openMongoStore } from '../../../src/store/mongodb/open.ts';
import { RecordCollection } from '../../../src/store/mongodb/records.ts';
import { InOrder } from '../../../src/store/mongodb/in-order.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { record } from '../../conformance/store/place.ts';

const open = (uri: string) => openMongoStore({ uri, log: silentLog, clock: systemClock });

describe('the store in MongoDB without a MongoDB', () => {
  test('what is no connection string is a bad setting', async () => {
    await assert.rejects(open('http://127.0.0.1'), { code: 'bad-setting' });
  });

  test('a server that accepts and says nothing is given up', { timeout: 20_000 }, async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    assert.ok(typeof address === 'object' && address);
    try {
      await assert.rejects(open(`mongodb://127.0.0.1:${address.port}/x?directConnection=true`), {
        code: 'store-unavailable',
      });
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });
});

test('what has the same key runs in order, also after a failure; other keys do not wait', async () => {
  const inOrder = new InOrder();
  const done: string[] = [];
  const first = Promise.withResolvers<undefined>();
  const all = [
    inOrder.run('a', async () => {
      await first.promise;
      done.push('a1');
      throw new Error('a1 failed');
    }),
    inOrder.run('a', () => Promise.resolve(done.push('a2'))),
    inOrder.run('b', () => Promise.resolve(done.push('b1'))),
  ];
  const settled = Promise.allSettled(all);
  await all[2];
  assert.deepEqual(done, ['b1']);
  first.resolve(undefined);
  assert.deepEqual(
    (await settled).map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  );
  assert.deepEqual(done, ['b1', 'a1', 'a2']);
});

test('a change that gets stuck in the driver holds up the next one of its record only until its deadline', async () => {
  const clock = new FakeClock();
  const inserted: string[] = [];
  const insertOne = ({ _id }: { _id: string }) => {
    inserted.push(_id);
    return inserted.length === 1 ? new Promise(() => undefined) : Promise.resolve();
  };
  const db = { collection: () => ({ insertOne }) } as unknown as Db;
  const records = new RecordCollection(db, new Gate(clock));
  const stuck = assert.rejects(records.open(record('c1')), { code: 'store-unavailable' });
  const again = records.open(record('c1'));
  await settle();
  assert.deepEqual(inserted, ['c1']);
  await clock.advance(6_000);
  await Promise.all([stuck, again]);
  assert.deepEqual(inserted, ['c1', 'c1']);
});

describe('the driver waits for ever whether its server is there', () => {
  const connectionId = '127.0.0.1:27017';

  function watched(connect: () => Promise<void> = () => Promise.resolve()) {
    const clock = new FakeClock();
    const done: string[] = [];
    const client = Object.assign(new EventEmitter(), {
      close: () => Promise.resolve(void done.push('close')),
      connect: () => (done.push('connect'), connect()),
    });
    return { clock, done, client, end: renewWhenStuck(client as unknown as MongoClient, clock, silentLog) };
  }

  test('it is made to connect anew, and again while no server is found', async () => {
    let found = false;
    const { clock, done, client } = watched(() => (found ? Promise.resolve() : Promise.reject(new Error('nobody'))));
    client.emit('serverHeartbeatStarted', { connectionId, awaited: false });
    await clock.advance(5_999);
    assert.deepEqual(done, []);
    await clock.advance(1);
    assert.deepEqual(done.splice(0), ['close', 'connect']);
    found = true;
    await clock.advance(1_000);
    assert.deepEqual(done, ['close', 'connect']);
    assert.equal(clock.pendingTimers, 0);
  });

  test('an answer, a failure and a server that is let go are none; who waits for changes may take longer', async () => {
    const { clock, done, client } = watched();
    for (const heard of ['serverHeartbeatSucceeded', 'serverHeartbeatFailed', 'serverClosed']) {
      client.emit('serverHeartbeatStarted', { connectionId, awaited: false });
      client.emit(heard, { connectionId, address: connectionId });
    }
    assert.equal(clock.pendingTimers, 0);
    client.emit('serverHeartbeatStarted', { connectionId, awaited: true });
    await clock.advance(15_999);
    assert.deepEqual(done, []);
    await clock.advance(1);
    assert.deepEqual(done, ['close', 'connect']);
  });

  test('closing and connecting that get stuck themselves are given up, and tried again', async () => {
    let stuck = true;
    const { clock, done, client } = watched(() => (stuck ? new Promise(() => undefined) : Promise.resolve()));
    client.emit('serverHeartbeatStarted', { connectionId, awaited: false });
    await clock.advance(6_000);
    assert.deepEqual(done.splice(0), ['close', 'connect']);
    stuck = false;
    await clock.advance(41_000);
    assert.deepEqual(done, ['close', 'connect']);
    assert.equal(clock.pendingTimers, 0);
  });

  test('a store that is closed meanwhile stays closed', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const { clock, done, client, end } = watched(() => promise);
    client.emit('serverHeartbeatStarted', { connectionId, awaited: false });
    await clock.advance(6_000);
    end();
    resolve(undefined);
    await settle();
    assert.deepEqual(done, ['close', 'connect', 'close']);
    client.emit('serverHeartbeatStarted', { connectionId, awaited: false });
    assert.equal(clock.pendingTimers, 0);
  });
});
