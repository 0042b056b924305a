import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { outgoingIdentity, type IdentityPolicy, type OutgoingIdentity } from '../../../src/numbers/present.ts';
import { caller, first, other, read, second, type InviteFacts } from './invite.ts';

const target = '+8613900000008';
const anonymous = '"Anonymous" <sip:anonymous@anonymous.invalid>';

function present(facts: InviteFacts, policy: IdentityPolicy = {}, subscriber = first): OutgoingIdentity {
  return outgoingIdentity(read(facts), policy, { to: target, subscriber, domain: 'us.example' });
}

function values(identity: OutgoingIdentity, name: string): string[] {
  return identity.headers.filter((header) => header[0] === name).map((header) => header[1]);
}

const uri = (number: string, more = '') => `sip:${number}@us.example;user=phone${more}`;

describe('who is shown as calling', () => {
  test('the caller, in From and P-Asserted-Identity', () => {
    const identity = present({});
    assert.equal(identity.from, `<${uri(caller)}>`);
    assert.deepEqual(values(identity, 'P-Asserted-Identity'), [`<${uri(caller)}>`]);
    assert.deepEqual(values(identity, 'Privacy'), []);
  });

  test('a caller who withholds the number is anonymous, known only inside the trust domain', () => {
    const facts = { headers: ['Privacy: id;critical'] };
    const trusted = present(facts);
    assert.equal(trusted.from, anonymous);
    assert.deepEqual(values(trusted, 'P-Asserted-Identity'), [`<${uri(caller)}>`]);
    assert.deepEqual(values(trusted, 'Privacy'), ['id;critical']);
    const untrusted = present(facts, { trusted: false });
    assert.equal(untrusted.from, anonymous);
    assert.ok(!JSON.stringify(untrusted).includes(caller));
  });

  test('privacy that From alone implied becomes explicit', () => {
    const identity = present({ from: anonymous, headers: [`P-Asserted-Identity: <sip:${caller}@x>`] });
    assert.deepEqual(values(identity, 'Privacy'), ['id']);
  });

  test('an unknown caller is unavailable, not anonymous', () => {
    const identity = present({ from: '<sip:unavailable@unknown.invalid>' });
    assert.equal(identity.from, '<sip:unavailable@unknown.invalid>');
    assert.deepEqual(values(identity, 'P-Asserted-Identity'), []);
  });

  test('as the operator wants it', () => {
    const national = present({}, { numberFormat: 'national', domain: 'sbc.example', historyInfo: false });
    assert.equal(national.from, '<sip:13800138000@sbc.example;user=phone>');
    assert.deepEqual(values(national, 'Diversion'), [
      '<sip:075520000001@sbc.example;user=phone>;reason=deflection;counter=1',
    ]);
    assert.equal(present({}, { numberFormat: 'country-code' }).from, '<sip:8613800138000@us.example;user=phone>');
    const own = present({ headers: ['Privacy: id'] }, { from: 'subscriber', assert: 'subscriber' });
    assert.equal(own.from, `<${uri(first)}>`);
    assert.deepEqual(values(own, 'P-Asserted-Identity'), [`<${uri(first)}>`]);
    assert.deepEqual(values(own, 'Privacy'), []);
    assert.deepEqual(values(present({}, { assert: 'none' }), 'P-Asserted-Identity'), []);
  });
});

describe('the diversion', () => {
  test('a plain call is diverted by the subscriber', () => {
    const identity = present({ to: first });
    assert.deepEqual(values(identity, 'Diversion'), [`<${uri(first)}>;reason=deflection;counter=1`]);
    assert.deepEqual(values(identity, 'History-Info'), [
      `<${uri(first)}>;index=1, <${uri(target, ';cause=480')}>;index=1.1;mp=1`,
    ]);
  });

  test('the entries of others stay as they were written, newest first, and the subscriber stands once', () => {
    const entries = [
      `<sip:${first}@a.example>;reason=no-answer;counter=2;limit=5`,
      `<tel:${other}>;reason=user-busy;counter=1;privacy=full`,
    ];
    const identity = present({ headers: entries.map((entry) => `Diversion: ${entry}`) });
    assert.deepEqual(values(identity, 'Diversion'), entries);
    assert.deepEqual(values(identity, 'Privacy'), ['history']);
    assert.deepEqual(values(identity, 'History-Info'), [
      [
        `<${uri(other, '?Privacy=history')}>;index=1`,
        `<${uri(first, ';cause=486')}>;index=1.1;mp=1`,
        `<${uri(target, ';cause=408')}>;index=1.1.1;mp=1.1`,
      ].join(', '),
    ]);
    const untrusted = present({ headers: entries.map((entry) => `Diversion: ${entry}`) }, { trusted: false });
    assert.ok(!JSON.stringify(untrusted).includes(other));
  });

  test('History-Info goes on: the final number is one more branch of the last diversion', () => {
    const entries = [
      '<sip:p1.example.net>;index=1',
      `<sip:${first}@ims.example.net;user=phone>;index=1.1;rc=1`,
      `<sip:${second}@ims.example.net;user=phone;cause=302>;index=1.1.1;mp=1.1`,
    ];
    const identity = present({ headers: [`History-Info: ${entries.join(', ')}`] });
    const wanted = [...entries, `<${uri(target, ';cause=302')}>;index=1.1.2;mp=1.1`].join(', ');
    assert.deepEqual(values(identity, 'History-Info'), [wanted]);
    assert.deepEqual(values(identity, 'Diversion'), [`<${uri(first)}>;reason=unconditional;counter=1`]);
    const again = read({ headers: [`History-Info: ${wanted}`] });
    assert.deepEqual([again.firstCalled, again.counter], [first, 1]);
  });

  test('a subscriber whom nobody named is the last who diverted', () => {
    const identity = present({ headers: [`Diversion: <sip:${other}@x>;reason=user-busy`] });
    assert.deepEqual(values(identity, 'Diversion'), [
      `<${uri(first)}>;reason=deflection;counter=1`,
      `<sip:${other}@x>;reason=user-busy;counter=1`,
    ]);
  });

  test('what the network counted beyond the entries is not lost', () => {
    const history = `History-Info: <sip:${first}@x>;index=1, <sip:${second}@x;cause=302>;index=1.1;mp=1`;
    const identity = present({ headers: [history, `Diversion: <sip:${first}@x>;counter=3`] });
    assert.deepEqual(values(identity, 'Diversion'), [`<${uri(first)}>;reason=unconditional;counter=3`]);
  });

  test('may be left out', () => {
    const identity = present({ to: first }, { diversion: false, historyInfo: false });
    assert.deepEqual(
      identity.headers.map(([name]) => name),
      ['P-Asserted-Identity'],
    );
  });
});
