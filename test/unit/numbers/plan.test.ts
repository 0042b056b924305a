import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isEmergency, isPhoneNumber, normalise, parseDialled } from '../../../src/numbers/number.ts';
import type { NumberHints, NumberingSettings } from '../../../src/numbers/phone-number.ts';
import { china } from './invite.ts';

type Settings = Partial<NumberingSettings>;
const got = (input: string, settings: Settings = {}, hints: NumberHints = {}) => {
  const found = normalise(input, { ...china, ...settings }, hints);
  return found && `${found.kind} ${found.number}`;
};
const checks = (
  rows: readonly (readonly [input: string, wanted: string | undefined, settings?: Settings, hints?: NumberHints])[],
) => {
  for (const [input, wanted, settings, hints] of rows)
    assert.equal(got(input, settings, hints), wanted, JSON.stringify([input, settings, hints]));
};

describe('the plan of China', () => {
  test('short codes, each at its shortest and its longest', () => {
    const codes = [
      ...[
        '110',
        '119',
        '114',
        '117',
        '120',
        '129',
        '122',
        '10000',
        '10199',
        '100999',
        '1008611',
        '10100',
        '10106666',
        '10109999',
      ],
      ...[
        '10612345',
        '10612345678901234567',
        '116114',
        '118114',
        '118999',
        '12345',
        '12306',
        '125800',
        '16000',
        '16812345',
      ],
      ...[
        '95588',
        '9558812',
        '955881234',
        '95012345',
        '9501312345678',
        '95012345678901234',
        '96110',
        '96123456',
        '999',
        '911',
      ],
    ];
    for (const code of codes) assert.equal(got(code), `short ${code}`, code);
  });

  test('what is none of them', () => {
    const others = [
      ...['11', '11a', '1100', '130', '10', '100', '1000', '10086112', '101', '1010', '101066', '1010666', '101066667'],
      ...[
        '1061234',
        '106123456789012345678',
        '11611',
        '1171141',
        '1161144',
        '119114',
        '11511',
        '1258001',
        '160',
        '1600',
        '168123456',
      ],
      ...[
        '9558',

        '950123456789012345',
        '9611',
        '961234567',
        '998',
        '91',
        '97123',
        '1',
        '12',
        '11110',
        '2095588',
        '5110',
      ],
    ];
    for (const code of others) assert.equal(got(code), undefined, code);
  });

  test('fixed numbers, mobiles, and numbers without an area', () => {
    checks([
      ['01020000001', 'e164 +861020000001'],
      ['02888888888', 'e164 +862888888888'],
      ['0763' + '2000001', 'e164 +867632000001'],
      ['075520000001', 'e164 +8675520000001'],
      ['075580000001', 'e164 +8675580000001'],
      ['+867632000001', 'e164 +867632000001'],
      ['0102000001', undefined],
      ['010200000011', undefined],
      ['0755200000011', undefined],
      ['0763200000', undefined],
      ['01012345678', undefined],
      ['07559123456', undefined],
      ['0400' + '2000001', 'e164 +864002000001'],
      ['040020000011', undefined],
      ['08612000001', undefined],
      ['13000000000', 'e164 +8613000000000'],
      ['19999999999', 'e164 +8619999999999'],
      ['12000000000', undefined],
      ['1380013800', undefined],
      ['4001234567', 'e164 +864001234567'],
      ['8001234567', 'e164 +868001234567'],
      ['5001234567', undefined],
      ['40012345678', undefined],
    ]);
  });

  test('local numbers only where the area has that length', () => {
    checks([
      ['20000001', 'e164 +861020000001', { areaCode: '10' }],
      ['20000001', 'e164 +8675520000001', { areaCode: '0755' }],
      ['2000001', 'e164 +867632000001', { areaCode: '0763' }],
      ['20000001', undefined, { areaCode: '' }],
      ['20000001', undefined, { areaCode: undefined }],
      ['20000001', undefined, { areaCode: '400' }],
      ['20000001', undefined, { areaCode: '75' }],
      ['20000001', undefined, { areaCode: '7555' }],
      ['200000', undefined],
      ['200000011', undefined],
      ['90000001', undefined],
      ['12000001', undefined],
    ]);
  });

  test('every carrier prefix, before a whole number', () => {
    const prefixes = [
      ...[
        '17900',
        '17901',
        '17908',
        '17909',
        '17910',
        '17911',
        '17950',
        '17951',
        '17960',
        '17961',
        '17968',
        '17969',
        '17990',
      ],
      ...['17991', '17995', '17996', '12593', '10193', '11808', '125831', '125832', '125833'],
    ];
    for (const prefix of prefixes) {
      assert.equal(got(`${prefix}13800138000`), 'e164 +8613800138000', prefix);
      assert.equal(got(`${prefix}075520000001`), 'e164 +8675520000001', prefix);
      assert.equal(got(`${prefix}00442079460000`), 'e164 +442079460000', prefix);
      assert.equal(got(`${prefix}20000001`), undefined, prefix);
      assert.equal(got(`${prefix}075595588`), undefined, prefix);
    }
    for (const prefix of ['17902', '17920', '12594', '125834', '19300'])
      assert.equal(got(`${prefix}13800138000`), undefined, prefix);
    assert.equal(got('175213800138000'), undefined);
  });

  test('the country code without its plus, at its lengths only', () => {
    checks([
      ['861062000003', 'e164 +861062000003'],
      ['8675520000001', 'e164 +8675520000001'],
      ['8613800138000', 'e164 +8613800138000'],
      ['86013800138000', 'e164 +8613800138000'],
      ['861010086', undefined],
      ['8610086', undefined],
      ['86755200000012', undefined],
      ['+86', undefined],
      ['+860', undefined],
      ['+8610086', 'short 10086'],
      ['+86010086', 'short 10086'],
      ['+8675510086', 'short 10086'],
      ['+8601010086', 'short 10086'],
      ['+8655', undefined],
      ['+86995', undefined],
    ]);
  });

  test('an area before a short code means nothing, when it is an area', () => {
    checks([
      ['01095588', 'short 95588'],
      ['075595588', 'short 95588'],
      ['02110086', 'short 10086'],
      ['040095588', undefined],
      ['01195588', undefined],
      ['01' + '0', undefined],
      ['0755', undefined],
    ]);
  });

  test('other countries by their prefix, never repaired', () => {
    checks([
      ['00442079460000', 'e164 +442079460000'],
      ['+00442079460000', 'e164 +442079460000'],
      ['0075520000001', 'e164 +75520000001'],
      ['0008613800138000', undefined],
      ['000', undefined],
      ['00', undefined],
      ['+0442079460000', undefined],
      ['+999123456789', undefined],
      ['+1', undefined],
      ['99442079460000', 'e164 +442079460000', { internationalPrefix: '99' }],
      ['00442079460000', undefined, { internationalPrefix: '99' }],
    ]);
    assert.equal(got('442079460000', { internationalPrefix: '' }), undefined);
  });

  test('the outside prefix comes last', () => {
    const nine = { outsidePrefix: '9' };
    checks([
      ['9075520000001', 'e164 +8675520000001', nine],
      ['917951013800138000', 'e164 +8613800138000', nine],
      ['920000001', 'e164 +8675520000001', nine],
      ['99', undefined, nine],
      ['9', undefined, nine],
      ['9995588', undefined, nine],
      ['995588', 'short 95588', nine],
      ['8075520000001', undefined, nine],
      ['9075520000001', undefined],
    ]);
  });

  test('the nature of address of ISUP comes first', () => {
    const nai = (value: NonNullable<NumberHints['nai']>) => ({ nai: value });
    checks([
      ['20000001', 'e164 +8675520000001', {}, nai('subscriber')],
      ['95588', 'short 95588', {}, nai('subscriber')],
      ['075520000001', 'e164 +8675520000001', {}, nai('subscriber')],
      ['13800138000', 'e164 +8613800138000', {}, nai('national')],
      ['1062000003', 'e164 +861062000003', {}, nai('national')],
      ['95588', 'short 95588', {}, nai('national')],
      ['1095588', 'short 95588', {}, nai('national')],
      ['20000001', 'e164 +8675520000001', {}, nai('national')],
      ['075520000001', 'e164 +8675520000001', {}, nai('national')],
      ['1795113800138000', 'e164 +8613800138000', {}, nai('national')],
      ['442079460000', 'e164 +442079460000', {}, nai('international')],
      ['00442079460000', 'e164 +442079460000', {}, nai('international')],
      ['8695588', 'short 95588', {}, nai('international')],
      ['+442079460000', 'e164 +442079460000', {}, nai('national')],
      ['1795113800138000', 'e164 +8613800138000', {}, nai('unknown')],
    ]);
  });

  test('the phone-context', () => {
    const context = (phoneContext: string) => ({ phoneContext });
    checks([
      ['20000001', 'e164 +861020000001', {}, context('+8610')],
      ['20000001', 'e164 +861020000001', { defaultCountry: 'GB' }, context('+86-10')],
      ['20000001', 'e164 +8675520000001', {}, context('+86')],
      ['20000001', 'e164 +8675520000001', {}, context('+86400')],
      ['95588', 'short 95588', {}, context('+8610')],
      ['+8675520000001', 'e164 +8675520000001', {}, context('pbx')],
      ['20000001', 'private 20000001', {}, context('PBX.example')],
      ['20000001', 'private 20000001', {}, context('cdp')],
      ['20000001', 'private 20000001', {}, context('x.udp')],
      ['20000001', 'e164 +8675520000001', {}, context('xcdp.example')],
      ['20000001', 'e164 +8675520000001', {}, context('')],
      ['20000001', 'e164 +8675520000001', {}, context('+x')],
      ['20000001', undefined, {}, context('+999')],
      ['2079460000', 'e164 +442079460000', {}, context('+44')],
      ['79460000', 'e164 +442079460000', {}, context('+4420')],
      ['101', 'short 101', {}, context('+44')],
      ['5', undefined, {}, context('+44')],
      ['2125550123', 'e164 +12125550123', {}, context('+1')],
      ['5550123', 'e164 +12125550123', {}, context('+1212')],
    ]);
  });

  test('what is written: separators, length, other characters', () => {
    checks([
      ['(0755) 2000.0001', 'e164 +8675520000001'],
      [`0755${'-'.repeat(52)}20000001`, 'e164 +8675520000001'],
      [`0755${'-'.repeat(53)}20000001`, undefined],
      ['x075520000001', undefined],
      ['075520000001x', undefined],
      ['0755+20000001', undefined],
      ['-', undefined],
    ]);
  });
});

