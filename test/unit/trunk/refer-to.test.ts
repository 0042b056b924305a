// What a phone's REFER asks for, whatever it holds.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseUri, isSipUri, isTelUri } from '../../../src/sip/message/uri.ts';
import { readRefer } from '../../../src/trunk/refer-to.ts';

/** As it would be read of a phone at 192.0.2.50, which called us at 192.0.2.1. */
function read(headers: Record<string, string>): ReturnType<typeof readRefer> {
  const all: Record<string, string> = {
    from: '"Desk" <sip:desk@192.0.2.50:5062>;tag=a',
    to: '<sip:+8613800138000@ims.example>;tag=b',
    ...headers,
  };
  return readRefer({ get: (name) => all[name], uri: 'sip:192.0.2.1:5060;transport=udp' });
}

describe('REFER asks', () => {
  for (const [value, to, here] of [
    ['<sip:13900139000@192.0.2.1>', 'sip:13900139000@192.0.2.1', true],
    ['sip:13900139000@192.0.2.1', 'sip:13900139000@192.0.2.1', true],
    ['"0, the boss" <sip:boss@IMS.example;transport=tcp>', 'sip:boss@IMS.example', true],
    ['<sip:200@192.0.2.50:5062>', 'sip:200@192.0.2.50:5062', true],
    ['<sip:200@192.0.2.50>', 'sip:200@192.0.2.50', false],
    ['<sip:a:secret@192.0.2.9;method=INVITE;lr;maddr=192.0.2.66>', 'sip:a@192.0.2.9', false],
    ['<sip:139;phone-context=+86@op.example;USER=phone>', 'sip:139;phone-context=+86@op.example;user=phone', false],
    ['<sip:a@op.example?Subject=x&Route=%3Csip:192.0.2.66%3E>', 'sip:a@op.example', false],
    ['tel:+86-139-0013-9000', 'tel:+86-139-0013-9000', false],
    ['<tel:20000008;phone-context=+86755;ext=5>', 'tel:20000008;phone-context=+86755', false],
    ['tel:20000008;phone-context=+86755', 'tel:20000008;phone-context=+86755', false],
    ['<sip:[2001:db8::1]>', 'sip:[2001:db8::1]', false],
  ] as const) {
    test(`${value}: ${to}${here ? ', dialled there' : ''}`, () => {
      assert.deepEqual(read({ 'refer-to': value }), { to, here, subscribes: true });
      assert.deepEqual(read({ r: value }), { to, here, subscribes: true }); // its short name
    });
  }

  for (const [value, status] of [
    ['', 400],
    ['<sip:a@b>, <sip:c@d>', 400],
    ['<sip:a@b', 400],
    ['sip:', 400],
    ['<sip:a@b>x', 400],
    ['<sip:a b@c>', 400],
    ['<sip:a@b?Replaces=%zz>', 400],
    ['<sip:a\0@b>', 400],
    ['<sip:ü@b>', 400],
    ['*', 400],
    ['<sips:a@b>', 416],
    ['<cid:list@b>', 416],
    ['<mailto:a@b>', 416],
    ['<sip:a@b;method=SUBSCRIBE>', 501],
    ['<sip:a@b;method>', 200],
    ['<sip:a@b?Replaces=1>', 400],
    ['<sip:a@b?Replaces=1%3Bto-tag%3D2>', 400],
    ['<sip:a@b?Replaces=1%3Bto-tag%3D2%0D%0AX%3Ay%3Bfrom-tag%3D3>', 400],
    ['<sip:a@b?Replaces=1%2C2%3Bto-tag%3D2%3Bfrom-tag%3D3>', 400],
    ['<sip:a@b?Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3&replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3>', 400],
  ] as const) {
    test(`${JSON.stringify(value)}: ${status}`, () => {
      const asked = read({ 'refer-to': value });
      assert.equal('status' in asked ? asked.status : 200, status);
    });
  }

  test('that a call takes the place of another', () => {
    for (const [value, replaces] of [
      ['<sip:a@b?Replaces=1%40c%3Bto-tag%3D2%3Bfrom-tag%3D3>', '1@c;to-tag=2;from-tag=3'],
      ['sip:a@b?X=y&rep%6Caces=1;from-tag=3;to-tag=2;early-only;x=y', undefined], // without <> these are of the header
      ['<sip:a@b?REPLACES=1;from-tag=3;to-tag=2;early-only;x=y>', '1;to-tag=2;from-tag=3;early-only'],
    ] as const) {
      const asked = read({ 'refer-to': value });
      if (replaces === undefined) assert.equal('status' in asked && asked.status, 400);
      else assert.deepEqual(asked, { to: 'sip:a@b', here: false, subscribes: true, replaces });
    }
  });

  test('at the host where the number was dialled, in any case, as To or From name it', () => {
    const here = (value: string, headers: Record<string, string>) => {
      const asked = read({ 'refer-to': value, ...headers });
      return 'here' in asked && asked.here;
    };
    assert.equal(here('<sip:1@PBX.example>', { to: '<sip:a@pbx.EXAMPLE>' }), true);
    assert.equal(here('<sip:1@pbx.example>', { from: 'sip:a@pbx.example;tag=x' }), true);
    assert.equal(here('<sip:1@pbx.example>', { from: '<tel:+86139>', to: '<<' }), false);
  });

  test('nothing of it goes on where it is refused', () => {
    for (const value of ['<sip:a@b;method=BYE>', '<sip:a@b?Replaces=1>']) {
      assert.deepEqual(Object.keys(read({ 'refer-to': value })), ['status', 'why']);
    }
  });

  test('nothing without Refer-To, and not two of them by two names', () => {
    for (const headers of [{}, { 'refer-to': '<sip:a@b>', r: '<sip:a@b>' }] as Record<string, string>[]) {
      const asked = read(headers);
      assert.equal('status' in asked && asked.status, 400);
    }
  });

  test('what it requires and we lack is named', () => {
    const asked = read({ 'refer-to': '<sip:a@b>', require: 'norefersub, nosub, explicitsub' });
    assert.deepEqual('status' in asked && [asked.status, asked.headers], [420, { Unsupported: 'nosub, explicitsub' }]);
  });

  test('to be told of nothing, and says who refers', () => {
    const headers = { 'refer-to': '<sip:a@b>', 'refer-sub': 'False ;x', 'referred-by': '"D" <sip:desk@b>;cid="1@b"' };
    assert.deepEqual(read(headers), { to: 'sip:a@b', here: false, subscribes: false, referredBy: 'sip:desk@b' });
    for (const value of ['false', ' false', 'false  ;x']) {
      const asked = read({ 'refer-to': '<sip:a@b>', 'refer-sub': value });
      assert.equal('subscribes' in asked && asked.subscribes, false, value);
    }
    const long = read({ 'refer-to': '<sip:a@b>', 'referred-by': `<sip:${'a'.repeat(300)}@b>` });
    assert.equal('to' in long && long.referredBy?.length, 255);
    for (const [name, value] of [
      ['refer-sub', 'true'],
      ['refer-sub', 'falsely'],
      ['refer-sub', 'x false'],
      ['referred-by', '<<>'],
    ] as const) {
      assert.deepEqual(read({ 'refer-to': '<sip:a@b>', [name]: value }), {
        to: 'sip:a@b',
        here: false,
        subscribes: true,
      });
    }
  });

  const piece = fc.constantFrom(
    ...['<', '>', '"', ',', ';', '?', '&', '=', '@', ':', '%', '%3C', '%0d%0a', '\\', ' ', '\t', '\r\n', '\0', 'ü'],
    ...['sip:', 'sips:', 'tel:', 'user=phone', 'method=BYE', 'Replaces=', '+86', '139', 'a', 'b.example', '[::1]', '*'],
  );
  const hostile = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(''));
  test('of whatever is written there only a plain address goes on, and everything else has a status', () => {
    fc.assert(
      fc.property(hostile, hostile, fc.constantFrom('', '<sip:', '<tel:', 'sip:a@'), (value, by, begins) => {
        const asked = read({ 'refer-to': begins + value, 'referred-by': by });
        if ('status' in asked) {
          assert.ok([400, 416, 501].includes(asked.status));
          return;
        }
        assert.match(asked.to, /^[\x21-\x7e]+$/);
        assert.doesNotMatch(asked.to, /[<>"]/);
        const uri = parseUri(asked.to);
        assert.ok(uri);
        assert.ok(isTelUri(uri) || (isSipUri(uri) && uri.scheme === 'sip'));
        assert.ok(!('headers' in uri));
        const allowed = ['user', 'phone-context'];
        assert.ok([...('parameters' in uri ? uri.parameters.keys() : [])].every((name) => allowed.includes(name)));
        assert.match(asked.replaces ?? '', /^[^\s<>",]*$/);
        assert.doesNotMatch(asked.referredBy ?? '', /[\r\n<>"]/);
      }),
      { numRuns: 5_000 },
    );
  });
});
