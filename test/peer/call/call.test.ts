// The whole service over real sockets: the simulated network and phones on one side, terminals on the other.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import type { Phone } from '../../../src/simulate/phone.ts';
import { Stage } from '../../../src/simulate/stage.ts';
import { type Site, startSite, type WatchedTerminal } from '../../support/site.ts';

const numbers = {
  caller: '+8613800138000',
  first: '+8675520000001',
  second: '+8675529990000',
  final: '+8675520000009',
  busy: '+8675520000007',
};

let stage: Stage;
let site: Site;
let caller: Phone;
let first: Phone;
let final: Phone;
let terminal: WatchedTerminal;

before(async () => {
  stage = await Stage.open({ clock: systemClock, log: silentLog });
  site = await startSite(stage.network.address, { calls: { decideWithin: '5s', maxHold: '30s' } });
  stage.nameService(site.trunk);
  stage.network.ringBeside(numbers.first, { secondCalled: numbers.second, service: site.trunk });
  const hears = [440, 350, 620];
  caller = await stage.phone('caller', { number: numbers.caller, voice: 440, hears, behaviour: { does: 'rings' } });
  first = await stage.phone('first phone', { number: numbers.first, voice: 350, hears, behaviour: { does: 'rings' } });
  final = await stage.phone('final phone', {
    number: numbers.final,
    voice: 620,
    hears,
    behaviour: { does: 'answers', after: 50 },
  });
  await stage.phone('final phone', { number: numbers.busy, voice: 620, hears, behaviour: { does: 'is-busy' } });
  await site.subscribe('shop1', numbers.first);
});

after(async () => {
  await site.close();
  await stage.close();
});

/** One call with a terminal of its own; nothing of it may be left when `play` is over. */
async function scene(play: () => Promise<void>): Promise<void> {
  terminal = await site.terminal('shop1');
  try {
    await play();
    await stage.quiet(10_000);
    assert.equal(await site.metric('ringaway_sip_dialogs'), 0, 'the SIP server has no dialog left');
  } finally {
    caller.hangUp();
    terminal.client.disconnect();
  }
}

const once = (phone: Phone, event: 'stopped' | 'standing' | 'ended' | 'refused' | 'ringing') =>
  new Promise<unknown>((resolve) => {
    const off = phone.events.on(event, (...payload) => {
      off();
      resolve(payload[0]);
    });
  });

