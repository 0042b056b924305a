// Every way to connect and everything that happens while two people talk, with SIPp, Kamailio and rtpengine: what is said
// on the wire, what is heard, and what the record says of it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { RtpSession } from '../../../src/simulate/rtp/session.ts';
import { valuesOf } from '../../support/sipp.ts';
import {
  answers,
  ask,
  awaitCue,
  call,
  callThatIsRedirected,
  hangsUp,
  isAsked,
  isCalled,
  isCancelled,
  isReferred,
  isReinvited,
  refusesRefer,
  rings,
  scenario,
  tellsOfReferral,
} from '../../support/sipp-scenarios.ts';
import type { WatchedTerminal } from '../../support/site.ts';
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
/** Hz: of the party that a call is moved to. */
const others = 780;
const folder = mkdtempSync(path.join(tmpdir(), 'ringaway-ways-'));
after(() => rmSync(folder, { recursive: true }));
const musicFile = toneFile(folder, music, 0.5);

const fromFirst = { caller: numbers.caller, called: numbers.first };

/** Resolves when `frequency` was heard for so long from now on, and of all other tones nothing. */
async function hearsOnly(rtp: RtpSession, frequency: number, seconds: number): Promise<void> {
  const before = heard(rtp);
  const more = (tones: Map<number, number>, of: number) => (tones.get(of) ?? 0) - (before.get(of) ?? 0);
  await rtp.until(() => more(heard(rtp), frequency) >= seconds, 10_000);
  for (const other of heard(rtp).keys()) {
    // A tenth of a second may still have been on its way
    if (other !== frequency) assert.ok(more(heard(rtp), other) <= 0.2, `${other} Hz was heard beside ${frequency} Hz`);
  }
}
const heard = (rtp: RtpSession) => new Map(rtp.measured.tones.map(({ frequency, seconds }) => [frequency, seconds]));

