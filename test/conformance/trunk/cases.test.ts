// The acceptance cases over the wire: raw octets in a datagram, through the built-in server and drachtio-srf.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseCases } from '../../support/cases.ts';
import { World } from './world.ts';

const file = fileURLToPath(new URL('../../../../shared/cases/invites.jsonl', import.meta.url));
const there = existsSync(file);
const cases = there ? parseCases(readFileSync(file, 'utf8')) : [];

/** What the SIP server answers itself, or drops, before an application hears of it. */
const ofTheServer = new Set([0, 400, 416, 505, 513]);

describe('acceptance cases over the wire', { concurrency: true }, () => {
  if (!there) test('a sample of each group', { skip: 'NOT TESTED: ../shared/cases is not beside the checkout' });
  const groups = Map.groupBy(cases, ({ id }) => id.slice(0, 1));
  for (const [group, members] of groups) {
    const sample = members.filter(({ expect }) => !ofTheServer.has(expect.error?.status ?? -1)).slice(0, 8);
    test(`group ${group}: ${sample.map(({ id }) => id).join(' ')}`, async () => {
      assert.ok(sample.length >= 5);
      for (const one of sample) {
        await using world = await World.start({ trunk: { reading: one.settings } });
        const peer = await world.caller();
        peer.send(one.octets, world.port);
        const { call } = await world.incoming().catch((error: unknown) => assert.fail(`${one.id}: ${String(error)}`));
        const { error, ...wanted } = one.expect;
        if (error) assert.equal(call.reading.ok ? 'accepted' : call.reading.error.status, error.status, one.id);
        else {
          assert.ok(call.reading.ok, `${one.id} ${call.reading.ok ? '' : call.reading.error.why}`);
          const reading = new Map<string, unknown>(Object.entries(call.reading.reading));
          const got = Object.fromEntries(Object.keys(wanted).map((key) => [key, reading.get(key)]));
          assert.deepEqual(got, wanted, one.id);
        }
        call.leg.reject(480);
      }
    });
  }
});