describe('a call over real sockets', () => {
  test('transferred and connected: voice both ways, the first phone stops, the final phone shows the caller', () =>
    scene(async () => {
      const stopped = once(first, 'stopped');
      caller.call(numbers.first);
      const call = await terminal.incoming();
      assert.deepEqual([call.caller, call.firstCalled], [numbers.caller, numbers.first]);
      assert.ok((await terminal.client.transfer({ callId: call.id, to: numbers.final })).ok);
      await terminal.state('connected');
      await Promise.all([caller.rtp.hears(620, 0.5, 5_000), final.rtp.hears(440, 0.5, 5_000)]);
      assert.match(String(await stopped), /SIP;cause=200/);
      assert.equal(final.shows, numbers.caller);
      caller.hangUp();
      assert.equal((await terminal.ended()).end?.reason, 'completed');
      const record = await site.closedRecord({ account: 'shop1' });
      assert.deepEqual(
        [
          record.caller,
          record.firstCalled,
          record.firstCalledSource,
          record.secondCalled,
          record.finalCalled,
          record.end?.by,
        ],
        [numbers.caller, numbers.first, 'diversion', numbers.second, numbers.final, 'caller'],
      );
    }));

  test('the target hangs up', () =>
    scene(async () => {
      caller.call(numbers.first);
      const call = await terminal.incoming();
      await terminal.client.transfer({ callId: call.id, to: numbers.final });
      await terminal.state('connected');
      const ended = once(caller, 'ended');
      final.hangUp();
      await ended;
      const { end } = await terminal.ended();
      assert.deepEqual([end?.reason, end?.q850], ['completed', 16]);
    }));

  test('a terminal hangs up: both phones are told', () =>
    scene(async () => {
      caller.call(numbers.first);
      const call = await terminal.incoming();
      await terminal.client.transfer({ callId: call.id, to: numbers.final });
      await terminal.state('connected');
      const ended = Promise.all([once(caller, 'ended'), once(final, 'ended')]);
      assert.ok((await terminal.client.hangUp(call.id)).ok);
      await ended;
      assert.equal((await site.closedRecord({ account: 'shop1' })).end?.by, 'terminal');
    }));

  test('answered on the first phone meanwhile: the terminals are told "answered elsewhere"', () =>
    scene(async () => {
      first.behaviour = { does: 'answers', after: 200 };
      try {
        caller.call(numbers.first);
        await terminal.incoming();
        assert.equal((await terminal.ended()).end?.reason, 'answered-elsewhere');
        await caller.rtp.hears(350, 0.2, 5_000);
      } finally {
        first.behaviour = { does: 'rings' };
      }
      caller.hangUp();
    }));

  test('answered on the first phone while the final phone rings: its ringing stops', () =>
    scene(async () => {
      first.behaviour = { does: 'answers', after: 400 };
      final.behaviour = { does: 'rings' };
      try {
        const stopped = once(final, 'stopped');
        caller.call(numbers.first);
        const call = await terminal.incoming();
        await terminal.client.transfer({ callId: call.id, to: numbers.final });
        await terminal.state('ringing');
        assert.equal((await terminal.ended()).end?.reason, 'answered-elsewhere');
        await stopped;
      } finally {
        first.behaviour = { does: 'rings' };
        final.behaviour = { does: 'answers', after: 50 };
      }
      caller.hangUp();
    }));

  test('the caller hangs up while an instruction is awaited, and while the final phone rings', async () => {
    await scene(async () => {
      caller.call(numbers.first);
      await terminal.incoming();
      caller.hangUp();
      assert.equal((await terminal.ended()).end?.reason, 'caller-hung-up');
    });
    final.behaviour = { does: 'rings' };
    await scene(async () => {
      const stopped = once(final, 'stopped');
      caller.call(numbers.first);
      const call = await terminal.incoming();
      await terminal.client.transfer({ callId: call.id, to: numbers.final });
      await terminal.state('ringing');
      caller.hangUp();
      await stopped;
      assert.equal((await terminal.ended()).end?.reason, 'caller-hung-up');
    }).finally(() => (final.behaviour = { does: 'answers', after: 50 }));
  });

  test('nobody logged in: refused at once, and the first phone rings on undisturbed', async () => {
    const stopped = once(first, 'stopped');
    const since = Date.now();
    caller.call(numbers.first);
    const record = await site.closedRecord({ account: 'shop1', since });
    assert.deepEqual([record.end?.reason, record.end?.status], ['no-terminal', 480]);
    assert.ok((record.end?.at ?? Infinity) - record.arrivedAt < 1_000);
    assert.equal(await Promise.race([stopped.then(() => 'stopped'), Promise.resolve('rings')]), 'rings');
    caller.hangUp();
    await stage.quiet(5_000);
  });

  test('a busy target, then another number', () =>
    scene(async () => {
      caller.call(numbers.first);
      const call = await terminal.incoming();
      await terminal.client.transfer({ callId: call.id, to: numbers.busy });
      const failed = await terminal.when('the target is busy', ({ call }) => call.target?.state === 'failed');
      assert.deepEqual([failed.state, failed.target?.cause], ['waiting', 'target-busy']);
      assert.ok((await terminal.client.transfer({ callId: call.id, to: numbers.final })).ok);
      await terminal.state('connected');
      caller.hangUp();
      await terminal.ended();
      const { attempts } = await site.closedRecord({ account: 'shop1' });
      assert.deepEqual(
        attempts.map(({ to, cause }) => [to, cause?.q850]),
        [
          [numbers.busy, 17],
          [numbers.final, undefined],
        ],
      );
    }));

  test('two terminals instruct: one wins, the other is told who', () =>
    scene(async () => {
      const other = await site.terminal('shop1', 'shop1-phone');
      caller.call(numbers.first);
      const call = await terminal.incoming();
      await other.incoming();
      const answers = await Promise.all([
        terminal.client.transfer({ callId: call.id, to: numbers.final }),
        other.client.transfer({ callId: call.id, to: numbers.busy }),
      ]);
      const won = answers.filter((answer) => answer.ok);
      const lost = answers.find((answer) => !answer.ok);
      assert.equal(won.length, 1);
      assert.ok(lost && lost.error.code === 'already-taken');
      const winner = answers[0].ok ? 'shop1-pc' : 'shop1-phone';
      assert.equal(lost.error.by, winner);
      caller.hangUp();
      await Promise.all([terminal.ended(), other.ended()]);
      other.client.disconnect();
    }));

  test('nobody instructs: the caller of the first phone is not disturbed, the record says so', () =>
    scene(async () => {
      caller.call(numbers.first);
      await terminal.incoming();
      assert.equal((await terminal.ended()).end?.reason, 'not-instructed');
      caller.hangUp();
    }));

  test('a terminal that logs in while the call waits is told of it and may instruct', () =>
    scene(async () => {
      caller.call(numbers.first);
      const call = await terminal.incoming();
      const late = await site.terminal('shop1', 'shop1-late');
      assert.deepEqual(
        late.client.session?.calls.map(({ id }) => id),
        [call.id],
      );
      assert.ok((await late.client.transfer({ callId: call.id, to: numbers.final })).ok);
      await terminal.state('connected');
      caller.hangUp();
      await terminal.ended();
      late.client.disconnect();
      const record = await site.closedRecord({ account: 'shop1' });
      assert.equal(record.instructedBy, 'shop1-late');
      assert.deepEqual(
        record.notified.map(({ terminalId }) => terminalId),
        ['shop1-pc', 'shop1-late'],
      );
    }));

  test('a stranger gets 403 and is counted', async () => {
    const strangers = await Stage.open({ clock: systemClock, log: silentLog });
    const elsewhere = await startSite(strangers.network.address, {
      trunks: [{ name: 'ngn', peers: ['192.0.2.0/24'], gateways: [`sip:${strangers.network.address}`] }],
    });
    strangers.network.connect(numbers.first, elsewhere.trunk);
    const phone = await strangers.phone('caller', {
      number: numbers.caller,
      voice: 440,
      hears: [],
      behaviour: { does: 'rings' },
    });
    const refused = once(phone, 'refused');
    phone.call(numbers.first);
    assert.equal(await refused, 403);
    assert.equal(await elsewhere.metric('ringaway_trunk_events_total{event="refusedPeers"}'), 1);
    await elsewhere.close();
    await strangers.close();
  });
});
