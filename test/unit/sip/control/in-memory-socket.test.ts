import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { inMemoryPair } from '../../../../src/sip/control/in-memory-socket.ts';

test('what one end writes the other reads, in order and whole', async () => {
  const [one, other] = inMemoryPair();
  assert.ok(one instanceof Socket && other instanceof Socket);
  const sent = Array.from({ length: 2000 }, (_, n) => `${n};`).join('');
  for (const piece of sent.match(/.{1,7}/gs) ?? []) one.write(piece);
  one.end();
  let read = '';
  for await (const chunk of other) read += String(chunk);
  assert.equal(read, sent);
});

test('a reader that does not read holds the writer back', async () => {
  const [one, other] = inMemoryPair();
  other.pause();
  let writes = 0;
  while (one.write(Buffer.alloc(16_384)) && writes < 1000) writes++;
  assert.ok(writes < 1000, 'the writer is told to wait');
  other.resume();
  await once(one, 'drain');
  one.destroy();
});

test('when one end is destroyed the other closes too, and writing to it is an error and no crash', async () => {
  const [one, other] = inMemoryPair();
  const closed = Promise.all([once(one, 'close'), once(other, 'close')]);
  one.destroy();
  await closed;
  assert.equal(other.destroyed, true);
  await assert.rejects(
    new Promise<void>((resolve, reject) => other.write('x', (error) => (error ? reject(error) : resolve()))),
  );
});
