// baresip as the final phone: the call's voice, and its hang-up.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Baresip, baresipMissing } from '../../support/baresip.ts';
import { call, isAsked, scenario } from '../../support/sipp-scenarios.ts';
import type { WatchedTerminal } from '../../support/site.ts';
import { numbers, peersMissing, speak, startPeerSite, voices, type PeerSite } from '../sipp/site.ts';

const skip = peersMissing() ?? baresipMissing() ?? false;

describe('baresip as the final phone', { skip, timeout: 120_000 }, () => {
  let site: PeerSite;
  let opened: PeerSite | undefined;
  let phone: Baresip | undefined;
  let terminal: WatchedTerminal;
  before(async () => {
    site = await startPeerSite();
    opened = site;
    await site.subscribe('shop1', numbers.first);
    phone = await Baresip.start({
      number: numbers.final,
      port: site.ports.final,
      voice: voices.final,
      hears: [voices.caller],
    });
  });
  after(async () => {
    await phone?.close();
    await opened?.close();
  });

  test('voices both ways; and it hangs up', () =>
    site.scene(async () => {
      assert.ok(phone);
      terminal = await site.terminal('shop1');
      const calling = await site.party({
        scenario: scenario('caller', call(), isAsked('BYE')),
        remote: site.network,
        keys: { caller: numbers.caller, called: numbers.first },
        hears: voices.final,
      });
      const { id } = await terminal.incoming();
      assert.ok((await terminal.client.transfer({ callId: id, to: numbers.final })).ok);
      await phone.event('CALL_INCOMING');
      await phone.press('accept');
      await terminal.state('connected');
      speak(calling, await calling.sipp.received('SIP/2.0 200'), voices.caller);
      await Promise.all([calling.rtp.hears(voices.final, 0.5, 10_000), phone.hears(voices.caller, 0.5)]);
      await phone.press('hangup');
      const { end } = await terminal.ended();
      assert.deepEqual([end?.reason, end?.q850], ['completed', 16]);
      assert.equal((await site.closedRecord({ account: 'shop1' })).end?.by, 'target');
      terminal.client.disconnect();
    }));
});
