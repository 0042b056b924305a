import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  outgoingIdentity,
  redirectingIdentity,
  type IdentityPolicy,
  type OutgoingIdentity,
} from '../../../src/numbers/present.ts';
import { caller, first, other, read, second, type InviteFacts } from './invite.ts';

const target = '+8613900000008';
const third = '+8675520000055';
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

  test('what they ask of privacy goes where their number does, and "none" always', () => {
    const withheld = { headers: ['Privacy: id'] };
    const asked = (facts: InviteFacts, policy: IdentityPolicy) => values(present(facts, policy), 'Privacy');
    assert.deepEqual(asked(withheld, { from: 'caller', assert: 'none' }), ['id']);
    assert.deepEqual(asked(withheld, { from: 'subscriber', assert: 'caller' }), ['id']);
    assert.deepEqual(asked(withheld, { from: 'subscriber', assert: 'none' }), []);
    assert.deepEqual(asked({ headers: ['Privacy: none'] }, {}), ['none']);
    assert.deepEqual(asked({ headers: ['Privacy: id;none'] }, {}), ['id']);
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

  test('the final number stands behind all branches of that diversion', () => {
    const entries = [
      '<sip:p@y>;index=1',
      `<sip:${first}@x>;index=1.4`,
      '<sip:q@z>;index=1.10',
      `<sip:${second}@x;cause=302>;index=1.12;mp=1.4`,
    ];
    const [value] = values(present({ headers: [`History-Info: ${entries.join(', ')}`] }), 'History-Info');
    assert.equal(value, [...entries, `<${uri(target, ';cause=302')}>;index=1.13;mp=1.4`].join(', '));
  });

  test('entries that could not stay are told anew', () => {
    const anew = `<${uri(first)}>;index=1, <${uri(target, ';cause=302')}>;index=1.1;mp=1`;
    for (const entries of [
      [`<sip:${first}@x>;index=1`, `<sip:${second}@x;cause=302>;index=a;mp=1`], // no index
      [`<sip:${first}@x>;index=1`, `<sip:${second}@x;cause=302>;index=1.9007199254740991;mp=1`], // nothing is behind it
    ]) {
      assert.deepEqual(values(present({ headers: [`History-Info: ${entries.join(', ')}`] }), 'History-Info'), [anew]);
    }
  });

  test('a private entry stays inside the trust domain', () => {
    const entries = [`<sip:${first}@x?Privacy=history>;index=1`, `<sip:${second}@x;cause=302>;index=1.1;mp=1`];
    const headers = [`History-Info: ${entries.join(', ')}`];
    assert.deepEqual(values(present({ headers }), 'History-Info'), [
      [...entries, `<${uri(target, ';cause=302')}>;index=1.2;mp=1`].join(', '),
    ]);
    assert.deepEqual(values(present({ headers }, { trusted: false }), 'History-Info'), [
      `<sip:anonymous@anonymous.invalid>;index=1, <${uri(target, ';cause=302')}>;index=1.1;mp=1`,
    ]);
    const open = [`<sip:${first}@x>;index=1`, entries[1]];
    assert.deepEqual(
      values(present({ headers: [`History-Info: ${open.join(', ')}`] }, { trusted: false }), 'History-Info'),
      [[...open, `<${uri(target, ';cause=302')}>;index=1.2;mp=1`].join(', ')],
    );
  });

  test('links to what is no index are left out', () => {
    const entries = [`<sip:${first}@x>;index=1;rc=b`, `<sip:${second}@x;cause=302>;index=1.1;mp=1`];
    const [value = ''] = values(present({ headers: [`History-Info: ${entries.join(', ')}`] }), 'History-Info');
    assert.ok(value.startsWith(`<sip:${first}@x>;index=1, `), value);
  });

  test('the subscriber diverts for the reason that the network gives, if it is one of a diversion', () => {
    const because = (cause: number) =>
      values(present({ uri: `sip:${second}@x;target=sip:${first}%40x;cause=${cause}` }), 'Diversion');
    assert.deepEqual(because(486), [`<${uri(first)}>;reason=user-busy;counter=1`]);
    assert.deepEqual(because(380), [`<${uri(first)}>;reason=deflection;counter=1`]);
  });

  test('who was called first stands before a subscriber whom they did not call', () => {
    const identity = present({ to: first }, {}, other);
    assert.deepEqual(values(identity, 'Diversion'), [
      `<${uri(other)}>;reason=deflection;counter=1`,
      `<${uri(first)}>;reason=unknown;counter=1`,
    ]);
    assert.deepEqual(values(identity, 'History-Info'), [
      [
        `<${uri(first)}>;index=1`,
        `<${uri(other, ';cause=404')}>;index=1.1;mp=1`,
        `<${uri(target, ';cause=480')}>;index=1.1.1;mp=1.1`,
      ].join(', '),
    ]);
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

  test("parameters of others' entries stay, and what could do harm does not", () => {
    const entries = [
      `<sip:${first}@a.example>;reason=no-answer;counter=1`,
      `<sip:${other}@x>;screen=yes;reason=simring;x-a="b, c";x-b;counter=1;x-c=d`,
    ];
    const identity = present({ headers: entries.map((entry) => `Diversion: ${entry}`) });
    assert.deepEqual(values(identity, 'Diversion'), entries);
    const harmful = present({ headers: [`Diversion: <sip:${first}@x>;reason=away;a="\u00e9";b="\\"";c=d`] });
    assert.deepEqual(values(harmful, 'Diversion'), [`<sip:${first}@x>;reason=away;c=d;counter=1`]);
    const quoted = present({ headers: [`Diversion: <sip:${first}@x>;reason="Away";privacy="Full";counter=07`] });
    assert.deepEqual(values(quoted, 'Diversion'), [`<sip:${first}@x>;reason="Away";privacy="Full";counter=7`]);
    const message = present({ headers: ['Privacy: history', `Diversion: <sip:${first}@x>;privacy=off`] });
    assert.deepEqual(values(message, 'Diversion'), [`<sip:${first}@x>;privacy=full;reason=unknown;counter=1`]);
    const hidden = present({ headers: [`Diversion: <sip:${first}@x>;privacy=uri;a=b`] }, { trusted: false });
    assert.deepEqual(values(hidden, 'Diversion'), [
      '<sip:anonymous@anonymous.invalid>;reason=unknown;counter=1;privacy=full',
    ]);
  });

  test('entries of History-Info keep their parameters', () => {
    const entries = [
      `<sip:${first}@x>;index=1;ms-retarget-reason=forwarding;a="b"`,
      `<sip:${second}@x;cause=302>;index=1.1;mp=1`,
    ];
    const [value] = values(present({ headers: [`History-Info: ${entries.join(', ')}`] }), 'History-Info');
    assert.equal(value, [...entries, `<${uri(target, ';cause=302')}>;index=1.2;mp=1`].join(', '));
  });

  test('entries that tell of no diversion stay before those of who diverted', () => {
    const entries = ['<sip:p1.example.net>;index=1', `<sip:${second}@x>;index=1.1;np=1`];
    const headers = [`History-Info: ${entries.join(', ')}`, `Diversion: <sip:${first}@x>;reason=user-busy`];
    const [value] = values(present({ headers }), 'History-Info');
    const ours = [`<${uri(first)}>;index=1.1.1`, `<${uri(target, ';cause=486')}>;index=1.1.1.1;mp=1.1.1`];
    assert.equal(value, [...entries, ...ours].join(', '));
    const again = read({ uri: `sip:${target}@x`, headers: [`History-Info: ${value}`] });
    assert.deepEqual([again.firstCalled, again.reason, again.counter], [first, 'user-busy', 1]);
    const withoutUs = present({ headers }, { hideServiceNumber: true });
    assert.deepEqual(values(withoutUs, 'History-Info'), [
      `<${uri(first)}>;index=1, <${uri(target, ';cause=486')}>;index=1.1;mp=1`,
    ]);
    const translated = ['<sip:4008001234@x>;index=1', `<sip:${second}@x;cause=380>;index=1.1;mp=1`];
    const behind = present({ headers: [`History-Info: ${translated.join(', ')}`] });
    assert.match(values(behind, 'History-Info')[0] ?? '', /^<sip:4008001234@x>;index=1, .*index=1\.1\.1, /);
  });

  test('the token of the leg stands in our own entries, where the trunk wants it', () => {
    const history = [`<sip:${first}@x>;index=1`, `<sip:${second}@x;cause=302>;index=1.1;mp=1`].join(', ');
    const facts = {
      headers: [`History-Info: ${history}`, `Diversion: <sip:${other}@y>;reason=away, <sip:${first}@x>`],
    };
    const call = { to: target, subscriber: other, domain: 'us.example', legToken: 'abc' };
    const withToken = outgoingIdentity(read(facts), {}, call);
    assert.deepEqual(
      values(withToken, 'Diversion').map((value) => value.includes(';leg-token=abc')),
      [true, false],
    );
    const [continued = ''] = values(withToken, 'History-Info');
    assert.deepEqual(
      continued.split(', ').map((value) => value.endsWith(';leg-token=abc')),
      [false, false, true],
    );
    const plain = outgoingIdentity(read({ to: first }), {}, { ...call, subscriber: first });
    assert.match(values(plain, 'History-Info')[0] ?? '', /;mp=1;leg-token=abc$/);
    for (const identity of [
      outgoingIdentity(read(facts), { legToken: false }, call),
      outgoingIdentity(read(facts), {}, { ...call, legToken: undefined }),
    ])
      assert.ok(!JSON.stringify(identity).includes('leg-token'));
  });

  test('our own numbers are hidden where the trunk wants it, those of others never', () => {
    const own = '+8675529990002';
    const headers = [`Diversion: <sip:${own}@x>;reason=away, <sip:${first}@x>;reason=user-busy`];
    const call = { to: target, subscriber: first, domain: 'us.example', ownNumbers: new Set([own, first]) };
    const hiding = outgoingIdentity(read({ headers }), { hideServiceNumber: true }, call);
    assert.deepEqual(values(hiding, 'Diversion'), [`<sip:${first}@x>;reason=user-busy;counter=2`]);
    assert.ok(!JSON.stringify(hiding).includes(own));
    assert.ok(JSON.stringify(outgoingIdentity(read({ headers }), {}, call)).includes(own));
    const dialled = outgoingIdentity(read({ to: own }), { hideServiceNumber: true }, { ...call, subscriber: other });
    assert.deepEqual(values(dialled, 'Diversion'), [`<${uri(other)}>;reason=deflection;counter=1`]);
    const history = [`<sip:${first}@x>;index=1`, `<sip:${third}@x;cause=302>;index=1.1;mp=1`].join(', ');
    const kept = outgoingIdentity(read({ headers: [`History-Info: ${history}`] }), { hideServiceNumber: true }, call);
    assert.match(values(kept, 'History-Info')[0] ?? '', new RegExp(`;index=1.1;mp=1, .*;index=1.2;mp=1$`));
  });

  test('a redirection tells who diverts, without the target', () => {
    const call = { subscriber: first, domain: 'us.example' };
    assert.deepEqual(redirectingIdentity(read({ to: first }), {}, call), {
      headers: {
        Diversion: `<${uri(first)}>;reason=deflection;counter=1`,
        'History-Info': `<${uri(first)}>;index=1`,
      },
      index: '1',
    });
    const before = { headers: [`Diversion: <sip:${other}@x>;reason=user-busy;counter=1`] };
    assert.deepEqual(redirectingIdentity(read(before), {}, call), {
      headers: {
        Diversion: `<${uri(first)}>;reason=deflection;counter=1, <sip:${other}@x>;reason=user-busy;counter=1`,
        'History-Info': `<${uri(other)}>;index=1, <${uri(first, ';cause=486')}>;index=1.1;mp=1`,
      },
      index: '1.1',
    });
    assert.deepEqual(redirectingIdentity(read({ to: first }), { diversion: false, historyInfo: false }, call), {
      headers: {},
    });
  });

  test('may be left out', () => {
    const identity = present({ to: first }, { diversion: false, historyInfo: false });
    assert.deepEqual(
      identity.headers.map(([name]) => name),
      ['P-Asserted-Identity'],
    );
  });
});