describe('every way to connect, with real peers', { skip: peersMissing() ?? false, timeout: 240_000 }, () => {
  let site: PeerSite;
  let opened: PeerSite | undefined;
  let terminal: WatchedTerminal;

  before(async () => {
    site = await startPeerSite(() => ({ calls: { music: musicFile, instructionsPerMinute: 100 } }));
    opened = site;
    await site.subscribe('shop1', numbers.first);
  });
  after(() => opened?.close());

  const scene = (play: () => Promise<void>) =>
    sceneWithTerminal(site, 'shop1', (arrived) => {
      terminal = arrived;
      return play();
    });
  const everything = [voices.caller, voices.final, others, music];
  const caller = (...then: string[]) =>
    site.party({
      scenario: scenario('caller', call(), ...then),
      remote: site.network,
      keys: fromFirst,
      hears: everything,
    });
  const phone = (which: 'first' | 'final' | 'busy', ...then: string[]) =>
    site.party({ scenario: scenario(`${which} phone`, isCalled, ...then), port: site.ports[which], hears: everything });
  const transfer = async (to: string, mode: 'auto' | 'refer' | 'redirect' = 'auto'): Promise<string> => {
    const { id } = await terminal.incoming();
    const answer = await terminal.client.transfer({ callId: id, to, mode });
    assert.ok(answer.ok, JSON.stringify(answer));
    return id;
  };
  const endOf = async (since: number) => {
    const { end, mode, attempts } = await site.closedRecord({ account: 'shop1', since });
    return { reason: end?.reason, by: end?.by, mode, causes: attempts.map(({ cause }) => cause?.reason) };
  };

  test('refer: the caller hears music, the network calls in our place, and we leave', () =>
    scene(async () => {
      const since = Date.now();
      const first = await phone('first', rings, isCancelled);
      const calling = await caller(
        isReferred(2),
        awaitCue,
        tellsOfReferral('SIP/2.0 200 OK', 'terminated;reason=noresource', 3),
        isAsked('BYE'),
      );
      await transfer(numbers.final, 'refer');
      speak(calling, await calling.sipp.received('SIP/2.0 200'), voices.caller);
      await hearsOnly(calling.rtp, music, 0.5);
      assert.match(valuesOf(await first.sipp.received('CANCEL'), 'Reason').join(), /SIP;cause=200/);

      const refer = await calling.sipp.received('REFER');
      const [target = ''] = valuesOf(refer, 'Refer-To');
      assert.match(target, new RegExp(`^<sip:\\${numbers.final}@${site.network.replaceAll('.', '\\.')};user=phone>$`));
      assert.match(valuesOf(refer, 'Referred-By').join(), new RegExp(`<sip:\\${numbers.first}@`));
      // What the network does then: it calls the number that was given.
      const final = await phone('final', rings, answers, isAsked('BYE'));
      const anew = await site.party({
        scenario: scenario('the referred call', call(), awaitCue, ask('BYE', 2)),
        remote: site.network,
        keys: { caller: numbers.caller, called: /<sip:([^@]+)@/.exec(target)?.[1] ?? '' },
        hears: everything,
      });
      speak(anew, await anew.sipp.received('SIP/2.0 200'), voices.caller);
      speak(final, await final.sipp.received('INVITE'), voices.final);
      await Promise.all([hearsOnly(anew.rtp, voices.final, 0.3), hearsOnly(final.rtp, voices.caller, 0.3)]);
      await calling.sipp.cue();
      assert.equal((await terminal.ended()).end?.reason, 'transferred');
      await anew.sipp.cue();
      assert.deepEqual(await endOf(since), {
        reason: 'transferred',
        by: 'service',
        mode: 'refer',
        causes: [undefined],
      });
    }));

  for (const refusal of ['603 Declined', '405 Method Not Allowed', '501 Not Implemented']) {
    test(`refer: a trunk that says ${refusal} is bridged on the same call, and the music goes on until then`, () =>
      scene(async () => {
        const since = Date.now();
        await phone('first', rings, isCancelled);
        const final = await phone('final', rings, awaitCue, answers, isAsked('BYE'));
        const calling = await caller(refusesRefer(refusal), isReinvited('sendrecv', 2), awaitCue, ask('BYE', 2));
        await transfer(numbers.final, 'refer');
        speak(calling, await calling.sipp.received('SIP/2.0 200'), voices.caller);
        await final.sipp.received('INVITE');
        await hearsOnly(calling.rtp, music, 0.5);
        await final.sipp.cue();
        await terminal.state('connected');
        speak(calling, await calling.sipp.received('INVITE'), voices.caller);
        speak(final, await final.sipp.received('INVITE'), voices.final);
        await Promise.all([hearsOnly(calling.rtp, voices.final, 0.5), hearsOnly(final.rtp, voices.caller, 0.5)]);
        await calling.sipp.cue();
        assert.equal((await terminal.ended()).end?.reason, 'completed');
        const { reason, by } = await endOf(since);
        assert.deepEqual([reason, by], ['completed', 'caller']);
      }));
  }

  test('refer: the network tells that it could not (NOTIFY with 503): bridged on the same call', () =>
    scene(async () => {
      await phone('first', rings, isCancelled);
      const final = await phone('final', rings, answers, isAsked('BYE'));
      const calling = await caller(
        isReferred(2),
        tellsOfReferral('SIP/2.0 503 Service Unavailable', 'terminated;reason=noresource', 3),
        isReinvited('sendrecv', 2),
        awaitCue,
        ask('BYE', 4),
      );
      await transfer(numbers.final, 'refer');
      await terminal.state('connected');
      speak(calling, await calling.sipp.received('INVITE'), voices.caller);
      speak(final, await final.sipp.received('INVITE'), voices.final);
      await Promise.all([hearsOnly(calling.rtp, voices.final, 0.5), hearsOnly(final.rtp, voices.caller, 0.5)]);
      await calling.sipp.cue();
      assert.equal((await terminal.ended()).end?.reason, 'completed');
    }));

  test('redirect: 302 before any answer, with who diverted and where to', async () => {
    const since = Date.now();
    await scene(async () => {
      // Straight from the trunk: a network that follows a 302 does so at its edge.
      const calling = await site.party({
        scenario: scenario(
          'caller',
          callThatIsRedirected(['Diversion: <sip:[first]@ngn.example;user=phone>;reason=unconditional']),
        ),
        remote: site.trunk,
        keys: { caller: numbers.caller, called: numbers.second, first: numbers.first },
        hears: everything,
      });
      await transfer(numbers.final, 'redirect');
      const moved = await calling.sipp.received('SIP/2.0 302');
      assert.match(valuesOf(moved, 'Contact').join(), new RegExp(`^<sip:\\${numbers.final}@[^>]+>`));
      assert.match(valuesOf(moved, 'Diversion').join(), new RegExp(`<sip:\\${numbers.first}@`));
      assert.match(valuesOf(moved, 'History-Info').join(), new RegExp(`sip:\\${numbers.first}@`));
      assert.equal((await terminal.ended()).end?.reason, 'transferred');
    });
    assert.deepEqual(await endOf(since), {
      reason: 'transferred',
      by: 'service',
      mode: 'redirect',
      causes: [undefined],
    });
  });

  test('moved on: the call stands until the new party answers; then the one who was left hangs up', () =>
    scene(async () => {
      const since = Date.now();
      await phone('first', rings, isCancelled);
      const final = await phone('final', rings, answers, isAsked('BYE'));
      const other = await phone('busy', rings, awaitCue, answers, isAsked('BYE'));
      const calling = await caller(isReinvited('sendrecv', 2), awaitCue, ask('BYE', 2));
      const callId = await transfer(numbers.final);
      await terminal.state('connected');
      await assertVoices(calling, final);
      const answer = await terminal.client.transfer({ callId, to: numbers.busy });
      assert.ok(answer.ok, JSON.stringify(answer));
      await other.sipp.received('INVITE');
      await hearsOnly(calling.rtp, voices.final, 0.3); // the old party, all the while
      await other.sipp.cue();
      await final.sipp.received('BYE');
      speak(calling, await calling.sipp.received('INVITE'), voices.caller);
      speak(other, await other.sipp.received('INVITE'), others);
      await Promise.all([hearsOnly(calling.rtp, others, 0.5), hearsOnly(other.rtp, voices.caller, 0.5)]);
      await calling.sipp.cue();
      assert.equal((await terminal.ended()).end?.reason, 'completed');
      const { reason, causes } = await endOf(since);
      assert.deepEqual([reason, causes], ['completed', [undefined, undefined]]);
    }));

  test('moved on after talking: the caller hears music meanwhile, and is handed over by who leaves', () =>
    scene(async () => {
      const since = Date.now();
      await phone('first', rings, isCancelled);
      const final = await phone('final', rings, answers, isReinvited('sendrecv', 2), awaitCue, hangsUp);
      const other = await phone('busy', rings, answers, isReinvited('sendrecv', 2), isAsked('BYE'));
      const calling = await caller(isReinvited('sendrecv', 2), awaitCue, ask('BYE', 2));
      const callId = await transfer(numbers.final);
      await terminal.state('connected');
      await assertVoices(calling, final);
      const answer = await terminal.client.transfer({ callId, to: numbers.busy, attended: true });
      assert.ok(answer.ok, JSON.stringify(answer));
      speak(final, await final.sipp.received('INVITE', { nth: 2 }), voices.final);
      speak(other, await other.sipp.received('INVITE'), others);
      await Promise.all([
        hearsOnly(final.rtp, others, 0.5),
        hearsOnly(other.rtp, voices.final, 0.5),
        hearsOnly(calling.rtp, music, 0.5),
      ]);
      await final.sipp.cue(); // who talked to the new party hangs up: the call is theirs
      speak(calling, await calling.sipp.received('INVITE'), voices.caller);
      speak(other, await other.sipp.received('INVITE', { nth: 2 }), others);
      await Promise.all([hearsOnly(calling.rtp, others, 0.5), hearsOnly(other.rtp, voices.caller, 0.5)]);
      await calling.sipp.cue();
      assert.equal((await terminal.ended()).end?.reason, 'completed');
      const { reason, causes } = await endOf(since);
      assert.deepEqual([reason, causes], ['completed', [undefined, undefined]]);
    }));

  test('digits: those of the phones reach the other one, and those of the terminal the final phone', () =>
    scene(async () => {
      await phone('first', rings, isCancelled);
      const final = await phone('final', rings, answers, isAsked('BYE'));
      const calling = await caller(awaitCue, ask('BYE', 2));
      const callId = await transfer(numbers.final);
      await terminal.state('connected');
      await assertVoices(calling, final);
      // A key that is pressed while another one sounds is garbled, as on any line: each time the voice is awaited.
      assert.ok((await terminal.client.digits({ callId, digits: '42' })).ok);
      await final.rtp.until(({ digits }) => digits === '42', 5_000);
      await hearsOnly(final.rtp, voices.caller, 0.3);
      assert.ok(calling.rtp.press('19#'), 'the caller was told that keys are taken');
      await final.rtp.until(({ digits }) => digits === '4219#', 5_000);
      assert.ok(final.rtp.press('*0'), 'and the final phone');
      await calling.rtp.until(({ digits }) => digits === '*0', 5_000);
      await calling.sipp.cue();
      assert.equal((await terminal.ended()).end?.reason, 'completed');
    }));

  test('held by a terminal: the caller hears music and nothing else, and the voice again when it is taken back', () =>
    scene(async () => {
      await phone('first', rings, isCancelled);
      const final = await phone('final', rings, answers, isAsked('BYE'));
      const calling = await caller(awaitCue, ask('BYE', 2));
      const callId = await transfer(numbers.final);
      await terminal.state('connected');
      await assertVoices(calling, final);
      assert.ok((await terminal.client.hold(callId)).ok);
      await terminal.state('held');
      await hearsOnly(calling.rtp, music, 1);
      const quiet = heard(final.rtp).get(voices.caller) ?? 0;
      await hearsOnly(calling.rtp, music, 0.5);
      assert.ok((heard(final.rtp).get(voices.caller) ?? 0) - quiet <= 0.2, 'who holds does not hear who is held');
      assert.ok((await terminal.client.resume(callId)).ok);
      await Promise.all([hearsOnly(calling.rtp, voices.final, 0.5), hearsOnly(final.rtp, voices.caller, 0.5)]);
      await calling.sipp.cue();
      assert.equal((await terminal.ended()).end?.reason, 'completed');
    }));
});
