import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Destination } from '../../../src/call/ports.ts';
import { redirectHeaders, referHeaders, type CallersTrunk } from '../../../src/trunk/destinations.ts';
import { intervalTooShort, longerInterval, sessionAnswer, sessionOffer } from '../../../src/trunk/session-timer.ts';
import type { TrunkSettings } from '../../../src/trunk/settings.ts';
import { readSipfrag, writeSipfrag } from '../../../src/trunk/sipfrag.ts';
import type { SipMessageView } from '../../../src/trunk/srf.ts';
import { china, first, other, read, second } from '../numbers/invite.ts';

const final = '+8613900139000';

function trunk(identity: TrunkSettings['identity'] = {}): CallersTrunk {
  const settings: TrunkSettings = {
    ...{ name: 'ngn', peers: [], gateways: [], reading: china, identity },
    ...{ optionsInterval: 0, gatewayTimeout: 1, ringTimeout: 1 },
  };
  return { settings, ownNumbers: new Set([second]), host: 'sbc.example.net' };
}

function destination(to: Destination['to'] = [final], headers: string[] = []): Destination {
  return { to, firstCalled: first, reading: read({ headers }) };
}

function message(headers: Record<string, string>): SipMessageView {
  return { get: (name) => headers[name], has: (name) => name in headers };
}

describe('a fragment of a response', () => {
  for (const [body, progress] of [
    ['SIP/2.0 200 OK\r\n', { status: 200 }],
    ['SIP/2.0 486\r\nReason: SIP;cause=486, Q.850;cause=17\r\n', { status: 486, q850: 17 }],
    ['\r\nsip/2.0 100 Trying', { status: 100 }],
    ['SIP/2.0 \t 180', { status: 180 }],
    ['SIP/2.0 503 Why\nTo: x\nReason :Q.850;cause=41\nReason: Q.850;cause=16', { status: 503, q850: 41 }],
    ['SIP/2.0 503\rX-Reason: Q.850;cause=41\rReasons: Q.850;cause=41', { status: 503 }],
    ['x SIP/2.0 200 OK', undefined],
    ['SIP/2.0 700 What', undefined],
    ['SIP/2.0 1000 What', undefined],
    ['HTTP/1.1 200 OK', undefined],
    ['', undefined],
    [undefined, undefined],
  ] as const) {
    test(`${JSON.stringify(body)} tells ${JSON.stringify(progress)}`, () => {
      assert.deepEqual(readSipfrag(body), progress);
    });
  }
});

test('a fragment tells a status with its phrase, in one line', () => {
  assert.equal(writeSipfrag(486), 'SIP/2.0 486 Busy Here\r\n');
});

describe('Refer-To', () => {
  const replaces = { callId: '1 2@192.0.2.1', toTag: 'a;b', fromTag: 'c' };
  for (const [to, identity, expected] of [
    [final, {}, `<sip:${final}@sbc.example.net;user=phone>`],
    [final, { numberFormat: 'country-code', domain: 'op.example' }, '<sip:8613900139000@op.example;user=phone>'],
    ['95588', {}, '<sip:95588@sbc.example.net;user=phone>'],
    [final, { numberFormat: 'national' }, '<sip:13900139000@sbc.example.net;user=phone>'],
    [final, { numberFormat: 'national', country: 'DE' }, '<sip:+8613900139000@sbc.example.net;user=phone>'],
    ['tel:95588;phone-context=+86', {}, '<tel:95588;phone-context=+86>'],
    ['sip:li@[2001:db8::5]:5070', {}, '<sip:li@[2001:db8::5]:5070>'],
    ['sip:li@a>,<sip:b', {}, undefined],
    ['tel:1>\r\nX: y', {}, undefined],
    ['xtel:95588', {}, undefined],
    ['https://example.net', {}, undefined],
  ] as const) {
    test(`of ${JSON.stringify(to)} is ${expected}`, () => {
      assert.equal(referHeaders(destination([to]), trunk(identity), undefined)?.['Refer-To'], expected);
    });
  }

  test('holds what is to be replaced, escaped; a tel: address becomes one that can', () => {
    const headers = (to: string) => referHeaders(destination([to]), trunk(), replaces)?.['Refer-To'];
    const value = 'Replaces=1%202%40192.0.2.1%3Bto-tag%3Da%3Bb%3Bfrom-tag%3Dc';
    assert.equal(headers('tel:+86-139-0013-9000'), `<sip:${final}@sbc.example.net;user=phone?${value}>`);
    assert.equal(headers('tel:95588'), `<sip:95588@sbc.example.net;user=phone?${value}>`);
    assert.equal(headers('sip:li@example.net?Subject=x'), `<sip:li@example.net?Subject=x&${value}>`);
    assert.equal(headers('sip:tel:95588@example.net'), `<sip:tel:95588@example.net?${value}>`);
    for (const none of ['sip:a b', 'tel:*.#']) assert.equal(headers(none), undefined);
  });

  test('says for whom, where that can be written', () => {
    const by = (firstCalled: string) => referHeaders({ ...destination(), firstCalled }, trunk(), undefined);
    assert.equal(by(first)?.['Referred-By'], `<sip:${first}@sbc.example.net;user=phone>`);
    assert.deepEqual(by(''), { 'Refer-To': `<sip:${final}@sbc.example.net;user=phone>` });
  });
});

