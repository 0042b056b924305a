// A network between operator and service that loses, repeats and delays one message in twenty each, on both legs and in
// both directions: every call goes right all the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import type { Fate } from '../../../src/simulate/sip/endpoint.ts';
import { Stage } from '../../../src/simulate/stage.ts';
import { eventually } from '../../support/eventually.ts';
import { seeded } from '../../support/random.ts';
import { startSite } from '../../support/site.ts';

/** Calls at a time, and how often so many. */
const crowd = 8;
const rounds = 5;
/** Of the messages between network and service. */
const share = 0.05;
/** T1 of both sides: a lost message is sent again after this. Milliseconds. */
const timers = { t1: 100, t2: 400, t4: 500 };
const number = (kind: number, index: number) => `+86755200${kind}${String(index).padStart(4, '0')}`;

test(`${crowd * rounds} calls over a bad network`, { timeout: 120_000 }, async (context) => {
  const next = seeded(context);
  const happened = { lost: 0, repeated: 0, delayed: 0, through: 0 };
  let trunk = '';
  const fate: Fate = ({ peer }) => {
    if (peer !== trunk) return [0];
    const luck = next();
    if (luck < share) return ((happened.lost += 1), []);
    if (luck < 2 * share) return ((happened.repeated += 1), [0, Math.ceil(next() * 150)]);
    if (luck < 3 * share) return ((happened.delayed += 1), [Math.ceil(next() * 150)]);
    return ((happened.through += 1), [0]);
  };
  const stage = await Stage.open({ clock: systemClock, log: silentLog, fate, timers });
  context.after(() => stage.close());
  const site = await startSite(stage.network.address, {
    sip: { listen: ['udp://127.0.0.1:0'], timers: { t1: '100ms', t2: '500ms', t4: '500ms' } },
    calls: { instructionsPerMinute: 100 },
  });
  context.after(() => site.close());
  trunk = site.trunk;
  stage.nameService(trunk);

  const lines = await Promise.all(
    Array.from({ length: crowd }, async (_, index) => {
      const account = `shop${index}`;
      const service = { secondCalled: '+8675529990000', service: trunk };
      stage.network.ringBeside(number(1, index), service);
      const phone = (name: 'caller' | 'final phone', own: string, voice: number, hears: number) =>
        stage.phone(name, { number: own, voice, hears: [hears], behaviour: { does: 'answers', after: 100 } });
      const caller = await phone('caller', number(2, index), 440, 620);
      const final = await phone('final phone', number(3, index), 620, 440);
      await site.subscribe(account, number(1, index));
      return { index, account, caller, final };
    }),
  );

  const play = async ({ index, account, caller, final }: (typeof lines)[number], round: number): Promise<void> => {
    const since = Date.now();
    const terminal = await site.terminal(account);
    try {
      caller.call(number(1, index));
      const call = await terminal.incoming();
      assert.ok((await terminal.client.transfer({ callId: call.id, to: number(3, index) })).ok);
      await terminal.state('connected');
      await Promise.all([caller.rtp.hears(620, 0.1, 5_000), final.rtp.hears(440, 0.1, 5_000)]);
      // Each party ends some of the calls.
      if (round % 2 === 0) caller.hangUp();
      else final.hangUp();
      const { end } = await terminal.ended();
      assert.equal(end?.reason, 'completed', `call ${index} of round ${round}`);
    } finally {
      terminal.client.disconnect();
    }
    const record = await site.closedRecord({ account, since });
    const { attempts, finalCalled, end } = record;
    assert.deepEqual(
      [finalCalled, attempts.length, attempts[0]?.cause, end?.reason, end?.by],
      [number(3, index), 1, undefined, 'completed', round % 2 === 0 ? 'caller' : 'target'],
    );
  };
  for (let round = 0; round < rounds; round++) {
    await Promise.all(lines.map((line) => play(line, round)));
    await stage.quiet(20_000);
  }

  await eventually('the end of all dialogs', async () => (await site.metric('ringaway_sip_dialogs')) === 0);
  const records = await Promise.all(lines.map(({ account }) => site.store.records.list({ account, limit: 100 })));
  assert.deepEqual(
    records.map((of) => of.length),
    lines.map(() => rounds),
    'one record for each call, whatever was repeated',
  );
  context.diagnostic(JSON.stringify(happened));
  assert.ok(
    happened.lost > 5 && happened.repeated > 5 && happened.delayed > 5,
    'the network was as bad as it was to be',
  );
});
