import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemClock } from '../../../src/shared/clock.ts';

/** Nothing of this process runs for so long. */
function standStill(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

test('a deadline that passed while the process stood still comes after the answer that is there', async (t) => {
  const receiver = createSocket('udp4').bind(0, '127.0.0.1');
  t.after(() => receiver.close());
  await once(receiver, 'listening');
  const sender = createSocket('udp4');
  t.after(() => sender.close());
  sender.connect(receiver.address().port, '127.0.0.1');
  await once(sender, 'connect');
  const order: string[] = [];
  const answered = once(receiver, 'message').then(() => order.push('answer'));

  await nextTurn(); // between two rounds of the event loop: timers are looked at first
  const deadline = new Promise<void>((resolve) => {
    systemClock.after(5, () => {
      order.push('deadline');
      resolve();
    });
  });
  sender.send('answer');
  standStill(50);
  await Promise.all([answered, deadline]);
  assert.deepEqual(order, ['answer', 'deadline']);
});

test('a timer that is cleared when it is due does not fire', async () => {
  let fired = false;
  const timer = systemClock.after(5, () => (fired = true));
  const other = new Promise<void>((resolve) => {
    setTimeout(() => {
      timer.clear();
      resolve();
    }, 5);
  });
  standStill(50);
  await other;
  await nextTurn();
  await nextTurn();
  assert.equal(fired, false);
});
