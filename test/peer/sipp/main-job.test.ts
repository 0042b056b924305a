// The main job with real peers: SIPp phones, Kamailio as the network, rtpengine under the service.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import type { CallRecord } from '../../../src/call/record.ts';
import { eventually } from '../../support/eventually.ts';
import { valuesOf } from '../../support/sipp.ts';
import {
  answers,
  ask,
  awaitCue,
  call,
  hangsUp,
  isAsked,
  isBusy,
  isCalled,
  isCancelled,
  isReinvited,
  reinvite,
  rings,
  scenario,
} from '../../support/sipp-scenarios.ts';
import type { WatchedTerminal } from '../../support/site.ts';
import {
  assertVoices,
  numbers,
  peersMissing,
  sceneWithTerminal,
  speak,
  startPeerSite,
  voices,
  type Party,
  type PeerSite,
} from './site.ts';

const callerScenario = (...then: string[]) => scenario('caller', call(), ...then);
const callsFirst = { caller: numbers.caller, called: numbers.first };
/** The second Via of a request is that of who handed it to Kamailio; the first is Kamailio's. */
const cameThrough = (network: string, request: Parameters<typeof valuesOf>[0]) => {
  const [top = ''] = valuesOf(request, 'Via').join(', ').split(',');
  assert.match(
    top,
    new RegExp(`${network.replaceAll('.', '\\.')}(;|$)`),
    `${request.startLine} came through the network`,
  );
};

