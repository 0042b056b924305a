// What an engine is asked for, by the policies of both trunks; and who counts as silent.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answerRequest, checkAddresses, offerRequest, type MediaPolicy } from '../../../src/media/policy.ts';
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
    ['digits as both agree', '8', {}, {}, undefined],
    ['tones on both sides', '8 101', { digits: 'inband' }, { digits: 'inband' }, { consume: ['telephone-event'] }],
    [
      'digits offered beside the codecs of the trunk',
      '8 0',
      { codecs: ['PCMA'], digits: 'rfc4733' },
      {},
      { transcode: ['telephone-event'], strip: ['all'], offer: ['PCMA', 'CN', 'telephone-event'] },
    ],
    [
      'digits that are offered already, beside the codecs of the trunk',
      '8 0 101',
      { codecs: ['PCMA'], digits: 'rfc4733' },
      {},
      { strip: ['all'], offer: ['PCMA', 'CN', 'telephone-event'] },
    ],
    [
      'tones beside the codecs of the trunk',
      '8 0 101',
      { codecs: ['PCMA'], digits: 'inband' },
      {},
      { consume: ['telephone-event'], strip: ['all'], offer: ['PCMA', 'CN'] },
    ],
    [
      'INFO beside the codecs of the trunk',
      '8 0 101',
      { codecs: ['PCMA'], digits: 'info' },
      {},
      { strip: ['all'], offer: ['PCMA', 'CN'] },
    ],
    [
      'noise and what has no name are no codecs',
      '111 13 77 101',
      { codecs: ['PCMA'] },
      { codecs: ['opus'] },
      { strip: [], mask: ['all'], except: ['telephone-event'], transcode: ['PCMA'] },
    ],
    [
      'translated from the one of several that can be',
      '97 8 101',
      { codecs: ['G722', 'AMR-WB'] },
      {},
      { strip: [], mask: ['all'], except: ['telephone-event'], transcode: ['G722'] },
    ],
  ];
  for (const [name, payloads, to, from, codec] of cases) {
    test(name, () => assert.deepEqual(asked(payloads, to, from)['codec'], codec));
  }

  test('refused: nothing that the own trunk takes; nothing that can be translated', () => {
    const refused = { code: 'media-refused', sip: 488 };
    assert.throws(() => asked('8 0 101', {}, { codecs: ['G729'] }), { ...refused, message: /codecs PCMA, PCMU/ });
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
  assert.deepEqual(answerRequest(answer, { from: {}, to: {}, eventsToInfo: false }), {});
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
  const fax = readSdp('v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\nc=IN IP4 192.0.2.7\r\nm=image 4002 udptl t38\r\n');
  for (const [description, srtp] of [
    [fax, 'require'],
    [fax, 'off'],
    [secure, undefined],
    [secure, 'accept'],
    [secure, 'require'],
    [sdp('8'), undefined],
    [sdp('8'), 'accept'],
    [sdp('8'), 'off'],
  ] as const) {
    const from = srtp === undefined ? {} : { srtp };
    assert.deepEqual(answerRequest(description, { from, to: {}, eventsToInfo: false }), {});
  }
  assert.equal(asked('8', {})['DTLS'], 'off');
  assert.deepEqual(asked('8', {})['SDES'], [
    ...['no-NULL_HMAC_SHA1_80', 'no-NULL_HMAC_SHA1_32', 'no-F8_128_HMAC_SHA1_80', 'no-F8_128_HMAC_SHA1_32'],
    ...['encrypted_srtp', 'encrypted_srtcp', 'authenticated_srtp'],
  ]);
  assert.equal(asked('8', { addresses: 'ipv6' })['address-family'], 'IP6');
  assert.equal(asked('8', {})['direction'], undefined);
  assert.deepEqual(asked('8', { interface: 'out' })['direction'], ['default', 'out']);
  assert.deepEqual(asked('8', {}, { interface: 'in' })['direction'], ['in', 'default']);
});

test('an engine that shows an address of another family than its trunk wants is told by name', () => {
  const checked = (addresses?: 'ipv4' | 'ipv6') => () =>
    checkAddresses('c=IN IP4 192.0.2.7 \r\n', addresses === undefined ? {} : { addresses }, 'udp://127.0.0.1:2223');
  checked()();
  checked('ipv4')();
  assert.throws(checked('ipv6'), { code: 'no-media', message: /^udp:\/\/127.0.0.1:2223 has no ipv6/ });
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
  silence.reset();
  assert.deepEqual(look(9_000), [], 'another engine counts anew');
  const never = new Silence(0);
  for (const now of [0, 1e9]) {
    const silent = never.look(
      now,
      () => 0,
      () => true,
    );
    assert.deepEqual(silent, []);
  }
});

test('what is read of a description: names, order, packet length and hold, the old way too', () => {
  assert.deepEqual(
    sdp('8 111').audio?.codecs.map(({ name }) => name),
    ['PCMA', 'opus'],
  );
  assert.deepEqual(
    sdp('0 3 8 9 13 18 77').audio?.codecs.map(({ name }) => name),
    ['PCMU', 'GSM', 'PCMA', 'G722', 'CN', 'G729', ''],
  );
  assert.equal(sdp('8').audio?.ptime, 20);
  assert.equal(sdp('8').audio?.direction, 'sendrecv');
  assert.equal(sdp('8', 'a=ptime:30\r\na=inactive\r\n').audio?.direction, 'inactive');
  const nowhere = (connection: string, direction: string) =>
    readSdp(`v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\n${connection}m=audio 4000 RTP/AVP 8\r\na=${direction}\r\n`).audio
      ?.direction;
  assert.equal(nowhere('c=IN IP4 0.0.0.0\r\n', 'sendrecv'), 'sendonly');
  assert.equal(nowhere('c=IN IP6 ::\r\n', 'recvonly'), 'inactive');
  assert.equal(nowhere('c=IN IP6 ::1\r\n', 'recvonly'), 'recvonly');
});
