/** The fuzzer in short; scripts/fuzz runs it for as long as one likes, see test/fuzz/README.md. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadCorpus } from '../../../fuzz/corpus.ts';
import { fuzz, growthAllowed, inputOf, slowestAllowed } from '../../../fuzz/fuzz.ts';

test(
  '40,000 inputs: each is read or refused, in time, within its limits, and nothing is kept',
  { timeout: 120_000 },
  () => {
    const report = fuzz({ inputs: 40_000, seed: 4475 });
    assert.equal(report.inputs, 40_000);
    assert.ok(report.slowest <= slowestAllowed);
    assert.ok(report.growth <= growthAllowed);
    // Both ways are gone: otherwise the inputs would prove little.
    assert.ok(report.read > 5_000, `${report.read} were read`);
    assert.ok(report.read < 36_000, `${report.read} were read`);
  },
);

test('an input is made again from its seed and number', () => {
  const corpus = loadCorpus();
  for (const number of [0, 7, 123_456]) assert.deepEqual(inputOf(3, number, corpus), inputOf(3, number, corpus));
  assert.notDeepEqual(inputOf(3, 7, corpus), inputOf(4, 7, corpus));
});
