import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RecordChange } from '../../../src/call/record.ts';
import { lateChange } from '../../../src/store/late-change.ts';
import { record } from '../../conformance/store/place.ts';

test('whatever comes late, no value that stood in the record is altered, and every missing one is filled', () => {
  const time = fc.integer({ min: 0 });
  const changes = fc.record(
    { account: fc.string(), caller: fc.string(), answeredAt: time, ringingAt: time, notifiedAt: time },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(changes, changes, (before: RecordChange, late: RecordChange) => {
      const closed = { ...record('c', { caller: null }), ...before };
      const after = { ...closed, ...lateChange(closed, late) };
      assert.deepEqual(after, { ...record('c', { caller: null }), ...late, ...before });
    }),
  );
});
