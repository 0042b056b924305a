// baresip, a real phone, at both ends: as the final phone that holds, takes back, moves the call on and hangs up, and as the
// caller who is answered and transferred.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sampleRate } from '../../../src/simulate/rtp/g711.ts';
import { tone } from '../../../src/simulate/rtp/sources.ts';
import { Baresip, baresipMissing } from '../../support/baresip.ts';
import { valuesOf } from '../../support/sipp.ts';
import {
  answers,
  awaitCue,
  call,
  isAsked,
  isBusy,
  isCalled,
  isCancelled,
  isReinvited,
  rings,
  scenario,
} from '../../support/sipp-scenarios.ts';
import type { WatchedTerminal } from '../../support/site.ts';
import { wav } from '../../support/wav.ts';
import { numbers, peersMissing, speak, startPeerSite, voices, type PeerSite } from '../sipp/site.ts';

const skip = peersMissing() ?? baresipMissing() ?? false;
/** Hz: of the music on hold. */
const music = 1_000;
const folder = mkdtempSync(path.join(tmpdir(), 'ringaway-baresip-test-'));
after(() => rmSync(folder, { recursive: true }));
const musicFile = path.join(folder, 'music.wav');
writeFileSync(musicFile, wav(tone(music)(sampleRate / 2)));

