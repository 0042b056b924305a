import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatNameAddress, parseNameAddress, type NameAddress } from '../../../../src/sip/message/address.ts';
import { Draft } from '../../../../src/sip/message/draft.ts';
import { MalformedMessage, parseMessage } from '../../../../src/sip/message/parse.ts';
import { splitList, trimSpace } from '../../../../src/sip/message/syntax.ts';
import { parseUri } from '../../../../src/sip/message/uri.ts';
import { formatVia, parseVia, type Via } from '../../../../src/sip/message/via.ts';
import { invite } from '../../../support/sip-messages.ts';

const token = fc.stringMatching(/^[A-Za-z0-9.!%*_+`'~-]{1,12}$/);
/** Any text that may stand in one line. */
const line = fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => trimSpace(text.replace(/[\r\n\0]/g, '')));
const host = fc.oneof(
  fc.constantFrom('as.example.net', '192.0.2.1', '[2001:db8::1]'),
  fc.stringMatching(/^[a-z0-9-]{1,9}$/),
);
const parameters = fc
  .array(
    fc.tuple(
      token.map((name) => name.toLowerCase()),
      fc.option(token, { nil: undefined }),
    ),
    { maxLength: 4 },
  )
  .map((entries) => new Map(entries));

const address: fc.Arbitrary<NameAddress> = fc
  .record({ displayName: fc.option(line, { nil: undefined }), user: token, host, parameters })
  .map(({ displayName, user, host: at, parameters: all }) => {
    const base = { uri: `sip:${user}@${at}`, parameters: all };
    return displayName === undefined ? base : { displayName, ...base };
  });

const via: fc.Arbitrary<Via> = fc
  .record({
    transport: fc.constantFrom('UDP', 'TCP', 'TLS'),
    host,
    port: fc.option(fc.nat(65_535), { nil: undefined }),
    parameters,
  })
  .map(({ transport, host: at, port, parameters: all }) => {
    const branch = all.get('branch');
    return {
      protocol: 'SIP/2.0',
      transport,
      host: at,
      parameters: all,
      ...(port === undefined ? {} : { port }),
      ...(branch === undefined ? {} : { branch }),
    };
  });

test('what is written is read again', () => {
  fc.assert(
    fc.property(
      fc.record({
        method: token,
        vias: fc.array(via, { minLength: 1, maxLength: 3 }),
        from: address,
        to: address,
        callId: token,
        sequence: fc.nat(2 ** 31 - 1),
        others: fc.array(
          fc.tuple(
            token.map((name) => `X-${name}`),
            line,
          ),
          { maxLength: 6 },
        ),
        body: fc.uint8Array({ maxLength: 300 }),
      }),
      (facts) => {
        const draft = Draft.request(facts.method, 'sip:h');
        for (const one of facts.vias) draft.add('Via', formatVia(one));
        draft.add('From', formatNameAddress(facts.from)).add('To', formatNameAddress(facts.to));
        draft.add('Call-ID', facts.callId).add('CSeq', `${facts.sequence} ${facts.method}`);
        for (const [name, value] of facts.others) draft.add(name, value);
        draft.body = Buffer.from(facts.body);

        const octets = draft.toBuffer();
        const message = parseMessage(octets, 'stream');
        assert.ok(message.kind === 'request');
        assert.equal(message.method, facts.method);
        assert.deepEqual(message.vias, facts.vias);
        assert.deepEqual(message.from, facts.from);
        assert.deepEqual(message.to, facts.to);
        assert.equal(message.callId, facts.callId);
        assert.equal(message.cseq.sequence, facts.sequence);
        assert.deepEqual(
          message.headers.filter(({ name }) => name.startsWith('X-')).map(({ name, value }) => [name, value]),
          facts.others,
        );
        assert.deepEqual(message.body, Buffer.from(facts.body));
        assert.deepEqual(Draft.from(message).toBuffer(), octets);
      },
    ),
    { numRuns: 300 },
  );
});

/** Parses; anything but MalformedMessage thrown, or an answer that is no message itself, fails the test. */
function survive(octets: Buffer): void {
  for (const framing of ['datagram', 'stream'] as const) {
    try {
      const message = parseMessage(octets, framing);
      for (const { name } of message.headers) message.list(name);
      Draft.from(message).toBuffer();
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      Draft.answeringMalformed(error)?.toBuffer();
    }
  }
}

test('random octets are refused and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (octets) => survive(Buffer.from(octets))),
    { numRuns: 500 },
  );
});

test('a mutated message is read or refused and nothing else', () => {
  const original = invite({
    headers: ['Max-Forwards: 66', 'Subject: a\r\n b', 'Diversion: "x" <sip:1@h>;reason=busy,<sip:2@h>', 'l: 5'],
  });
  const pieces = [
    '\r\n',
    '\r',
    '\n',
    '\0',
    '"',
    '<',
    '>',
    ',',
    ';',
    ':',
    ' ',
    '\t',
    '\\',
    'SIP/2.0',
    '\xff',
    '@',
    '\r\n\r\n',
    '\r\n ',
  ];
  const mutation = fc.record({
    at: fc.nat(original.length),
    remove: fc.nat(6),
    insert: fc.oneof(
      fc.constantFrom(...pieces).map((text) => Buffer.from(text, 'latin1')),
      fc.uint8Array({ maxLength: 4 }).map((octets) => Buffer.from(octets)),
    ),
  });
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 6 }), (mutations) => {
      let octets = original;
      for (const { at, remove, insert } of mutations) {
        octets = Buffer.concat([octets.subarray(0, at), insert, octets.subarray(at + remove)]);
      }
      survive(octets);
    }),
    { numRuns: 2_000 },
  );
});

test('no message takes long, however it is made', () => {
  // Each would take seconds with a scan that goes back; all of it together takes some tens of milliseconds.
  const long = 16_000;
  const values = [
    ' ',
    '\t',
    ',',
    ';',
    '"',
    '\\',
    '<',
    '>',
    '@',
    ':',
    '=',
    '%',
    'a,',
    'a;',
    '"a",',
    '<a>,',
    '\r\n ',
    '\\"',
    ';a',
    '\xa0',
  ];
  const started = performance.now();
  for (const value of values) {
    const text = value.repeat(Math.floor(long / value.length));
    for (const name of ['Via', 'From', 'To', 'Call-ID', 'CSeq', 'Content-Length', 'Diversion', 'Subject']) {
      survive(invite({ headers: [`${name}: ${text}x`, `${name}: x${text}`] }));
    }
    survive(Buffer.from(value.repeat(65_000 / value.length)));
    survive(invite({ requestLine: `INVITE sip:${text} SIP/2.0` }));
    parseUri(`sip:${text}`);
    parseNameAddress(text);
    parseVia(`SIP/2.0/UDP ${text}`);
    splitList(text);
  }
  const took = performance.now() - started;
  assert.ok(took < 5_000, `took ${took} ms`);
});
