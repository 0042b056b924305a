import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readInviteOctets } from '../../../src/numbers/read.ts';
import { caller, china, first, invite, other, read, refusal, second } from './invite.ts';

const address = (number: string, more = '') => `<sip:${number}@ims.example.net${more}>`;

describe('the caller', () => {
  test('a wish (P-Preferred-Identity) goes before From, behind Remote-Party-ID', () => {
    const preferred = `P-Preferred-Identity: ${address(other)}`;
    assert.equal(read({ headers: [preferred] }).caller, other);
    assert.equal(read({ headers: [preferred, `Remote-Party-ID: ${address(first)};party=calling`] }).caller, first);
    assert.equal(read({ headers: [preferred] }, { trustIdentity: false }).caller, caller);
  });

  test('a malformed identity is dropped, and From stands in', () => {
    const reading = read({ headers: ['P-Asserted-Identity: <sip:+86', `P-Asserted-Identity: "x`] });
    assert.equal(reading.caller, caller);
    assert.equal(reading.warnings.length, 1);
  });

  test('a comma and an escaped quote in the name do not end it', () => {
    const headers = [String.raw`P-Asserted-Identity: "Li \"<sip:110@x>, Ming" ${address(first)}`];
    assert.equal(read({ headers }).caller, first);
  });

  test('privacy: what hides and what does not', () => {
    const from = '"Anonymous" <sip:anonymous@anonymous.invalid>';
    for (const value of ['user', 'header', 'none;id', 'history, id']) {
      assert.equal(read({ headers: [`Privacy: ${value}`] }).callerPrivate, true, value);
    }
    for (const value of ['none', 'critical', 'session', 'history', '']) {
      assert.equal(read({ headers: [`Privacy: ${value}`] }).callerPrivate, false, value);
    }
    assert.equal(read({ from, headers: ['Privacy: none'] }).callerPrivate, false);
    assert.equal(read({ from, headers: ['Privacy: history'] }).callerPrivate, true);
  });

  test('nothing harmful becomes a caller', () => {
    assert.equal(read({ from: '<sip:%0d%0aX@example.com>' }).caller, null);
    assert.equal(read({ from: '<sip:%EF%BC%91%EF%BC%93@example.com>' }).caller, null);
    assert.equal(read({ from: '<sip:alice;cpc=payphone@Example.com>' }).caller, 'sip:alice@example.com');
    assert.equal(read({ from: '<tel:+8613800138000;verstat=TN-Validation-Passed>' }).caller, caller);
  });
});

