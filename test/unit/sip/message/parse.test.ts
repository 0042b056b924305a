import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatNameAddress } from '../../../../src/sip/message/address.ts';
import { Draft, UnwritableMessage } from '../../../../src/sip/message/draft.ts';
import { MalformedMessage, parseMessage } from '../../../../src/sip/message/parse.ts';
import { Request, Response, type Message } from '../../../../src/sip/message/message.ts';
import { invite, type InviteParts } from '../../../support/sip-messages.ts';

function request(parts: InviteParts = {}): Request {
  const message = parseMessage(invite(parts));
  assert.ok(message instanceof Request);
  return message;
}

function fault(octets: Buffer | string, framing?: 'datagram' | 'stream'): MalformedMessage {
  let message: Message;
  try {
    message = parseMessage(Buffer.from(octets), framing);
  } catch (error) {
    assert.ok(error instanceof MalformedMessage, String(error));
    return error;
  }
  assert.fail(`accepted: ${message.kind}`);
}

describe('a request', () => {
  test('gives its start line, its headers and its body', () => {
    const message = request({ headers: ['Max-Forwards: 66', 'X-Own:  some text \t'], body: 'v=0\r\n' });
    assert.equal(message.kind, 'request');
    assert.equal(message.method, 'INVITE');
    assert.equal(message.requestUri, 'sip:+8675529990001@as.example.net');
    assert.deepEqual(message.uri, {
      scheme: 'sip',
      user: '+8675529990001',
      host: 'as.example.net',
      parameters: new Map(),
    });
    assert.equal(message.callId, 'c1@192.0.2.1');
    assert.deepEqual(message.cseq, { sequence: 1, method: 'INVITE' });
    assert.deepEqual(message.from, {
      displayName: 'Li',
      uri: 'sip:+8613800138000@ims.example.net',
      parameters: new Map([['tag', 'f1']]),
    });
    assert.equal(message.to.parameters.has('tag'), false);
    assert.equal(message.vias[0]?.branch, 'z9hG4bKa1');
    assert.equal(message.get('x-own'), 'some text');
    assert.equal(message.get('X-Absent'), undefined);
    assert.equal(message.body.toString(), 'v=0\r\n');
    assert.deepEqual(
      message.headers.map(({ name }) => name),
      ['Via', 'From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards', 'X-Own', 'Content-Length'],
    );
  });

  test('knows compact forms both ways, and names in any case', () => {
    const octets = Buffer.from(
      'INVITE sip:a@b SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bK1\r\nF: <sip:f@h>;tag=1\r\nt: <sip:t@h>\r\n' +
        'i: compact\r\ncSEQ: 7 INVITE\r\nm: <sip:c@h>\r\nK: 100rel\r\nx: 1800\r\nSUBJECT: hello\r\nl: 0\r\n\r\n',
    );
    const message = parseMessage(octets);
    assert.equal(message.callId, 'compact');
    assert.equal(message.get('Call-ID'), 'compact');
    assert.equal(message.get('I'), 'compact');
    assert.equal(message.get('Contact'), '<sip:c@h>');
    assert.equal(message.get('supported'), '100rel');
    assert.equal(message.get('Session-Expires'), '1800');
    assert.equal(message.get('s'), 'hello');
    assert.equal(message.cseq.sequence, 7);
    assert.equal(message.headers[3]?.name, 'i');
  });

  test('unfolds: a fold is one space and never a new header', () => {
    const message = request({ headers: ['Subject: one  \r\n\t two\r\n Diversion: <sip:evil@h>', 'X-Empty:\r\n '] });
    assert.equal(message.get('Subject'), 'one two Diversion: <sip:evil@h>');
    assert.equal(message.get('Diversion'), undefined);
    assert.equal(message.get('X-Empty'), '');
  });

  test('joins list headers over lines and commas, not within quotes and brackets', () => {
    const message = request({
      headers: ['Diversion: "a, b" <sip:1@h>;x=1,<sip:2,3@h>', 'diversion: <sip:4@h>', 'Supported: 100rel,, timer'],
    });
    assert.deepEqual(message.list('Diversion'), ['"a, b" <sip:1@h>;x=1', '<sip:2,3@h>', '<sip:4@h>']);
    assert.deepEqual(message.list('Supported'), ['100rel', 'timer']);
    assert.equal(message.all('Diversion').length, 2);
    assert.deepEqual(message.list('History-Info'), []);
  });

  test('reads several Via of one line and of several, the topmost first', () => {
    const message = request({
      via: 'Via: SIP / 2.0 / UDP first.example.com: 4000;ttl=16\r\n ;branch=z9hG4bK1 , SIP/2.0/TCP [2001:db8::9]:5061\r\nv: SIP/2.0/UDP third',
    });
    assert.deepEqual(
      message.vias.map(({ transport, host, port }) => [transport, host, port]),
      [
        ['UDP', 'first.example.com', 4000],
        ['TCP', '[2001:db8::9]', 5061],
        ['UDP', 'third', undefined],
      ],
    );
  });

  test('keeps octets of the body and of names in no known character set', () => {
    const body = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet));
    assert.deepEqual(request({ body }).body, body);
    assert.equal(request({ from: 'From: "深圳" <sip:1@h>;tag=1' }).from.displayName, '深圳');
    const gbk = Buffer.from(invite().toString('latin1').replace('"Li"', '"\xc9\xee\xdb\xda"'), 'latin1');
    assert.equal(parseMessage(gbk).from.displayName, '\xc9\xee\xdb\xda');
  });

  test('a quoted-pair may hold NUL, and is written as one again', () => {
    const message = request({ from: 'From: "a\\\0\\\x07" <sip:1@h>;tag=1' });
    assert.equal(message.from.displayName, 'a\0\x07');
    assert.equal(formatNameAddress(message.from), '"a\\\0\\\x07" <sip:1@h>;tag=1');
    const answer = Draft.answering(message, 200).set('From', message.get('From') ?? '');
    assert.equal(parseMessage(answer.toBuffer()).from.displayName, 'a\0\x07');
    assert.throws(() => answer.set('From', '"a\0" <sip:1@h>'), UnwritableMessage);
  });

  test('skips CRLFs before the start line and drops what follows the body of a datagram', () => {
    const message = parseMessage(Buffer.concat([Buffer.from('\r\n\r\n'), invite({ body: 'abc' }), Buffer.from('xyz')]));
    assert.equal(message.body.toString(), 'abc');
    assert.deepEqual(message.raw, invite({ body: 'abc' }));
  });

  test('without Content-Length has the rest of its datagram as body', () => {
    assert.equal(request({ contentLength: undefined, body: 'rest' }).body.toString(), 'rest');
  });

  test('takes any method, scheme and version in small letters', () => {
    const method = "!interesting-Method0123456789_*+`.%indeed'~";
    assert.equal(request({ requestLine: `${method} soap.beep://h sip/2.0`, cseq: `CSeq: 0 ${method}` }).method, method);
  });

  test('malformed optional headers are given raw', () => {
    const message = request({ headers: ['Contact: "Joe <sip:joe@h;;;', 'P-Asserted-Identity: <<<', 'Date: never'] });
    assert.equal(message.get('Contact'), '"Joe <sip:joe@h;;;');
    assert.equal(message.get('P-Asserted-Identity'), '<<<');
  });

  test('another topmost Via takes the place of the received one alone', () => {
    const message = request({ via: 'Via: SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP b\r\nVia: SIP/2.0/UDP c' });
    const [top] = message.vias;
    assert.ok(top);
    message.stampTopVia({ ...top, parameters: new Map([...top.parameters, ['received', '192.0.2.7']]) });
    assert.deepEqual(message.list('Via'), [
      'SIP/2.0/UDP a;branch=z9hG4bK1;received=192.0.2.7',
      'SIP/2.0/UDP b',
      'SIP/2.0/UDP c',
    ]);
    assert.equal(message.vias[0]?.parameters.get('received'), '192.0.2.7');
    assert.equal(message.vias.length, 3);
  });
});

