// The parts that the rules stand on, at their edges.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { joinChains } from '../../../src/numbers/chain.ts';
import type { DivertingUser } from '../../../src/numbers/diverting.ts';
import { EmbeddedHeaders } from '../../../src/numbers/embedded-headers.ts';
import { reasonOfEmbedded } from '../../../src/numbers/embedded-reason.ts';
import { Evidence } from '../../../src/numbers/explanation.ts';
import { formatNumber, numberUri } from '../../../src/numbers/format.ts';
import { inHistoryOrder, readHistoryEntry } from '../../../src/numbers/history-entry.ts';
import { readInitialAddress } from '../../../src/numbers/isup/iam.ts';
import { readMediaType } from '../../../src/numbers/isup/media-type.ts';
import { readMultipart } from '../../../src/numbers/isup/multipart.ts';
import { readCalledPartyNumber, readCallingPartyNumber } from '../../../src/numbers/isup/number.ts';
import { readRedirection } from '../../../src/numbers/isup/redirection.ts';
import { readParty } from '../../../src/numbers/party.ts';
import { causeOfReason, parseCause, reasonOfToken } from '../../../src/numbers/redirect-reason.ts';
import { unescape } from '../../../src/numbers/uri-user.ts';
import { caller, china, first, other, read, refusal, second } from './invite.ts';

const at = (number: string, more = '') => `<sip:${number}@ims.example.net${more}>`;

describe('embedded headers', () => {
  test('their names and values', () => {
    const headers = new EmbeddedHeaders(
      'Reason=SIP%3Bcause%3D302&a&REASON=b=c&%20reason%20=d&%zz=e&reason=%zz&=f&privacy=history',
    );
    assert.deepEqual(headers.all('reason'), ['SIP;cause=302', 'b=c', 'd']);
    assert.deepEqual(headers.all('a'), ['']);
    assert.deepEqual(headers.all(''), ['f']);
    assert.deepEqual(headers.all('privacy'), ['history']);
    assert.deepEqual(headers.all('undefined'), []);
    assert.deepEqual(new EmbeddedHeaders(undefined).all('reason'), []);
  });

  test('the Reason in them', () => {
    const rows: [values: string[], wanted: string | undefined][] = [
      ...(['cfi', 'cfu', 'cfa'] as const).map((cause): [string[], string] => [
        [`Redirection;cause=${cause}`],
        'unconditional',
      ]),
      [['redirection ; text=x; CAUSE = "CFB"'], 'user-busy'],
      [['Redirection;cause=CFNA'], 'no-answer'],
      [['Redirection;cause=CFNR'], 'no-answer'],
      [['Redirection;cause=CD'], 'deflection'],
      [['Redirection;cause=XX'], 'unknown'],
      [['Q.850;cause=17'], 'user-busy'],
      [['Q.850;cause=18'], 'no-answer'],
      [['Q.850;cause=19'], 'no-answer'],
      [['Q.850;cause=20'], 'unavailable'],
      [['q.850;cause=16'], 'unknown'],
      [['SIP;cause=302'], 'unconditional'],
      [['SIP;cause=300'], 'unknown'],
      [['SIP;cause=299'], undefined],
      [['SIP;cause=30'], undefined],
      [['SIP;cause'], undefined],
      [['SIP;text=cause;acause=302'], undefined],
      [['SIP;x=486;cause=302;cause=408'], 'unconditional'],
      [['Preemption;cause=302'], undefined],
      [[';cause=302'], undefined],
      [[], undefined],
      [['SIP;cause=500', 'Redirection;cause=CFB'], 'user-busy'],
      [['Redirection;cause=CFB, SIP;cause=302'], 'user-busy'],
      [['Other;cause=1', 'SIP;cause=500'], 'unknown'],
      [['SIP;cause=500', 'Other;cause=1'], 'unknown'],
    ];
    for (const [values, wanted] of rows) assert.equal(reasonOfEmbedded(values), wanted, values.join());
  });
});

