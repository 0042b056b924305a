import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { outgoingIdentity } from '../../../src/numbers/present.ts';
import type { Explanation } from '../../../src/numbers/explanation.ts';
import { explanationOf, readInviteOctets } from '../../../src/numbers/read.ts';
import { caller, china, first, invite, other, read, refusal, second, type InviteFacts } from './invite.ts';

type Presentation = 'allowed' | 'restricted' | 'not-available';

/** Digits two an octet, the low half first (ITU-T Q.763 3.9). */
function digitOctets(digits: string): number[] {
  const even = digits.length % 2 === 0 ? digits : `${digits}0`;
  return [...even.matchAll(/(.)(.)/g)].map(([, low = '0', high = '0']) => Number.parseInt(high + low, 16));
}

function number(digits: string, nai: number, presentation: Presentation = 'allowed'): number[] {
  const bits = { allowed: 0, restricted: 1, 'not-available': 2 }[presentation];
  return [((digits.length % 2) << 7) | nai, 0x10 | (bits << 2) | 3, ...digitOctets(digits)];
}

/** An IAM that calls the service, with these optional parameters. */
function iam(...optional: [name: number, value: number[]][]): Buffer {
  const called = number(second.slice(3), 3);
  const parameters = optional.flatMap(([name, value]) => [name, value.length, ...value]);
  return Buffer.from([1, 0, 0x20, 1, 0x0a, 0, 2, 2 + called.length, called.length, ...called, ...parameters, 0]);
}

const isupType = 'application/isup;version=itu-t92+';
const national = (e164: string) => e164.slice(3);
const unavailable = '<sip:unavailable@unknown.invalid>';

function multipart(boundary: string, part: Buffer, disposition = 'signal;handling=optional'): Buffer {
  const head = `Content-Type: ${isupType}\r\nContent-Disposition: ${disposition}\r\n\r\n`;
  return Buffer.concat([
    Buffer.from(`a preamble\r\n--${boundary}\r\n\r\nv=0\r\n--${boundary}\r\n${head}`),
    part,
    Buffer.from(`\r\n--${boundary}--\r\nan epilogue`),
  ]);
}

function readRefused(facts: InviteFacts): { explanation: Explanation } {
  return { explanation: explanationOf(readInviteOctets(invite(facts), china)) };
}