describe('History-Info', () => {
  const history = (...entries: string[]) => ({ headers: [`History-Info: ${entries.join(', ')}`] });

  test('failed branches beside the path do not count', () => {
    const reading = read(
      history(
        `${address(first)};index=1`,
        `${address(other, ';cause=302')};index=1.1;mp=1`,
        `${address(second, ';cause=486')};index=1.2;mp=1`,
      ),
    );
    assert.deepEqual(
      [reading.firstCalled, reading.reason, reading.counter, reading.lastDiverting],
      [first, 'user-busy', 1, first],
    );
  });

  test("a user's contact on the way is the same user", () => {
    const reading = read(
      history(
        `${address(first)};index=1`,
        `${address(other, ';cause=302')};index=1.1;mp=1`,
        '<sip:phone7@192.0.2.7>;index=1.1.1;rc=1.1',
        `${address(second, ';cause=408')};index=1.1.1.1;mp=1.1.1`,
      ),
    );
    assert.deepEqual(
      reading.chain.map((user) => [user.number, user.reason]),
      [
        [first, 'unconditional'],
        [other, 'no-answer'],
      ],
    );
  });

  test('indexes are compared as numbers, 10 behind 9', () => {
    const reading = read(
      history(
        `${address(second, ';cause=408')};index=1.10;mp=1.9`,
        `${address(other, ';cause=302')};index=1.9;mp=1`,
        `${address(first)};index=1`,
      ),
    );
    assert.deepEqual([reading.firstCalled, reading.counter], [first, 2]);
  });

  test('a translated number is told beside the first called one', () => {
    const reading = read(
      history(
        '<sip:4008001234@ims.example.net>;index=1',
        `${address(first, ';cause=380')};index=1.1;mp=1`,
        `${address(second, ';cause=302')};index=1.1.1;mp=1.1`,
      ),
    );
    assert.deepEqual(
      [reading.firstCalled, reading.serviceNumber, reading.reason, reading.counter],
      [first, '+864008001234', 'unconditional', 1],
    );
  });

  test('an embedded Reason tells of a diversion where nothing else does, and never overrides a cause', () => {
    const reasoned = read(
      history(
        `${address(first, '?reason=Redirection%20%3B%20CAUSE%20%3D%20CFNA')};index=1`,
        `${address(second)};index=1.1`,
      ),
    );
    assert.deepEqual([reasoned.firstCalled, reasoned.reason], [first, 'no-answer']);
    const both = read(
      history(
        `${address(first, '?Reason=SIP%3Bcause%3D486')};index=1`,
        `${address(second, ';cause=404')};index=1.1;mp=1`,
      ),
    );
    assert.deepEqual([both.firstCalled, both.reason], [first, 'unknown']);
  });

  test('a Reason that tells of no diversion makes nobody a diverting user', () => {
    for (const reason of ['SIP%3Bcause%3D200', 'SIP%3Btext%3Dx', 'Other%3Bcause%3D302']) {
      const entries = [`${address(other, `?Reason=${reason}`)};index=1;rc=0`, `${address(second)};index=1.1`];
      assert.equal(read(history(...entries)).firstCalled, null, reason);
    }
  });

  test('links that point forward or to themselves end the walk', () => {
    const reading = read(
      history(`${address(first, ';cause=302')};index=1;mp=1.1`, `${address(second, ';cause=302')};index=1.1;mp=1.1`),
    );
    assert.equal(reading.firstCalled, first);
    assert.equal(reading.counter, 2);
  });

  test('a withheld first entry is filled from Diversion, or To, or a later user', () => {
    const withheld = ['<sip:anonymous@anonymous.invalid>;index=1', `${address(second, ';cause=302')};index=1.1;mp=1`];
    const { headers } = history(...withheld);
    const filled = read({ headers: [...headers, `Diversion: ${address(first)};reason=unconditional`] });
    assert.deepEqual([filled.firstCalled, filled.firstCalledSource, filled.counter], [first, 'diversion', 1]);
    assert.equal(read({ headers, to: first }).firstCalledSource, 'to');
    assert.equal(read({ headers }).firstCalled, null);
    const later = read(
      history(
        '<sip:anonymous@anonymous.invalid>;index=1',
        `${address(other, ';cause=302')};index=1.1;mp=1`,
        `${address(second, ';cause=302')};index=1.1.1;mp=1.1`,
      ),
    );
    assert.deepEqual([later.firstCalled, later.counter], [other, 2]);
  });
});

describe('Diversion', () => {
  const diversion = (...values: string[]) => ({ headers: values.map((value) => `Diversion: ${value}`) });

  test('what History-Info lacks is the more recent', () => {
    const { headers } = diversion(`${address(other)};reason=user-busy`);
    const reading = read({
      headers: [...headers, `History-Info: ${address(first)};index=1, ${address(second, ';cause=302')};index=1.1;mp=1`],
    });
    assert.deepEqual(
      [reading.firstCalled, reading.firstCalledSource, reading.lastDiverting, reading.reason, reading.counter],
      [first, 'history-info', other, 'user-busy', 2],
    );
    assert.equal(reading.warnings.length, 1);
  });

  test('tokens: quotes, capitals, a counter that is none', () => {
    const reading = read(diversion(`"Li, <x>"${address(first)};reason="No-Answer";counter=0;privacy="FULL"`));
    assert.deepEqual(
      [reading.firstCalled, reading.reason, reading.counter, reading.firstCalledPrivate],
      [first, 'no-answer', 1, true],
    );
  });

  test('loops: hints, and 482 when our own number diverted', () => {
    const own = diversion(`${address(second)};reason=unconditional`, address(first));
    assert.deepEqual(read(own).loop, ['second-in-chain']);
    assert.equal(refusal(own, { serviceNumbers: ['0755 2999 0001'] }), 482);
    assert.deepEqual(read(diversion(`${address(first)};counter=6`)).loop, ['too-many-diversions']);
  });
});

