import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../../../../src/shared/errors.ts';
import { answerSdp, offerSdp, readAnswer, type Direction } from '../../../../src/simulate/rtp/sdp.ts';

const caller = { address: '192.0.2.7', port: 4_000 };
const target = { address: '198.51.100.9', port: 5_000 };

test('offer and answer: both know where to send and in what', () => {
  const offer = offerSdp(caller);
  assert.match(offer, /^m=audio 4000 RTP\/AVP 8 0 101\r$/m);
  assert.match(offer, /^a=rtpmap:101 telephone-event\/8000\r$/m);
  assert.match(offer, /^a=sendrecv\r$/m);
  const { sdp, agreed } = answerSdp(offer, target);
  assert.match(sdp, /^m=audio 5000 RTP\/AVP 8 101\r$/m);
  assert.deepEqual(agreed.destination, { address: '192.0.2.7', port: 4_000, law: 'PCMA', telephoneEvent: 101 });
  assert.equal(agreed.peer.telephoneEvent, 101);
  assert.deepEqual(readAnswer(sdp, caller).destination, {
    address: '198.51.100.9',
    port: 5_000,
    law: 'PCMA',
    telephoneEvent: 101,
  });
});

test('the order of the offer decides; what only one side knows is left out', () => {
  assert.equal(answerSdp(offerSdp({ ...caller, laws: ['PCMU', 'PCMA'] }), target).agreed.destination?.law, 'PCMU');
  assert.equal(answerSdp(offerSdp(caller), { ...target, laws: ['PCMU'] }).agreed.destination?.law, 'PCMU');
  assert.throws(() => answerSdp(offerSdp({ ...caller, laws: ['PCMA'] }), { ...target, laws: ['PCMU'] }), {
    code: 'media-refused',
  });
});

test('RFC 3264 6: every other stream is refused in its place, DTMF keeps the number of the offer', () => {
  const offer =
    'v=0\r\no=- 1 1 IN IP6 2001:db8::7\r\ns=-\r\nt=0 0\r\nm=video 6000 RTP/AVP 96\r\nc=IN IP6 2001:db8::8\r\n' +
    'm=audio 4000 RTP/AVP 3 0 97\r\nc=IN IP6 2001:db8::7\r\na=rtpmap:97 telephone-event/8000\r\nm=image 4002 udptl t38\r\n';
  const { sdp, agreed } = answerSdp(offer, { address: '2001:db8::1', port: 5_000 });
  assert.deepEqual(sdp.match(/^m=.*(?=\r)/gm), [
    'm=video 0 RTP/AVP 96',
    'm=audio 5000 RTP/AVP 0 97',
    'm=image 0 udptl t38',
  ]);
  assert.match(sdp, /^c=IN IP6 2001:db8::1\r$/m);
  assert.deepEqual(agreed.destination, { address: '2001:db8::7', port: 4_000, law: 'PCMU', telephoneEvent: 97 });
});

describe('hold and resume (RFC 3264 6.1, 8.4)', () => {
  const cases: [offered: Direction, wish: Direction, answered: Direction, sends: boolean][] = [
    ['sendrecv', 'sendrecv', 'sendrecv', true],
    ['sendonly', 'sendrecv', 'recvonly', false],
    ['recvonly', 'sendrecv', 'sendonly', true],
    ['inactive', 'sendrecv', 'inactive', false],
    ['sendrecv', 'sendonly', 'sendonly', true],
    ['sendrecv', 'recvonly', 'recvonly', false],
    ['sendonly', 'sendonly', 'inactive', false],
  ];
  for (const [offered, wish, answered, sends] of cases) {
    test(`${offered} offered to a phone that wishes ${wish}`, () => {
      const { sdp, agreed } = answerSdp(offerSdp({ ...caller, direction: offered }), { ...target, direction: wish });
      assert.match(sdp, new RegExp(`^a=${answered}\r$`, 'm'));
      assert.equal(agreed.destination !== undefined, sends);
    });
  }

  test('an address of zeros is a hold', () => {
    const { agreed } = answerSdp(offerSdp({ ...caller, address: '0.0.0.0' }), target);
    assert.equal(agreed.destination, undefined);
  });
});

test('whatever text comes: it is read, or refused as a Failure', () => {
  const piece = fc.oneof(
    fc.constantFrom(...offerSdp(caller).split('\r\n')),
    fc.string(),
    fc.constantFrom('m=audio x RTP/AVP', 'c=IN IP4', 'a=rtpmap:8'),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      try {
        answerSdp(pieces.join('\r\n'), target);
      } catch (error) {
        assert.ok(error instanceof Failure && error.code === 'media-refused', String(error));
      }
    }),
  );
});