describe('the IAM of SIP-I', () => {
  test('fills what SIP lacks, and its restriction counts', () => {
    const body = iam([0x0a, number(national(caller), 3, 'restricted')], [0x28, number(national(first), 3)]);
    const reading = read({ from: unavailable, contentType: isupType, body });
    assert.deepEqual(
      [reading.caller, reading.callerPrivate, reading.firstCalled, reading.firstCalledSource],
      [caller, true, first, 'isup-ocn'],
    );
    const asserted = read({
      headers: [`P-Asserted-Identity: <sip:${other}@x>`, 'Privacy: none'],
      contentType: isupType,
      body,
    });
    assert.deepEqual([asserted.caller, asserted.callerPrivate], [other, true]);
  });

  test('an address that is not available, and another numbering plan, give no number', () => {
    const none = iam([0x0a, number('', 3, 'not-available')]);
    assert.equal(read({ from: unavailable, contentType: isupType, body: none }).caller, null);
    const telex = iam([0x0a, [0x03, 0x40, ...digitOctets('13800138')]]);
    assert.equal(read({ from: unavailable, contentType: isupType, body: telex }).caller, null);
  });

  test('the generic number is the presentation number where the trunk prefers From', () => {
    const body = iam([0x0a, number(national(caller), 3)], [0xc0, [6, ...number('4008001234', 3)]]);
    const facts = { from: unavailable, contentType: isupType, body };
    assert.equal(read(facts, { callerPreference: 'from' }).caller, '+864008001234');
    assert.equal(read(facts).caller, caller);
  });

  test('the called party stands in for a Request-URI that names an account', () => {
    const facts = { uri: 'sip:trunk01@192.0.2.9', to: 'trunk01', contentType: isupType, body: iam() };
    assert.equal(read(facts).secondCalled, second);
  });

  test('a multipart with preamble, quoted boundary, and a boundary that begins like another', () => {
    const body = multipart('b1', multipart('b10', iam([0x28, number(national(first), 3)])));
    const nested = Buffer.from(body.toString('latin1').replace(isupType, 'multipart/mixed;boundary=b10'), 'latin1');
    const reading = read({ contentType: 'multipart/mixed; boundary="b1"', body: nested });
    assert.equal(reading.firstCalled, first);
  });

  test('what cannot be read is dropped when optional and refused when required', () => {
    const broken = Buffer.from([6, 0, 0]);
    const contentType = 'multipart/mixed;boundary=b1';
    assert.equal(read({ contentType, body: multipart('b1', broken) }).warnings.length, 1);
    assert.equal(refusal({ contentType, body: multipart('b1', broken, 'signal;handling=required') }), 400);
    assert.equal(refusal({ contentType, body: Buffer.from('no delimiter') }), 400);
  });

  test('diversions that were only counted are kept on the onward leg', () => {
    const body = iam([0x28, number(national(first), 3)], [0x13, [0x33, 0x23]]);
    const reading = read({ contentType: isupType, body });
    assert.deepEqual([reading.counter, reading.reason], [3, 'no-answer']);
    const onward = outgoingIdentity(reading, {}, { to: caller, subscriber: first, domain: 'us.example' });
    assert.deepEqual(
      onward.headers.find(([name]) => name === 'Diversion'),
      ['Diversion', `<sip:${first}@us.example;user=phone>;reason=no-answer;counter=3`],
    );
  });

  const sip = 'application/isup';
  const ocn = (digits = national(first), more = 3): [number, number[]] => [0x28, number(digits, more)];
  const rdn = (presentation: Presentation = 'allowed'): [number, number[]] => [
    0x0b,
    number(national(other), 3, presentation),
  ];

  test('original called and redirecting number are the oldest and the latest [G01-G03]', () => {
    const both = read({ contentType: sip, body: iam(ocn(), rdn(), [0x13, [0x13, 0x32]]) });
    assert.deepEqual(
      both.chain.map((user) => [user.number, user.reason, user.source, user.private, user.counter]),
      [
        [first, 'user-busy', 'isup-ocn', false, 1],
        [other, 'unconditional', 'isup-rdn', false, 1],
      ],
    );
    assert.deepEqual(
      [both.firstCalled, both.lastDiverting, both.reason, both.counter],
      [first, other, 'unconditional', 2],
    );
    const last = read({ contentType: sip, body: iam(rdn(), [0x13, [0x03, 0x61]]) });
    assert.deepEqual(
      [last.firstCalled, last.firstCalledSource, last.reason, last.counter, last.chain.length],
      [other, 'isup-rdn', 'unavailable', 1, 1],
    );
    const same = read({ contentType: sip, body: iam(ocn(), [0x0b, number(national(first), 3, 'restricted')]) });
    assert.deepEqual([same.chain.length, same.firstCalledPrivate, same.reason, same.counter], [1, true, 'unknown', 1]);
  });

  test('every redirecting reason [G10]', () => {
    const wanted = [
      'unknown',
      'user-busy',
      'no-answer',
      'unconditional',
      'deflection',
      'deflection',
      'unavailable',
      'unknown',
      'unknown',
    ];
    for (const [code, reason] of wanted.entries()) {
      const body = iam(ocn(), [0x13, [0x03, (code << 4) | 1]]);
      assert.equal(read({ contentType: sip, body }).reason, reason, String(code));
    }
  });

  test('what is restricted: all redirection, or one number [G12 G13]', () => {
    for (const [indicator, hidden] of [
      [0, false],
      [1, false],
      [2, true],
      [3, false],
      [4, true],
      [5, false],
      [6, false],
    ] as const) {
      const body = iam(ocn(), [0x13, [indicator, 0x31]]);
      assert.equal(read({ contentType: sip, body }).firstCalledPrivate, hidden, String(indicator));
    }
    const one = read({ contentType: sip, body: iam(ocn(), rdn('restricted'), [0x13, [0x03, 0x32]]) });
    assert.deepEqual(
      one.chain.map((user) => user.private),
      [false, true],
    );
  });

  test('redirection information alone says why and how often', () => {
    const reading = read({ contentType: sip, body: iam([0x13, [0x03, 0x23]]), to: first });
    assert.deepEqual([reading.firstCalled, reading.reason, reading.counter], [first, 'no-answer', 3]);
    const short = read({ contentType: sip, body: iam(ocn(), [0x13, [0x33]]) });
    assert.deepEqual([short.reason, short.counter], ['unconditional', 1]);
  });

  test('natures of address [G08-G10 G14]', () => {
    const numbers: [digits: string, nai: number, wanted: string | null][] = [
      ['20000001', 1, first],
      ['075520000001', 2, first],
      ['75520000001', 3, first],
      ['442079460000', 4, '+442079460000'],
      ['8675520000001', 4, first],
      ['20000001', 5, null],
    ];
    for (const [digits, nai, wanted] of numbers)
      assert.equal(read({ contentType: sip, body: iam(ocn(digits, nai)) }).firstCalled, wanted, `${digits} ${nai}`);
  });

  test('the end of pulsing is no digit, in odd and even numbers', () => {
    // 0x0f is the digit ST in the low half, 0xf0 in the high one.
    const even = [0x03, 0x11, ...digitOctets('7552000000'), 0xf1];
    const odd = [0x83, 0x11, ...digitOctets('755200000001'.slice(0, 10)), 0x1, 0x0f];
    assert.equal(read({ contentType: sip, body: iam([0x28, even]) }).firstCalled, first);
    assert.equal(read({ contentType: sip, body: iam([0x28, [...odd.slice(0, -2), 0x01]]) }).firstCalled, first);
  });

  test('SIP goes before it; what SIP withholds it fills [G04 G17]', () => {
    const body = iam(ocn(), rdn(), [0x13, [0x13, 0x24]]);
    const told = read({ contentType: sip, body, headers: [`Diversion: <sip:${caller}@x>;reason=away`] });
    assert.deepEqual([told.firstCalled, told.lastDiverting, told.reason, told.counter], [caller, caller, 'away', 1]);
    const withheld = read({
      contentType: sip,
      body,
      headers: ['Diversion: <sip:anonymous@anonymous.invalid>;reason=away'],
    });
    assert.deepEqual(
      [withheld.firstCalled, withheld.firstCalledSource, withheld.lastDiverting, withheld.reason],
      [first, 'isup-ocn', other, 'away'],
    );
  });

  test('presentation: the calling number, and the generic one where it is used [G05 G06 G11]', () => {
    const generic: [number, number[]] = [0xc0, [6, ...number('4008001234', 3, 'restricted')]];
    const facts = { from: unavailable, contentType: sip, body: iam([0x0a, number(national(caller), 3)], generic) };
    assert.equal(read(facts).callerPrivate, false);
    assert.equal(read(facts, { callerPreference: 'from' }).callerPrivate, true);
    assert.equal(read(facts, { callerPreference: 'from', trustIdentity: false }).caller, null);
    const notNqi6: [number, number[]] = [0xc0, [5, ...number('4008001234', 3)]];
    const calling = { ...facts, body: iam([0x0a, number(national(caller), 3)], notNqi6, generic) };
    assert.equal(read(calling, { callerPreference: 'from' }).caller, '+864008001234');
    const restricted = { ...facts, body: iam([0x0a, number(national(caller), 3, 'restricted')]) };
    assert.equal(read({ ...restricted, from: `<sip:${other}@x>` }, { trustIdentity: false }).callerPrivate, true);
  });

  test('restricted by the network is restricted, too (Q.763 3.10)', () => {
    const calling = number(national(caller), 3);
    for (const [bits, hidden] of [false, true, false, true].entries()) {
      const withBits = [...calling];
      withBits[1] = 0x13 | (bits << 2);
      const reading = read({ from: unavailable, contentType: sip, body: iam([0x0a, withBits]) });
      assert.equal(reading.callerPrivate, hidden, String(bits));
    }
  });

  test('an original called number that is not available leaves it to the redirecting number', () => {
    const empty: [number, number[]] = [0x28, [0x03, 0x18]];
    const reading = read({ to: caller, contentType: sip, body: iam(empty, rdn(), [0x13, [0x13, 0x22]]) });
    assert.deepEqual(
      [reading.firstCalled, reading.firstCalledSource, reading.lastDiverting, reading.reason, reading.counter],
      [other, 'isup-rdn', other, 'no-answer', 2],
    );
    const alone = read({ to: caller, contentType: sip, body: iam(empty) });
    assert.deepEqual([alone.firstCalled, alone.firstCalledSource, alone.counter], [caller, 'to', 1]);
  });

  test('the IAM says why where SIP only says who', () => {
    const told = (reason: string) =>
      read({
        contentType: sip,
        body: iam(ocn(), [0x13, [0x03, 0x61]]),
        headers: [`Diversion: <sip:${other}@x>${reason}`],
      });
    assert.deepEqual(
      [told('').firstCalled, told('').reason, told('').chain[0]?.reason],
      [other, 'unavailable', 'unavailable'],
    );
    assert.equal(told(';reason=away').reason, 'away');
  });

  test('an IAM that is laid out otherwise is not read (RFC 3204 3.1)', () => {
    for (const [version, isRead] of [
      ['ansi88', false],
      ['GR317', false],
      ['x;base=ansi00', false],
      ['ansi88;base=itu-t92+', true],
      ['itu-t92+', true],
      ['etsi121', true],
    ] as const) {
      const reading = read({ contentType: `application/isup;version=${version}`, body: iam(ocn()) });
      assert.equal(reading.firstCalled, isRead ? first : null, version);
    }
    const body = multipart('b', iam(ocn()));
    assert.equal(read({ contentType: 'multipart/mixed;boundary=b', body }).firstCalled, first);
  });

  test('the explanation names its parameters', () => {
    const body = iam([0x0a, number(national(caller), 3)], ocn(), rdn());
    const lines = (facts: Parameters<typeof read>[0], settings = {}) =>
      read(facts, settings)
        .explanation.filter(({ where }) => where.startsWith('IAM'))
        .map(({ used, where, value, rule, why }) => [used, where, value, rule, why]);
    assert.deepEqual(
      lines({ uri: `sip:${other}@x`, contentType: sip, body, headers: [`Diversion: <sip:${first}@x>`] }),
      [
        [false, 'IAM called party number', second, '3 (RFC 3261 16.5, RFC 7315 4.2)', 'the Request-URI goes before it'],
        [false, 'IAM original called number', first, '5.14 (Q.763 3.39)', 'SIP headers go before it'],
        [false, 'IAM redirecting number', other, '5.14 (Q.763 3.45)', 'SIP headers go before it'],
        [false, 'IAM calling party number', caller, '4 (RFC 3325 9.1)', 'From goes before it'],
        [false, 'IAM original called number', first, '5 order 2, 5.14 (Q.763 3.39)', 'Diversion goes before it'],
      ],
    );
    const rdnAlone = read({ contentType: sip, body: iam(rdn()) }).explanation.at(-2);
    assert.deepEqual([rdnAlone?.where, rdnAlone?.rule], ['IAM redirecting number', '5 order 2, 5.14 (Q.763 3.45)']);
    assert.deepEqual(
      lines({ contentType: sip, body }).filter(([, where]) => where === 'IAM called party number'),
      [],
    );
    const distrusted = lines({ contentType: sip, body }, { trustIdentity: false });
    assert.ok(distrusted.some(([used, where]) => where === 'IAM calling party number' && used === false));
    const broken = read({ contentType: sip, body: Buffer.from([6]) }).explanation.find(({ about }) => about === 'body');
    assert.deepEqual(broken, {
      about: 'body',
      where: 'ISUP body',
      value: null,
      used: false,
      rule: '1.8, 5.14 (RFC 3204 4)',
      why: 'ignored: not an initial address message',
    });
  });

  test('bodies: what is refused, what is forgiven [I42 I47-I49]', () => {
    const contentType = 'multipart/mixed;boundary=b';
    const part = (content: string) => `--b\r\n\r\n${content}\r\n`;
    const status = (body: string, type = contentType) =>
      refusal({ contentType: type, body: Buffer.from(body, 'latin1') });
    assert.equal(status(part('x').repeat(16)), undefined);
    assert.equal(status(part('x').repeat(17)), 400);
    assert.equal(status(part('x'), 'multipart/mixed'), 400);
    assert.equal(status(part('x'), 'multipart/mixed;boundary=""'), 400);
    assert.equal(status(`--${'b'.repeat(70)}\r\n\r\nx`, `multipart/mixed;boundary=${'b'.repeat(70)}`), undefined);
    assert.equal(status(`--${'b'.repeat(71)}\r\n\r\nx`, `multipart/mixed;boundary=${'b'.repeat(71)}`), 400);
    const nested = (depth: number): string =>
      depth === 0
        ? 'x'
        : `--b${depth}\r\nc: multipart/mixed;\r\n boundary=b${depth - 1}\r\n\r\n${nested(depth - 1)}\r\n--b${depth}--`;
    assert.equal(
      status(nested(2).replace('boundary=b0', 'x=y').replace('multipart', 'text'), 'multipart/mixed;boundary=b2'),
      undefined,
    );
    assert.equal(status(nested(3), 'multipart/mixed;boundary=b3'), 400);
    const required = { contentType: sip, body: Buffer.from([6]) };
    assert.equal(refusal({ ...required, headers: ['Content-Disposition: signal;handling=REQUIRED'] }), 400);
    assert.equal(refusal({ ...required, headers: ['Content-Disposition: signal;handling=optional'] }), undefined);
    const { explanation } = readRefused({ ...required, headers: ['Content-Disposition: signal;handling=required'] });
    assert.equal(explanation.at(-1)?.why, 'ISUP body: not an initial address message');
  });

  test('every truncation of an IAM is survived', () => {
    const whole = iam([0x0a, number(national(caller), 3)], [0x28, number(national(first), 3)], [0x13, [0x33, 0x31]]);
    for (let length = 0; length < whole.length - 1; length++) {
      const reading = read({ contentType: isupType, body: whole.subarray(0, length) });
      assert.equal(reading.secondCalled, second);
    }
  });
});
