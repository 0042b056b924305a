import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { abridge, printable, type Explanation, type Finding } from '../../../src/numbers/explanation.ts';
import { explanationOf, readInviteOctets, type TrunkReadingSettings } from '../../../src/numbers/read.ts';
import { caller, china, first, invite, other, read, second, type InviteFacts } from './invite.ts';

const at = (number: string, more = '') => `<sip:${number}@ims.example.net${more}>`;

type Line = readonly [used: '+' | '-', about: string, where: string, value: string | null, rule: string, why: string];

function explain(facts: InviteFacts, settings: Partial<TrunkReadingSettings> = {}): Explanation {
  return explanationOf(readInviteOctets(invite(facts), { ...china, ...settings }));
}

function lines(explanation: Explanation): Line[] {
  return explanation.map(({ used, about, where, value, rule, why }) => [
    used ? '+' : '-',
    about,
    where,
    value,
    rule,
    why,
  ]);
}

/** The lines about these subjects. */
function about(subjects: readonly string[], facts: InviteFacts, settings: Partial<TrunkReadingSettings> = {}): Line[] {
  return lines(explain(facts, settings)).filter(([, subject]) => subjects.includes(subject));
}

const secondRule = '3 (RFC 3261 16.5, RFC 7315 4.2)';
const callerRule = '4 (RFC 3325 9.1)';
const privacyRule = '4 (RFC 3323 4.2, RFC 3325 9.3)';
const strongestCaller = 'the strongest claim that names somebody';
const strongest = 'the strongest evidence that names another number than ours';
const routed: Line = [
  '+',
  'second-called',
  'Request-URI',
  second,
  secondRule,
  'the Request-URI is what the network routed by',
];

