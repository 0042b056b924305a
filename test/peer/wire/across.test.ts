// What goes across from leg to leg, over the whole service and real sockets.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answerSdp, offerSdp, readAnswer } from '../../../src/simulate/rtp/sdp.ts';
import type { RtpSession } from '../../../src/simulate/rtp/session.ts';
import { tone } from '../../../src/simulate/rtp/sources.ts';
import { engineFor, hearsOnly, ownMedia, phone, pitch } from '../../support/media-call.ts';
import { rtpengineMissing } from '../../support/rtpengine.ts';
import { numbers, portOf, reliable, Scene, sdp } from './scene.ts';

describe('across both legs', () => {
  test('reliable provisional responses, early media of two forks, and UPDATE before the answer', async () => {
    await using scene = await Scene.open({ announceForwarding: true });
    const { caller, final } = scene;
    const told = scene.instruct([
      'Require: 100rel',
      'Supported: 100rel',
      'Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE',
    ]);
    await scene.prack(180);
    await told;
    await scene.prack(181);
    const invite = await final.request('INVITE');
    assert.equal(portOf(invite), 40_001);
    final.answer(invite, 183, { tag: 'one', body: sdp(3), headers: reliable(11) });
    final.answer(await final.request('PRACK'), 200);
    assert.equal(await scene.prack(183), 40_003);
    final.sendWithin(invite, 'UPDATE', 1, { tag: 'one', body: sdp(4) }); // the final phone changes its early media
    const carried = await caller.request('UPDATE');
    assert.equal(portOf(carried), 40_004);
    caller.answer(carried, 200, { body: sdp(5) });
    assert.equal(portOf(await final.response(200, 'UPDATE')), 40_005);
    final.answer(invite, 183, { tag: 'two', body: sdp(6), headers: reliable(22) });
    final.answer(await final.request('PRACK'), 200);
    const second = await caller.request('UPDATE');
    assert.equal(portOf(second), 40_006);
    caller.answer(second, 200, { body: sdp(5) });
    final.answer(invite, 200, { tag: 'two', body: sdp(6) });
    await final.request('ACK');
    const reinvite = await final.request('INVITE'); // the other phone knows where the caller was at first
    assert.equal(portOf(reinvite), 40_005);
    final.answer(reinvite, 200, { tag: 'two', body: sdp(6) });
    const ok = await caller.response(200, 'INVITE');
    assert.equal(ok.body.length, 0); // the caller knows who answered
    scene.calling.ack(ok);
    await scene.terminal?.state('connected');
    assert.equal((await scene.hangUp()).end?.reason, 'completed');
  });

  test('an INVITE without an offer: the final phone makes one, and the ACK of the caller answers it', async () => {
    await using scene = await Scene.open();
    const { caller, final } = scene;
    const invite = await scene.dial([], '');
    assert.equal(invite.body.length, 0);
    final.answer(invite, 180);
    await caller.response(180, 'INVITE');
    final.answer(invite, 200, { body: sdp(3) });
    const ok = await caller.response(200, 'INVITE');
    assert.equal(portOf(ok), 40_003);
    scene.calling.ack(ok, { body: sdp(7) });
    assert.equal(portOf(await final.request('ACK')), 40_007);
    await scene.terminal?.state('connected');
    assert.equal((await scene.hangUp()).end?.reason, 'completed');
  });

  test(
    'an INVITE without an offer that requires 100rel: it rings with an offer of the engine, and both are heard',
    { skip: rtpengineMissing() ?? false },
    async (t) => {
      const { engine } = await engineFor(t);
      await using scene = await Scene.open({}, { media: { mode: 'rtpengine', engines: [engine] } });
      const { caller, final } = scene;
      const voices = { caller: await phone(t), target: await phone(t) };
      let version = 1;
      const answerOf = (party: RtpSession) => (offer: string) => {
        const { sdp: answer, agreed } = answerSdp(offer, { ...ownMedia(party), version: version++ });
        party.sendTo(agreed.destination);
        return answer;
      };
      const told = scene.instruct(
        ['Require: 100rel', 'Supported: 100rel', 'Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE'],
        '',
      );
      const rings = await scene.pracked(180, answerOf(voices.caller));
      assert.equal(rings.get('Content-Type'), 'application/sdp');
      await told;
      const invite = await final.request('INVITE');
      final.answer(invite, 200, { body: answerOf(voices.target)(invite.body.toString()) });
      await final.request('ACK');
      const update = await caller.request('UPDATE');
      caller.answer(update, 200, { body: answerOf(voices.caller)(update.body.toString()) });
      const ok = await caller.response(200, 'INVITE');
      assert.equal(ok.body.length, 0);
      scene.calling.ack(ok);
      await scene.terminal?.state('connected');
      voices.caller.say(tone(pitch.caller));
      voices.target.say(tone(pitch.target));
      await Promise.all([hearsOnly(voices.caller, pitch.target, 0.5), hearsOnly(voices.target, pitch.caller, 0.5)]);
      assert.equal((await scene.hangUp()).end?.reason, 'completed');
    },
  );

  test('the same without an engine: the offer has no place yet, and the two are given each to the other', async () => {
    await using scene = await Scene.open();
    const { caller, final } = scene;
    const told = scene.instruct(['Require: 100rel', 'Supported: 100rel'], '');
    const rings = await scene.pracked(180, () => sdp(1));
    assert.match(rings.body.toString(), /^c=IN IP4 0\.0\.0\.0\r$/m);
    await told;
    const invite = await final.request('INVITE');
    assert.equal(portOf(invite), 40_001);
    final.answer(invite, 200, { body: sdp(2) });
    await final.request('ACK');
    const ok = await caller.response(200, 'INVITE');
    assert.equal(ok.body.length, 0);
    scene.calling.ack(ok);
    const reinvite = await caller.request('INVITE'); // it takes no UPDATE
    assert.equal(portOf(reinvite), 40_002);
    caller.answer(reinvite, 200, { body: sdp(1) });
    await scene.terminal?.state('connected');
    assert.equal((await scene.hangUp()).end?.reason, 'completed');
  });

  test(
    'a phone that goes on elsewhere by UPDATE before it answers is heard there, whatever its 200 repeats',
    { skip: rtpengineMissing() ?? false },
    async (t) => {
      const { engine } = await engineFor(t);
      await using scene = await Scene.open({}, { media: { mode: 'rtpengine', engines: [engine] } });
      const { caller, final } = scene;
      const [speaker, before, after] = [await phone(t), await phone(t), await phone(t)];
      const told = scene.instruct(
        ['Require: 100rel', 'Supported: 100rel', 'Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE'],
        offerSdp(ownMedia(speaker)),
      );
      await scene.prack(180);
      await told;
      const invite = await final.request('INVITE');
      const early = answerSdp(invite.body.toString(), ownMedia(before));
      final.answer(invite, 183, { body: early.sdp, headers: reliable(11) });
      final.answer(await final.request('PRACK'), 200);
      const rings = await scene.pracked(183, () => '');
      speaker.sendTo(readAnswer(rings.body.toString(), ownMedia(speaker)).destination);
      final.sendWithin(invite, 'UPDATE', 1, { body: offerSdp({ ...ownMedia(after), version: 2 }) });
      const update = await caller.request('UPDATE');
      caller.answer(update, 200, { body: answerSdp(update.body.toString(), { ...ownMedia(speaker), version: 2 }).sdp });
      const updated = await final.response(200, 'UPDATE');
      after.sendTo(readAnswer(updated.body.toString(), ownMedia(after)).destination);
      final.answer(invite, 200, { body: early.sdp });
      await final.request('ACK');
      scene.calling.ack(await caller.response(200, 'INVITE'));
      await scene.terminal?.state('connected');
      speaker.say(tone(pitch.caller));
      after.say(tone(pitch.target));
      await Promise.all([hearsOnly(speaker, pitch.target, 0.5), hearsOnly(after, pitch.caller, 0.5)]);
      assert.equal((await scene.hangUp()).end?.reason, 'completed');
    },
  );

  test(
    'early media whose engine is killed go on through another one by UPDATE, and the answer finds all where it is',
    { skip: rtpengineMissing() ?? false },
    async (t) => {
      const engines = [await engineFor(t), await engineFor(t)];
      const media = { mode: 'rtpengine', engines: engines.map(({ engine }) => engine), timeout: '500ms' };
      await using scene = await Scene.open({}, { media });
      const { caller, final } = scene;
      const [listener, speaker] = [await phone(t), await phone(t)];
      const hear = (response: { body: Buffer }) =>
        listener.sendTo(readAnswer(response.body.toString(), ownMedia(listener)).destination);
      const invite = await scene.dial([], offerSdp(ownMedia(listener)));
      const early = answerSdp(invite.body.toString(), ownMedia(speaker));
      speaker.sendTo(early.agreed.destination);
      speaker.say(tone(pitch.target));
      final.answer(invite, 183, { body: early.sdp, headers: reliable(11) });
      final.answer(await final.request('PRACK'), 200);
      hear(await caller.response(183, 'INVITE'));
      await hearsOnly(listener, pitch.target, 0.5);

      const loads = await Promise.all(engines.map((engine) => engine.sessions()));
      await engines[loads.indexOf(1)]?.kill();
      const update = await final.request('UPDATE', 15_000);
      const again = answerSdp(update.body.toString(), { ...ownMedia(speaker), version: 2 });
      speaker.sendTo(again.agreed.destination);
      final.answer(update, 200, { body: again.sdp });
      hear(await caller.response(183, 'INVITE'));
      await hearsOnly(listener, pitch.target, 0.5);

      final.answer(invite, 200, { body: early.sdp });
      await final.request('ACK');
      scene.calling.ack(await caller.response(200, 'INVITE'));
      await scene.terminal?.state('connected');
      listener.say(tone(pitch.caller));
      await Promise.all([hearsOnly(listener, pitch.target, 0.5), hearsOnly(speaker, pitch.caller, 0.5)]);
      assert.equal((await scene.hangUp()).end?.reason, 'completed');
      assert.ok(
        !final.received.some(
          (message) =>
            message.kind === 'request' && message.cseq.sequence > update.cseq.sequence && message.method === 'INVITE',
        ),
        'it knew where, when it answered',
      );
    },
  );

  test('fax: a re-INVITE to T.38 as it is, its refusal, and the voice that goes on', async () => {
    await using scene = await Scene.open();
    const { caller, final } = scene;
    await scene.standing();
    const t38 = `v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=image 40009 udptl t38\r\na=T38FaxVersion:0\r\na=T38FaxRateManagement:transferredTCF\r\n`;
    scene.calling.sendRequest('INVITE', { body: t38, headers: [scene.calling.contact] });
    const fax = await final.request('INVITE');
    assert.equal(fax.body.toString().replace(/^o=.*$/m, ''), t38.replace(/^o=.*$/m, ''));
    final.answer(fax, 488);
    scene.calling.ackFailure(await caller.response(488, 'INVITE'));
    scene.calling.sendRequest('INVITE', { body: t38, headers: [scene.calling.contact] });
    final.answer(await final.request('INVITE'), 200, { body: t38.replace('40009', '40010') });
    const ok = await caller.response(200, 'INVITE');
    assert.match(ok.body.toString(), /m=image 40010 udptl t38/);
    scene.calling.ack(ok);
    await final.request('ACK');
    assert.equal((await scene.hangUp()).end?.reason, 'completed');
  });

  test('INFO with a digit, and hold and resume of the final phone', async () => {
    await using scene = await Scene.open();
    const { caller, final } = scene;
    const invite = await scene.standing();
    scene.calling.sendRequest('INFO', { body: 'Signal=5\r\nDuration=160\r\n', contentType: 'application/dtmf-relay' });
    const info = await final.request('INFO');
    assert.deepEqual(
      [info.get('Content-Type'), info.body.toString()],
      ['application/dtmf-relay', 'Signal=5\r\nDuration=160\r\n'],
    );
    final.answer(info, 200);
    await caller.response(200, 'INFO');
    for (const [sequence, direction, answer] of [
      [1, 'sendonly', 'recvonly'],
      [2, 'sendrecv', 'sendrecv'],
    ] as const) {
      final.sendWithin(invite, 'INVITE', sequence, { body: sdp(2, `a=${direction}\r\n`) });
      const held = await caller.request('INVITE');
      assert.match(held.body.toString(), new RegExp(`a=${direction}`));
      caller.answer(held, 200, { body: sdp(1, `a=${answer}\r\n`) });
      assert.match((await final.response(200, 'INVITE')).body.toString(), new RegExp(`a=${answer}`));
      final.sendWithin(invite, 'ACK', sequence);
      await caller.request('ACK');
    }
    assert.equal((await scene.hangUp()).end?.reason, 'completed');
  });

  test('the reason of a CANCEL', async () => {
    await using scene = await Scene.open();
    const { caller, final } = scene;
    const invite = await scene.dial();
    final.answer(invite, 180);
    scene.calling.cancel(['Reason: SIP;cause=200;text="Call completed elsewhere"']);
    scene.calling.ackFailure(await caller.response(487, 'INVITE'));
    const cancel = await final.request('CANCEL');
    assert.match(cancel.get('Reason') ?? '', /^SIP;cause=200;text="Call completed elsewhere"/);
    final.answer(cancel, 200);
    final.answer(invite, 487);
    assert.equal((await scene.record()).end?.reason, 'answered-elsewhere');
  });
});

describe('by the network itself', () => {
  test('302 before the answer: the record says transferred, and nothing is left', async () => {
    await using scene = await Scene.open({ connect: ['redirect', 'bridge'] });
    await scene.instruct();
    const moved = await scene.caller.response(302, 'INVITE');
    scene.calling.ackFailure(moved);
    assert.match(moved.get('Contact') ?? '', new RegExp(`^<sip:\\${numbers.final}@`));
    assert.match(moved.get('Diversion') ?? '', new RegExp(`\\${numbers.first}`));
    const record = await scene.record();
    assert.deepEqual([record.end?.reason, record.attempts[0]?.mode], ['transferred', 'redirect']);
    assert.equal(scene.final.received.length, 0);
  });
});
