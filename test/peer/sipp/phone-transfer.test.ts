// A terminal's own IP phone holds the call and moves it on by its own transfer key, on the wire and heard: SIPp, Kamailio, rtpengine.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { RtpSession } from '../../../src/simulate/rtp/session.ts';
import {
  answers,
  ask,
  awaitCue,
  call,
  hangsUpAs,
  isAsked,
  isBusy,
  isCalled,
  isCancelled,
  isReinvited,
  isTold,
  refers,
  reinvites,
  rings,
  scenario,
} from '../../support/sipp-scenarios.ts';
import type { WatchedTerminal } from '../../support/site.ts';
import { keptUdpPort } from '../../support/sipp.ts';
import { toneFile } from '../../support/media-call.ts';
import {
  assertVoices,
  numbers,
  peersMissing,
  sceneWithTerminal,
  speak,
  startPeerSite,
  voices,
  type PeerSite,
} from './site.ts';

/** Hz: of the music on hold. */
const music = 1_000;
const folder = mkdtempSync(path.join(tmpdir(), 'ringaway-phone-transfer-'));
after(() => rmSync(folder, { recursive: true }));
const musicFile = toneFile(folder, music, 0.5);

/** Resolves when the tone was heard so much longer than until now. */
async function hears(rtp: RtpSession, frequency: number, seconds = 0.5): Promise<void> {
  const { seconds: before = 0 } = rtp.measured.tones.find((heard) => heard.frequency === frequency) ?? {};
  await rtp.hears(frequency, before + seconds, 10_000);
}

describe('the transfer key of an IP phone', { skip: peersMissing() ?? false, timeout: 120_000 }, () => {
  let site: PeerSite;
  let opened: PeerSite | undefined;
  before(async () => {
    site = await startPeerSite(() => ({ calls: { music: musicFile, ipPhones: ['127.0.0.1/32'] } }));
    opened = site;
    await site.subscribe('shop1', numbers.first);
  });
  after(() => opened?.close());

  /** A call that the phone has answered and put on hold, and that was heard before. */
  async function held(terminal: WatchedTerminal, caller: string[], phone: string[]) {
    const hearing = [voices.caller, voices.final, voices.another, music];
    const port = await keptUdpPort();
    const steps = [isCalled, rings, answers, awaitCue, reinvites('sendonly', 1), awaitCue, ...phone];
    const desk = await site.party({ scenario: scenario('desk', ...steps), port, hears: hearing });
    const calling = await site.party({
      scenario: scenario('caller', call(), isReinvited('recvonly', 2), ...caller),
      remote: site.network,
      keys: { caller: numbers.caller, called: numbers.first },
      hears: hearing,
    });
    const { id } = await terminal.incoming();
    const answer = await terminal.client.transfer({ callId: id, to: `sip:desk@127.0.0.1:${port}` });
    assert.ok(answer.ok, JSON.stringify(answer));
    await terminal.state('connected');
    await assertVoices(calling, desk);
    await desk.sipp.cue();
    await terminal.state('held');
    await hears(calling.rtp, music);
    return { desk, calling };
  }

  test('which hangs up as soon as its REFER is accepted: the caller hears music on and on, then the new party', () =>
    sceneWithTerminal(site, 'shop1', async (terminal) => {
      const since = Date.now();
      const { desk, calling } = await held(
        terminal,
        [isReinvited('sendrecv', 3), awaitCue, ask('BYE', 2)],
        [refers('sip:075520000009@desk.example', 2), hangsUpAs(3)],
      );
      const final = await site.party({
        scenario: scenario('final phone', isCalled, rings, awaitCue, answers, isAsked('BYE')),
        port: site.ports.final,
        hears: [voices.caller],
      });
      await desk.sipp.cue();
      await desk.sipp.received('SIP/2.0 200', { cseq: '3 BYE' });
      await terminal.when('nobody is there but the new one, who rings', ({ call: { state } }) => state === 'ringing');
      await hears(calling.rtp, music);
      await final.sipp.cue();
      speak(calling, await calling.sipp.received('INVITE', { nth: 2 }), voices.caller);
      speak(final, await final.sipp.received('INVITE'), voices.another);
      await Promise.all([hears(calling.rtp, voices.another), hears(final.rtp, voices.caller)]);
      await calling.sipp.cue();
      assert.equal((await terminal.ended()).end?.reason, 'completed');
      const { finalCalled, attempts } = await site.closedRecord({ account: 'shop1', since });
      assert.deepEqual([finalCalled, attempts[1]?.by], [numbers.final, `sip:desk@127.0.0.1:${desk.sipp.port}`]);
    }));

  test('which is told that the new number is busy: music until it takes the caller back', () =>
    sceneWithTerminal(site, 'shop1', async (terminal) => {
      const { desk, calling } = await held(
        terminal,
        [isReinvited('sendrecv', 3), isAsked('BYE')],
        [
          ...[refers(`tel:${numbers.busy}`, 2), isTold('SIP/2.0 100 Trying'), isTold('SIP/2.0 486 Busy Here')],
          ...[awaitCue, reinvites('sendrecv', 3), awaitCue, hangsUpAs(4)],
        ],
      );
      await site.party({ scenario: scenario('busy phone', isCalled, isBusy), port: site.ports.busy });
      await desk.sipp.cue();
      const failed = await terminal.when('it failed', ({ call: { move } }) => move?.state === 'failed');
      assert.equal(failed.state, 'held');
      await hears(calling.rtp, music);
      await desk.sipp.cue();
      await Promise.all([hears(calling.rtp, voices.final), hears(desk.rtp, voices.caller)]);
      await desk.sipp.cue();
      assert.equal((await terminal.ended()).end?.reason, 'completed');
    }));

  test('while the caller hangs up: the phone is told that it came to nothing, and the call ends', () =>
    sceneWithTerminal(site, 'shop1', async (terminal) => {
      const since = Date.now();
      const { desk, calling } = await held(
        terminal,
        [awaitCue, ask('BYE', 2)],
        [
          ...[refers(`sip:${numbers.final}@desk.example;user=phone`, 2), isTold('SIP/2.0 100 Trying')],
          ...[isTold('SIP/2.0 180 Ringing'), isTold('SIP/2.0 487 Request Terminated'), isAsked('BYE')],
        ],
      );
      const final = await site.party({
        scenario: scenario('final phone', isCalled, rings, isCancelled),
        port: site.ports.final,
      });
      await desk.sipp.cue();
      await desk.sipp.received('NOTIFY', { nth: 2 });
      await calling.sipp.cue();
      await final.sipp.received('CANCEL');
      assert.equal((await terminal.ended()).end?.reason, 'completed');
      assert.equal((await site.closedRecord({ account: 'shop1', since })).end?.by, 'caller');
    }));
});
