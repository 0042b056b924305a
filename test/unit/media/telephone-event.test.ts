// What the engine, and what each side is told of RFC 4733 where digits become INFO.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { offerRequest, type MediaPolicy } from '../../../src/media/policy.ts';
import { readSdp } from '../../../src/media/sdp.ts';
import {
  answerForEngine,
  eventsIn,
  offerForEngine,
  takesInfoAlone,
  withoutEvents,
} from '../../../src/media/telephone-event.ts';

const sdp = (streams: string) => `v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n${streams}`;
const plain = sdp('m=audio 4000 RTP/AVP 8 0\r\na=ptime:20\r\n');
const withEvents = sdp(
  'm=audio 4000 RTP/AVP 8 0 101\r\na=ptime:20\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n',
);
const offered = (text: string, from: MediaPolicy, to: MediaPolicy, eventsToInfo = true) =>
  offerForEngine(readSdp(text), { from, to, eventsToInfo });

describe('an offer, as the engine gets it', () => {
  const cases: [string, MediaPolicy, MediaPolicy, boolean][] = [
    ['agreed on neither side: events are added', {}, {}, true],
    ['INFO alone for the offerer', { digits: 'info' }, {}, true],
    ['INFO alone for the offerer, events wanted at the other side', { digits: 'info' }, { digits: 'rfc4733' }, true],
    ['INFO alone for the offerer, tones for the other side', { digits: 'info' }, { digits: 'inband' }, false],
    ['tones of the offerer become events', {}, { digits: 'rfc4733' }, false],
    ['the offerer takes tones', { digits: 'inband' }, {}, false],
    ['the other side sends tones', {}, { digits: 'inband' }, false],
    ['the other side sends INFO', {}, { digits: 'info' }, false],
  ];
  for (const [name, from, to, added] of cases) {
    test(name, () => assert.equal(offered(plain, from, to), added ? withEvents : plain));
  }

  test('events that stand there already stay as they are', () => {
    assert.equal(offered(withEvents, {}, {}), withEvents);
    assert.equal(offered(withEvents, { digits: 'info' }, {}), withEvents);
  });

  test('without events where the offerer takes tones: the engine makes them, and events of what it hears', () => {
    for (const eventsToInfo of [true, false]) {
      assert.equal(offered(withEvents, { digits: 'inband' }, {}, eventsToInfo), plain);
      const policies = { from: { digits: 'inband' }, to: {}, eventsToInfo } as const;
      assert.deepEqual(offerRequest(readSdp(plain), policies, undefined)['codec'], { transcode: ['telephone-event'] });
    }
  });

  test('as it came where nothing becomes INFO', () => {
    const fax = sdp('m=image 4002 udptl t38\r\n');
    assert.equal(offered(fax, {}, {}), fax);
    const bare = plain.replaceAll('\r', '');
    assert.equal(offered(bare, { digits: 'inband' }, {}), bare);
    assert.equal(offered(plain, {}, {}, false), plain);
    assert.equal(offered(withEvents, { digits: 'info' }, {}, false), withEvents);
  });

  test('for each clock rate, with payload types that are free, in the first voice that stands', () => {
    const fax = 'm=image 4002 udptl t38\r\n';
    const refused = 'm=audio 0 RTP/AVP 8\r\n';
    const opus = 'm=audio 4000 RTP/SAVP 101 8\r\na=rtpmap:101 opus/48000/2\r\n';
    const second = 'm=audio 4004 RTP/AVP 8\r\n';
    const made = offered(sdp(fax + refused + opus + second), {}, {});
    const added =
      'a=rtpmap:96 telephone-event/48000\r\na=fmtp:96 0-15\r\na=rtpmap:97 telephone-event/8000\r\na=fmtp:97 0-15\r\n';
    const changed = opus.replace('101 8\r', '101 8 96 97\r') + added;
    assert.equal(made, sdp(fax + refused + changed + second));
  });

  test('the engine is to keep events for a side that takes INFO alone, and only then', () => {
    const asked = (eventsToInfo: boolean, to: MediaPolicy) =>
      offerRequest(readSdp(withEvents), { from: {}, to, eventsToInfo }, undefined)['codec'];
    assert.equal(asked(true, { digits: 'info' }), undefined);
    assert.deepEqual(asked(true, { digits: 'info', codecs: ['PCMA'] }), {
      strip: ['all'],
      offer: ['PCMA', 'CN', 'telephone-event'],
    });
    assert.deepEqual(asked(false, { digits: 'info' }), { strip: ['telephone-event'] });
    assert.deepEqual(asked(true, { digits: 'inband' }), { consume: ['telephone-event'] });
  });
});