describe('a redirection', () => {
  test('continues the History-Info that came, up to the subscriber, and names its entry as the one that maps', () => {
    const history = `History-Info: <sip:${other}@op.example>;index=1, <sip:${first}@op.example;cause=302>;index=1.1;mp=1, <sip:${second}@as.example;cause=302>;index=1.1.1;mp=1.1`;
    const headers = redirectHeaders(destination([final], [history]), trunk());
    assert.equal(headers?.['History-Info']?.split(', ').length, 3);
    assert.match(headers['History-Info'], /index=1\.1\.1;mp=1\.1$/);
    assert.equal(headers['Contact'], `<sip:${final}@sbc.example.net;user=phone>;mp=1.1`);
    assert.match(headers['Diversion'] ?? '', new RegExp(`^<sip:\\${first}@`));
  });

  test('leaves out what is no address, and is none when nothing is left', () => {
    const contact = redirectHeaders(destination(['sip:a b', final, '95588']), trunk())?.['Contact'] ?? '';
    assert.deepEqual(
      contact.split(', ').map((value) => /<sip:([^@]+)@.*;q=([\d.]+)/.exec(value)?.slice(1)),
      [
        [final, '1'],
        ['95588', '0.5'],
      ],
    );
    assert.equal(redirectHeaders(destination(['sip:a b']), trunk()), undefined);
    assert.equal(
      redirectHeaders(destination(['sip:li@192.0.2.7']), trunk({ historyInfo: false }))?.['Contact'],
      '<sip:li@192.0.2.7>',
    );
  });
});

describe('a session timer', () => {
  const knows = { supported: '100rel, timer' };
  for (const [headers, interval, answer] of [
    [{ ...knows, 'session-expires': '120' }, 0, { 'Session-Expires': '120;refresher=uac', Require: 'timer' }],
    [{ ...knows, 'session-expires': '120;refresher=uas' }, 0, { 'Session-Expires': '120;refresher=uas' }],
    [{ ...knows, 'session-expires': '999999' }, 0, { 'Session-Expires': '86400;refresher=uac', Require: 'timer' }],
    [{ ...knows, 'session-expires': '90 ;x ; Refresher = UAS ;y' }, 0, { 'Session-Expires': '90;refresher=uas' }],
    [
      { ...knows, 'session-expires': '120;refresher=uasx' },
      0,
      { 'Session-Expires': '120;refresher=uac', Require: 'timer' },
    ],
    [{ require: 'TIMER', 'session-expires': '120' }, 0, { 'Session-Expires': '120;refresher=uac', Require: 'timer' }],
    [{ ...knows, 'session-expires': '89' }, 0, {}],
    [{ ...knows, 'session-expires': 'x120' }, 0, {}],
    [{ ...knows, 'session-expires': '120x' }, 0, {}],
    [{ 'session-expires': '120' }, 600_000, {}],
    [knows, 600_000, { 'Session-Expires': '600;refresher=uas' }],
    [{ ...knows, 'min-se': '900' }, 600_000, { 'Session-Expires': '900;refresher=uas' }],
    [knows, 0, {}],
  ] as const) {
    test(`${JSON.stringify(headers)} with ours of ${interval} ms is answered ${JSON.stringify(answer)}`, () => {
      assert.deepEqual(sessionAnswer(message(headers), interval), answer);
    });
  }

  test('is asked for with the shortest that we bear', () => {
    assert.deepEqual(sessionOffer(1800), { 'Session-Expires': '1800', 'Min-SE': '90' });
    assert.deepEqual(sessionOffer(0), {});
  });

  test('that is too short, or not long enough for a far side', () => {
    assert.equal(intervalTooShort(message({ ...knows, 'session-expires': '89' })), '90');
    assert.equal(intervalTooShort(message({ ...knows, 'session-expires': '90' })), undefined);
    assert.equal(intervalTooShort(message({ 'session-expires': '89' })), undefined); // RFC 4028 9: it knows no 422
    assert.equal(intervalTooShort(message(knows)), undefined);
    assert.equal(longerInterval(message({ 'min-se': '900' }), 600), 900);
    assert.equal(longerInterval(message({ 'min-se': '86400' }), 600), 86_400);
    for (const minSe of ['600', '86401', 'x'])
      assert.equal(longerInterval(message({ 'min-se': minSe }), 600), undefined);
    assert.equal(longerInterval(message({}), 600), undefined);
  });
});
