import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hashSecret, verifySecret } from '../../../src/shared/secret.ts';

describe('secrets', () => {
  test('a secret is verified by its own hash and no other', async () => {
    const hash = await hashSecret('correct horse');
    assert.equal(await verifySecret(hash, 'correct horse'), true);
    assert.equal(await verifySecret(hash, 'correct horsf'), false);
    assert.equal(await verifySecret(hash, ''), false);
  });

  test('the hash is argon2id with at least the OWASP parameters, and salted', async () => {
    const [one, two] = await Promise.all([hashSecret('same'), hashSecret('same')]);
    assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    assert.notEqual(one, two);
  });

  test('without a hash the answer is no, after the same work', async () => {
    const hash = await hashSecret('x');
    const timed = async (of: string | undefined) => {
      const times: number[] = [];
      for (let i = 0; i < 15; i += 1) {
        const start = performance.now();
        assert.equal(await verifySecret(of, 'y'), false);
        times.push(performance.now() - start);
      }
      // The fastest of many is what the work itself takes, whatever else the machine does.
      return Math.min(...times);
    };
    const known = await timed(hash);
    const unknown = await timed(undefined);
    assert.ok(unknown > known / 2, `unknown ${unknown} ms, known ${known} ms`);
  });

  test('composed and decomposed accents are one secret', async () => {
    assert.equal(await verifySecret(await hashSecret('caf\u00e9'), 'cafe\u0301'), true);
  });

  test('a damaged hash is reported, not taken as a wrong password', async () => {
    await assert.rejects(verifySecret('nonsense', 'x'));
  });
});