describe('an answer, as the engine gets it', () => {
  const answered = (text: string, own: MediaPolicy, offer = withEvents, made = withEvents, offerer: MediaPolicy = {}) =>
    answerForEngine(
      readSdp(text),
      { from: own, to: offerer, eventsToInfo: true },
      { offer: readSdp(offer), made: readSdp(made) },
    );

  test('takes the events that were offered, where the side itself does not', () => {
    assert.equal(answered(plain, {}), withEvents);
    assert.equal(answered(plain, { digits: 'info' }), withEvents);
    assert.equal(answered(withEvents, { digits: 'info' }), withEvents);
  });

  test('is as it is where the side takes tones, the offerer has no events, or none fit', () => {
    assert.equal(answered(plain, { digits: 'inband' }), plain);
    assert.equal(answered(plain, {}, plain), plain);
    assert.equal(answered(plain, {}, withEvents, withEvents, { digits: 'inband' }), plain);
    assert.equal(answered(plain, {}, withEvents, withEvents.replace('event/8000', 'event/48000')), plain);
    for (const formats of ['101', '101 8']) {
      const taken = sdp(`m=audio 4000 RTP/AVP ${formats}\r\na=rtpmap:101 iLBC/8000\r\n`);
      assert.equal(answered(taken, {}), taken);
    }
    const elsewhere = withEvents.replaceAll('101', '96');
    assert.equal(answered(withEvents, { digits: 'info' }, elsewhere, elsewhere), withEvents, 'it has some');
    const fax = sdp('m=image 4002 udptl t38\r\n');
    assert.equal(answered(fax, {}, fax, fax), fax);
  });
});

test('events fit where any of the voice has their rate', () => {
  const two = sdp('m=audio 4000 RTP/AVP 111 8\r\na=rtpmap:111 opus/48000/2\r\n');
  const policies = { from: {}, to: {}, eventsToInfo: true };
  const made = answerForEngine(readSdp(two), policies, { offer: readSdp(withEvents), made: readSdp(withEvents) });
  assert.equal(eventsIn(readSdp(made)).length, 1);
});

test('INFO alone is for whoever wants no other, or says nothing of events and takes no tones', () => {
  const takes = (digits: MediaPolicy['digits'], text: string) =>
    takesInfoAlone(digits ? { digits } : {}, readSdp(text));
  assert.deepEqual([takes('info', withEvents), takes('info', plain)], [true, true]);
  assert.deepEqual([takes(undefined, withEvents), takes(undefined, plain)], [false, true]);
  assert.deepEqual([takes('inband', withEvents), takes('inband', plain)], [false, false]);
});

test('what a side is told without events holds all the rest, as it was', () => {
  assert.equal(withoutEvents(withEvents), plain);
  assert.equal(withoutEvents(plain), plain);
  const two = sdp(
    'a=x:1\r\nm=video 4002 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\nm=audio 4000 RTP/SAVPF 111 110 126\r\na=rtpmap:111 opus/48000/2\r\n' +
      'a=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 TELEPHONE-EVENT/8000\r\na=fmtp:126 0-16\r\na=fmtp:111 x=1\r\na=sendonly\r\n',
  );
  const left = sdp(
    'a=x:1\r\nm=video 4002 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\nm=audio 4000 RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n' +
      'a=fmtp:111 x=1\r\na=sendonly\r\n',
  );
  assert.equal(withoutEvents(two), left);
  assert.equal(eventsIn(readSdp(withoutEvents(two))).length, 0);
  const refused = withEvents.replace('4000', '0');
  assert.equal(withoutEvents(refused), refused, 'a stream that is refused says nothing');
  assert.equal(withoutEvents(withEvents.replace('4000', '4000/12')), plain.replace('4000', '4000/12'));
  assert.equal(withoutEvents(withEvents.replaceAll('\r', '')), plain, 'each line has its whole end');
  const alone = sdp('m=audio 4000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n');
  assert.equal(withoutEvents(alone), alone, 'a stream has one format at least');
});
