import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { normalise } from '../../../src/numbers/number.ts';
import { sharedCases } from './shared-cases.ts';

const rows = z.array(
  z.object({
    input: z.string(),
    settings: z.object({
      defaultCountry: z.string(),
      areaCode: z.string().exactOptional(),
      outsidePrefix: z.string().exactOptional(),
      internationalPrefix: z.string().exactOptional(),
    }),
    hints: z.object({
      phoneContext: z.string().exactOptional(),
      nai: z.enum(['subscriber', 'unknown', 'national', 'international']).exactOptional(),
    }),
    want: z.string().nullable(),
    kind: z.string().nullable(),
    comment: z.string(),
  }),
);

describe('the acceptance cases of normalisation', () => {
  for (const row of rows.parse(JSON.parse(sharedCases('normalise.json') ?? '[]'))) {
    test(`${row.input}: ${row.comment}`, () => {
      const got = normalise(row.input, row.settings, row.hints);
      assert.equal(got?.number ?? null, row.want);
      assert.equal(got?.kind ?? null, row.kind);
    });
  }
});
