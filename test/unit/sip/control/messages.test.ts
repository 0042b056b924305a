import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { headerOf, readApplicationMessage } from '../../../../src/sip/control/application-message.ts';
import { forApplication } from '../../../../src/sip/control/for-application.ts';
import { rewriteContact, rewriteParty } from '../../../../src/sip/control/local-names.ts';
import { formatNameAddress } from '../../../../src/sip/message/address.ts';
import { parseMessage } from '../../../../src/sip/message/parse.ts';

describe('what an application writes', () => {
  test('the body is all that follows the empty line, names are spelled as RFC 3261 does', () => {
    const text =
      'INVITE sip:x@y SIP/2.0\r\ncseq: 1 INVITE\r\nX-own: a:b\r\nreason: one\r\n two\r\nuser-to-user: 00\r\nx-new-one: 1\r\n' +
      'sip-etag: e\r\nContent-Length: 1\r\n\r\nv=0\r\n';
    const message = readApplicationMessage(Buffer.from(text));
    assert.ok(message?.kind === 'request');
    assert.equal(message.method, 'INVITE');
    assert.equal(message.requestUri, 'sip:x@y');
    assert.equal(message.body.toString(), 'v=0\r\n');
    assert.deepEqual(
      message.headers.map(({ name }) => name),
      ['CSeq', 'X-own', 'Reason', 'User-to-User', 'X-New-One', 'SIP-ETag', 'Content-Length'],
    );
    assert.equal(headerOf(message, 'REASON'), 'one two');
  });

  test('a first line that is neither request nor response is refused', () => {
    for (const text of ['', 'hello', 'SIP/2.0 99 Low', 'INVITE sip:x@y']) {
      assert.equal(readApplicationMessage(Buffer.from(text)), undefined);
    }
  });
});

describe('addresses of our own (as recorded)', () => {
  const local = { transport: 'udp', address: '127.0.0.1', port: 5070 } as const;
  const contacts: [string | undefined, string][] = [
    [undefined, '<sip:127.0.0.1:5070>'],
    ['sip:sipp@localhost', '<sip:sipp@127.0.0.1:5070>'],
    ['<sip:x@203.0.113.9:6060>', '<sip:x@127.0.0.1:5070>'],
    ['"N" <sip:x@localhost;transport=udp>;q=0.5', '"N" <sip:x@127.0.0.1:5070;transport=udp>;q=0.5'],
    ['nonsense', '<sip:127.0.0.1:5070>'],
  ];
  for (const [given, written] of contacts) {
    test(`Contact ${given ?? '(none)'}`, () => assert.equal(rewriteContact(given, local), written));
  }

  test('Contact over TCP says so, and IPv6 stands in brackets', () => {
    const tcp = { transport: 'tcp', address: '2001:db8::1', port: 5070 } as const;
    assert.equal(rewriteContact('sip:x@localhost', tcp), '<sip:x@[2001:db8::1]:5070;transport=tcp>');
  });

  test('From and To: localhost is ours, other hosts stay', () => {
    const written = (given: string): string => {
      const party = rewriteParty(given, local);
      return party ? formatNameAddress(party) : '';
    };
    assert.equal(written('sip:sipp@localhost'), '<sip:sipp@127.0.0.1:5070>');
    assert.equal(written('"A" <sip:x@203.0.113.9>;tag=1'), '"A" <sip:x@203.0.113.9>;tag=1');
    assert.equal(written('tel:+4670'), '<tel:+4670>');
  });
});

describe('what an application is given', () => {
  const load: (name: string) => unknown = createRequire(import.meta.url);
  const SipMessage = load('drachtio-srf/lib/sip-parser/message');
  /** drachtio-srf's own parser on it. */
  const read = (octets: Buffer): { get(name: string): unknown; body: unknown } => {
    assert.ok(typeof SipMessage === 'function');
    const message: unknown = Reflect.construct(SipMessage, [octets.toString('utf8')]);
    assert.ok(typeof message === 'object' && message !== null && 'get' in message && 'body' in message);
    const { get } = message;
    assert.ok(typeof get === 'function');
    return { get: (name): unknown => Reflect.apply(get, message, [name]), body: message.body };
  };
  const base = [
    'INVITE sip:s@127.0.0.1 SIP/2.0',
    'Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1',
    'From: <sip:a@10.0.0.1>;tag=1',
    'To: <sip:s@127.0.0.1>',
    'Call-ID: c',
    'CSeq: 1 INVITE',
    'Contact: <sip:a@10.0.0.1>',
  ];
  const message = (lines: readonly string[], body = '', end = '\r\n') =>
    parseMessage(Buffer.from(`${lines.join(end)}${end}${end}${body}`));

  test('a plain message goes up as it came, not copied', () => {
    const plain = message([...base, 'Content-Length: 0']);
    assert.equal(forApplication(plain), plain.raw);
  });

  test('a body without Content-Length that holds an empty line arrives whole', () => {
    const body = 'one\r\n\r\ntwo';
    assert.equal(read(forApplication(message([...base, 'Content-Type: text/plain'], body))).body, body);
  });

  test('compact names that drachtio-srf does not know are written out', () => {
    const up = read(forApplication(message([...base, 'r: <sip:b@c>', 'o: refer', 'Content-Length: 0'])));
    assert.equal(up.get('Refer-To'), '<sip:b@c>');
    assert.equal(up.get('Event'), 'refer');
  });

  test('a folded header is one line', () => {
    const up = forApplication(message([...base, 'Subject: a\r\n b', 'Content-Length: 0']));
    assert.match(up.toString(), /\r\nSubject: a b\r\n/);
  });

  test('a challenge that cannot be parsed does not reach the digest client', () => {
    const refused = ['SIP/2.0 401 Unauthorized', ...base.slice(1), 'WWW-Authenticate: ,,,', 'Content-Length: 0'];
    assert.doesNotMatch(forApplication(message(refused)).toString(), /WWW-Authenticate/);
    const right = message(refused.map((line) => line.replace(',,,', 'Digest realm="r", nonce="n"')));
    assert.equal(forApplication(right), right.raw);
  });
});
