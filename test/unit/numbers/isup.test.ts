import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { outgoingIdentity } from '../../../src/numbers/present.ts';
import { caller, first, other, read, refusal, second } from './invite.ts';

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

  test('every truncation of an IAM is survived', () => {
    const whole = iam([0x0a, number(national(caller), 3)], [0x28, number(national(first), 3)], [0x13, [0x33, 0x31]]);
    for (let length = 0; length < whole.length - 1; length++) {
      const reading = read({ contentType: isupType, body: whole.subarray(0, length) });
      assert.equal(reading.secondCalled, second);
    }
  });
});
