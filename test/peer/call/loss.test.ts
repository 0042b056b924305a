// The network between operator and service loses each message of the call once; the call goes right all the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import type { Sighting } from '../../../src/simulate/sip/endpoint.ts';
import { Stage } from '../../../src/simulate/stage.ts';
import { eventually } from '../../support/eventually.ts';
import { startSite } from '../../support/site.ts';

const numbers = {
  caller: '+8613800138000',
  first: '+8675520000001',
  second: '+8675529990000',
  final: '+8675520000009',
};
/** T1 of both sides: a lost message is sent again after this. Milliseconds. */
const timers = { t1: 100, t2: 400, t4: 500 };

/** Messages that are gone for good: nothing asks for them again, and nothing has to. RFC 3261 17.1: provisional responses. */
const unrepeated = /SIP\/2\.0 1\d\d /;

/** Plays one call in which the message number `lost` between network and service is lost; returns how many there were. */
async function playLosing(lost: number): Promise<string[]> {
  const messages: string[] = [];
  let trunk = '';
  const fate = ({ peer, direction, message }: Sighting): number[] => {
    if (peer !== trunk || message.method === 'OPTIONS') return [0];
    const what = message.startLine.replace(/^(\w+) sip:.*/, '$1').replace(/^(SIP\/2\.0 \d+).*/, '$1');
    messages.push(`${direction} ${what} (${message.method})`);
    return messages.length - 1 === lost ? [] : [0];
  };
  const stage = await Stage.open({ clock: systemClock, log: silentLog, fate, timers });
  const site = await startSite(stage.network.address, {
    sip: { listen: ['udp://127.0.0.1:0'], timers: { t1: '100ms', t2: '500ms', t4: '500ms' } },
  });
  trunk = site.trunk;
  try {
    stage.nameService(trunk);
    stage.network.ringBeside(numbers.first, { secondCalled: numbers.second, service: trunk });
    const rings = { does: 'rings' } as const;
    const caller = await stage.phone('caller', { number: numbers.caller, voice: 440, hears: [620], behaviour: rings });
    await stage.phone('first phone', { number: numbers.first, voice: 350, hears: [], behaviour: rings });
    const final = await stage.phone('final phone', {
      number: numbers.final,
      voice: 620,
      hears: [440],
      behaviour: { does: 'answers', after: 300 },
    });
    await site.subscribe('shop1', numbers.first);
    const terminal = await site.terminal('shop1');
    caller.call(numbers.first);
    const call = await terminal.incoming();
    assert.ok((await terminal.client.transfer({ callId: call.id, to: numbers.final })).ok);
    await terminal.state('connected');
    await Promise.all([caller.rtp.hears(620, 0.1, 5_000), final.rtp.hears(440, 0.1, 5_000)]);
    caller.hangUp();
    assert.equal((await terminal.ended()).end?.reason, 'completed');
    await stage.quiet(10_000);
    const record = await site.closedRecord({ account: 'shop1' });
    assert.deepEqual([record.finalCalled, record.end?.reason, record.attempts.length], [numbers.final, 'completed', 1]);
    await eventually('the end of all dialogs', async () => (await site.metric('ringaway_sip_dialogs')) === 0);
    const lostMessage = messages[lost];
    if (lostMessage !== undefined && !unrepeated.test(lostMessage)) {
      await eventually(`${lostMessage} again`, () => messages.indexOf(lostMessage, lost + 1) > lost);
    }
    return messages;
  } finally {
    await site.close();
    await stage.close();
  }
}

test('each message of the call is lost once', async (context) => {
  const whole = await playLosing(-1);
  assert.ok(whole.length >= 12, whole.join('\n'));
  for (const [index, message] of whole.entries()) {
    await context.test(`${index + 1}: ${message} is lost`, async () => {
      const messages = await playLosing(index);
      assert.ok(messages.length > index, 'a message was lost');
    });
  }
});
