// The profiles that come with the program: each is right, says what it assumes, and reads what fits it.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { faultsOf } from './site.ts';
import { caseSettings, judgeInvites } from '../../../src/cli/commands/explain/cases.ts';
import { loadSettings, readingOfProfile } from '../../../src/config.ts';
import { readInviteOctets, type TrunkReadingSettings } from '../../../src/numbers/read.ts';
import { caller, first, invite, other, second, type InviteFacts } from '../numbers/invite.ts';
import { sharedCases } from '../numbers/shared-cases.ts';

const folder = new URL('../../../config/trunk-profiles/', import.meta.url);
const names = readdirSync(folder).map((file) => file.replace(/\.yaml$/, ''));
const cases = sharedCases('invites.jsonl');
const defaults = new URL('../../../config/default.yaml', import.meta.url).pathname;
const settings = loadSettings({ file: defaults, environment: {} });

function reading(profile: string): TrunkReadingSettings {
  return { ...readingOfProfile(profile, settings), areaCode: '755' };
}

test('the cores and border elements that the rules name have one', () => {
  const wanted = [
    'audiocodes',
    'avaya',
    'broadworks',
    'china',
    'cisco-cube',
    'ericsson-mtas',
    'generic',
    'ims-isc',
    'oracle-sbc',
    'sip-i',
  ];
  assert.deepEqual(names.toSorted(), wanted);
});

for (const name of names) {
  describe(name, () => {
    test('is right, and says what it assumes', () => {
      assert.equal(reading(name).defaultCountry, 'CN');
      const text = readFileSync(new URL(`${name}.yaml`, folder), 'utf8');
      assert.match(text, /^# /);
      if (name !== 'generic') assert.match(text, /^# Assumed[:,][\s\S]*RFC/m);
    });

    test('passes the acceptance cases, which no profile may break', { skip: cases === undefined }, () => {
      const verdicts = [...judgeInvites(cases ?? '', { ...reading(name), ...caseSettings }, (why) => assert.fail(why))];
      assert.deepEqual(
        verdicts.filter(({ pass }) => !pass).map(({ id }) => id),
        [],
      );
    });
  });
}

/** What the calls of each are like, beside the acceptance cases. */
const calls: [
  profile: string,
  facts: InviteFacts,
  wanted: { first: string; from: string; caller?: string; hidden?: boolean },
][] = [
  [
    'ims-isc',
    {
      uri: 'sip:user7@192.0.2.7',
      to: first,
      headers: [`P-Called-Party-ID: <sip:${second}@x>`, `P-Served-User: <sip:${first}@x>;orig-cdiv`],
    },
    { first, from: 'p-served-user' },
  ],
  [
    'china',
    { uri: 'sip:0755-29990001@x', from: '<sip:1795113800138000@x>', headers: ['Diversion: <tel:20000001>'] },
    { first, from: 'diversion', caller },
  ],
  [
    'sip-i',
    {
      contentType: 'application/isup',
      body: Buffer.from('010020010a00020a0803105725990900f128088310572500000001' + '00', 'hex'),
    },
    { first, from: 'isup-ocn' },
  ],
  [
    'cisco-cube',
    {
      from: '<sip:unknown@x>',
      headers: [
        `Remote-Party-ID: <sip:${caller}@x>;party=calling;privacy=full`,
        `Diversion: <sip:${first}@x>;reason=no-answer`,
      ],
    },
    { first, from: 'diversion', caller, hidden: true },
  ],
  [
    'oracle-sbc',
    {
      headers: [
        `History-Info: <sip:${first}@x>;index=1, <sip:${second}@x;cause=404>;index=1.1`,
        `Diversion: <sip:${first}@x>;reason=unavailable`,
      ],
    },
    { first, from: 'history-info' },
  ],
  ['audiocodes', { headers: [`Diversion: <sip:${first}@x>;reason=unknown`] }, { first, from: 'diversion' }],
  [
    'ericsson-mtas',
    { to: other, headers: [`Ericsson-Original-Destination-Number: <sip:${first}@x>`] },
    { first, from: 'x-header' },
  ],
  ['broadworks', { headers: [`Diversion: <sip:${first}@x>;reason=follow-me;counter=1`] }, { first, from: 'diversion' }],
  [
    'avaya',
    { headers: [`History-Info: <sip:${first}@x?Reason=Redirection%3Bcause%3DCFI>;index=1, <sip:${second}@x>;index=2`] },
    { first, from: 'history-info' },
  ],
];

for (const [profile, facts, wanted] of calls) {
  test(`${profile}: a call as it sends them`, () => {
    const result = readInviteOctets(invite(facts), reading(profile));
    assert.ok(result.ok);
    const { firstCalled, firstCalledSource, secondCalled, callerPrivate } = result.reading;
    assert.deepEqual([firstCalled, firstCalledSource, secondCalled], [wanted.first, wanted.from, second]);
    assert.equal(result.reading.caller, wanted.caller ?? caller);
    assert.equal(callerPrivate, wanted.hidden ?? false);
  });
}

test('numbers of a trunk that its plan cannot read stop the process at start', (t) => {
  const numbers =
    'serviceNumbers: ["20000001"], map: { "12": "95588", "+8675520000001": "345" }, accounts: { a: "567" }';
  const said = (settings: string) =>
    faultsOf(t, `trunks: [{ name: a, peers: [10.0.0.1], ${settings} }]`).map((fault) =>
      /^(\S+): "(\S+)" is no number/.exec(fault)?.slice(1),
    );
  assert.deepEqual(said(numbers), [
    ['trunks[0].serviceNumbers', '20000001'],
    ['trunks[0].map', '12'],
    ['trunks[0].map', '345'],
    ['trunks[0].accounts', '567'],
  ]);
});
