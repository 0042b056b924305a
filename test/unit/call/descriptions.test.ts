// What a call reads in descriptions, and how it writes them anew.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bestFailure } from '../../../src/call/connect/best-failure.ts';
import {
  asHold,
  heldBy,
  isSameSession,
  leavesAsKnown,
  offerOfNowhere,
  takesAny,
  withDirection,
} from '../../../src/call/connect/descriptions.ts';
import { Origin } from '../../../src/call/connect/origin.ts';
import type { TargetFailure } from '../../../src/call/ports.ts';
import { readSdp } from '../../../src/media/sdp.ts';

const lines = (...all: string[]) => [...all, ''].join('\r\n');
const head = ['v=0', 'o=- 1 1 IN IP4 192.0.2.7', 's=-', 'c=IN IP4 192.0.2.7', 't=0 0'];
const audio = 'm=audio 4000 RTP/AVP 8 0';
const video = 'm=video 4002 RTP/AVP 96';
const refused = 'm=video 0 RTP/AVP 96';

describe('an offer holds', () => {
  for (const [what, offer, holds] of [
    ['nothing of itself', lines(...head, audio), false],
    ['by sendonly', lines(...head, audio, 'a=sendonly'), true],
    ['by inactive', lines(...head, audio, 'a=inactive'), true],
    ['not by recvonly', lines(...head, audio, 'a=recvonly'), false],
    ['by a direction of the session', lines(...head, 'a=sendonly', audio), true],
    [
      'not where a stream has another direction than the session',
      lines(...head, 'a=sendonly', audio, 'a=sendrecv'),
      false,
    ],
    ['by the old address', lines(...head, audio, 'c=IN IP4 0.0.0.0'), true],
    [
      'by the old address of the session',
      lines(...head, audio).replace('c=IN IP4 192.0.2.7', 'c=IN IP4 0.0.0.0'),
      true,
    ],
    ['not where it has no address at all', lines('v=0', audio), false],
    ['not where one of its streams stands', lines(...head, audio, 'a=sendonly', video), false],
    ['whatever is said of a stream that is refused', lines(...head, audio, 'a=sendonly', refused, 'a=sendrecv'), true],
    ['nothing where all is refused', lines(...head, refused, 'a=sendonly'), false],
    ['nothing that is no description', 'a=sendonly', false],
  ] as const) {
    test(what, () => assert.equal(heldBy(offer), holds));
  }
});

test('a hold by inactive is offered as one that may be heard, and answered as it was asked', () => {
  const offer = lines(...head, audio, 'a=inactive');
  const hold = asHold(offer);
  assert.equal(hold?.offer, lines(...head, audio, 'a=sendonly'));
  assert.equal(hold.answer(lines(...head, audio, 'a=recvonly')), offer);
  assert.notEqual(asHold(offer.replaceAll('\r', '')), undefined);
  for (const other of [
    lines(...head, audio, 'a=sendonly'),
    lines(...head, audio, 'a=inactive', video),
    lines(...head, audio, 'a=sendonly', 'a=x a=inactive'),
    lines(...head, audio, 'a=sendonly', 'a=inactive-x'),
  ]) {
    assert.equal(asHold(other), undefined);
  }
});

