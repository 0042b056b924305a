// Numbers as senders really write them, beside the rows of the acceptance cases: forms that are easily taken for others.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isEmergency, normalise } from '../../../src/numbers/number.ts';
import type { NumberHints, NumberingSettings } from '../../../src/numbers/phone-number.ts';
import { china, first } from './invite.ts';

type Row = readonly [input: string, wanted: string | null, hints?: NumberHints];

function rows(title: string, settings: NumberingSettings, table: readonly Row[]): void {
  test(title, () => {
    for (const [input, wanted, hints = {}] of table) {
      const found = normalise(input, settings, hints);
      assert.equal(found ? `${found.number} ${found.kind}` : null, wanted, JSON.stringify([input, hints]));
    }
  });
}
const e164 = (number: string) => `${number} e164`;
const short = (number: string) => `${number} short`;
const nai = (nature: NonNullable<NumberHints['nai']>) => ({ nai: nature });
const context = (phoneContext: string) => ({ phoneContext });
const mobile = '+8613800138000';
const beijing = '+861020000003';

describe('China', () => {
  rows('the same number with its prefixes', china, [
    ['+0086 755 2000 0001', e164(first)],
    ['+0086075520000001', e164(first)],
    ['8607552 0000001', e164(first)],
    ['(0755)2000.0001', e164(first)],
    ['20000001', e164(first)],
    ['0755/20000001', null],
    ['0755_20000001', null],
    ['#31#13800138000', null],
    ['13800138000#', null],
    ['13800138000;ext=5', null],
    ['1380013800', null],
    ['138001380000', null],
    ['٠٧٥٥', null],
    ['', null],
    ['+', null],
    ['+86', null],
  ]);

  rows('a local number that begins with the country code', china, [
    ['86000001', e164('+8675586000001')],
    ['86095588', e164('+8675586095588')],
    ['86075520000001', e164(first)],
    ['86095588', short('95588'), nai('international')],
  ]);
  rows('nothing is guessed without an area', { defaultCountry: 'CN' }, [
    ['20000001', null],
    ['86095588', null],
    ['95588', short('95588')],
  ]);
  rows('an area as people set it', { defaultCountry: 'CN', areaCode: '0763' }, [
    ['2000001', e164('+867632000001')],
    ['20000001', null],
  ]);

  rows('carrier prefixes, behind the country code and under any nature of address', china, [
    ['+861795113800138000', e164(mobile)],
    ['+8617951013800138000', e164(mobile)],
    ['8617951013800138000', null],
    ['00861259313800138000', e164(mobile)],
    ['+8612583213800138000', e164(mobile)],
    ['+8617909075520000001', e164(first)],
    ['+861790995588', null],
    ['1790910086', null],
    ['12583413800138000', null],
    ['17951013800138000', e164(mobile), nai('national')],
    ['1259313800138000', e164(mobile), nai('subscriber')],
    ['1790900442079460000', e164('+442079460000')],
    ['17951', null],
  ]);

  rows('contexts: an area with its 0, an exchange behind the area, other countries', china, [
    ['20000003', e164(beijing), context('+86010')],
    ['20000003', e164(beijing), context('+86-10')],
    ['20000003', e164(beijing), context('+86102000')],
    ['20000001', e164(first), context('+86755200')],
    ['2000003', e164('+867632000003'), context('+86763')],
    ['13800138000', e164(mobile), context('+8610')],
    ['95588', short('95588'), context('+86755')],
    ['110', short('110'), context('+86')],
    ['8631234', e164('+19148631234'), context('+1-914-555')],
    ['5550123', e164('+12125550123'), context('+1212')],
    ['79460000', e164('+442079460000'), context('+4420')],
    ['5001', '5001 private', context('CDP.udp')],
    ['5001', null, context('national.e164')],
  ]);

  rows('natures of address', china, [
    ['20000001', e164(first), nai('subscriber')],
    ['75595588', short('95588'), nai('national')],
    ['8613800138000', e164(mobile), nai('international')],
    ['8695588', short('95588'), nai('international')],
    ['10086', null, nai('international')],
    ['2120000004', e164('+862120000004'), nai('national')],
  ]);
});

describe('other countries', () => {
  rows('a trunk prefix kept in the area', { defaultCountry: 'GB', areaCode: '020' }, [
    ['79460000', e164('+442079460000')],
  ]);
  rows('a subscriber number under its nature', { defaultCountry: 'DE', areaCode: '30' }, [
    ['23125001', e164('+493023125001'), nai('subscriber')],
    ['3023125001', e164('+493023125001'), nai('national')],
  ]);
  rows('short codes are none of the "possible" numbers', { defaultCountry: 'DE' }, [
    ['116117', short('116117')],
    ['115', short('115')],
  ]);
  rows('a prefix that is none there is not swallowed', { defaultCountry: 'AU', internationalPrefix: '0011' }, [
    ['0061255501040', null],
    ['001161255501040', e164('+61255501040')],
    ['61255501040', e164('+61255501040')],
  ]);
});

test('emergency numbers are known behind every prefix that leads to them', () => {
  const leads: [dialled: string, settings: NumberingSettings][] = [
    ...['110', '0755110', '010110', '+86110', '+86755119', '00 86 120'].map((dialled): [string, NumberingSettings] => [
      dialled,
      china,
    ]),
    ['9110', { ...china, outsidePrefix: '9' }],
    ['9999', { defaultCountry: 'GB', outsidePrefix: '9' }],
    ['9911', { defaultCountry: 'US', outsidePrefix: '9' }],
    ['112', { defaultCountry: 'XX' }],
    ['10111', { defaultCountry: 'ZA' }],
  ];
  for (const [dialled, settings] of leads) {
    const found = normalise(dialled, settings);
    assert.equal(found?.kind, 'short', dialled);
    assert.ok(isEmergency(found.number, settings), dialled);
  }
  // None of these may become one.
  for (const dialled of ['0110', '86110', '1101', '110110', '+861101']) {
    const found = normalise(dialled, china);
    assert.ok(found === undefined || !isEmergency(found.number, china), dialled);
  }
});
