import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatNameAddress, parseNameAddress, parseParameters } from '../../../../src/sip/message/address.ts';
import { quote, splitList, unquote } from '../../../../src/sip/message/syntax.ts';
import { formatUri, isSipUri, isTelUri, parseUri } from '../../../../src/sip/message/uri.ts';
import { formatVia, parseVia } from '../../../../src/sip/message/via.ts';

describe('a URI', () => {
  test('sip: all its parts', () => {
    const text =
      'SIPS:+86-755;phone-context=+86:secret@[2001:db8::1]:5061;user=phone;lr;Transport=tcp?Reason=SIP%3Bcause';
    assert.deepEqual(parseUri(text), {
      scheme: 'sips',
      user: '+86-755;phone-context=+86',
      password: 'secret',
      host: '[2001:db8::1]',
      port: 5061,
      parameters: new Map([
        ['user', 'phone'],
        ['lr', undefined],
        ['transport', 'tcp'],
      ]),
      headers: 'Reason=SIP%3Bcause',
    });
  });

  test('sip: the user part may hold separators (RFC 4475 3.1.1.1)', () => {
    const user = "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*";
    const uri = parseUri(`sip:${user}:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com`);
    assert.ok(uri && isSipUri(uri));
    assert.equal(uri.user, user);
    assert.equal(uri.password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
    assert.equal(uri.host, 'example.com');
  });

  test('tel: its number as written and its parameters', () => {
    const uri = parseUri('tel:0755-2999.0001;phone-context=+86;ext=1');
    assert.ok(uri && isTelUri(uri));
    assert.equal(uri.number, '0755-2999.0001');
    assert.equal(uri.parameters.get('phone-context'), '+86');
  });

  test('of another scheme is kept', () => {
    assert.deepEqual(parseUri('URN:service:sos'), { scheme: 'urn', opaque: 'service:sos' });
  });

  test('malformed', () => {
    const texts = [
      '', 'sip', 'sip:', ':x', '1sip:x', 'sip:a@', 'sip:a@h:', 'sip:a@h:65536', 'sip:a@h:5x', 'sip:a@b@c', 'sip:a@[::1',
      'sip:a@[xyz]', 'sip:a@h;;lr', 'sip:a@h;=1', 'sip:a@h x', 'sip:a b@h', 'sip:a@h/x', '<sip:a@h>', 'sip:"a"@h', 'sip:\u00ff@h',
      'sip:\uff11@h', 'tel:', 'tel:;x=1', 'sip:a@h\u007f',
    ]; // prettier-ignore
    for (const text of texts) assert.equal(parseUri(text), undefined, text);
  });

  test('is written as it was read', () => {
    for (const text of ['sip:h', 'sip:a:b@h:1;x;y=z?h=1', 'sips:[::1]', 'tel:+86;a=b', 'urn:x:y', 'sip:a@h?b=c']) {
      const uri = parseUri(text);
      assert.ok(uri, text);
      assert.equal(formatUri(uri), text);
    }
  });

  test('parameters called like parts of an object are only parameters', () => {
    const uri = parseUri('sip:a@h;__proto__=1;constructor=2');
    assert.ok(uri && isSipUri(uri));
    assert.deepEqual([...uri.parameters], [['__proto__', '1'], ['constructor', '2']]); // prettier-ignore
  });
});

describe('a name-addr', () => {
  test('in all its forms', () => {
    const forms: readonly (readonly [string, string | undefined, string, string | undefined])[] = [
      ['<sip:a@h>;tag=1', undefined, 'sip:a@h', '1'],
      ['"Li, \\"Bo\\" <sip:evil@h>" <sip:a@h;x=1>;tag=1', 'Li, "Bo" <sip:evil@h>', 'sip:a@h;x=1', '1'],
      ['Zhang San <sip:a@h>', 'Zhang San', 'sip:a@h', undefined],
      ['"" <sip:a@h>', '', 'sip:a@h', undefined],
      ['sip:a@h;tag=1;x=y', undefined, 'sip:a@h', '1'],
      ['sip:a@h ; tag = 1', undefined, 'sip:a@h', '1'],
      ['sip:a@h;x="<";tag=1', undefined, 'sip:a@h', '1'],
      ['"x"<tel:+86>;tag=1', 'x', 'tel:+86', '1'],
      ['< sip:a@h >', undefined, 'sip:a@h', undefined],
      ['\t<sip:a@h>;tag=1;', undefined, 'sip:a@h', '1'],
    ];
    for (const [text, displayName, uri, tag] of forms) {
      const address = parseNameAddress(text);
      assert.ok(address, text);
      assert.deepEqual(
        [address.displayName, address.uri, address.parameters.get('tag')],
        [displayName, uri, tag],
        text,
      );
    }
  });

  test('malformed', () => {
    const texts = [
      '', '"x <sip:a@h>', '<sip:a@h', 'nobody', '<nobody>', '<>', '"x" sip:a@h', '<sip:a@h> x', '<sip:a@h>;;tag=1', 'a"b <sip:a@h>',
      'sip:a@h x', '<sip:a b@h>', '<sip:a@h>;tag="1', '<sip:a@h>;=1', '<sip:a@h>, <sip:b@h>', '<<sip:a@h>>', '<sip:>',
    ]; // prettier-ignore
    for (const text of texts) assert.equal(parseNameAddress(text), undefined, text);
  });

  test('is written with brackets and quotes', () => {
    const address = parseNameAddress('A "quoted" name'.replace(/"/g, '') + ' <sip:a@h>;tag=1;x="y z"');
    assert.ok(address);
    assert.equal(formatNameAddress(address), '"A quoted name" <sip:a@h>;tag=1;x="y z"');
    assert.equal(formatNameAddress({ uri: 'tel:1', parameters: new Map() }), '<tel:1>');
    assert.equal(
      formatNameAddress({ displayName: 'a"b\\c', uri: 'tel:1', parameters: new Map() }),
      '"a\\"b\\\\c" <tel:1>',
    );
  });
});

describe('parameters', () => {
  test('names in lower case, values as written, the first of two', () => {
    assert.deepEqual(
      parseParameters(' ; A = 1;b;c="x;\\"y";A=2;received=[::1]'),
      new Map([
        ['a', '1'],
        ['b', undefined],
        ['c', '"x;\\"y"'],
        ['received', '[::1]'],
      ]),
    );
    assert.equal(unquote('"x;\\"y"'), 'x;"y');
    assert.equal(quote('x;"y'), '"x;\\"y"');
    assert.deepEqual(parseParameters(''), new Map());
  });

  test('malformed', () => {
    for (const text of ['a=b', ';;a', ';=b', ';a="b', ';a b', ';a=b c', ';a=b"c"', ';a,b', ';a=<b>']) {
      assert.equal(parseParameters(text), undefined, text);
    }
  });
});

describe('a Via', () => {
  test('is written as it was read', () => {
    for (const text of [
      'SIP/2.0/UDP h;branch=z9hG4bK1;rport',
      'SIP/2.0/TCP [2001:db8::1]:5061;received=2001:db8::2;branch=x',
      'SIP/2.0/UDP 192.0.2.1',
    ]) {
      const via = parseVia(text);
      assert.ok(via, text);
      assert.equal(formatVia(via), text);
    }
  });

  test('malformed', () => {
    for (const text of [
      '',
      'SIP/2.0',
      'SIP/2.0/UDP',
      'SIP/2.0/UDP ',
      'SIP/2.0/UDPh',
      'SIP 2.0 UDP h',
      'SIP/2.0/UDP h:',
      'SIP/2.0/UDP h:x',
      'SIP/2.0/UDP [h]',
      'SIP/2.0/UDP h x',
      '/2.0/UDP h',
      'SIP//UDP h',
      'SIP/2.0/ h',
    ]) {
      // prettier-ignore
      assert.equal(parseVia(text), undefined, text);
    }
  });

  test('takes its branch from the field when it is not a parameter', () => {
    const via = {
      protocol: 'SIP/2.0',
      transport: 'UDP',
      host: 'h',
      branch: 'z9hG4bK1',
      parameters: new Map([['rport', undefined]]),
    };
    assert.equal(formatVia(via), 'SIP/2.0/UDP h;branch=z9hG4bK1;rport');
  });
});

test('lists keep what an open quote or bracket swallows', () => {
  assert.deepEqual(splitList('a, "b, c'), ['a', '"b, c']);
  assert.deepEqual(splitList('<a, b'), ['<a, b']);
  assert.deepEqual(splitList('a;x="1,\\",2", b'), ['a;x="1,\\",2"', 'b']);
});
