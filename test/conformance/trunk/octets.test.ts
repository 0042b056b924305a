// Binary bodies through the real drachtio-srf, which decodes every message as UTF-8, with either way to the server.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { initialAddress, sipI } from '../../support/isup.ts';
import { caller, finalCalled, firstCalled, sdp, World } from './world.ts';

const secondCalled = '+8675529990001';

/** An INVITE of SIP-I in which only the IAM tells who calls and what was dialled. */
function sipIInvite(port: number, callId: string): Buffer {
  const iam = initialAddress({ called: secondCalled, calling: caller, originalCalled: firstCalled, reason: 2 });
  const { contentType, body } = sipI(sdp(1), iam);
  const head = [
    `INVITE sip:${secondCalled}@127.0.0.1 SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK-${callId}`,
    'From: <sip:unavailable@unknown.invalid>;tag=f1',
    `To: <sip:${secondCalled}@127.0.0.1>`,
    `Call-ID: ${callId}`,
    'CSeq: 1 INVITE',
    `Contact: <sip:127.0.0.1:${port}>`,
    'Max-Forwards: 70',
    'MIME-Version: 1.0',
    `Content-Type: ${contentType}`,
    `Content-Length: ${body.length}`,
  ].join('\r\n');
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body]);
}

for (const control of ['in-process', 'tcp'] as const) {
  describe(`an INVITE with a binary IAM, the SIP server ${control === 'tcp' ? 'over TCP' : 'in the same process'}`, () => {
    test('is read octet for octet, and its session description alone goes on', async () => {
      await using world = await World.start({ control });
      const peer = await world.caller();
      peer.send(sipIInvite(peer.port, `isup-${control}`), world.port);
      const { call } = await world.incoming();
      assert.ok(call.reading.ok);
      const { reading } = call.reading;
      assert.deepEqual(
        [reading.caller, reading.firstCalled, reading.firstCalledSource, reading.reason, reading.warnings],
        [caller, firstCalled, 'isup-ocn', 'no-answer', []],
      );
      assert.equal(call.sdp, sdp(1));

      const target = { callId: 'c-1', to: finalCalled, reading, firstCalled, sdp: call.sdp, maxForwards: 70 };
      world.trunk.dial(target, { ...noEvents });
      const onward = await world.gateway().request('INVITE');
      assert.equal(onward.get('Content-Type'), 'application/sdp');
      assert.equal(onward.body.toString(), sdp(1));
      assert.match(onward.get('Diversion') ?? '', /^<sip:\+8675520000001@/);
      world.gateway().answer(onward, 486);
      call.leg.reject(480);
    });

    test('many at once, in pieces of any size, each read as its own', async () => {
      await using world = await World.start({ control });
      const peer = await world.caller();
      const ids = Array.from({ length: 40 }, (_, index) => `many-${control}-${index}`);
      for (const id of ids) peer.send(sipIInvite(peer.port, id), world.port);
      for (const _ of ids) {
        const { call } = await world.incoming();
        assert.equal(call.reading.ok && call.reading.reading.firstCalledSource, 'isup-ocn');
        call.leg.reject(480);
      }
    });
  });
}

const noEvents = {
  progress: () => undefined,
  answered: () => undefined,
  failed: () => undefined,
  ended: () => undefined,
  request: () => undefined,
};
