// rtpengine answers late, over real sockets: a relay before a real one holds back what it is asked, or what it says. The call is right
// or ends with its cause, no session is left there, and what comes too late harms nobody.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import type { Phone } from '../../../src/simulate/phone.ts';
import { Stage } from '../../../src/simulate/stage.ts';
import { eventually } from '../../support/eventually.ts';
import {
  drop,
  pass,
  type Relay,
  type RunningRtpengine,
  rtpengineMissing,
  startRelay,
  startRtpengine,
} from '../../support/rtpengine.ts';
import { type Site, startSite, type WatchedTerminal } from '../../support/site.ts';

const numbers = {
  caller: '+8613800138000',
  first: '+8675520000001',
  second: '+8675529990000',
  final: '+8675520000009',
};
/** The setting `media.timeout`, and what is late by it, and in time though the request was sent again. Milliseconds. */
const timeout = 1_000;
const tooLate = 1_400;
const inTime = 350;

describe('rtpengine answers late, over real sockets', { skip: rtpengineMissing() ?? false, timeout: 120_000 }, () => {
  let engine: RunningRtpengine;
  let relay: Relay;
  let stage: Stage;
  let site: Site;
  let caller: Phone;
  let final: Phone;
  let terminal: WatchedTerminal;
  /** How often the final phone was called. */
  let rang = 0;

  before(async () => {
    engine = await startRtpengine();
    relay = await startRelay(engine.port);
    stage = await Stage.open({ clock: systemClock, log: silentLog });
    site = await startSite(stage.network.address, {
      media: { mode: 'rtpengine', engines: [relay.engine], timeout: `${timeout}ms` },
      calls: { instructionsPerMinute: 100 },
    });
    stage.nameService(site.trunk);
    stage.network.ringBeside(numbers.first, { secondCalled: numbers.second, service: site.trunk });
    const rings = { does: 'rings' } as const;
    caller = await stage.phone('caller', { number: numbers.caller, voice: 440, hears: [620], behaviour: rings });
    await stage.phone('first phone', { number: numbers.first, voice: 350, hears: [], behaviour: rings });
    const answers = { does: 'answers', after: 30 } as const;
    final = await stage.phone('final phone', { number: numbers.final, voice: 620, hears: [440], behaviour: answers });
    final.events.on('ringing', () => void (rang += 1));
    await site.subscribe('shop1', numbers.first);
  });
  after(async () => {
    await site.close();
    relay.close();
    await engine.stop();
    await stage.close();
  });

  /** Milliseconds by which each request of a command, and each answer to it, is late; or that it is lost. */
  interface Lateness {
    asked?: number | 'lost';
    answered?: number | 'lost';
  }
  /** Resolves when such a command is on its way to the engine for the first time. */
  function late(command: 'offer' | 'answer' | 'delete', { asked, answered }: Lateness): Promise<void> {
    const cookies = new Set<string>();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    relay.decide = (datagram, direction) => {
      const cookie = datagram.toString('latin1', 0, 36);
      if (datagram.includes(`7:command${command.length}:${command}`)) {
        cookies.add(cookie);
        resolve(undefined);
      }
      const by = cookies.has(cookie) ? (direction === 'to-engine' ? asked : answered) : undefined;
      if (by === 'lost') return drop;
      return by === undefined ? pass(datagram) : [{ datagram, delay: by }];
    };
    return promise;
  }
  const ofEngine = (metric: string, labels = '') => site.metric(`${metric}{engine="${relay.engine}"${labels}}`);
  const strays = () => ofEngine('ringaway_media_datagrams_total', ',kind="stray"');
  const engineIsUp = () =>
    eventually('the engine is up', async () => (await ofEngine('ringaway_media_engine_up')) === 1);

  /** One call; whatever was late, nothing is left of it anywhere, and it has one closed record. */
  async function scene(play: (id: string) => Promise<void>) {
    const since = Date.now();
    rang = 0;
    relay.decide = pass;
    await engineIsUp();
    terminal = await site.terminal('shop1');
    try {
      caller.call(numbers.first);
      const { id } = await terminal.incoming();
      await play(id);
      await stage.quiet(10_000);
      const record = await site.closedRecord({ account: 'shop1', since });
      relay.decide = pass;
      await eventually('no session at the engine, and none owed', async () => {
        const left = [await ofEngine('ringaway_media_sessions'), await ofEngine('ringaway_media_removals_owed')];
        return (await engine.sessions()) === 0 && left.every((count) => count === 0);
      });
      assert.equal(await site.metric('ringaway_sip_dialogs'), 0);
      return record;
    } finally {
      caller.hangUp();
      terminal.client.disconnect();
    }
  }
  const instruct = async (callId: string) => {
    const answer = await terminal.client.transfer({ callId, to: numbers.final });
    assert.ok(answer.ok, JSON.stringify(answer));
  };
  const talk = () => Promise.all([caller.rtp.hears(620, 0.2, 5_000), final.rtp.hears(440, 0.2, 5_000)]);
  const failed = () => terminal.when('the number failed', ({ call }) => call.target?.state === 'failed');
  const inTalk = async () => {
    await terminal.state('connected');
    await talk();
    caller.hangUp();
    assert.equal((await terminal.ended()).end?.reason, 'completed');
  };

  for (const command of ['offer', 'answer', 'delete'] as const) {
    for (const half of ['asked', 'answered'] as const) {
      test(`${command} ${half} late, but in time: it was sent again, and the call is right`, async () => {
        const before = await strays();
        const { attempts, end } = await scene(async (id) => {
          const under = late(command, { [half]: inTime });
          await instruct(id);
          await inTalk();
          await under;
        });
        assert.deepEqual([attempts.length, attempts[0]?.cause, end?.reason, rang], [1, undefined, 'completed', 1]);
        await eventually('the late answers', async () => (await strays()) > before);
      });
    }
  }

  test('the offer is answered too late, or lost: nobody is called, the caller waits, and the next instruction is right', async () => {
    for (const how of [{ answered: tooLate }, { asked: tooLate }, { asked: 'lost' }, { answered: 'lost' }] as const) {
      const { attempts, end } = await scene(async (id) => {
        void late('offer', how);
        await instruct(id);
        assert.deepEqual([(await failed()).state, rang], ['waiting', 0]);
        relay.decide = pass;
        await engineIsUp();
        await instruct(id);
        await inTalk();
      });
      const [first, second] = attempts;
      assert.deepEqual([first?.cause?.reason, first?.cause?.status], ['failed', 503], JSON.stringify(how));
      assert.deepEqual([second?.cause, end?.reason, rang], [undefined, 'completed', 1]);
    }
  });

  test('the answer of the final phone is taken too late: it hears BYE, the caller waits, and is called again', async () => {
    for (const how of [{ answered: tooLate }, { asked: 'lost' }] as const) {
      const { attempts, answeredAt, end } = await scene(async (id) => {
        void late('answer', how);
        await instruct(id);
        assert.equal((await failed()).state, 'waiting');
        relay.decide = pass;
        await engineIsUp();
        await instruct(id);
        await inTalk();
      });
      assert.deepEqual(
        attempts.map(({ cause, endedAt }) => [cause?.reason, endedAt !== undefined]),
        [
          ['failed', true],
          [undefined, true],
        ],
      );
      assert.ok(answeredAt !== undefined && answeredAt >= (attempts[1]?.startedAt ?? Infinity), 'billed from then on');
      assert.deepEqual([end?.reason, rang], ['completed', 2]);
    }
  });

  test('the caller gives up while the offer is under way: nobody is called, and the session that comes is removed', async () => {
    for (const how of [{ asked: inTime }, { answered: inTime }, { answered: tooLate }]) {
      const { attempts, end } = await scene(async (id) => {
        const offered = late('offer', how);
        await instruct(id);
        await offered;
        caller.hangUp();
        assert.equal((await terminal.ended()).end?.reason, 'caller-hung-up');
      });
      assert.deepEqual([attempts.length, rang, end?.by], [1, 0, 'caller']);
    }
  });

  test('the caller gives up while the answer is under way: the final phone is free, and nobody is billed', async () => {
    for (const how of [{ answered: inTime }, { answered: tooLate }]) {
      const { answeredAt, end } = await scene(async (id) => {
        const answering = late('answer', how);
        await instruct(id);
        await answering;
        caller.hangUp();
        assert.equal((await terminal.ended()).end?.reason, 'caller-hung-up');
      });
      assert.deepEqual([answeredAt, end?.by, rang], [undefined, 'caller', 1]);
    }
  });

  test('the final phone hangs up while the answer is under way: the caller, who has heard nothing of it, waits on', async () => {
    for (const how of [{ answered: inTime }, { answered: tooLate }]) {
      const { answeredAt, attempts, end } = await scene(async (id) => {
        const answering = late('answer', how);
        await instruct(id);
        await answering;
        final.hangUp();
        await terminal.when('its end', ({ event, call }) => event === 'changed' && call.target?.state === 'failed');
        caller.hangUp();
        await terminal.ended();
      });
      const [attempt] = attempts;
      assert.deepEqual([answeredAt, end?.by, attempt?.cause?.reason], [undefined, 'caller', 'target-refused']);
    }
  });

  test('the removal is lost, or its answer too late: both phones are free at once, and it is removed when the engine is back', async () => {
    for (const how of [{ asked: 'lost' }, { answered: 'lost' }, { answered: tooLate }] as const) {
      const { end } = await scene(async (id) => {
        await instruct(id);
        await terminal.state('connected');
        await talk();
        void late('delete', how);
        const began = performance.now();
        caller.hangUp();
        await terminal.ended();
        await stage.quiet(timeout);
        assert.ok(performance.now() - began < timeout, 'no phone waits for the engine');
        await eventually('one removal is owed', async () => (await ofEngine('ringaway_media_removals_owed')) === 1);
        if (how.asked) assert.equal(await engine.sessions(), 1);
      });
      assert.equal(end?.reason, 'completed');
    }
  });
});
