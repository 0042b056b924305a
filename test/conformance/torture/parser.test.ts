/** Each torture message at the parser: taken or refused as a datagram, and what it says. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseNameAddress } from '../../../src/sip/message/address.ts';
import { Draft } from '../../../src/sip/message/draft.ts';
import type { Request, Response } from '../../../src/sip/message/message.ts';
import { MalformedMessage, parseMessage } from '../../../src/sip/message/parse.ts';
import { isSipUri, parseUri } from '../../../src/sip/message/uri.ts';
import { invalid } from './rfc4475-invalid.ts';
import { semantics } from './rfc4475-semantics.ts';
import { valid } from './rfc4475-valid.ts';
import { ipv6 } from './rfc5118.ts';

const all = [...valid, ...invalid, ...semantics, ...ipv6];

test('RFC 4475 has 49 messages', () => {
  const names = [...valid, ...invalid, ...semantics].map(({ name }) => name);
  assert.equal(new Set(names).size, 49);
});

describe('the parser', () => {
  for (const { clause, name, title, parsed, octets } of all) {
    test(`${clause} ${name}, ${title}: ${parsed}`, () => {
      if (parsed !== 'read') {
        const status = parsed === 'dropped' ? 0 : parsed;
        assert.throws(
          () => parseMessage(octets),
          (error) => error instanceof MalformedMessage && error.status === status,
        );
        return;
      }
      const message = parseMessage(octets);
      const again = parseMessage(Draft.from(message).toBuffer(), 'stream');
      assert.deepEqual(again.from, message.from);
      assert.deepEqual(again.to, message.to);
      assert.deepEqual(again.vias, message.vias);
      assert.deepEqual(again.body, message.body);
      assert.deepEqual(
        again.headers.filter(({ key }) => key !== 'content-length').map((header) => [header.name, header.value]),
        message.headers.filter(({ key }) => key !== 'content-length').map((header) => [header.name, header.value]),
      );
    });
  }
});

function request(name: string): Request {
  const message = read(name);
  assert.ok(message.kind === 'request');
  return message;
}

function response(name: string): Response {
  const message = read(name);
  assert.ok(message.kind === 'response');
  return message;
}

function read(name: string): Request | Response {
  const found = all.find((torture) => torture.name === name && torture.parsed === 'read');
  assert.ok(found, name);
  return parseMessage(found.octets);
}

describe('what they say', () => {
  test('wsinv', () => {
    const message = request('wsinv');
    assert.equal(message.to.parameters.get('tag'), '1918181833n');
    assert.equal(message.from.displayName, 'J Rosenberg \\"');
    assert.equal(message.from.parameters.get('tag'), '98asjd8');
    assert.equal(message.get('Max-Forwards'), '0068');
    assert.deepEqual(message.cseq, { sequence: 9, method: 'INVITE' });
    assert.deepEqual(
      message.vias.map(({ transport, host, branch }) => [transport, host, branch]),
      [
        ['UDP', '192.0.2.2', '390skdjuw'],
        ['TCP', 'spindle.example.com', 'z9hG4bK9ikj8'],
        ['UDP', '192.168.255.111', 'z9hG4bK30239'],
      ],
    );
    assert.equal(message.get('Subject'), '');
    assert.equal(message.get('UnknownHeaderWithUnusualValue'), ';;,,;;,;');
    assert.equal(message.get('NewFangledHeader'), 'newfangled value continued newfangled value');
    const contact = parseNameAddress(message.get('Contact') ?? '');
    assert.ok(contact);
    assert.equal(contact.displayName, 'Quoted string ""');
    assert.deepEqual(
      [...contact.parameters],
      [
        ['newparam', 'newvalue'],
        ['secondparam', undefined],
        ['q', '0.33'],
      ],
    );
    assert.equal(message.body.length, 150);
  });

  test('intmeth', () => {
    const message = request('intmeth');
    assert.equal(message.method, "!interesting-Method0123456789_*+`.%indeed'~");
    assert.ok(isSipUri(message.uri));
    assert.equal(message.uri.user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
    assert.equal(message.uri.password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
    assert.equal(message.to.displayName, 'BEL:\x07 NUL:\0 DEL:\x7f');
    assert.equal(message.from.displayName, "token1~` token2'+_ token3*%!.-");
    assert.equal(message.from.parameters.get("fromparam''~+*_!.-%"), '"работающий"');
    assert.equal(message.from.parameters.get('tag'), "_token~1'+`*%!-.");
    assert.equal(message.callId, 'intmeth.word%ZK-!.*_+\'@word`~)(><:\\/"][?}{');
    assert.equal(message.get("extensionHeader-!.%*+_`'~"), '\ufeff大停電');
  });

  test('esc01, escnull, esc02: escapes stay, and are no syntax', () => {
    assert.equal(request('esc01').requestUri, 'sip:sips%3Auser%40example.com@example.net');
    assert.deepEqual(request('escnull').all('Contact'), [
      '<sip:%00@host5.example.com>',
      '<sip:%00%00@host5.example.com>',
    ]);
    assert.equal(request('esc02').method, 'RE%47IST%45R');
    assert.equal(request('esc02').from.displayName, '%Z%45');
    assert.equal(request('esc02').all('Contact').length, 2);
  });

  test('lwsdisp, baddn, badaspec: names and addresses', () => {
    assert.equal(request('lwsdisp').from.displayName, 'caller');
    assert.equal(request('lwsdisp').from.uri, 'sip:caller@example.com');
    assert.equal(request('baddn').from.displayName, 'Bell, Alexander');
    assert.equal(request('badaspec').to.uri, 'sip:t.watson@example.org');
  });

  test('longreq', () => {
    const message = request('longreq');
    assert.equal(message.vias.length, 34);
    assert.equal(message.vias.at(-1)?.branch?.length, 'verybranchvalue'.length + 50 * 'long'.length);
    assert.equal(message.body.length, 150);
  });

  test('dblreq: what follows is not of the message', () => {
    const message = request('dblreq');
    assert.equal(message.body.length, 0);
    assert.ok(message.raw.toString().endsWith('Content-Length: 0\r\n\r\n'));
  });

  test('semiuri', () => {
    const { uri } = request('semiuri');
    assert.ok(isSipUri(uri));
    assert.equal(uri.user, 'user;par=u%40example.net');
    assert.equal(uri.parameters.size, 0);
  });

  test('transports', () => {
    assert.deepEqual(
      request('transports').vias.map(({ transport }) => transport),
      ['UDP', 'SCTP', 'TLS', 'UNKNOWN', 'TCP'],
    );
  });

  test('mpart01: the octets of the signature', () => {
    const { body } = request('mpart01');
    assert.equal(body.length, 553);
    // A DER sequence of 0x152 octets behind its own four.
    const start = body.indexOf(Buffer.from('3082015206092a86', 'hex'));
    assert.ok(start > 0);
    assert.equal(body.subarray(start + 4 + 0x152).toString(), '\r\n--7a9cbec02ceef655--\r\n');
  });

  test('unreason, noreason', () => {
    assert.equal(response('unreason').reason, '= 2**3 * 5**2 но сто девяносто девять - простое');
    assert.equal(response('noreason').reason, '');
    assert.equal(response('noreason').status, 100);
  });

  test('bcast: the Vias are both there, for whoever has to compare them', () => {
    assert.deepEqual(
      response('bcast').vias.map(({ host }) => host),
      ['192.0.2.198', '255.255.255.255'],
    );
  });

  test('cparam01, cparam02, regescrt, regbadct: what belongs to the header, what to the URI', () => {
    const contact = (name: string) => parseNameAddress(request(name).get('Contact') ?? '');
    assert.ok(contact('cparam01')?.parameters.has('unknownparam'));
    assert.equal(contact('cparam01')?.uri, 'sip:+19725552222@gw1.example.net');
    assert.equal(contact('cparam02')?.parameters.size, 0);
    assert.equal(contact('cparam02')?.uri, 'sip:+19725552222@gw1.example.net;unknownparam');
    for (const name of ['regescrt', 'regbadct']) {
      const uri = parseUri(contact(name)?.uri ?? '');
      assert.ok(uri && isSipUri(uri));
      assert.match(uri.headers ?? '', /^Route=%3Csip:(?:sip\.)?example\.com%3E$/);
    }
  });

  test('inv2543: the body goes to the end', () => {
    const message = request('inv2543');
    assert.equal(message.vias[0]?.branch, undefined);
    assert.equal(message.from.parameters.size, 0);
    assert.ok(message.body.toString().endsWith('m=audio 49217 RTP/AVP 0\r\n'));
  });

  test('IPv6: addresses, ports and parameters', () => {
    const hostOf = (name: string) => {
      const { uri } = request(name);
      assert.ok(isSipUri(uri));
      return [uri.host, uri.port];
    };
    assert.deepEqual(hostOf('ipv6-good'), ['[2001:db8::10]', undefined]);
    assert.deepEqual(hostOf('port-ambiguous'), ['[2001:db8::10:5070]', undefined]);
    assert.deepEqual(hostOf('port-unambiguous'), ['[2001:db8::10]', 5070]);
    assert.deepEqual(hostOf('ipv6-bug-abnf-3-colons'), ['[2001:db8:::192.0.2.1]', undefined]);
    assert.deepEqual(hostOf('ipv6-correct-abnf-2-colons'), ['[2001:db8::192.0.2.1]', undefined]);
    const received = (name: string) => request(name).vias[0]?.parameters.get('received');
    assert.equal(received('via-received-param-with-delim'), '[2001:db8::9:255]');
    assert.equal(received('via-received-param-no-delim'), '2001:db8::9:255');
    assert.deepEqual(
      request('mult-ip-in-header').vias.map(({ host, port }) => [host, port]),
      [
        ['[2001:db8::9:1]', 6050],
        ['192.0.2.1', undefined],
        ['[2001:db8::9:255]', undefined],
      ],
    );
    assert.equal(request('ipv4-mapped-ipv6').vias[0]?.host, '[::ffff:192.0.2.10]');
    assert.match(request('ipv6-in-sdp').body.toString(), /^c=IN IP6 2001:db8::20\r$/m);
  });
});
