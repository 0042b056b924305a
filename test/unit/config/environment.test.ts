import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { holdEnvironment } from '../../../src/config.ts';

test('the environment that is held says the same, is asked of the system no more, and is inherited', (t) => {
  const asked = process.env;
  t.after(() => {
    process.env = asked;
    delete asked['RINGAWAY_TEST_LATER'];
  });
  const before = { ...asked };
  holdEnvironment();
  assert.deepEqual({ ...process.env }, before);
  asked['RINGAWAY_TEST_LATER'] = 'set in the system';
  assert.equal(process.env['RINGAWAY_TEST_LATER'], undefined);
  process.env['RINGAWAY_TEST_HELD'] = 'held';
  const { stdout } = spawnSync(process.execPath, ['-p', 'process.env.RINGAWAY_TEST_HELD'], { encoding: 'utf8' });
  assert.equal(stdout.trim(), 'held');
});