describe('the other evidence', () => {
  test('target of the Request-URI, with and without a cause; 380 is a translation', () => {
    const uri = (more: string) => `sip:${second}@as.example.net;target=sip:%2B8675520000001%40ims.example.net${more}`;
    const diverted = read({ uri: uri(';cause=408') });
    assert.deepEqual(
      [diverted.firstCalled, diverted.firstCalledSource, diverted.reason, diverted.counter],
      [first, 'target-param', 'no-answer', 1],
    );
    assert.equal(read({ uri: uri('') }).reason, 'unknown');
    const translated = read({ uri: uri(';cause=380') });
    assert.deepEqual(
      [translated.serviceNumber, translated.reason, translated.counter],
      [first, 'service-number-translation', 0],
    );
  });

  test('who is looked up: the map, the chain from newest to oldest, the first called number, our own at last', () => {
    const headers = [`Diversion: ${address(other)}, ${address(first)}`];
    assert.deepEqual(read({ headers }, { map: { [second]: '13900000008' } }).subscriberCandidates, [
      '+8613900000008',
      other,
      first,
      second,
    ]);
    assert.deepEqual(read({ to: first }).subscriberCandidates, [first, second]);
    const plain = read({});
    assert.deepEqual([plain.firstCalled, plain.subscriber, plain.subscriberCandidates], [null, null, [second]]);
  });

  test('the configured header may hold a bare number; what it repeats of our own number does not count', () => {
    const settings = { firstCalledHeader: 'X-Original-Called' };
    assert.equal(read({ headers: ['X-Original-Called: 0755-2000 0001'] }, settings).firstCalledSource, 'x-header');
    assert.equal(read({ headers: [`X-Original-Called: ${second}`], to: first }, settings).firstCalledSource, 'to');
  });
});

describe('the second called number', () => {
  test('rubbish never lets To stand in', () => {
    for (const user of ['0755x', '%2e%2e%2f', '13800', '*57', 'a'.repeat(65), 'a%20b', 'anonymous']) {
      assert.equal(refusal({ uri: `sip:${user}@as.example.net`, to: first }), 404, user);
    }
    assert.equal(read({ uri: 'sip:192.0.2.9' }).secondCalled, second);
  });

  test('an emergency call is refused with its own code', () => {
    for (const uri of ['sip:110@x', 'tel:+86119', 'urn:service:sos', 'urn:service:sos.fire', 'sip:0755120@x']) {
      const result = readInviteOctets(invite({ uri }), china);
      assert.deepEqual(result.ok ? undefined : [result.error.status, result.error.code], [404, 'emergency'], uri);
    }
    assert.equal(refusal({ uri: 'urn:service:sosx' }), 416);
  });
});

test('a refusal names the option tags that are not supported', () => {
  const result = readInviteOctets(invite({ headers: ['Require: 100rel, gruu'] }), china);
  assert.deepEqual(result.ok ? undefined : result.error.unsupported, ['gruu']);
});

test('what is no INVITE is not read', () => {
  const options = Buffer.from(invite().toString().replaceAll('INVITE', 'OPTIONS'));
  const result = readInviteOctets(options, china);
  assert.equal(result.ok ? undefined : result.error.code, 'malformed');
});
