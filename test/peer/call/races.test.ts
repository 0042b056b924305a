// What terminals do at the wrong moment, over real sockets: an instruction against a CANCEL, another instruction, the
// deadline, an answer, a connection that breaks, and a Socket.IO server that restarts.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import type { Phone } from '../../../src/simulate/phone.ts';
import { Stage } from '../../../src/simulate/stage.ts';
import { eventually } from '../../support/eventually.ts';
import { hearsMore } from '../../support/media-call.ts';
import { type Site, startSite, WatchedTerminal } from '../../support/site.ts';
import { startTcpRelay } from '../../support/tcp-relay.ts';

const numbers = {
  caller: '+8613800138000',
  first: '+8675520000001',
  second: '+8675529990000',
  final: '+8675520000009',
};
/** How long an instruction is awaited: the shortest that the settings allow. Milliseconds. */
const decideWithin = 1_000;

describe('races of terminals, over real sockets', { timeout: 120_000 }, () => {
  let stage: Stage;
  let site: Site;
  let caller: Phone;
  let final: Phone;
  let rang = 0;

  before(async () => {
    stage = await Stage.open({ clock: systemClock, log: silentLog });
    site = await startSite(stage.network.address, {
      calls: { decideWithin: `${decideWithin}ms`, instructionsPerMinute: 100 },
    });
    stage.nameService(site.trunk);
    stage.network.ringBeside(numbers.first, { secondCalled: numbers.second, service: site.trunk });
    const rings = { does: 'rings' } as const;
    caller = await stage.phone('caller', { number: numbers.caller, voice: 440, hears: [620], behaviour: rings });
    await stage.phone('first phone', { number: numbers.first, voice: 350, hears: [], behaviour: rings });
    const answers = { does: 'answers', after: 30 } as const;
    final = await stage.phone('final phone', { number: numbers.final, voice: 620, hears: [440], behaviour: answers });
    final.events.on('ringing', () => void (rang += 1));
    await site.subscribe('shop1', numbers.first, { pin: '4711' });
  });
  after(async () => {
    await site.close();
    await stage.close();
  });

  /** One call with terminals of its own; at its end nothing of it is left, and it has one closed record. */
  async function scene(
    play: (pc: WatchedTerminal, phone: WatchedTerminal, id: string) => Promise<void>,
    http = site.service.http.address,
  ) {
    const since = Date.now();
    rang = 0;
    const [pc, phone] = [new WatchedTerminal(http, 'shop1', 'pc'), new WatchedTerminal(http, 'shop1', 'phone')];
    try {
      await Promise.all([pc.client.connect(), phone.client.connect()]);
      caller.call(numbers.first);
      const [{ id }] = await Promise.all([pc.incoming(), phone.incoming()]);
      await play(pc, phone, id);
      await stage.quiet(10_000);
      assert.equal(await site.metric('ringaway_sip_dialogs'), 0);
      const record = await site.closedRecord({ account: 'shop1', since });
      assert.equal(pc.told.filter(({ event }) => event === 'ended').length, 1, 'told of one end');
      return record;
    } finally {
      caller.hangUp();
      pc.client.disconnect();
      phone.client.disconnect();
    }
  }
  const instruct = (terminal: WatchedTerminal, callId: string) =>
    terminal.client.transfer({ callId, to: numbers.final, pin: '4711' });

  test('CANCEL while the instruction is being checked: nobody is called', async () => {
    const { attempts, end } = await scene(async (pc, _phone, id) => {
      const answer = instruct(pc, id); // the check of its PIN takes a while
      caller.hangUp();
      assert.equal((await pc.ended()).end?.reason, 'caller-hung-up');
      const given = await answer;
      assert.ok(!given.ok && given.error.code === 'too-late', JSON.stringify(given));
    });
    assert.deepEqual([attempts.length, rang, end?.by], [0, 0, 'caller']);
  });

  test('two terminals instruct in the same millisecond: one wins, and the number is called once', async () => {
    const { attempts } = await scene(async (pc, phone, id) => {
      const answers = await Promise.all([instruct(pc, id), instruct(phone, id)]);
      const [won, lost] = answers[0].ok ? answers : [answers[1], answers[0]];
      assert.ok(won.ok && !lost.ok && lost.error.code === 'already-taken', JSON.stringify(answers));
      await pc.state('connected');
      caller.hangUp();
      await pc.ended();
    });
    assert.deepEqual([attempts.length, rang], [1, 1]);
  });

  test('an instruction at the very deadline: taken or too late, and never both', async () => {
    const seen = new Set<string>();
    // From well before the deadline to well behind it
    for (let early = 120; early >= -60; early -= 20) {
      const { end, attempts } = await scene(async (pc, _phone, id) => {
        await new Promise<void>((soon) => systemClock.after(decideWithin - early, soon));
        const answer = await instruct(pc, id);
        seen.add(answer.ok ? 'taken' : answer.error.code);
        if (answer.ok) {
          await pc.state('connected');
          caller.hangUp();
        }
        const { end: told } = await pc.ended();
        assert.equal(told?.reason, answer.ok ? 'completed' : 'not-instructed');
        if (!answer.ok) caller.hangUp(); // the first phone rings on
      });
      assert.equal(attempts.length, end?.reason === 'completed' ? 1 : 0);
    }
    assert.ok(seen.has('taken') && seen.has('too-late'), [...seen].join());
  });

  test('the target answers as the caller hangs up: both phones are free, and nobody is billed who was not connected', async () => {
    for (let late = 0; late < 12; late++) {
      const { end, answeredAt } = await scene(async (pc, _phone, id) => {
        const standing = new Promise<void>((resolve) => {
          const off = final.events.on('ringing', () => {
            off();
            systemClock.after(25 + late, resolve); // it answers 30 ms after it begins to ring
          });
        });
        await instruct(pc, id);
        await standing;
        caller.hangUp();
        await pc.ended();
      });
      assert.equal(answeredAt !== undefined, end?.reason === 'completed', JSON.stringify(end));
    }
  });

  test('the terminal disconnects right after instructing: its instruction stands', async () => {
    const { end } = await scene(async (pc, phone, id) => {
      assert.ok((await instruct(phone, id)).ok);
      phone.client.disconnect();
      await pc.state('connected');
      await caller.rtp.hears(620, 0.2, 5_000);
      caller.hangUp();
      await pc.ended();
    });
    assert.equal(end?.reason, 'completed');
  });

  test('the connection of the terminals breaks in the middle of the call: it stands, and is theirs again when they are back', async () => {
    await scene(async (pc, phone, id) => {
      assert.ok((await instruct(phone, id)).ok);
      await pc.state('connected');
      phone.client.disconnect();
      await phone.client.connect();
      const [known] = phone.client.session?.calls ?? [];
      assert.deepEqual([known?.id, known?.state], [id, 'connected']);
      assert.ok((await phone.client.hangUp(id)).ok);
      assert.equal((await pc.ended()).end?.reason, 'completed');
    });
  });

  test('the Socket.IO server restarts: the call goes on, and is theirs again as soon as they have come back by themselves', async () => {
    const relay = await startTcpRelay(Number(site.service.http.address.split(':')[1]));
    /** Nobody is connected any more, and nobody can; then they come back and are told what stands. */
    const restart = async (terminals: WatchedTerminal[], meanwhile: () => Promise<void>) => {
      const gone = terminals.map(({ client }) => once(client, 'disconnected'));
      await relay.cut();
      await Promise.all(gone);
      await eventually('nobody is connected', async () => (await site.metric('ringaway_terminals_connected')) === 0);
      await meanwhile();
      const back = terminals.map(({ client }) => once(client, 'session'));
      await relay.mend();
      await Promise.all(back);
      return terminals.map(({ client }) => client.session?.calls.map(({ id, state }) => [id, state]));
    };
    try {
      const { end, attempts } = await scene(async (pc, phone, id) => {
        const waiting = await restart([pc, phone], () => Promise.resolve());
        assert.deepEqual(waiting, [[[id, 'waiting']], [[id, 'waiting']]]);
        assert.ok((await instruct(phone, id)).ok);
        await pc.state('connected');
        const standing = await restart([pc, phone], async () => {
          await Promise.all([hearsMore(caller.rtp, 620, 0.3), hearsMore(final.rtp, 440, 0.3)]);
        });
        assert.deepEqual(standing, [[[id, 'connected']], [[id, 'connected']]]);
        assert.ok((await pc.client.hangUp(id)).ok);
        await Promise.all([pc.ended(), phone.ended()]);
      }, `127.0.0.1:${relay.port}`);
      assert.deepEqual([end?.reason, end?.by, attempts.length, rang], ['completed', 'terminal', 1, 1]);
    } finally {
      await relay.close();
    }
  });
});

const once = (client: WatchedTerminal['client'], event: 'session' | 'disconnected') =>
  new Promise<void>((resolve) => {
    const off = client.events.on(event, () => {
      off();
      resolve();
    });
  });
