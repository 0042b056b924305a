import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { outgoingIdentity, type IdentityPolicy } from '../../../src/numbers/present.ts';
import { parseMessage } from '../../../src/sip/message/parse.ts';
import { networkHeaders, readNetworkHeaders, type NetworkHeaderPolicy } from '../../../src/trunk/network-headers.ts';
import { first, invite, other, read, refusal, second } from '../numbers/invite.ts';

const received = [
  'P-Charging-Vector: icid-value="AyretyU0dm+6O2IrT5tAFrbHLso=";icid-generated-at=192.0.2.8;orig-ioi=home1.net;term-ioi=home2.net',
  'P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=46000;network-provided',
  'P-Charging-Function-Addresses: ccf=192.0.2.77; ecf=192.0.2.78',
  'Identity: abc.def.ghi;info=<https://cert.example.org/a.cer>;alg=ES256;ppt=shaken',
  'Date: Sun, 22 Nov 2026 23:36:02 GMT',
];

function headersOf(...headers: string[]) {
  const message = parseMessage(invite({ headers }));
  assert.ok(message.kind === 'request');
  return readNetworkHeaders(message);
}

function onward(policy: NetworkHeaderPolicy, { trusted = true, showsCaller = true, headers = received } = {}) {
  return networkHeaders(headersOf(...headers), policy, {
    legToken: '0b7a5a3c1d2e4f608a9bc0d1e2f30415',
    trusted,
    showsCaller,
  });
}

describe("the network's own headers on the onward leg", () => {
  test('the icid is kept and identifiers of the hop before are taken out; charging addresses never go', () => {
    const headers = onward({});
    assert.deepEqual(headers, {
      'P-Charging-Vector': 'icid-value="AyretyU0dm+6O2IrT5tAFrbHLso=";icid-generated-at=192.0.2.8',
      'P-Access-Network-Info': '3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=46000;network-provided',
    });
  });

  test('our operator identifier is put in', () => {
    assert.match(onward({ originIoi: 'as.example' })['P-Charging-Vector'] ?? '', /=192\.0\.2\.8;orig-ioi=as\.example$/);
  });

  test('an icid of our own, also where none came; none to keep where none came', () => {
    assert.match(onward({ chargingVector: 'own' })['P-Charging-Vector'] ?? '', /^icid-value=[0-9a-f]{32}$/);
    assert.match(
      onward({ chargingVector: 'own' }, { headers: [] })['P-Charging-Vector'] ?? '',
      /^icid-value=[0-9a-f]{32}$/,
    );
    assert.deepEqual(onward({}, { headers: [] }), {});
    assert.deepEqual(onward({}, { headers: ['P-Charging-Vector: orig-ioi=x'] }), {});
  });

  test('dropped where the trunk says so', () => {
    assert.deepEqual(onward({ chargingVector: 'drop', accessNetworkInfo: 'drop' }), {});
  });

  test('nothing of charging and access leaves the trust domain', () => {
    assert.deepEqual(onward({ chargingVector: 'own', originIoi: 'x' }, { trusted: false }), {});
  });

  test('a signed Identity goes on with its Date, where From still shows whom it vouches for', () => {
    const { Identity: identity, Date: date } = onward({ identity: 'keep' });
    assert.deepEqual([identity, date], [received[3]?.slice('Identity: '.length), received[4]?.slice('Date: '.length)]);
    assert.equal(onward({ identity: 'keep' }, { showsCaller: false })['Identity'], undefined);
    assert.equal(onward({ identity: 'drop' })['Identity'], undefined);
  });

  test('what cannot be written again is left out', () => {
    const twice = ['Identity: a.b.c;info=<https://x>', 'Identity: d.e.f;info=<https://y>'];
    assert.deepEqual(headersOf(...twice), {});
    assert.deepEqual(headersOf('P-Access-Network-Info: caf\u00e9'), {});
    assert.deepEqual(headersOf(`P-Access-Network-Info: ${'x'.repeat(4_097)}`), {});
  });
});

describe('our own numbers towards a trunk that hides them', () => {
  const ours = '+8675529990002';
  const history = `History-Info: <sip:${first}@x>;index=1, <sip:${second}@x;cause=302>;index=1.1;mp=1`;
  const diversion = `Diversion: <sip:${ours}@x>;reason=no-answer, <sip:${first}@x>;reason=unconditional`;
  const present = (header: string, policy: IdentityPolicy) =>
    JSON.stringify(
      outgoingIdentity(read({ headers: [header] }), policy, {
        to: other,
        subscriber: first,
        domain: 'us.example',
        ownNumbers: new Set([ours]),
      }).headers,
    );

  for (const [header, number] of [
    [history, second],
    [diversion, ours],
  ] as const) {
    test(`are in neither header, which still name the subscriber: ${header.split(':')[0] ?? ''}`, () => {
      const hidden = present(header, { hideServiceNumber: true });
      assert.ok(!hidden.includes(number), hidden);
      assert.match(hidden, new RegExp(`"Diversion","<sip:\\${first}@`));
      assert.match(hidden, new RegExp(`"History-Info","<sip:\\${first}@[^"]*<sip:\\${other}@`));
      assert.ok(present(header, {}).includes(number), 'where nothing is hidden, it stands as the network wrote it');
    });
  }
});

describe('more diversions than the trunk allows', () => {
  const diverted = (counter: number) => ({
    headers: [`Diversion: <sip:${first}@x>;reason=no-answer;counter=${counter}`],
  });

  test('are a hint above 5, or above what is set', () => {
    assert.deepEqual(read(diverted(5)).loop, []);
    assert.deepEqual(read(diverted(6)).loop, ['too-many-diversions']);
    assert.deepEqual(read(diverted(3), { maxDiversions: 2 }).loop, ['too-many-diversions']);
    assert.deepEqual(read(diverted(9), { maxDiversions: 9 }).loop, []);
  });

  test('are refused with 482 where the trunk says so', () => {
    assert.equal(refusal(diverted(6), { tooManyDiversions: 'refuse' }), 482);
    assert.equal(refusal(diverted(5), { tooManyDiversions: 'refuse' }), undefined);
  });
});