describe('other countries', () => {
  const gb = { defaultCountry: 'GB', areaCode: '' };
  test('national, local and international numbers', () => {
    checks([
      ['02079460000', 'e164 +442079460000', gb],
      ['+442079460000', 'e164 +442079460000', gb],
      ['00493023125001', 'e164 +493023125001', gb],
      ['79460000', 'e164 +442079460000', { ...gb, areaCode: '20' }],
      ['901144207946', undefined, { ...gb, internationalPrefix: '9011' }],
      ['9011493023125001', 'e164 +493023125001', { ...gb, internationalPrefix: '9011' }],
      ['9102079460000', 'e164 +442079460000', { ...gb, outsidePrefix: '91' }],
      ['8102079460000', undefined, { ...gb, outsidePrefix: '91' }],
      ['919102079460000', undefined, { ...gb, outsidePrefix: '91' }],
      ['101', 'short 101', gb],
      ['116123', 'short 116123', gb],
      ['99', undefined, gb],
      ['02079460000', undefined, { defaultCountry: 'XX' }],
      ['+02079460000', undefined, gb],
    ]);
  });

  test('emergency numbers', () => {
    const numbers: Record<string, string[]> = {
      AU: ['000', '106'],
      CA: ['911'],
      CH: ['117', '118', '144'],
      DE: ['110'],
      FR: ['15', '17', '18', '114'],
      GB: ['999'],
      HK: ['999', '992'],
      IE: ['999'],
      IN: ['100', '101', '102', '108'],
      JP: ['110', '118', '119'],
      KR: ['119'],
      MO: ['999', '110'],
      NZ: ['111'],
      SG: ['995', '999'],
      TW: ['110', '119'],
      US: ['911'],
      CN: ['110', '119', '120', '122', '999'],
      BR: [],
    };
    for (const [defaultCountry, codes] of Object.entries(numbers)) {
      for (const code of ['112', '911', ...codes]) {
        assert.equal(got(code, { defaultCountry, areaCode: '' }), `short ${code}`, `${defaultCountry} ${code}`);
        assert.ok(isEmergency(code, { defaultCountry }), `${defaultCountry} ${code}`);
      }
      assert.equal(isEmergency('10086', { defaultCountry }), false);
    }
    assert.equal(isEmergency('120', { defaultCountry: 'GB' }), false);
    assert.equal(isEmergency('sip:alice@112.example', china), false);
    assert.equal(isEmergency('sip:%zz@x', china), false);
    assert.ok(isEmergency('sip:0755110@x', china));
    assert.ok(isEmergency('sip:%31%31%30@x', china));
  });
});