describe('an answer leaves as it was known', () => {
  const known = lines(...head, 'a=setup:active', audio);
  const changed = (...pairs: [string, string][]) => pairs.reduce((text, [from, to]) => text.replace(from, to), known);
  for (const [what, answer, offered, leaves] of [
    ['what is said again, whatever was offered', known, lines(...head, 'm=audio 9 RTP/AVP 8 0 101'), true],
    ['another order and a single format more', changed(['8 0', '0 8'], ['t=0 0', 't=0 1']), known, true],
    ['less formats than were offered', changed(['8 0', '8']), known, false],
    ['another format than was offered', changed(['8 0', '8 3']), known, false],
    ['another port', changed(['4000', '4002']), known, false],
    ['another address', changed(['c=IN IP4 192.0.2.7', 'c=IN IP4 192.0.2.8']), known, false],
    [
      'the address in the stream',
      lines(...head.with(3, 'b=AS:1'), 'a=setup:active', audio, 'c=IN IP4 192.0.2.7'),
      known,
      true,
    ],
    ['another direction', lines(...head, 'a=setup:active', audio, 'a=recvonly'), known, false],
    ['the direction that goes without saying', lines(...head, 'a=setup:active', audio, 'a=sendrecv'), known, true],
    ['another protocol', changed(['RTP/AVP', 'RTP/SAVP']), known, false],
    ['another part in the handshake', changed(['setup:active', 'setup:passive']), known, false],
    ['the same part, said in the stream', lines(...head, audio, 'a=setup:active'), known, true],
    ['a key', lines(...head, 'a=setup:active', audio, 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x'), known, false],
    ['a fingerprint', lines(...head, 'a=fingerprint:sha-1 AA', 'a=setup:active', audio), known, false],
    ['more streams than were offered', `${known}${lines(video)}`, known, false],
    ['more streams than before', `${known}${lines(video)}`, `${known}${lines(video)}`, false],
    ['less streams than were offered', changed(['t=0 0', 't=0 1']), `${known}${lines(video)}`, false],
    ['nothing', '', known, false],
  ] as const) {
    test(`${what}: ${leaves}`, () => assert.equal(leavesAsKnown(answer, offered, known), leaves));
  }

  test('of which all streams count', () => {
    const two = lines(...head, audio, video);
    assert.equal(leavesAsKnown(two.replace('4002', '4004'), two, two), false);
    assert.equal(leavesAsKnown(two.replace('s=-', 's=x'), two, two), true);
    const one = lines(...head, audio);
    assert.equal(leavesAsKnown(one, one, two), false, 'one of them is gone');
    const secret = lines(...head, 'a=fingerprint:sha-1 AA', audio);
    assert.equal(leavesAsKnown(secret.replace('AA', 'BB'), secret, secret), false);
    assert.equal(leavesAsKnown(lines(...head, audio, 'a=fingerprint:sha-1 AA'), secret, secret), true);
  });

  test('and nothing where nothing was known', () => assert.equal(leavesAsKnown(known, known, undefined), false));
});

test('two descriptions are one session but for their origin', () => {
  const one = lines(...head, audio);
  for (const other of [one.replace('o=- 1 1', 'o=x 7 9'), one.replace(/^o=.*\r\n/m, '')]) {
    assert.equal(isSameSession(one, other), true);
    assert.equal(isSameSession(one.replaceAll('\r', ''), other.replaceAll('\r', '')), true);
  }
  assert.equal(isSameSession(one, one.replace('4000', '4002')), false);
  const named = (name: string) => one.replace('o=-', `i=o=${name}\r\no=-`);
  assert.equal(isSameSession(named('a'), named('b')), false, 'only a line that begins so is the origin');
});

test('an offer of nowhere is a description with the codecs that phones and networks have in common', () => {
  assert.match(offerOfNowhere, /^v=0\r\no=- 1 1 IN IP4 0\.0\.0\.0\r\ns=-\r\nc=IN IP4 0\.0\.0\.0\r\nt=0 0\r\nm=/);
  assert.match(offerOfNowhere, /\r\na=fmtp:101 0-15\r\n$/);
  assert.deepEqual(
    readSdp(offerOfNowhere).audio?.codecs.map(({ name, rate, payload }) => `${payload} ${name}/${rate}`),
    [
      ...['8 PCMA/8000', '0 PCMU/8000', '9 G722/8000', '18 G729/8000', '96 AMR/8000', '97 AMR-WB/16000'],
      ...['98 opus/48000', '101 telephone-event/8000'],
    ],
  );
  const described = offerOfNowhere.match(/^a=rtpmap:\d+/gm)?.map((line) => line.slice('a=rtpmap:'.length));
  assert.deepEqual(described, ['8', '0', '9', '18', '96', '97', '98', '101'], 'all of them are named');
});

test('an answer takes something where any of its streams stands', () => {
  assert.equal(takesAny(lines(...head, refused, audio)), true);
  assert.equal(takesAny(lines(...head, refused)), false);
  assert.equal(takesAny(''), false);
});

test('a direction is written into each stream, in the place of whatever was said', () => {
  const said = [...head, 'a=inactive', audio, 'a=rtpmap:8 PCMA/8000', 'a=sendonly', video, 'a=recvonly', 'a=mid:1'];
  const written = lines(...[...head, audio, 'a=rtpmap:8 PCMA/8000', 'a=sendrecv'], ...[video, 'a=mid:1', 'a=sendrecv']);
  assert.equal(withDirection(lines(...said), 'sendrecv'), written);
  assert.equal(withDirection(said.join('\n\n'), 'sendrecv'), written);
  const others = lines(...head, audio, 'a=x a=sendonly', 'a=sendonly-x');
  assert.equal(withDirection(others, 'sendonly'), `${others}a=sendonly\r\n`, 'only the whole attribute is one');
});

describe('the origin that a party gets', () => {
  const from = (o: string, port = 4000) => lines('v=0', `o=${o}`, 's=-', `m=audio ${port} RTP/AVP 8`);

  test('stays that of the first description, and its version grows by one with each change', () => {
    const origin = new Origin();
    const first = from('alice 12 34567890123456789012 IN IP4 192.0.2.1');
    assert.equal(origin.of(first), first);
    assert.equal(origin.of(from('bob 7 1 IN IP6 ::1')), first, 'nothing has changed');
    const second = from('alice 12 34567890123456789013 IN IP4 192.0.2.1', 4002);
    assert.equal(origin.of(from('bob 7 2 IN IP6 ::1', 4002)), second);
    assert.equal(origin.of(from('carol 8 1 IN IP6 ::1', 4002)), second);
    assert.equal(origin.of(first), from('alice 12 34567890123456789014 IN IP4 192.0.2.1'), 'back is a change, too');
  });

  test('has the end of its line as it came', () => {
    const bare = from('- 1 1 IN IP4 192.0.2.1').replaceAll('\r', '');
    const origin = new Origin();
    assert.equal(origin.of(bare), bare);
    assert.equal(origin.of(bare.replace('4000', '4002')), bare.replace('4000', '4002').replace('1 1', '1 2'));
  });

  test('is left alone where there is none', () => {
    for (const text of ['', 'v=0\r\n', lines('v=0', 'o=- x y', 's=-'), lines('v=0', 'i=o=- 1 1 IN IP4 1.1.1.1')]) {
      const origin = new Origin();
      assert.equal(origin.of(from('- 5 5 IN IP4 192.0.2.1')), from('- 5 5 IN IP4 192.0.2.1'));
      assert.equal(origin.of(text), text);
    }
  });
});

describe('the failure of several phones (RFC 3261 16.7)', () => {
  const f = (reason: TargetFailure['reason'], status?: number): TargetFailure => ({
    reason,
    ...(status !== undefined && { status }),
  });
  for (const [what, better, worse] of [
    ['a 6xx before anything else', f('failed', 606), f('target-busy', 300)],
    ['a 600, too', f('target-busy', 600), f('target-unreachable', 302)],
    ['then the lowest class', f('failed', 399), f('target-busy', 400)],
    ['a 4xx before a 5xx', f('failed', 488), f('target-unreachable', 500)],
    ['whatever has a status before what has none', f('failed', 599), f('target-busy')],
    ['of one class busy before refused', f('target-busy', 486), f('target-refused', 403)],
    ['refused before no answer', f('target-refused', 403), f('target-no-answer', 408)],
    ['no answer before unreachable', f('target-no-answer', 480), f('target-unreachable', 404)],
    ['unreachable before failed', f('target-unreachable', 484), f('failed', 401)],
    ['of two 6xx, too', f('target-busy', 600), f('target-refused', 603)],
    ['and of two without a status', f('target-busy'), f('failed')],
  ] as const) {
    test(what, () => {
      assert.equal(bestFailure([better, worse]), better);
      assert.equal(bestFailure([worse, better]), better);
    });
  }

  test('of none is a fault of ours', () => assert.deepEqual(bestFailure([]), { reason: 'failed' }));
});