describe('the main job with SIPp, Kamailio and rtpengine', { skip: peersMissing() ?? false, timeout: 180_000 }, () => {
  let site: PeerSite;
  let opened: PeerSite | undefined;
  let terminal: WatchedTerminal;

  before(async () => {
    site = await startPeerSite();
    opened = site;
    await site.subscribe('shop1', numbers.first);
  });
  after(() => opened?.close());

  const scene = (play: () => Promise<void>) =>
    sceneWithTerminal(site, 'shop1', (arrived) => {
      terminal = arrived;
      return play();
    });
  const caller = (...then: string[]) =>
    site.party({ scenario: callerScenario(...then), remote: site.network, keys: callsFirst, hears: voices.final });
  const phone = (which: 'first' | 'final' | 'busy', ...then: string[]) =>
    site.party({
      scenario: scenario(`${which} phone`, isCalled, ...then),
      port: site.ports[which],
      hears: voices.caller,
    });
  /** The terminal instructs; resolves when both parties are connected and hear each other. */
  const transfer = async (to: string, calling: Party, final: Party): Promise<void> => {
    const { id } = await terminal.incoming();
    const answer = await terminal.client.transfer({ callId: id, to });
    assert.ok(answer.ok, JSON.stringify(answer));
    await terminal.state('connected');
    await assertVoices(calling, final);
  };

  test('transferred and connected: voices both ways, the first phone is cancelled, the record is right', () =>
    scene(async () => {
      const begun = Date.now();
      const first = await phone('first', rings, isCancelled);
      const final = await phone('final', rings, answers, isAsked('BYE'));
      const calling = await caller(awaitCue, ask('BYE', 2));
      const told = await terminal.incoming();
      assert.deepEqual([told.caller, told.callerWithheld, told.firstCalled], [numbers.caller, false, numbers.first]);
      await transfer(numbers.final, calling, final);

      const cancel = await first.sipp.received('CANCEL');
      assert.match(valuesOf(cancel, 'Reason').join(), /SIP;cause=200/, 'the network tells the first phone why');
      const invite = await final.sipp.received('INVITE');
      assert.match(valuesOf(invite, 'From').join(), /<sip:\+8613800138000@/, 'the final phone shows the caller');
      assert.match(valuesOf(invite, 'Diversion').join(), /<sip:\+8675520000001@/);
      cameThrough(site.network, await final.sipp.received('ACK'));
      assert.equal(await site.engine.sessions(), 1);

      await calling.sipp.cue();
      assert.equal((await terminal.ended()).end?.reason, 'completed');
      cameThrough(site.network, await final.sipp.received('BYE'));
      assertRecord(await site.closedRecord({ account: 'shop1' }), {
        begun,
        sipCallId: valuesOf(await calling.sipp.sent('INVITE'), 'Call-ID')[0] ?? '',
        engine: site.engine.engine,
      });
      await calling.sipp.received('SIP/2.0 200');
    }));

  test('the final phone hangs up: BYE reaches the caller through the network', () =>
    scene(async () => {
      await phone('first', rings, isCancelled);
      const final = await phone('final', rings, answers, awaitCue, hangsUp);
      const calling = await caller(isAsked('BYE'));
      await transfer(numbers.final, calling, final);
      await final.sipp.cue();
      const { end } = await terminal.ended();
      assert.deepEqual([end?.reason, end?.q850], ['completed', 16]);
      cameThrough(site.network, await calling.sipp.received('BYE'));
      assert.equal((await site.closedRecord({ account: 'shop1' })).end?.by, 'target');
    }));

  test('the first phone answers meanwhile: the terminals are told "answered elsewhere"', () =>
    scene(async () => {
      const since = Date.now();
      const first = await phone('first', rings, awaitCue, answers, isAsked('BYE'));
      const calling = await caller(awaitCue, ask('BYE', 2));
      await terminal.incoming();
      await first.sipp.cue();
      assert.equal((await terminal.ended()).end?.reason, 'answered-elsewhere');
      const { end } = await site.closedRecord({ account: 'shop1', since });
      assert.deepEqual([end?.reason, end?.by, end?.status], ['answered-elsewhere', 'caller', 487]);
      await calling.sipp.received('SIP/2.0 200', { cseq: '1 INVITE' });
      await calling.sipp.cue();
      await first.sipp.received('BYE');
    }));

  test('the first phone answers while the final phone rings: that one is cancelled', () =>
    scene(async () => {
      const first = await phone('first', rings, awaitCue, answers, isAsked('BYE'));
      const final = await phone('final', rings, isCancelled);
      const calling = await caller(awaitCue, ask('BYE', 2));
      const { id } = await terminal.incoming();
      assert.ok((await terminal.client.transfer({ callId: id, to: numbers.final })).ok);
      await terminal.state('ringing');
      await first.sipp.cue();
      assert.equal((await terminal.ended()).end?.reason, 'answered-elsewhere');
      await final.sipp.received('CANCEL');
      await calling.sipp.received('SIP/2.0 200', { cseq: '1 INVITE' });
      await calling.sipp.cue();
    }));

  test('a busy target, then another number', () =>
    scene(async () => {
      await phone('first', rings, isCancelled);
      await phone('busy', isBusy);
      const final = await phone('final', rings, answers, isAsked('BYE'));
      const calling = await caller(awaitCue, ask('BYE', 2));
      const { id } = await terminal.incoming();
      await terminal.client.transfer({ callId: id, to: numbers.busy });
      const failed = await terminal.when('the target is busy', (told) => told.call.target?.state === 'failed');
      assert.deepEqual([failed.state, failed.target?.cause], ['waiting', 'target-busy']);
      await transfer(numbers.final, calling, final);
      await calling.sipp.cue();
      await terminal.ended();
      const { attempts } = await site.closedRecord({ account: 'shop1' });
      assert.deepEqual(
        attempts.map(({ to, cause }) => [to, cause?.status, cause?.q850]),
        [
          [numbers.busy, 486, 17],
          [numbers.final, undefined, undefined],
        ],
      );
    }));

  test('a target that is silent: the terminals are told, and choose another', () =>
    scene(async () => {
      const silent = createSocket('udp4');
      let heard = 0;
      silent.on('message', () => (heard += 1));
      silent.bind(site.ports.silent, '127.0.0.1');
      await once(silent, 'listening');
      try {
        await phone('first', rings, isCancelled);
        const final = await phone('final', rings, answers, isAsked('BYE'));
        const calling = await caller(awaitCue, ask('BYE', 2));
        const { id } = await terminal.incoming();
        await terminal.client.transfer({ callId: id, to: numbers.silent });
        const failed = await terminal.when('the target is silent', (told) => told.call.target?.state === 'failed');
        assert.deepEqual([failed.state, failed.target?.cause], ['waiting', 'target-no-answer']);
        assert.ok(heard > 1, 'the network called it, and again');
        await transfer(numbers.final, calling, final);
        await calling.sipp.cue();
        assert.equal((await terminal.ended()).end?.reason, 'completed');
        const [first, second] = (await site.closedRecord({ account: 'shop1' })).attempts;
        assert.deepEqual([first?.to, first?.cause?.status], [numbers.silent, 408]);
        assert.deepEqual([second?.to, second?.cause], [numbers.final, undefined]);
      } finally {
        silent.close();
      }
    }));

  test('the caller holds, resumes and sends INFO: the final phone gets each of them', () =>
    scene(async () => {
      await phone('first', rings, isCancelled);
      const final = await phone(
        'final',
        ...[rings, answers, isReinvited('recvonly', 2), isReinvited('sendrecv', 3), isAsked('INFO'), isAsked('BYE')],
      );
      const digit = { type: 'application/dtmf-relay', text: 'Signal=5\nDuration=160' };
      const calling = await caller(
        ...[awaitCue, reinvite('sendonly', 2), awaitCue, reinvite('sendrecv', 3)],
        ...[awaitCue, ask('INFO', 4, digit), ask('BYE', 5)],
      );
      await transfer(numbers.final, calling, final);

      await calling.sipp.cue();
      const hold = await final.sipp.received('INVITE', { nth: 2 });
      assert.match(hold.body, /^a=sendonly\r$/m);
      assert.equal(speak(final, hold, voices.final).destination, undefined, 'the final phone is not to speak');
      assert.match((await calling.sipp.received('SIP/2.0 200', { cseq: '2 INVITE' })).body, /^a=recvonly\r$/m);
      await terminal.state('held');
      await final.sipp.received('ACK', { nth: 2 });

      await calling.sipp.cue();
      const before = { caller: heardOf(calling), final: heardOf(final) };
      speak(final, await final.sipp.received('INVITE', { nth: 3 }), voices.final);
      speak(calling, await calling.sipp.received('SIP/2.0 200', { cseq: '3 INVITE' }), voices.caller);
      await Promise.all([
        calling.rtp.hears(voices.final, before.caller + 0.5, 10_000),
        final.rtp.hears(voices.caller, before.final + 0.5, 10_000),
      ]);
      await eventually('the terminal is told of the resumption', () => {
        const states = terminal.told.map((told) => told.call.state);
        return states.includes('held') && states.at(-1) === 'connected';
      });
      await final.sipp.received('ACK', { nth: 3 });

      await calling.sipp.cue();
      const info = await final.sipp.received('INFO');
      assert.deepEqual(valuesOf(info, 'Content-Type'), ['application/dtmf-relay']);
      assert.match(info.body, /^Signal=5\r\nDuration=160/);
      await terminal.ended();
    }));

  test('the trunk over TCP: connected, and the final phone hangs up', () =>
    scene(async () => {
      const since = Date.now();
      const final = await phone('final', rings, answers, awaitCue, hangsUp);
      const calling = await site.party({
        scenario: scenario('caller over TCP', call([`Diversion: <sip:${numbers.first}@ngn.example>`]), isAsked('BYE')),
        remote: site.trunkTcp,
        transport: 'tcp',
        keys: { caller: numbers.caller, called: numbers.second },
        hears: voices.final,
      });
      await transfer(numbers.final, calling, final);
      assert.match(valuesOf(await calling.sipp.sent('INVITE'), 'Via').join(), /^SIP\/2\.0\/TCP /);
      await final.sipp.cue();
      assert.equal((await terminal.ended()).end?.reason, 'completed');
      const record = await site.closedRecord({ account: 'shop1', since });
      assert.deepEqual([record.firstCalledSource, record.finalCalled], ['diversion', numbers.final]);
    }));
});

