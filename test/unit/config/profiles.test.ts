import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultsOf, settingsOf } from './site.ts';

const site = `
numbering: { defaultCountry: CN, areaCode: "755" }
calls: { ringTimeout: 45s }
trunks:
  - { name: a, profile: own, peers: [10.0.0.1], gatewayTimeout: 2s, identity: { assert: none } }
  - { name: b, peers: [10.0.0.2] }
`;
const own =
  'gatewayTimeout: 9s\noptionsInterval: 0\ndiversionOrder: reversed\nareaCode: "20"\nidentity: { from: subscriber, assert: caller }\n';

test('a trunk is its profile with its own keys over it, and numbering below it', (t) => {
  const [a, b] = settingsOf(t, site, {}, { 'trunk-profiles/own.yaml': own }).trunks;
  assert.equal(a?.gatewayTimeout, 2_000);
  assert.equal(a.optionsInterval, 0);
  assert.equal(a.ringTimeout, 45_000);
  assert.equal(a.reading.diversionOrder, 'reversed');
  assert.equal(a.reading.areaCode, '20');
  assert.equal(a.reading.defaultCountry, 'CN');
  assert.deepEqual(a.identity, { country: 'CN', from: 'subscriber', assert: 'none' });
  assert.equal(b?.profile, 'generic');
  assert.equal(b.reading.diversionOrder, 'standard');
  assert.equal(b.reading.areaCode, '755');
  assert.equal(b.gatewayTimeout, 4_000);
});

test("a site's own profile goes before that of the program", (t) => {
  const files = { 'trunk-profiles/generic.yaml': 'gatewayTimeout: 7s' };
  assert.equal(settingsOf(t, 'trunks: [{ name: a, peers: [10.0.0.1] }]', {}, files).trunks[0]?.gatewayTimeout, 7_000);
});

test('a profile that is not there is refused with those that are', (t) => {
  const [fault = ''] = faultsOf(t, 'trunks: [{ name: a, peers: [10.0.0.1], profile: genric }]');
  assert.match(fault, /^trunks\[0\]\.profile: "genric" is not valid; expected one of the trunk profiles .*generic/);
});

test('a wrong key of a profile is told with the file and line of the profile', (t) => {
  const faults = faultsOf(t, site, {}, { 'trunk-profiles/own.yaml': 'trustIdentity: true\ndiversionOrdr: reversed' });
  assert.match(
    faults.join('\n'),
    /diversionOrdr: there is no such setting; did you mean diversionOrder\? \(\S*own\.yaml:2\)/,
  );
});

test('no profile leads out of its folder', (t) => {
  assert.match(
    faultsOf(t, 'trunks: [{ name: a, profile: ../../etc/x }]')[0] ?? '',
    /^trunks\[0\]\.profile: .* is not valid/,
  );
});
