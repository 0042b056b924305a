import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readInviteOctets } from '../../../src/numbers/read.ts';
import { parseCases } from '../../support/cases.ts';
import { sharedCases } from './shared-cases.ts';

const cases = sharedCases('invites.jsonl');
const invites = parseCases(cases ?? '');

describe('the acceptance cases: what must be read out of an INVITE', () => {
  test('are there', { skip: cases === undefined }, () => assert.ok(invites.length >= 182, `${invites.length} cases`));
  for (const one of invites) {
    test(`${one.id} ${one.title}`, () => {
      const result = readInviteOctets(one.octets, one.settings);
      const { error, ...wanted } = one.expect;
      if (error) {
        assert.equal(result.ok ? 'accepted' : result.error.status, error.status);
        return;
      }
      assert.ok(result.ok, result.ok ? '' : result.error.why);
      const reading = new Map<string, unknown>(Object.entries(result.reading));
      const got = Object.fromEntries(Object.keys(wanted).map((key) => [key, reading.get(key)]));
      assert.deepEqual(got, wanted);
    });
  }
});
