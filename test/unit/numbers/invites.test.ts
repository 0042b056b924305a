import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { readInviteOctets } from '../../../src/numbers/read.ts';
import { sharedCases } from './shared-cases.ts';

const numbers = z.record(z.string(), z.string());
const schema = z.object({
  id: z.string(),
  title: z.string(),
  message: z.string(),
  body_base64: z.string().optional(),
  message_base64: z.string().optional(),
  settings: z
    .strictObject({
      defaultCountry: z.string(),
      areaCode: z.string().exactOptional(),
      outsidePrefix: z.string().exactOptional(),
      internationalPrefix: z.string().exactOptional(),
      trustIdentity: z.boolean().exactOptional(),
      callerPreference: z.enum(['pai', 'from']).exactOptional(),
      diversionOrder: z.enum(['standard', 'reversed']).exactOptional(),
      serviceNumbers: z.array(z.string()).exactOptional(),
      map: numbers.exactOptional(),
      accounts: numbers.exactOptional(),
      secondCalledFrom: z.array(z.enum(['request-uri', 'to', 'p-called-party-id', 'isup'])).exactOptional(),
      firstCalledHeader: z.string().exactOptional(),
    })
    .default({ defaultCountry: 'CN', areaCode: '755' }),
  expect: z.strictObject({
    caller: z.string().nullable(),
    callerPrivate: z.boolean().nullable(),
    firstCalled: z.string().nullable(),
    firstCalledSource: z.string().nullable(),
    secondCalled: z.string().nullable(),
    reason: z.string().nullable(),
    counter: z.number().nullable(),
    error: z.object({ status: z.number() }).nullable(),
    firstCalledPrivate: z.boolean().optional(),
    lastDiverting: z.string().nullable().optional(),
    serviceNumber: z.string().nullable().optional(),
    subscriber: z.string().nullable().optional(),
    loop: z.array(z.string()).optional(),
  }),
});

const cases = sharedCases('invites.jsonl');
const lines = (cases ?? '').split('\n').filter((line) => line !== '');

describe('the acceptance cases: what must be read out of an INVITE', () => {
  test('are there', { skip: cases === undefined }, () => assert.ok(lines.length >= 182, `${lines.length} cases`));
  for (const line of lines) {
    const one = schema.parse(JSON.parse(line));
    test(`${one.id} ${one.title}`, () => {
      const octets =
        one.message_base64 === undefined
          ? Buffer.concat([Buffer.from(one.message), Buffer.from(one.body_base64 ?? '', 'base64')])
          : Buffer.from(one.message_base64, 'base64');
      const result = readInviteOctets(octets, one.settings);
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