describe('the explanation of a reading', () => {
  test('is whole, in the order of reading', () => {
    const headers = [
      `P-Asserted-Identity: ${at(other)}`,
      'Privacy: id',
      `Diversion: ${at(first)};reason=user-busy;counter=6`,
    ];
    assert.deepEqual(lines(explain({ to: first, headers })), [
      routed,
      ['+', 'diversion', 'Diversion', first, '5.1, 5.3 (RFC 5806 4, RFC 7544 5)', 'diverted: user-busy'],
      ['+', 'reason', 'the latest diversion', 'user-busy', '5.13, 7', 'why the call reached us'],
      [
        '+',
        'counter',
        'all diversions',
        '6',
        '5.13 (RFC 7544 6)',
        'the greatest of: users in the chain, sum of the Diversion counters, counter of the IAM',
      ],
      ['+', 'caller', 'P-Asserted-Identity', other, callerRule, strongestCaller],
      ['-', 'caller', 'From', caller, callerRule, 'P-Asserted-Identity goes before it'],
      ['+', 'caller-private', 'Privacy', 'id', privacyRule, 'the number stays known and must not be shown'],
      ['+', 'first-called', 'Diversion', first, '5 order 1, 5.1 (RFC 7544 5)', strongest],
      ['-', 'first-called', 'To', first, '5 order 6, 5.16 (RFC 3261 8.1.1.2)', 'Diversion goes before it'],
      ['+', 'loop', 'all diversions', 'too-many-diversions', '6', 'a hint of a loop: the call goes on'],
    ] satisfies Line[]);
  });

  test('says where the second called number was looked for', () => {
    const subject = ['second-called'];
    const account = { uri: 'sip:trunk01@x', to: second };
    assert.deepEqual(about(subject, account), [
      ['-', 'second-called', 'Request-URI', 'sip:trunk01@x', secondRule, 'it names an account or nobody'],
      ['-', 'second-called', 'P-Called-Party-ID', null, secondRule, 'it names no number'],
      ['+', 'second-called', 'To', second, secondRule, 'it stands in for the Request-URI'],
    ] satisfies Line[]);
    assert.deepEqual(about(subject, account, { accounts: { trunk01: other } }), [
      ['+', 'second-called', 'Request-URI', other, secondRule, 'its user is an account that the settings name'],
    ] satisfies Line[]);
    assert.deepEqual(about(subject, account, { secondCalledFrom: ['request-uri', 'isup', 'to'] }), [
      ['-', 'second-called', 'Request-URI', null, secondRule, 'it names no number'],
      ['-', 'second-called', 'IAM called party number', null, secondRule, 'it names no number'],
      ['+', 'second-called', 'To', second, secondRule, 'the settings name this place'],
    ] satisfies Line[]);
  });

  test('says why nothing was read', () => {
    const refused = (facts: InviteFacts, settings = {}) => lines(explain(facts, settings)).at(-1);
    assert.deepEqual(lines(explain({ uri: 'sip:12@x' })), [
      [
        '-',
        'second-called',
        'Request-URI',
        'sip:12@x',
        secondRule,
        'no number under these settings, and nothing stands in for it',
      ],
      ['+', 'refusal', 'the message', '404', '3 (RFC 3261 8.2.2.1)', 'the Request-URI names no number'],
    ] satisfies Line[]);
    assert.deepEqual(refused({}, { serviceNumbers: [first] }), [
      '+',
      'refusal',
      'the message',
      '404',
      '3 (RFC 3261 8.2.2.1)',
      'not one of our numbers',
    ]);
    const rules = {
      '1.10 (RFC 3261 8.2.2.3)': { headers: ['Require: gruu'] },
      '1.10 (RFC 3261 8.2.2.1)': { uri: 'http://x/' },
      '1.10 (RFC 3261 8.2.3)': { headers: ['Content-Encoding: gzip'] },
      '3 (RFC 5031)': { uri: 'sip:110@x' },
      '1.1-1.9 (RFC 3261 7, 8.1.1, 18.3, 25.1)': { headers: ['To: <sip:1@x>'] },
    };
    for (const [rule, facts] of Object.entries(rules)) assert.equal(refused(facts)?.[4], rule);
    const loop = refused({ headers: [`Diversion: ${at(second)}`] }, { serviceNumbers: [second] });
    assert.deepEqual(loop, [
      '+',
      'refusal',
      'the message',
      '482',
      '6 (RFC 7044 11, RFC 3261 16.3)',
      'our own number is among those who diverted',
    ]);
    const hops = Buffer.from(invite().toString().replace('Max-Forwards: 66', 'Max-Forwards: 0'));
    assert.equal(explanationOf(readInviteOctets(hops, china))[0]?.rule, '1.5 (RFC 3261 16.3, RFC 7332)');
    const options = Buffer.from(invite().toString().replaceAll('INVITE', 'OPTIONS'));
    assert.equal(explanationOf(readInviteOctets(options, china))[0]?.why, 'not an INVITE');
  });

  test('says in words why the message was refused', () => {
    const why = (facts: InviteFacts) => explain(facts).at(-1)?.why;
    assert.equal(why({ uri: 'http://x/' }), 'the Request-URI is neither sip, sips nor tel');
    assert.equal(why({ uri: 'xurn:service:sos' }), 'the Request-URI is neither sip, sips nor tel');
    assert.equal(why({ headers: ['Require: gruu, a b, path'] }), 'Require names unsupported extensions: gruu, path');
    assert.equal(why({ headers: ['Content-Encoding: gzip'] }), 'encoded bodies are not supported');
    const emergency = 'emergency calls are not for this service: check the routing of the network';
    assert.equal(why({ uri: 'urn:service:sos' }), emergency);
    assert.equal(why({ uri: 'sip:119@x' }), emergency);
    const hops = Buffer.from(invite().toString().replace('Max-Forwards: 66', 'Max-Forwards: 0'));
    assert.equal(explanationOf(readInviteOctets(hops, china))[0]?.why, 'Max-Forwards is 0');
  });

  test('says whom the peer may not name', () => {
    const headers = ['P-Asserted-Identity', 'Remote-Party-ID', 'P-Preferred-Identity'].map(
      (name) => `${name}: ${at(other)}`,
    );
    const outside = 'the peer is outside the trust domain';
    assert.deepEqual(about(['caller'], { headers }, { trustIdentity: false }), [
      ['-', 'caller', 'P-Asserted-Identity', null, '4 (RFC 3325 2.3)', outside],
      ['-', 'caller', 'Remote-Party-ID', null, '4 (RFC 3325 2.3)', outside],
      ['-', 'caller', 'P-Preferred-Identity', null, '4 (RFC 3325 2.3)', outside],
      ['+', 'caller', 'From', caller, callerRule, strongestCaller],
    ] satisfies Line[]);
    assert.deepEqual(about(['caller'], {}, { trustIdentity: false }), [
      ['+', 'caller', 'From', caller, callerRule, strongestCaller],
    ] satisfies Line[]);
    assert.deepEqual(about(['caller'], { headers: ['P-Asserted-Identity: <sip:x'], from: '<sip:unknown@x>' }), [
      ['-', 'caller', 'P-Asserted-Identity', null, '1.8', 'malformed values were ignored'],
      ['-', 'caller', 'From', null, callerRule, 'it names nobody'],
    ] satisfies Line[]);
  });

  test('says what hides the caller, and what does not', () => {
    const hides = (facts: InviteFacts) => about(['caller-private'], facts)[0];
    const anonymous = '<sip:anonymous@anonymous.invalid>';
    const shown = 'the number stays known and must not be shown';
    assert.deepEqual(hides({ from: anonymous }), ['+', 'caller-private', 'From', null, privacyRule, shown]);
    const rpid = `Remote-Party-ID: ${at(other)};privacy=full`;
    assert.deepEqual(hides({ headers: [rpid] }), ['+', 'caller-private', 'Remote-Party-ID', null, privacyRule, shown]);
    assert.deepEqual(hides({ headers: ['Privacy: none;critical'] }), [
      '-',
      'caller-private',
      'Privacy',
      'none;critical',
      privacyRule,
      'this does not hide the caller',
    ]);
    assert.equal(hides({}), undefined);
  });

  test('says of each entry of History-Info what it is', () => {
    const history = (...entries: string[]) =>
      about(['diversion', 'service-number'], { headers: [`History-Info: ${entries.join(',')}`] });
    const rest = '5.5, 5.8 (RFC 7544 6, RFC 7044 10.4)';
    assert.deepEqual(
      history(
        '<sip:4008001234@x>;index=1',
        `${at(first, ';cause=380')};index=1.1`,
        '<sip:phone@192.0.2.7>;index=1.1.1;rc=1.1',
        `${at(second, ';cause=302')};index=1.1.1.1;mp=1.1`,
      ),
      [
        [
          '+',
          'service-number',
          'History-Info 1',
          '+864008001234',
          '5.7 (RFC 8119)',
          'translated, not diverted: cause 380',
        ],
        ['+', 'diversion', 'History-Info 1.1', first, '5.5 (RFC 7544 6)', 'diverted: unconditional'],
        ['-', 'diversion', 'History-Info 1.1.1', null, rest, 'nobody diverted the call here'],
        ['-', 'diversion', 'History-Info 1.1.1.1', second, rest, 'where the call was diverted to'],
      ] satisfies Line[],
    );
    const ruleOf = (...entries: string[]) => history(...entries)[0]?.[4];
    assert.equal(ruleOf(`${at(first)};index=1`, `${at(second)};index=1.1;mp=1`), '5.8 (RFC 7044 11)');
    assert.equal(ruleOf(`${at(first, '?Reason=SIP%3Bcause%3D302')};index=1`), '5.9 (RFC 7544 4.1)');
    assert.equal(ruleOf(`${at(first)};index=1`), '5.10 (RFC 7044 11)');
    assert.deepEqual(history(at(first), at(second))[0]?.slice(0, 4), ['+', 'diversion', 'History-Info', first]);
    assert.deepEqual(history('<sip:x', `${at(first)};index=1`)[0], [
      '-',
      'diversion',
      'History-Info',
      null,
      '1.8',
      'malformed entries were ignored',
    ]);
  });

  test('says of each diverting user whether it may be shown', () => {
    const anonymous = '<sip:anonymous@anonymous.invalid>';
    const headers = [`Diversion: ${anonymous};reason=away, ${at(first)};privacy=full, <sip:x`];
    assert.deepEqual(
      about(['diversion'], { headers }).map((line) => line.at(-1)),
      ['malformed entries were ignored', 'diverted, not to be shown: unknown', 'diverted, withheld or no number: away'],
    );
  });

  test('says how both headers were joined', () => {
    const rule = '5.12 (RFC 7544 3.4, 3.5)';
    const headers = [
      `History-Info: ${at(other)};index=1, ${at(second, ';cause=408')};index=1.1;mp=1`,
      `Diversion: ${at(first)};reason=unconditional`,
    ];
    const differs = 'it differs from History-Info: the order of the users is uncertain';
    assert.deepEqual(about(['diversion'], { to: first, headers }).slice(-2), [
      ['-', 'diversion', 'Diversion', null, rule, differs],
      ['+', 'diversion', 'Diversion', first, rule, 'To names it too: older than all of History-Info'],
    ] satisfies Line[]);
    assert.deepEqual(about(['diversion'], { headers }).at(-1)?.[5], differs);
    assert.deepEqual(read({ headers }).warnings, [`Diversion: ${differs}`]);
  });

  test('names the other evidence, used and left', () => {
    const uri = `sip:${second}@x;target=sip:%2B8675520000001%40x;cause=486`;
    const headers = [`P-Served-User: ${at(other)};orig-cdiv`, `P-Called-Party-ID: ${at(caller)}`];
    const facts = { uri, headers };
    const target = 'target of the Request-URI';
    assert.deepEqual(about(['diversion', 'first-called'], facts, { map: { [second]: other } }), [
      ['+', 'diversion', target, first, '5 order 4 (RFC 4458 2)', 'diverted: user-busy'],
      ['-', 'diversion', 'P-Served-User', other, '5.15 (RFC 8498)', 'stronger evidence goes before it'],
      ['+', 'first-called', target, first, '5 order 4 (RFC 4458 2)', strongest],
      ['-', 'first-called', 'P-Served-User', other, '5 order 5, 5.15 (RFC 8498)', `${target} goes before it`],
      ['-', 'first-called', 'To', second, '5 order 6, 5.16 (RFC 3261 8.1.1.2)', 'it is the second called number'],
      ['-', 'first-called', 'P-Called-Party-ID', caller, '5 order 7 (RFC 7315 4.2)', `${target} goes before it`],
      ['-', 'first-called', 'map of the settings', other, '5 order 8', `${target} goes before it`],
    ] satisfies Line[]);
    const translated = { uri: `sip:${second}@x;target=sip:4008001234%40x;cause=380`, headers: [`X-F: ${first}`] };
    assert.deepEqual(about(['first-called'], translated, { firstCalledHeader: 'X-F' }).slice(0, 2), [
      ['+', 'first-called', 'firstCalledHeader of the settings', first, '5 order 0', strongest],
      [
        '-',
        'first-called',
        'cause 380 of History-Info or the Request-URI',
        '+864008001234',
        '5 order 3, 5.7 (RFC 8119)',
        'firstCalledHeader of the settings goes before it',
      ],
    ] satisfies Line[]);
  });

  test('stays short when the lists are long', () => {
    const many = Array.from({ length: 40 }, (_, i) => `<sip:+86755200000${10 + i}@x>;index=1.${i}`);
    const history = explain({ headers: [`History-Info: ${many.join(',')}`] });
    const noted = history.filter(({ where }) => where.startsWith('History-Info '));
    assert.equal(noted.length, 10);
    const rest = history.find(({ rule }) => rule === '1.9');
    assert.deepEqual(rest && lines([rest]), [
      ['+', 'diversion', 'History-Info', '30', '1.9', 'so many more entries were read'],
    ]);
    const ten = explain({ headers: [`Diversion: ${many.slice(0, 10).join(',')}`] });
    assert.equal(
      ten.some(({ rule }) => rule === '1.9'),
      false,
    );
    assert.equal(
      explain({ headers: [`Diversion: ${many.join(',')}`] }).find(({ rule }) => rule === '1.9')?.value,
      '30',
    );
  });
});