describe('a response', () => {
  const response = (line: string): string =>
    invite()
      .toString()
      .replace(/^[^\r]+/, line);

  test('gives its status and its reason', () => {
    const message = parseMessage(Buffer.from(response('SIP/2.0 486 Busy Here 忙')));
    assert.ok(message instanceof Response);
    assert.equal(message.status, 486);
    assert.equal(message.reason, 'Busy Here 忙');
    assert.equal(message.cseq.method, 'INVITE');
  });

  test('may have no reason', () => {
    for (const line of ['SIP/2.0 200 ', 'SIP/2.0 200']) {
      const message = parseMessage(Buffer.from(response(line)));
      assert.equal(message.kind === 'response' && message.reason, '');
    }
  });

  test('that is malformed is dropped without an answer', () => {
    const lines = [
      'SIP/2.0 4294967301 better not',
      'SIP/2.0 99 x',
      'SIP/2.0 700 x',
      'SIP/2.0 20 x',
      'SIP/7.0 200 OK',
      'SIP/2.0',
    ];
    for (const line of lines) assert.equal(fault(response(line)).status, 0, line);
    assert.equal(fault(response('SIP/2.0 200 OK').replace('CSeq: 1', 'CSeq: x')).status, 0);
  });
});

describe('a malformed request', () => {
  const refused: readonly (readonly [string, number, InviteParts])[] = [
    ['no To', 400, { to: undefined }],
    ['no From', 400, { from: undefined }],
    ['no Call-ID', 400, { callId: undefined }],
    ['no CSeq', 400, { cseq: undefined }],
    ['no Via', 0, { via: undefined }],
    ['two From', 400, { headers: ['f: <sip:x@h>;tag=2'] }],
    ['two CSeq', 400, { headers: ['CSeq: 1 INVITE'] }],
    ['two Call-ID', 400, { headers: ['i: other'] }],
    ['CSeq of another method', 400, { cseq: 'CSeq: 1 OPTIONS' }],
    ['CSeq of another method, the method unknown', 501, { requestLine: 'NEW sip:1@h SIP/2.0' }],
    ['Request-URI with headers', 400, { requestLine: 'INVITE sip:1@h?Route=%3Csip:h%3E SIP/2.0' }],
    ['NUL behind a line that ends in a backslash', 400, { headers: ['Subject: a\\\r\n \0'] }],
    ['CSeq of 2^31', 400, { cseq: 'CSeq: 2147483648 INVITE' }],
    ['CSeq without a method', 400, { cseq: 'CSeq: 1' }],
    ['CSeq without a space', 400, { cseq: 'CSeq: 1INVITE' }],
    ['empty Call-ID', 400, { callId: 'Call-ID: ' }],
    ['Call-ID of two words', 400, { callId: 'Call-ID: a b' }],
    ['Via of separators', 400, { via: 'Via: SIP/2.0/UDP 192.0.2.15;;,;,,' }],
    ['Via without a host', 400, { via: 'Via: SIP/2.0/UDP ;branch=z9hG4bK1' }],
    ['Via with a port too high', 400, { via: 'Via: SIP/2.0/UDP h:65536' }],
    ['To with an open quote', 400, { to: 'To: "Mr. Li <sip:1@h>' }],
    ['From with an open bracket', 400, { from: 'From: <sip:1@h;tag=1' }],
    ['To without a URI', 400, { to: 'To: nobody' }],
    ['text after the bracket', 400, { to: 'To: <sip:1@h> x' }],
    ['Max-Forwards 256', 400, { headers: ['Max-Forwards: 256'] }],
    ['Max-Forwards -1', 400, { headers: ['Max-Forwards: -1'] }],
    ['Content-Length too long', 400, { contentLength: '999' }],
    ['Content-Length negative', 400, { contentLength: '-1' }],
    ['Content-Length hexadecimal', 400, { contentLength: '0x5' }],
    ['Content-Length without bound', 400, { contentLength: '9'.repeat(400) }],
    ['two lengths', 400, { headers: ['l: 4'] }],
    ['a version to come', 505, { requestLine: 'INVITE sip:1@h SIP/7.0' }],
    ['no version', 400, { requestLine: 'INVITE sip:1@h' }],
    ['another protocol', 400, { requestLine: 'GET / HTTP/1.1' }],
    ['Request-URI in brackets', 400, { requestLine: 'INVITE <sip:1@h> SIP/2.0' }],
    ['Request-URI with a space', 400, { requestLine: 'INVITE sip:1@h; lr SIP/2.0' }],
    ['Request-URI without a scheme', 400, { requestLine: 'INVITE 12345 SIP/2.0' }],
    ['Request-URI without a host', 400, { requestLine: 'INVITE sip:1@ SIP/2.0' }],
    ['two spaces after the method', 400, { requestLine: 'INVITE  sip:1@h SIP/2.0' }],
    ['a space before the method', 400, { requestLine: ' INVITE sip:1@h SIP/2.0' }],
    ['a header without a colon', 400, { headers: ['just text'] }],
    ['a header without a name', 400, { headers: [': value'] }],
    ['NUL in a value', 400, { headers: ['Subject: a\0b'] }],
    ['bare CR', 400, { headers: ['Subject: a\rb'] }],
    ['bare LF', 400, { headers: ['Subject: a\nb'] }],
    ['a header line too long', 400, { headers: [`Subject: ${'a'.repeat(16_385)}`] }],
    ['a folded line too long', 400, { headers: [`Subject: a${`\r\n ${'b'.repeat(999)}`.repeat(17)}`] }],
    ['too many lines', 400, { headers: Array.from({ length: 507 }, () => 'X: y') }],
    ['too many diversions', 400, { headers: [`Diversion: ${Array.from({ length: 101 }, () => '<sip:1@h>').join()}`] }],
    ['a start line too long', 414, { requestLine: `INVITE sip:${'1'.repeat(17_000)}@h SIP/2.0` }],
    ['more than 65,535 octets', 513, { body: Buffer.alloc(65_535) }],
  ];
  for (const [title, status, parts] of refused) {
    test(`${title}: ${status}`, () => {
      assert.equal(fault(invite(parts)).status, status);
    });
  }

  test('the limits themselves are allowed', () => {
    request({ headers: [`Subject: ${'a'.repeat(16_384 - 'Subject: '.length)}`] });
    request({ headers: Array.from({ length: 506 }, () => 'X: y') });
    request({ headers: [`Diversion: ${Array.from({ length: 100 }, () => '<sip:1@h>').join()}`] });
    request({ body: Buffer.alloc(65_000) });
    request({ headers: ['Content-Length: 5'], body: '12345' });
  });

  test('ends within its head', () => {
    const whole = invite();
    const head = whole.indexOf('\r\n\r\n');
    for (let length = 0; length < head + 4; length++) fault(whole.subarray(0, length));
  });

  test('needs a Content-Length on a stream', () => {
    assert.equal(fault(invite({ contentLength: undefined }), 'stream').status, 400);
  });

  test('is answered with what could be read of it', () => {
    const error = fault(invite({ to: undefined, headers: ['t:\r\n <sip:1@h', 'Via: SIP/2.0/UDP second'] }));
    assert.equal(error.method, 'INVITE');
    assert.deepEqual(error.salvage, {
      via: 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa1, SIP/2.0/UDP second',
      from: '"Li" <sip:+8613800138000@ims.example.net>;tag=f1',
      to: '<sip:1@h',
      callId: 'c1@192.0.2.1',
      cseq: '1 INVITE',
    });
  });

  test('with bare LFs alone is answered 400, and not left to be sent again', () => {
    const octets = Buffer.from(invite().toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
    const error = fault(octets);
    assert.equal(error.status, 400);
    assert.ok(error.salvage?.via.startsWith('SIP/2.0/'));
    assert.doesNotMatch(JSON.stringify(error.salvage), /\\[rn]/);
  });

  test('gives nothing back that would break the answer', () => {
    const error = fault(invite({ callId: 'Call-ID: a\nX-Injected: b', to: undefined }));
    assert.equal(error.salvage?.callId, '');
  });
});
