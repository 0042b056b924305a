import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Draft, UnwritableMessage } from '../../../../src/sip/message/draft.ts';
import { MalformedMessage, parseMessage } from '../../../../src/sip/message/parse.ts';
import { Request } from '../../../../src/sip/message/message.ts';
import { invite, type InviteParts } from '../../../support/sip-messages.ts';

function request(parts: InviteParts = {}): Request {
  const message = parseMessage(invite(parts));
  assert.ok(message instanceof Request);
  return message;
}

describe('a message being written', () => {
  test('is start line, headers in order, its length in octets, body', () => {
    const draft = Draft.request('OPTIONS', 'sip:h').add('Via', 'SIP/2.0/UDP h').add('Subject', '忙');
    draft.body = Buffer.from('忙');
    assert.equal(
      draft.toBuffer().toString(),
      'OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nSubject: 忙\r\nContent-Length: 3\r\n\r\n忙',
    );
  });

  test('sets, adds, puts before and takes away by name in any form', () => {
    const draft = Draft.request('INVITE', 'sip:h').add('Route', '<sip:1>').add('To', '<sip:t>').add('route', '<sip:2>');
    draft.prepend('Route', '<sip:0>').set('t', '<sip:other>').add('X-Gone', '1').remove('x-gone');
    assert.deepEqual(draft.all('ROUTE'), ['<sip:0>', '<sip:1>', '<sip:2>']);
    assert.equal(draft.get('To'), '<sip:other>');
    assert.equal(draft.has('X-Gone'), false);
    draft.set('Route', '<sip:only>');
    assert.deepEqual(draft.names, ['Route', 't']);
    draft.prepend('Via', 'SIP/2.0/UDP h');
    assert.deepEqual(draft.names, ['Via', 'Route', 't']);
  });

  test('has the length of its body, whatever is said of it', () => {
    const draft = Draft.request('INVITE', 'sip:h').set('Content-Length', '99').add('l', '98').prepend('l', '97');
    draft.body = Buffer.from('abc');
    assert.equal(draft.get('l'), '3');
    assert.equal(draft.toBuffer().toString(), 'INVITE sip:h SIP/2.0\r\nContent-Length: 3\r\n\r\nabc');
  });

  test('refuses what would break its lines', () => {
    const draft = Draft.request('INVITE', 'sip:h');
    for (const value of ['a\r\nX-Injected: b', 'a\nb', 'a\rb', 'a\0b']) {
      assert.throws(() => draft.add('Subject', value), UnwritableMessage);
      assert.throws(() => draft.set('Subject', value), UnwritableMessage);
      assert.throws(() => draft.prepend('Subject', value), UnwritableMessage);
      assert.throws(() => Draft.response(200, value), UnwritableMessage);
      assert.throws(() => Draft.request('INVITE', value), UnwritableMessage);
    }
    assert.throws(() => draft.add('Sub ject', 'x'), UnwritableMessage);
    assert.throws(() => draft.add('', 'x'), UnwritableMessage);
    assert.throws(() => Draft.request('IN VITE', 'sip:h'), UnwritableMessage);
    assert.throws(() => Draft.request('INVITE', 'sip:h SIP/2.0'), UnwritableMessage);
    assert.throws(() => Draft.response(99), UnwritableMessage);
    assert.throws(() => {
      draft.startLine = { kind: 'response', status: 700, reason: '' };
    }, UnwritableMessage);
  });

  test('has the standard reason phrase', () => {
    assert.match(Draft.response(486).toBuffer().toString(), /^SIP\/2.0 486 Busy Here\r\n/);
    assert.match(Draft.response(499).toBuffer().toString(), /^SIP\/2.0 499 Request Failure\r\n/);
    assert.match(Draft.response(200, 'Fine').toBuffer().toString(), /^SIP\/2.0 200 Fine\r\n/);
  });
});

describe('an answer', () => {
  const asked = request({
    via: 'Via: SIP/2.0/UDP a;branch=z9hG4bK1\r\nv: SIP/2.0/UDP b',
    headers: ['Timestamp: 54', 'Contact: <sip:c>', 'Record-Route: <sip:r;lr>'],
  });

  test('copies what RFC 3261 8.2.6.2 says, and the time on 100 only', () => {
    const answer = Draft.answering(asked, 180);
    assert.deepEqual(answer.names, ['Via', 'v', 'From', 'To', 'Call-ID', 'CSeq']);
    assert.deepEqual(answer.all('Via'), ['SIP/2.0/UDP a;branch=z9hG4bK1', 'SIP/2.0/UDP b']);
    assert.equal(answer.get('From'), '"Li" <sip:+8613800138000@ims.example.net>;tag=f1');
    assert.equal(Draft.answering(asked, 100).get('Timestamp'), '54');
    assert.equal(answer.body.length, 0);
  });

  test('copies the Via that the transport has stamped', () => {
    const message = request();
    const [top] = message.vias;
    assert.ok(top);
    message.stampTopVia({ ...top, parameters: new Map([['received', '192.0.2.9']]) });
    assert.equal(
      Draft.answering(message, 200).get('Via'),
      'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa1;received=192.0.2.9',
    );
  });

  test('to a malformed request says what is wrong, and nothing to an ACK', () => {
    const errorOf = (parts: InviteParts): MalformedMessage => {
      try {
        parseMessage(invite(parts));
      } catch (error) {
        if (error instanceof MalformedMessage) return error;
      }
      assert.fail('accepted');
    };
    const answer = Draft.answeringMalformed(errorOf({ to: undefined }));
    assert.ok(answer);
    assert.match(answer.toBuffer().toString(), /^SIP\/2\.0 400 Bad Request \(To is missing\)\r\nVia: SIP/);
    assert.deepEqual(answer.names, ['Via', 'From', 'Call-ID', 'CSeq']);
    assert.equal(Draft.answeringMalformed(errorOf({ via: undefined })), undefined);
    assert.equal(Draft.answeringMalformed(errorOf({ requestLine: 'ACK sip:h SIP/2.0', cseq: undefined })), undefined);
  });
});

describe('a copy', () => {
  test('is the message again, octet for octet', () => {
    const octets = invite({
      headers: ['m: <sip:c@h>', 'X-A:b', 'Subject: 忙'].map((line) => line.replace(/: */, ': ')),
    });
    assert.deepEqual(Draft.from(parseMessage(octets)).toBuffer(), octets);
  });

  test('keeps octets in no known character set as they came', () => {
    const octets = Buffer.from(invite().toString('latin1').replace('"Li"', '"\xc9\xee\xdb\xda"'), 'latin1');
    assert.deepEqual(Draft.from(parseMessage(octets)).toBuffer(), octets);
  });
});
