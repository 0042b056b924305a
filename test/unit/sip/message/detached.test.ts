import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { detached, shelved, unshelved } from '../../../../src/sip/message/detached.ts';
import { usedMemory } from '../../../support/memory.ts';

test('a detached text says the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 3_000 }), (text) => {
      assert.equal(detached(text), text);
      assert.equal(detached(`${text} and ${text}`), `${text} and ${text}`);
    }),
  );
});

test('a detached part does not keep the whole in memory', async () => {
  const wholes = 200;
  const length = 100_000;
  const kept: string[] = [];
  const before = await usedMemory();
  for (let n = 0; n < wholes; n++) {
    const whole = Buffer.alloc(length, `message ${n} `).toString('latin1');
    kept.push(detached(whole.substring(100, 200)));
  }
  const grown = (await usedMemory()) - before;
  assert.equal(kept.length, wholes);
  assert.ok(grown < (wholes * length) / 10, `${grown} octets for ${wholes} parts of 100 characters`);
});

test('what is shelved comes back as it was, and does not keep the octets around it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), (octets) => {
      assert.deepEqual(unshelved(shelved(Buffer.from(octets))), Buffer.from(octets));
    }),
  );
});