test('reasons and causes', () => {
  const causes = { unconditional: 302, 'user-busy': 486, 'no-answer': 408, deflection: 480, unavailable: 503 } as const;
  for (const reason of ['unconditional', 'user-busy', 'no-answer', 'deflection', 'unavailable'] as const)
    assert.equal(causeOfReason(reason), causes[reason]);
  for (const reason of ['time-of-day', 'do-not-disturb', 'follow-me', 'out-of-service', 'away', 'unknown'] as const) {
    assert.equal(causeOfReason(reason), 404);
    assert.equal(reasonOfToken(reason.toUpperCase()), reason);
  }
  assert.equal(reasonOfToken('xyz'), 'unknown');
  assert.deepEqual(['302', '1302', '3021', '30', 'x', undefined].map(parseCause), [
    302,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test('escapes', () => {
  const rows: [string, string | undefined][] = [
    ['a%41b', 'aAb'],
    ['%', undefined],
    ['%4', undefined],
    ['%4g', undefined],
    ['%g4', undefined],
    ['%410', 'A0'],
    ['a', 'a'],
    ['%e9', '\u00e9'],
    ['%25%', undefined],
  ];
  for (const [text, wanted] of rows) assert.equal(unescape(text), wanted, text);
});

test('whom a URI names', () => {
  const rows: [string, object][] = [
    [`sip:${first}@x`, { kind: 'number', number: first, form: 'e164' }],
    ['tel:95588', { kind: 'number', number: '95588', form: 'short' }],
    ['sip:Alice;x=1@X.net:5070;y', { kind: 'name', number: 'sip:Alice@x.net', user: 'Alice' }],
    ['sip:Anonymous@x', { kind: 'anonymous' }],
    ['sip:anonymous.invalid', { kind: 'anonymous' }],
    ['sip:x@Anonymous.Invalid', { kind: 'anonymous' }],
    ['sip:Unavailable@x', { kind: 'unavailable' }],
    ['sip:unknown@x', { kind: 'unavailable' }],
    ['sip:x@y.invalid', { kind: 'unavailable' }],
    ['sip:x.net', { kind: 'no-user' }],
    ['sip:@x.net', { kind: 'no-user' }],
    ['sip:%zz@x', { kind: 'unusable' }],
    ['sip:12*@x', { kind: 'unusable' }],
    ['sip:a%00@x', { kind: 'unusable' }],
    ['tel:abc', { kind: 'unusable' }],
    ['urn:service:sos', { kind: 'unusable' }],
    ['http://x/', { kind: 'unusable' }],
    ['nothing', { kind: 'unusable' }],
  ];
  for (const [uri, wanted] of rows) assert.deepEqual(readParty(uri, china), wanted, uri);
});

describe('numbers as operators want them', () => {
  test('digits', () => {
    const format = (number: string) =>
      (['plus', 'country-code', 'national'] as const).map((as) => formatNumber(number, as, 'CN'));
    assert.deepEqual(format(first), [first, first.slice(1), `0${first.slice(3)}`]);
    assert.deepEqual(format('95588'), ['95588', '95588', '95588']);
    assert.deepEqual(format('+442079460000'), ['+442079460000', '442079460000', '+442079460000']);
    assert.equal(formatNumber('+999123', 'national', 'CN'), '+999123');
  });

  test('URIs, of nothing but numbers and addresses', () => {
    const uri = (number: string) => numberUri(number, 'us.example', 'plus', 'CN');
    assert.equal(uri(first), `sip:${first}@us.example;user=phone`);
    assert.equal(uri('95588'), 'sip:95588@us.example;user=phone');
    assert.equal(uri('sip:alice@x.net:5070'), 'sip:alice@x.net:5070');
    assert.equal(uri("sip:a.b~!*'&=+$/%41-_@[::1]"), "sip:a.b~!*'&=+$/%41-_@[::1]");
    for (const wrong of [
      '',
      '1',
      '+',
      'alice',
      `${first}>`,
      `<${first}`,
      '1'.repeat(21),
      'sip:a',
      'sip:a b@x',
      'sip:a@x>',
      'x sip:a@b',
      'sip:@x',
      'sip:a@',
      'sip:a"@x',
      'sip:a@x;y',
    ])
      assert.equal(uri(wrong), undefined, wrong);
  });
});

describe('entries of History-Info', () => {
  const entry = (value: string) => readHistoryEntry(value, china);
  const order = (...indexes: string[]) =>
    inHistoryOrder(indexes.map((index) => entry(`<sip:1@x>;index=${index}`)).filter((one) => one !== undefined)).map(
      ({ index }) => index,
    );

  test('their facts', () => {
    assert.deepEqual(
      entry(
        `"F" ${at(first, ';cause=302?Reason=SIP%3Bcause%3D486&Privacy=id&privacy=History')};index=1.1;mp=1;rc=2;np=3`,
      ),
      {
        uri: `sip:${first}@ims.example.net;cause=302?Reason=SIP%3Bcause%3D486&Privacy=id&privacy=History`,
        number: first,
        index: '1.1',
        mp: '1',
        rc: '2',
        np: '3',
        cause: 302,
        leftBecause: 'user-busy',
        private: true,
        extensions: new Map(),
      },
    );
    assert.equal(entry(`<tel:${first};cause=408>;index=1`)?.cause, 408);
    assert.equal(entry('<urn:x:y>;index=1')?.cause, undefined);
    assert.equal(entry('<sip:%zz@x>;index=1')?.number, null);
    for (const malformed of ['sip', '<sip:>', '<sip:a@b', '<sip:1@x\u00e9>;index=1'])
      assert.equal(entry(malformed), undefined, malformed);
  });

  test('their order', () => {
    assert.deepEqual(order('1.10', '1.9', '1'), ['1', '1.9', '1.10']);
    assert.deepEqual(order('2', '1.1', '1'), ['1', '1.1', '2']);
    assert.deepEqual(order('1.1.1', '1.1', '1.2'), ['1.1', '1.1.1', '1.2']);
    assert.deepEqual(order('10.2', '10.10', '9'), ['9', '10.2', '10.10']);
    assert.deepEqual(order('1.002', '1.1', '1.0'), ['1.0', '1.1', '1.002']);
    assert.deepEqual(order('0010', '20', '3'), ['3', '0010', '20']);
    assert.deepEqual(order('2', '1', '1x'), ['2', '1', '1x']);
    assert.deepEqual(order('2', '1', '1.'), ['2', '1', '1.']);
    assert.deepEqual(order('1.3', '1.2', '1.1'), ['1.1', '1.2', '1.3']);
    assert.deepEqual(order('1.20', '1.30', '1.100'), ['1.20', '1.30', '1.100']);
  });
});

describe('the walk through History-Info', () => {
  const reading = (...entries: string[]) => read({ headers: [`History-Info: ${entries.join(', ')}`] });
  const chain = (...entries: string[]) =>
    reading(...entries).chain.map(({ number, reason, index }) => [number, reason, index]);

  test('goes on over entries without a diversion: rc, np, or the nearest ancestor across a gap', () => {
    const last = at(second, ';cause=302');
    const wanted = [
      [first, 'user-busy', '1'],
      [other, 'unconditional', undefined],
    ];
    const indexes = (index: string) => [wanted[0], [other, 'unconditional', index]];
    const start = [`${at(first)};index=1`, `${at(caller)};index=1.1`, `${at(other, ';cause=486')};index=1.2;mp=1`];
    assert.deepEqual(
      chain(...start, `${at(other)};index=1.2.1;rc=1.2`, `${last};index=1.2.1.1;mp=1.2.1`),
      indexes('1.2.1'),
    );
    assert.deepEqual(
      chain(...start, `${at(other)};index=1.2.1;np=1.2`, `${last};index=1.2.1.1;mp=1.2.1`),
      indexes('1.2.1'),
    );
    assert.deepEqual(chain(...start, `${at(other)};index=1.2.1`, `${last};index=1.2.1.1;mp=1.2.1`), indexes('1.2.1'));
    assert.deepEqual(
      chain(...start, `${at(other)};index=1.2.0.1`, `${last};index=1.2.0.1.1;mp=1.2.0.1`),
      indexes('1.2.0.1'),
    );
    assert.deepEqual(chain(...start, `${at(other)};index=1.3`, `${last};index=1.3.1;mp=1.3`), [
      [other, 'unconditional', '1.3'],
    ]);
  });

  test('names the user whose contact diverted', () => {
    const last = `${at(second, ';cause=408')};index=1.1.1;mp=1.1`;
    assert.deepEqual(chain(`${at(first)};index=1`, '<sip:phone@192.0.2.7>;index=1.1;rc=1', last), [
      [first, 'no-answer', '1.1'],
    ]);
    assert.deepEqual(chain(`${at(first)};index=1`, '<sip:phone@192.0.2.7>;index=1.1', last), [
      [null, 'no-answer', '1.1'],
    ]);
    assert.deepEqual(chain('<sip:proxy.example>;index=1', '<sip:phone@192.0.2.7>;index=1.1;np=1', last), [
      [null, 'no-answer', '1.1'],
    ]);
    assert.deepEqual(chain(`${at(first)};index=1`, '<sip:phone@192.0.2.7;cause=302>;index=1.1;rc=1', last), [
      [first, 'unconditional', '1'],
      [null, 'no-answer', '1.1'],
    ]);
  });

  test('begins with somebody who was not recorded', () => {
    const alone = reading(`${at(second, ';cause=302')};index=1`);
    assert.deepEqual(
      [alone.firstCalled, alone.counter, alone.reason, alone.lastDiverting],
      [null, 1, 'unconditional', null],
    );
    assert.equal(alone.chain[0]?.private, false);
    assert.equal(alone.chain[0].uri, undefined);
    assert.equal(alone.chain[0].index, undefined);
  });

  test('keeps the URI and the index of a user, where there are any', () => {
    const [user] = reading(at(first), at(second, ';cause=302')).chain;
    assert.deepEqual(user, {
      number: first,
      reason: 'unconditional',
      private: false,
      counter: 1,
      source: 'history-info',
      uri: `sip:${first}@ims.example.net`,
    });
    const [untagged] = reading(`${at(first)};index=1`, `${at(second)};index=1.1`).chain;
    assert.equal(untagged?.index, '1');
    assert.equal('index' in (reading(at(first)).chain[0] ?? {}), false);
  });

  test('takes the first of two entries with one index', () => {
    assert.deepEqual(
      chain(`${at(first)};index=1`, `${at(other)};index=1`, `${at(second, ';cause=302')};index=1.1;mp=1`),
      [[first, 'unconditional', '1']],
    );
  });

  test('reads the same user twice as one, in the words of an old sender', () => {
    const left = (number: string, cause: number) => at(number, `?Reason=SIP%3Bcause%3D${cause}`);
    assert.deepEqual(chain(`${left(first, 302)};index=1`, `${left(first, 486)};index=1.1`, `${at(second)};index=1.2`), [
      [first, 'user-busy', '1.1'],
    ]);
    const unnamed = '<sip:a.example?Reason=SIP%3Bcause%3D302>';
    assert.equal(chain(`${unnamed};index=1`, `${unnamed};index=1.1`).length, 2);
  });

  test('a translated number is private where the entry is, or the message', () => {
    const entries = (privacy: string) => [
      `<sip:4008001234@x${privacy}>;index=1`,
      `${at(second, ';cause=380')};index=1.1`,
    ];
    assert.equal(reading(...entries('')).firstCalledPrivate, false);
    assert.equal(reading(...entries('?Privacy=history')).firstCalledPrivate, true);
    const history = `History-Info: ${entries('').join(',')}`;
    assert.equal(read({ headers: [history, 'Privacy: history'] }).firstCalledPrivate, true);
    const uri = `sip:${second}@x;target=sip:4008001234%40x;cause=380`;
    assert.deepEqual([read({ uri }).firstCalledSource, read({ uri }).firstCalledPrivate], ['target-param', false]);
  });
});

describe('History-Info and Diversion as one chain', () => {
  const user = (number: string | null, more: Partial<DivertingUser> = {}): DivertingUser => ({
    number,
    reason: 'unknown',
    private: false,
    counter: 1,
    source: 'diversion',
    ...more,
  });
  const entry = (number: string | null, more: Partial<DivertingUser> = {}) =>
    user(number, { source: 'history-info', ...more });
  const join = (history: DivertingUser[], diversions: DivertingUser[], to: string | null = null) => {
    const evidence = new Evidence();
    const chain = joinChains(history, diversions, to, evidence);
    return { chain, numbers: chain.map(({ number }) => number), warnings: evidence.warnings.length };
  };

  test('one of them alone', () => {
    assert.deepEqual(join([entry(first)], []), { chain: [entry(first)], numbers: [first], warnings: 0 });
    assert.deepEqual(join([], [user(first), user(other)]).numbers, [first, other]);
  });

  test('the same user in both: the stricter, the greater, the known', () => {
    const joined = join(
      [entry(first, { index: '1', uri: 'sip:a@b' })],
      [user(first, { counter: 3, limit: 5, private: true, reason: 'away' })],
    );
    assert.deepEqual(joined.chain, [
      entry(first, { index: '1', uri: 'sip:a@b', counter: 3, limit: 5, private: true, reason: 'away' }),
    ]);
    assert.equal(joined.warnings, 0);
    assert.equal(
      join([entry(first, { counter: 4, reason: 'away' })], [user(first, { counter: 2, reason: 'follow-me' })]).chain[0]
        ?.counter,
      4,
    );
    assert.equal('limit' in (join([entry(first)], [user(first)]).chain[0] ?? {}), false);
  });

  test('a withheld user is found at the same place of a list as long', () => {
    const both = join([entry(first), entry(null, { index: '1.1' })], [user(first), user(other, { reason: 'away' })]);
    assert.deepEqual(both.chain, [entry(first), user(other, { reason: 'away', index: '1.1' })]);
    assert.equal('index' in (join([entry(null)], [user(first)]).chain[0] ?? {}), false);
    assert.deepEqual(join([entry(null)], [user(first), user(other)]).numbers, [null, first, other]);
    assert.deepEqual(join([entry(null), entry(first)], [user(first), user(other)]).numbers, [null, first, other]);
    assert.deepEqual(join([entry(null)], [user(null, { reason: 'away' })]).chain, [entry(null, { reason: 'away' })]);
  });

  test('what only Diversion knows, older when To says so', () => {
    assert.deepEqual(join([entry(first)], [user(other)], null), {
      chain: [entry(first), user(other)],
      numbers: [first, other],
      warnings: 1,
    });
    assert.deepEqual(join([entry(first)], [user(other)], other).numbers, [other, first]);
    assert.deepEqual(join([entry(first)], [user(other), user(caller)], other).numbers, [other, first, caller]);
    assert.deepEqual(join([entry(first)], [user(first), user(other)], other).numbers, [first, other]);
    assert.deepEqual(join([entry(first)], [user(null)], null), {
      chain: [entry(first)],
      numbers: [first],
      warnings: 0,
    });
  });
});

describe('octets of ISUP', () => {
  const malformed = (why: string) => ({ name: 'MalformedIsup', message: why });

  test('numbers', () => {
    const octets = (...values: number[]) => Buffer.from(values);
    assert.deepEqual(readCalledPartyNumber(octets(0x03, 0x14, 0x21, 0x43)), {
      digits: '1234',
      nai: 'national',
      presentationRestricted: false,
    });
    assert.deepEqual(readCallingPartyNumber(octets(0x83, 0x14, 0x21, 0x03)), {
      digits: '123',
      nai: 'national',
      presentationRestricted: true,
    });
    assert.deepEqual(readCallingPartyNumber(octets(0x04, 0x18, 0x21)), {
      digits: '12',
      nai: 'international',
      presentationRestricted: false,
    });
    assert.deepEqual(readCallingPartyNumber(octets(0x01, 0x10)), {
      digits: '',
      nai: 'subscriber',
      presentationRestricted: false,
    });
    assert.deepEqual(readCallingPartyNumber(octets(0x05, 0x10, 0x21)), {
      digits: '',
      nai: 'unknown',
      presentationRestricted: false,
    });
    assert.deepEqual(readCallingPartyNumber(octets(0x02, 0x40, 0x21)), {
      digits: '',
      nai: 'unknown',
      presentationRestricted: false,
    });
    assert.equal(readCalledPartyNumber(octets(0x03, 0x10, 0x21, 0xf3)).digits, '123');
    assert.equal(readCalledPartyNumber(octets(0x83, 0x10, 0x21, 0x0f)).digits, '12');
    const indicators = malformed('a number without its two indicator octets');
    assert.throws(() => readCalledPartyNumber(octets()), indicators);
    assert.throws(() => readCalledPartyNumber(octets(0x03)), indicators);
    assert.throws(() => readCalledPartyNumber(octets(0x03, 0x10, 0xa1)), malformed('a digit code above 9'));
    assert.throws(() => readCalledPartyNumber(octets(0x03, 0x10, 0xff)), malformed('a digit code above 9'));
  });

  test('redirection information', () => {
    assert.deepEqual(readRedirection(Buffer.from([0x24, 0x35])), {
      reason: 'unconditional',
      originalReason: 'no-answer',
      counter: 5,
      restricted: true,
    });
    assert.deepEqual(readRedirection(Buffer.from([0x13])), {
      reason: undefined,
      originalReason: 'user-busy',
      counter: 0,
      restricted: false,
    });
    assert.throws(() => readRedirection(Buffer.alloc(0)), malformed('redirection information without content'));
  });

  test('an initial address message, cut and bent', () => {
    const called = [4, 0x03, 0x10, 0x21, 0x43];
    const head = [1, 0, 0x20, 1, 0x0a, 0];
    const whole = [
      ...head,
      2,
      6,
      ...called,
      0x0b,
      4,
      0x03,
      0x10,
      0x65,
      0x87,
      0x0b,
      3,
      0x03,
      0x10,
      0x99,
      0xc0,
      3,
      5,
      0x03,
      0x10,
      0,
    ];
    const iam = readInitialAddress(Buffer.from(whole));
    assert.equal(iam.called.digits, '1234');
    assert.equal(iam.redirecting?.digits, '5678');
    assert.deepEqual(
      [iam.calling, iam.presentation, iam.originalCalled, iam.redirection],
      [undefined, undefined, undefined, undefined],
    );
    const none = readInitialAddress(Buffer.from([...head, 2, 0, ...called]));
    assert.deepEqual([none.called.digits, none.redirecting], ['1234', undefined]);
    assert.equal(readInitialAddress(Buffer.from([...head, 2, 6, ...called, 0x99, 0])).redirecting, undefined);
    const rows: [octets: number[], why: string][] = [
      [[2, ...whole.slice(1)], 'not an initial address message'],
      [[], 'not an initial address message'],
      [head, 'the message ends before its pointers'],
      [[...head, 0, 0], 'a mandatory parameter is missing'],
      [[...head, 2, 6, 4, 3, 0x10], 'a pointer past the end'],
      [[...head, 2, 6, ...called], 'a pointer past the end'],
      [[...head, 9, 0, 4, 3, 0x10], 'a parameter past the end'],
      [[...head, 2, 0, 4, 3, 0x10, 0x21], 'a parameter past the end'],
      [[...head, 2, 6, ...called, 0x0b], 'a parameter past the end'],
      [[...head, 2, 6, ...called, 0x0b, 5, 3, 0x10, 1, 1], 'a parameter past the end'],
    ];
    for (const [octets, why] of rows)
      assert.throws(() => readInitialAddress(Buffer.from(octets)), malformed(why), octets.join());
    const unread = read({ contentType: 'application/isup', body: Buffer.from([...head, 0, 0]) });
    assert.deepEqual(unread.warnings, ['ISUP body: ignored: a mandatory parameter is missing']);
  });
});

describe('bodies of several parts', () => {
  const mixed = (boundary: string) => readMediaType(`multipart/mixed;boundary="${boundary}"`);
  const bodies = (text: string, boundary = 'b') => {
    const parts = readMultipart(Buffer.from(text, 'latin1'), mixed(boundary));
    return 'malformed' in parts
      ? parts.malformed
      : parts.map(({ type, disposition, body }) => [type.name, disposition, body.toString('latin1')]);
  };

  test('media types', () => {
    assert.deepEqual(readMediaType(' Application/ISUP ; Version="itu-t92+";x;base=y'), {
      name: 'application/isup',
      parameters: new Map([
        ['version', 'itu-t92+'],
        ['base', 'y'],
      ]),
    });
    assert.deepEqual(readMediaType('text/plain'), { name: 'text/plain', parameters: new Map() });
    assert.deepEqual(readMediaType(';a=b'), { name: '', parameters: new Map([['a', 'b']]) });
    assert.deepEqual(readMediaType('a/b;"'), { name: 'a/b', parameters: new Map() });
  });

  test('their heads and octets', () => {
    const isup = '--b\r\nX: y\r\n Content-Type : application/isup;version=x\r\nnothing\r\n'.replace(
      ' Content',
      'Content',
    );
    assert.deepEqual(
      bodies(`${isup}Content-Disposition:  signal;\r\n\thandling=required \r\n\r\n\x01\xff\r\n\r\n\r\n--b--`),
      [['application/isup', 'signal; handling=required', '\x01\xff\r\n\r\n']],
    );
    assert.deepEqual(bodies('--b\r\nc: a/b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--\r\n--b\r\n\r\nz'), [
      ['a/b', '', 'x'],
      ['text/plain', '', 'y'],
    ]);
    assert.deepEqual(bodies('--b\r\nc: a/b'), [['a/b', '', '']]);
    assert.deepEqual(bodies('--b\r\n: a/b\r\n\r\nx'), [['text/plain', '', 'x']]);
    assert.deepEqual(bodies('--b \r\n\r\nx\r\n--b\t\r\n\r\ny\r\n--bb\r\n--b-\r\n--b'), [
      ['text/plain', '', 'x'],
      ['text/plain', '', 'y\r\n--bb\r\n--b-'],
    ]);
    assert.deepEqual(bodies('before\r\n--b\r\n\r\nx\r\n--b--after'), [['text/plain', '', 'x']]);
    assert.deepEqual(bodies('--\u00e9\r\n\r\nx', '\u00e9'), [['text/plain', '', 'x']]);
  });

  test('what is malformed', () => {
    const nowhere = 'a multipart body in which its boundary does not occur';
    for (const text of ['', '--', 'x--b\r\n\r\ny', '--b', '--b--\r\n\r\nx', '\r\n--c\r\n\r\nx'])
      assert.equal(bodies(text), nowhere, text);
    assert.equal(bodies('--b\r\n\r\nx', ''), 'a multipart body without a boundary');
    assert.equal(bodies('x', 'b'.repeat(71)), 'a multipart body without a boundary');
    assert.equal(bodies('--b\r\n\r\nx\r\n'.repeat(17)), 'a multipart body with too many parts');
    const inner = (name: string, body: string) => `--b\r\nc: multipart/x;boundary=${name}\r\n\r\n${body}`;
    assert.equal(
      bodies(inner('c', '--c\r\nc: multipart/y;boundary=d\r\n\r\n--d\r\n\r\nx')),
      'multipart bodies are nested too deeply',
    );
    assert.equal(bodies(inner('c', 'x')), nowhere);
    const both = `${inner('c', '--c\r\n\r\nx\r\n'.repeat(15))}--c--\r\n--b\r\n\r\ny`;
    assert.equal(bodies(both).length, 16);
    assert.equal(bodies(`${both}\r\n--b\r\n\r\nz`), 'a multipart body with too many parts');
  });
});

describe('the settings of a trunk', () => {
  test('numbers that are none are left out, and nothing is made of them', () => {
    const settings = { serviceNumbers: ['x'], map: { [second]: 'x', x: first }, accounts: { trunk01: 'x' } };
    const reading = read({}, settings);
    assert.deepEqual([reading.firstCalled, reading.subscriberCandidates], [null, [second]]);
    assert.equal(refusal({ uri: 'sip:trunk01@x', to: 'alice' }, settings), 404);
  });

  test('the second called number is a candidate once, at the end', () => {
    assert.deepEqual(read({ headers: [`Diversion: ${at(second)}`] }).subscriberCandidates, [second]);
    assert.deepEqual(read({}, { map: { [second]: second } }).subscriber, null);
  });
});