describe('a gateway that is silent', { skip: peersMissing() ?? false, timeout: 60_000 }, () => {
  test('the call goes over the next one', async () => {
    const dead = createSocket('udp4');
    dead.bind(0, '127.0.0.1');
    await once(dead, 'listening');
    const site = await startPeerSite((network) => ({
      trunks: [
        {
          name: 'ngn',
          peers: ['127.0.0.1/32'],
          gateways: [`sip:127.0.0.1:${dead.address().port}`, `sip:${network}`],
          optionsInterval: '0s', // or it would be known before the call
          gatewayTimeout: '500ms',
        },
      ],
    }));
    try {
      await site.subscribe('shop1', numbers.first);
      await site.scene(async () => {
        const terminal = await site.terminal('shop1');
        const final = await site.party({
          scenario: scenario('final phone', isCalled, rings, answers, isAsked('BYE')),
          port: site.ports.final,
          hears: voices.caller,
        });
        await site.party({ scenario: scenario('first phone', isCalled, rings, isCancelled), port: site.ports.first });
        const calling = await site.party({
          scenario: callerScenario(awaitCue, ask('BYE', 2)),
          remote: site.network,
          keys: callsFirst,
          hears: voices.final,
        });
        const { id } = await terminal.incoming();
        await terminal.client.transfer({ callId: id, to: numbers.final });
        await terminal.state('connected');
        await assertVoices(calling, final);
        await calling.sipp.cue();
        await terminal.ended();
        assert.equal(await site.metric('ringaway_trunk_events_total{event="failovers"}'), 1);
        assert.equal((await site.closedRecord({ account: 'shop1' })).attempts.length, 1, 'it was one attempt');
      });
    } finally {
      dead.close();
      await site.close();
    }
  });
});

