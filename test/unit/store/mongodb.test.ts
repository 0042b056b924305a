import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { openMongoStore } from '../../../src/store/mongodb/open.ts';
import { InOrder } from '../../../src/store/mongodb/in-order.ts';

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