test('text from outside is made printable and short', () => {
  assert.equal(printable('a\u001b[1mé\r\nb'), 'a?[1m???b');
  assert.equal(printable('x'.repeat(64)), 'x'.repeat(64));
  assert.equal(printable('x'.repeat(65)), `${'x'.repeat(61)}...`);
});

describe('an explanation for a record', () => {
  const finding = (used: boolean, value: string): Finding => ({
    about: 'caller',
    where: 'From',
    value,
    used,
    rule: '4',
    why: 'w',
  });
  const all = [finding(true, 'a'), finding(false, 'b'), finding(false, 'c'), finding(true, 'd')];
  const sizeOf = (explanation: Explanation) => JSON.stringify(explanation).length;
  const values = (octets?: number) =>
    abridge(all, octets)
      .map(({ value }) => value)
      .join('');

  test('keeps all where there is room', () => {
    assert.deepEqual(abridge(all), all);
    assert.equal(values(sizeOf(all) + 1), 'abcd');
  });

  test('loses what was ignored first, from the end', () => {
    assert.equal(values(sizeOf(all) - 1), 'abd');
    assert.equal(values(sizeOf(all.slice(1)) - 1), 'ad');
    assert.equal(values(sizeOf(all.slice(0, 1)) + 2), 'a');
    assert.equal(values(10), '');
  });

  test('never is longer than it may be', () => {
    const many = Array.from({ length: 99 }, (_, i) => finding(i % 2 === 0, String(i)));
    const short = abridge(many);
    assert.ok(sizeOf(short) <= 2048 && sizeOf(short) > 1900);
    assert.ok(short.every(({ used }) => used));
  });
});