/** The record of the call that was transferred and connected, in every field. */
function assertRecord(
  record: CallRecord,
  { begun, sipCallId, engine }: { begun: number; sipCallId: string; engine: string },
): void {
  const {
    id,
    arrivedAt,
    notifiedAt,
    instructedAt,
    ringingAt,
    answeredAt,
    end,
    notified,
    attempts,
    media,
    explanation,
    ...rest
  } = record;
  assert.deepEqual(rest, {
    node: 'demo',
    trunk: 'ngn',
    sipCallId,
    account: 'shop1',
    caller: numbers.caller,
    callerWithheld: false,
    firstCalled: numbers.first,
    firstCalledSource: 'diversion',
    secondCalled: numbers.second,
    finalCalled: numbers.final,
    instructedBy: 'shop1-pc',
    mode: 'bridge',
  });
  assert.match(id, /^[0-9a-f-]{36}$/);
  const whyFirst = explanation?.find(({ about, used }) => about === 'first-called' && used);
  assert.deepEqual([whyFirst?.where, whyFirst?.value], ['Diversion', numbers.first]);
  const [to, attempt] = [notified[0], attempts[0]];
  assert.deepEqual([notified.length, to?.terminalId], [1, 'shop1-pc']);
  assert.deepEqual(
    [attempts.length, attempt?.attempt, attempt?.to, attempt?.by, attempt?.mode, attempt?.cause],
    [1, 1, numbers.final, 'shop1-pc', 'bridge', undefined],
  );
  assert.deepEqual(
    media.map((one) => one.engine),
    [engine],
  );
  assert.deepEqual([end?.reason, end?.by, end?.status, end?.q850], ['completed', 'caller', 200, 16]);
  const times = [begun, arrivedAt, notifiedAt, instructedAt, ringingAt, answeredAt, end?.at, Date.now()];
  const attemptTimes = [instructedAt, attempt?.startedAt, attempt?.ringingAt, attempt?.answeredAt, attempt?.endedAt];
  const receipt = [arrivedAt, to?.sentAt, to?.receivedAt, end?.at];
  for (const order of [times, attemptTimes, receipt]) {
    const known = order.filter((time) => time !== undefined);
    assert.equal(known.length, order.length, `no time is missing: ${order.join()}`);
    assert.deepEqual(known, known.toSorted(), `times in order: ${order.join()}`);
  }
}

/** Seconds of the one tone that it listens for. */
const heardOf = ({ rtp }: Party) => rtp.measured.tones[0]?.seconds ?? 0;
