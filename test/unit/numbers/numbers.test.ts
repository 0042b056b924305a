import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isEmergency, isPhoneNumber, normalise, parseDialled } from '../../../src/numbers/number.ts';
import { china } from './invite.ts';

const number = (input: string, settings = {}, hints = {}) => normalise(input, { ...china, ...settings }, hints)?.number;

describe('numbers of China', () => {
  const rows: [input: string, wanted: string | undefined][] = [
    ['20000001', '+8675520000001'],
    ['86200001', '+8675586200001'],
    ['2000001', undefined],
    ['(0755) 2000 0001', '+8675520000001'],
    ['+008675520000001', '+8675520000001'],
    ['0075520000001', '+75520000001'],
    ['+86(0)755-2000-0001', '+8675520000001'],
    ['+8675512345678', undefined],
    ['+8675595588', '95588'],
    ['0755110', '110'],
    ['1062000003', '+861062000003'],
    ['106575550000', '106575550000'],
    ['12583213800138000', '+8613800138000'],
    ['1259395588', undefined],
    ['1790920000001', undefined],
    ['17909', undefined],
    ['138001380001', undefined],
    ['++8613800138000', undefined],
    ['+', undefined],
    ['', undefined],
    ['13800138000x', undefined],
    ['1'.repeat(65), undefined],
  ];
  for (const [input, wanted] of rows) {
    test(`${JSON.stringify(input)} is ${wanted ?? 'no number'}`, () => assert.equal(number(input), wanted));
  }

  test('the outside prefix is tried last, so that short codes keep their first digit', () => {
    assert.equal(number('95588', { outsidePrefix: '9' }), '95588');
    assert.equal(number('9110', { outsidePrefix: '9' }), '110');
    assert.equal(number('920000001', { outsidePrefix: '9' }), '+8675520000001');
    assert.equal(number('917909075520000001', { outsidePrefix: '9' }), '+8675520000001');
  });

  test('the nature of address goes before the form', () => {
    assert.equal(number('20000001', {}, { nai: 'subscriber' }), '+8675520000001');
    assert.equal(number('75595588', {}, { nai: 'national' }), '95588');
    assert.equal(number('8675520000001', {}, { nai: 'international' }), '+8675520000001');
  });

  test('a phone-context selects the plan, and a private one keeps the digits', () => {
    assert.equal(number('2079460000', {}, { phoneContext: '+44' }), '+442079460000');
    assert.equal(number('5550123', {}, { phoneContext: '+1212' }), '+12125550123');
    assert.equal(number('20000003', {}, { phoneContext: 'ims.example.net' }), '+8675520000003');
    assert.deepEqual(normalise('1234', china, { phoneContext: 'cdp.udp' }), { number: '1234', kind: 'private' });
  });
});

describe('numbers elsewhere', () => {
  test('local numbers, short codes and prefixes', () => {
    assert.equal(number('55501040', { defaultCountry: 'AU', areaCode: '2' }), '+61255501040');
    assert.equal(number('90255501040', { defaultCountry: 'AU', areaCode: '', outsidePrefix: '9' }), '+61255501040');
    assert.equal(number('101', { defaultCountry: 'GB', areaCode: '' }), '101');
    assert.equal(number('999', { defaultCountry: 'GB', areaCode: '' }), '999');
    assert.equal(number('12345', { defaultCountry: 'XX', areaCode: '' }), undefined);
  });
});

describe('what a person types', () => {
  const rows: [input: string, wanted: string | undefined][] = [
    ['0755-2000 0001', '+8675520000001'],
    [' +86 138 0013 8000 ', '+8613800138000'],
    ['tel:0755 2000 0001', '+8675520000001'],
    ['TEL:+86-755-20000001', '+8675520000001'],
    ['tel:1234;phone-context=cdp.udp', '1234'],
    ['sip:alice@Example.COM:5070;transport=tcp', 'sip:alice@example.com:5070'],
    ['sip:1001@192.168.1.7', 'sip:1001@192.168.1.7'],
    ['sip:+8675520000001@x;user=phone', '+8675520000001'],
    ['sips:alice@example.com', undefined],
    ['sip:anonymous@anonymous.invalid', undefined],
    ['sip:a%0d%0aX@example.com', undefined],
    ['sip:a<b@example.com', undefined],
    ['sip:example.com', undefined],
    ['http://example.com/', undefined],
    ['alice', undefined],
    ['１３８００１３８０００', undefined],
  ];
  for (const [input, wanted] of rows) {
    test(`${JSON.stringify(input)} is ${wanted ?? 'no number'}`, () => {
      const got = parseDialled(input, china)?.number;
      assert.equal(got, wanted);
      if (got !== undefined) assert.ok(isPhoneNumber(got));
    });
  }
});

test('emergency numbers are known by country, behind a SIP address too', () => {
  for (const typed of ['110', '119', '120', '122', '112', '0755110', '+86110', 'sip:110@gateway.example', 'tel:112']) {
    const dialled = parseDialled(typed, china);
    assert.ok(dialled && isEmergency(dialled.number, china), typed);
  }
  assert.ok(isEmergency('000', { defaultCountry: 'AU' }));
  assert.ok(isEmergency('911', { defaultCountry: 'US' }));
  assert.equal(isEmergency('10086', china), false);
  assert.equal(isEmergency('+8675520000110', china), false);
});