describe('baresip', { skip, timeout: 120_000 }, () => {
  let site: PeerSite;
  let opened: PeerSite | undefined;
  let terminal: WatchedTerminal;
  before(async () => {
    site = await startPeerSite(() => ({ calls: { music: musicFile, ipPhones: ['127.0.0.1/32'] } }));
    opened = site;
    await site.subscribe('shop1', numbers.first);
  });
  after(() => opened?.close());

  /** One call of a baresip with that number at that port. */
  const scene = (number: string, port: number | undefined, voice: number, play: (phone: Baresip) => Promise<void>) =>
    site.scene(async () => {
      const phone = await Baresip.start({
        ...(port !== undefined && { port }),
        ...{ number, voice, hears: [voices.caller, voices.final, music] },
      });
      terminal = await site.terminal('shop1');
      try {
        await play(phone);
      } finally {
        terminal.client.disconnect();
        await phone.close();
      }
    });
  const transfer = async (mode: 'auto' | 'refer' = 'auto', to: string = numbers.final) => {
    const { id } = await terminal.incoming();
    const answer = await terminal.client.transfer({ callId: id, to, mode });
    assert.ok(answer.ok, JSON.stringify(answer));
  };

  test('as the final phone: voices both ways; it holds, and the caller hears music; it takes back, and hangs up', () =>
    scene(numbers.final, site.ports.final, voices.final, async (phone) => {
      const calling = await site.party({
        // The hold and its end go across to the caller
        scenario: scenario('caller', call(), isReinvited('recvonly', 2), isReinvited('sendrecv', 3), isAsked('BYE')),
        remote: site.network,
        keys: { caller: numbers.caller, called: numbers.first },
        hears: [voices.final, music],
      });
      await transfer();
      await phone.event('CALL_INCOMING');
      await phone.press('accept');
      await terminal.state('connected');
      speak(calling, await calling.sipp.received('SIP/2.0 200'), voices.caller);
      await Promise.all([calling.rtp.hears(voices.final, 0.5, 10_000), phone.hears(voices.caller, 0.5)]);
      await phone.press('hold');
      await terminal.state('held');
      await calling.rtp.hears(music, 0.5, 10_000);
      await phone.press('resume');
      await terminal.when('taken back', ({ event, call: { state } }) => event === 'changed' && state === 'connected');
      const { seconds = 0 } = calling.rtp.measured.tones.find(({ frequency }) => frequency === voices.final) ?? {};
      await calling.rtp.hears(voices.final, seconds + 0.5, 10_000);
      await phone.press('hangup');
      const { end } = await terminal.ended();
      assert.deepEqual([end?.reason, end?.q850], ['completed', 16]);
      assert.equal((await site.closedRecord({ account: 'shop1' })).end?.by, 'target');
    }));

  /** A call that this phone, a terminal's own, has answered and put on hold; the caller hears music. */
  const heldAt = async (phone: Baresip, ...then: string[]) => {
    const calling = await site.party({
      scenario: scenario('caller', call(), isReinvited('recvonly', 2), ...then),
      remote: site.network,
      keys: { caller: numbers.caller, called: numbers.first },
      hears: [voices.final, voices.another, music],
    });
    await transfer('auto', `sip:desk@127.0.0.1:${phone.port}`);
    await phone.event('CALL_INCOMING');
    await phone.press('accept');
    await terminal.state('connected');
    speak(calling, await calling.sipp.received('SIP/2.0 200'), voices.caller);
    await phone.hears(voices.caller, 0.5);
    await phone.press('hold');
    await terminal.state('held');
    await calling.rtp.hears(music, 0.5, 10_000);
    return calling;
  };

  test("as a terminal's own phone: its transfer key takes the caller, who hears music, to another number", () =>
    scene('desk', undefined, voices.final, async (phone) => {
      const since = Date.now();
      const calling = await heldAt(phone, isReinvited('sendrecv', 3), isAsked('BYE'));
      const final = await site.party({
        scenario: scenario('final phone', isCalled, rings, awaitCue, answers, isAsked('BYE')),
        port: site.ports.final,
        hears: [voices.caller],
      });
      await phone.press('transfer', '075520000009'); // as it is dialled there
      const ringing = await terminal.when('the new one rings', ({ call: { move } }) => move?.state === 'ringing');
      const own = `sip:desk@127.0.0.1:${phone.port}`;
      assert.deepEqual([ringing.move?.to, ringing.move?.by], [numbers.final, own]);
      const { seconds = 0 } = calling.rtp.measured.tones.find(({ frequency }) => frequency === music) ?? {};
      await calling.rtp.hears(music, seconds + 0.5, 10_000);
      await final.sipp.cue();
      await phone.event('CALL_CLOSED');
      speak(calling, await calling.sipp.received('INVITE', { nth: 2 }), voices.caller);
      speak(final, await final.sipp.received('INVITE'), voices.another);
      await Promise.all([calling.rtp.hears(voices.another, 0.5, 10_000), final.rtp.hears(voices.caller, 0.5, 10_000)]);
      const { id } = await terminal.incoming();
      assert.ok((await terminal.client.hangUp(id)).ok);
      const { attempts, instructedBy, finalCalled, end } = await site.closedRecord({ account: 'shop1', since });
      assert.deepEqual(
        [finalCalled, instructedBy, attempts[1]?.move, end?.reason],
        [numbers.final, own, 'blind', 'completed'],
      );
    }));

  test('and when that number is busy it is told so: this phone then hangs up', () =>
    scene('desk', undefined, voices.final, async (phone) => {
      const since = Date.now();
      await heldAt(phone, isAsked('BYE'));
      await site.party({ scenario: scenario('busy phone', isCalled, isBusy), port: site.ports.busy });
      await phone.press('transfer', `sip:${numbers.busy}@desk.example`);
      assert.equal((await phone.event('TRANSFER_FAILED')).param, '486 Busy Here');
      assert.equal((await terminal.ended()).end?.reason, 'completed');
      const { end, attempts } = await site.closedRecord({ account: 'shop1', since });
      assert.deepEqual([end?.by, attempts[1]?.cause?.reason], ['target', 'target-busy']);
    }));

  test('as the caller: answered, transferred by REFER, and talking to whom it was sent', () =>
    scene(numbers.caller, undefined, voices.caller, async (phone) => {
      const since = Date.now();
      await site.party({ scenario: scenario('first phone', isCalled, rings, isCancelled), port: site.ports.first });
      const final = await site.party({
        scenario: scenario('final phone', isCalled, rings, answers, isAsked('BYE')),
        port: site.ports.final,
        hears: [voices.caller],
      });
      await phone.dial(`sip:${numbers.first}@${site.network}`);
      await transfer('refer');
      const invite = await final.sipp.received('INVITE');
      assert.match(valuesOf(invite, 'From').join(), new RegExp(`\\${numbers.caller}@`), 'baresip itself calls');
      speak(final, invite, voices.final);
      assert.equal((await terminal.ended()).end?.reason, 'transferred');
      await Promise.all([phone.hears(voices.final, 0.5), final.rtp.hears(voices.caller, 0.5, 10_000)]);
      const { end, mode } = await site.closedRecord({ account: 'shop1', since });
      assert.deepEqual([end?.reason, mode], ['transferred', 'refer']);
      await phone.press('hangup');
    }));
});