test('the one form of numbers', () => {
  for (const right of ['+12345', '+123456789012345', '12', '12345678901234567890', 'sip:a@b', 'sip:a+b@[::1]:5060'])
    assert.equal(isPhoneNumber(right), true, right);
  const wrong = [
    '',
    '1',
    '+1234',
    '+1234567890123456',
    '+012345',
    'x+12345',
    '+12345x',
    '123456789012345678901',
    'x12',
    '12x',
  ];
  for (const text of [
    ...wrong,
    'sip:a',
    'sip:@b',
    'sip:a@',
    'sips:a@b',
    'xsip:a@b',
    'sip:a@b c',
    'sip:a b@c',
    'sip:a@b>',
    'sip:a"@b',
  ])
    assert.equal(isPhoneNumber(text), false, text);
});

test('a typed SIP address', () => {
  const typed = (text: string) => parseDialled(text, china)?.number;
  const name = 'a'.repeat(128);
  const host = `${'h'.repeat(251)}.net`;
  const rows: [string, string | undefined][] = [
    [`sip:${name}@x`, `sip:${name}@x`],
    [`sip:${name}a@x`, undefined],
    [`sip:a@${host}`, `sip:a@${host}`],
    [`sip:a@h${host}`, undefined],
    ['sip:a%20b@X', 'sip:a%20b@x'],
    ['sip:%41@x', 'sip:%41@x'],
    ['sip:%1f@x', undefined],
    ['sip:%7F@x', undefined],
    ['sip:%7e@x', 'sip:%7e@x'],
    ['sip:%c3%A9@x', undefined],
    ['sip:%8@x', undefined],
    ['sip:a%zz@x', undefined],
    ['sip:a#b@x', undefined],
    ['sip:;a=b@x', undefined],
    ['sip:a:secret@x', 'sip:a@x'],
    ['sip:1234@x.Invalid', undefined],
    ['SIP:Bob@X;user=PHONE', undefined],
    ['sip:0755;phone-context=+8610@x;user=Phone', undefined],
    ['sip:20000001;phone-context=+8610@x;user=Phone', '+861020000001'],
    ['  sip:a@x  ', 'sip:a@x'],
    ['tel:0755 2000 0001', '+8675520000001'],
    ['tel:%', undefined],
    ['sip:0755 2000@x', undefined],
  ];
  for (const [text, wanted] of rows) assert.equal(typed(text), wanted, text);
});
