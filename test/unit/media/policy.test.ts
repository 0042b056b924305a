// What an engine is asked for, by the policies of both trunks; and who counts as silent.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answerRequest, offerRequest, type MediaPolicy } from '../../../src/media/policy.ts';
import { Silence } from '../../../src/media/rtpengine/silence.ts';
import { readSdp } from '../../../src/media/sdp.ts';

const sdp = (payloads: string, more = '', protocol = 'RTP/AVP') =>
  readSdp(
    'v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n' +
      `m=audio 4000 ${protocol} ${payloads}\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:97 AMR/8000\r\n` +
      `a=rtpmap:101 telephone-event/8000\r\n${more}`,
  );
const asked = (payloads: string, to: MediaPolicy, from: MediaPolicy = {}) =>
  offerRequest(sdp(payloads), { from, to, eventsToInfo: false }, undefined);

describe('codecs', () => {
  const cases: [string, string, MediaPolicy, MediaPolicy, unknown][] = [
    ['without policies nothing is asked', '8 0 101', {}, {}, undefined],
    [
      'in the order of the receiving trunk',
      '8 0 101',
      { codecs: ['pcmu', 'PCMA'] },
      {},
      { strip: ['all'], offer: ['pcmu', 'PCMA', 'CN', 'telephone-event'] },
    ],
    [
      'only what the sending trunk takes',
      '111 8 101',
      {},
      { codecs: ['PCMA'] },
      { strip: ['all'], offer: ['PCMA', 'CN', 'telephone-event'] },
    ],
    [
      'nothing in common: translated',
      '111 101',
      { codecs: ['PCMA', 'AMR'] },
      {},
      { strip: [], mask: ['all'], except: ['telephone-event'], transcode: ['PCMA'] },
    ],
    [
      'translated from what the sending trunk takes',
      '111 0 101',
      { codecs: ['G722'] },
      { codecs: ['PCMU'] },
      { strip: ['opus'], mask: ['all'], except: ['telephone-event'], transcode: ['G722'] },
    ],
    ['digits as tones', '8 101', { digits: 'inband' }, {}, { consume: ['telephone-event'] }],
    ['digits by INFO', '8 101', { digits: 'info' }, {}, { strip: ['telephone-event'] }],
    ['digits offered anyway', '8', { digits: 'rfc4733' }, {}, { transcode: ['telephone-event'] }],
    ['digits that are offered already', '8 101', { digits: 'rfc4733' }, {}, undefined],
  ];
  for (const [name, payloads, to, from, codec] of cases) {
    test(name, () => assert.deepEqual(asked(payloads, to, from)['codec'], codec));
  }

  test('refused: nothing that the own trunk takes; nothing that can be translated', () => {
    const refused = { code: 'media-refused', sip: 488 };
    assert.throws(() => asked('8 0 101', {}, { codecs: ['G729'] }), refused);
    assert.throws(() => asked('97 101', { codecs: ['PCMA'] }), refused);
    assert.throws(() => asked('8 101', { codecs: ['AMR'] }), refused);
  });
});

test('packets are packed anew only where the two differ', () => {
  assert.equal(asked('8', { ptime: 20 })['ptime'], undefined);
  assert.equal(asked('8', { ptime: 40 })['ptime'], 40);
  const answer = sdp('8', 'a=ptime:40\r\n');
  assert.deepEqual(answerRequest(answer, { from: {}, to: { ptime: 20 }, eventsToInfo: false }), { ptime: 20 });
  assert.deepEqual(answerRequest(answer, { from: {}, to: { ptime: 40 }, eventsToInfo: false }), {});
});

test('transport, addresses and interfaces', () => {
  const transport = (to: MediaPolicy, spoken?: string) =>
    offerRequest(sdp('8'), { from: {}, to, eventsToInfo: false }, spoken)['transport-protocol'];
  assert.equal(transport({}), 'RTP/AVP');
  assert.equal(transport({}, 'RTP/SAVP'), 'RTP/SAVP');
  assert.equal(transport({ srtp: 'require' }), 'RTP/SAVP');
  assert.equal(transport({ srtp: 'off' }, 'RTP/SAVP'), 'RTP/AVP');
  const secure = sdp('8', '', 'RTP/SAVP');
  assert.throws(() => offerRequest(secure, { from: { srtp: 'off' }, to: {}, eventsToInfo: false }, undefined), {
    code: 'media-refused',
  });
  assert.throws(() => answerRequest(sdp('8'), { from: { srtp: 'require' }, to: {}, eventsToInfo: false }), {
    code: 'media-refused',
  });
  assert.equal(asked('8', { addresses: 'ipv6' })['address-family'], 'IP6');
  assert.equal(asked('8', {})['direction'], undefined);
  assert.deepEqual(asked('8', { interface: 'out' })['direction'], ['default', 'out']);
});

test('a side is silent when nothing has come for the time, is told again after as long, and never while on hold', () => {
  const silence = new Silence(1_000);
  const packets = { caller: 5, target: 5 };
  let held = false;
  const look = (now: number) =>
    silence.look(
      now,
      (side) => packets[side],
      (side) => side === 'caller' || !held,
    );
  assert.deepEqual(look(0), []);
  packets.target = 6;
  assert.deepEqual(look(999), []);
  assert.deepEqual(look(1_000), ['caller']);
  assert.deepEqual(look(1_998), []);
  held = true;
  assert.deepEqual(look(2_000), ['caller']);
  assert.deepEqual(look(5_000), ['caller']);
  held = false;
  assert.deepEqual(look(5_500), []);
  assert.deepEqual(look(6_000), ['caller', 'target']);
  assert.deepEqual(
    new Silence(0).look(
      1e9,
      () => 0,
      () => true,
    ),
    [],
  );
});

test('what is read of a description: names, order, packet length and hold, the old way too', () => {
  assert.deepEqual(
    sdp('8 111').audio?.codecs.map(({ name }) => name),
    ['PCMA', 'opus'],
  );
  assert.equal(sdp('8').audio?.ptime, 20);
  assert.equal(sdp('8', 'a=ptime:30\r\na=inactive\r\n').audio?.direction, 'inactive');
  const zero = readSdp(
    'v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n',
  );
  assert.equal(zero.audio?.direction, 'sendonly');
});
