// Headers as other senders than those of the acceptance cases write them: the siblings of each group of cases.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Reading, TrunkReadingSettings } from '../../../src/numbers/read.ts';
import { caller, first, other, read, second, type InviteFacts } from './invite.ts';

type Row = readonly [
  title: string,
  facts: InviteFacts,
  wanted: Partial<Reading>,
  settings?: Partial<TrunkReadingSettings>,
];

function rows(group: string, table: readonly Row[]): void {
  describe(group, () => {
    for (const [title, facts, wanted, settings] of table) {
      test(title, () => {
        const reading = new Map<string, unknown>(Object.entries(read(facts, settings)));
        const got = Object.fromEntries(Object.keys(wanted).map((key) => [key, reading.get(key)]));
        assert.deepEqual(got, wanted);
      });
    }
  });
}

const account = '<sip:trunk01@x>';
const nobody = '<sip:192.0.2.1>';
const anonymous = '<sip:anonymous@anonymous.invalid>';
const third = '+8613900000008';
const pai = (value: string): InviteFacts => ({ from: account, headers: [`P-Asserted-Identity: ${value}`] });
const rpid = (value: string): InviteFacts => ({ from: nobody, headers: [`Remote-Party-ID: ${value}`] });
const headers = (...lines: string[]): InviteFacts => ({ headers: lines });
const diversion = (value: string): InviteFacts => headers(`Diversion: ${value}`);
const history = (...entries: string[]): InviteFacts => headers(`History-Info: ${entries.join(', ')}`);

rows('the caller', [
  ['verstat in the user', pai(`<sip:${caller};verstat=TN-Validation-Passed@x;user=phone>`), { caller }],
  [
    'verstat, cpc, oli, ext, isub of a tel URI',
    pai(`<tel:${caller};verstat=x;cpc=y;oli=0;ext=1;isub=1%202>`),
    { caller },
  ],
  ['an escaped plus', pai('<sip:%2B8613800138000@x>'), { caller }],
  [
    'a name with an escaped quote, a comma and a URI',
    pai(String.raw`"a\", <sip:110@y>" <sip:${caller}@x>`),
    { caller },
  ],
  ['no angle brackets', pai(`sip:${caller}@x;user=phone`), { caller }],
  ['a malformed value before a good one', pai(`garbage, <tel:${caller}>`), { caller }],
  [
    'an anonymous identity leaves it to From',
    headers(`P-Asserted-Identity: ${anonymous}`),
    { caller, callerPrivate: false },
  ],
  ['a carrier prefix behind the country code', pai('<sip:+861259313800138000@x>'), { caller }],
  ['an area before a short code', pai('<sip:01010086@x>'), { caller: '10086' }],
  ['Remote-Party-ID: full-network', rpid(`<sip:${caller}@x>;privacy=full-network`), { caller, callerPrivate: true }],
  ['Remote-Party-ID: a list', rpid(`<sip:${caller}@x>;privacy="name,uri"`), { caller, callerPrivate: true }],
  ['Remote-Party-ID: off', rpid(`<sip:${caller}@x>;privacy="off"`), { caller, callerPrivate: false }],
  ['Remote-Party-ID: name-network', rpid(`<sip:${caller}@x>;privacy=name-network`), { callerPrivate: false }],
  ['Remote-Party-ID: the called party before', rpid(`<sip:${first}@x>;PARTY="Called", <sip:${caller}@x>`), { caller }],
  ['anonymous, with an escape', { from: '<sip:%61nonymous@x>' }, { caller: null, callerPrivate: true }],
  ['anonymous, with a parameter', { from: '<sip:Anonymous;a=b@x>' }, { caller: null, callerPrivate: true }],
  ['unknown, with a parameter', { from: '<sip:unknown;a=b@x>' }, { caller: null, callerPrivate: false }],
  ['Privacy: none;id hides', headers('Privacy: none;id'), { callerPrivate: true }],
  [
    'an untrusted peer may still hide itself',
    headers('Privacy: id'),
    { caller, callerPrivate: true },
    { trustIdentity: false },
  ],
]);

rows('Diversion', [
  ['a counter of two digits, the first 0', diversion(`<sip:${first}@x>;counter=05`), { counter: 5 }],
  ['a counter of 0', diversion(`<sip:${first}@x>;counter=0`), { counter: 1 }],
  ['a counter of 00', diversion(`<sip:${first}@x>;counter=00`), { counter: 1 }],
  ['a counter of three digits', diversion(`<sip:${first}@x>;counter=100`), { counter: 1 }],
  [
    'quotes and capitals',
    diversion(`<sip:${first}@x>;Reason="User-Busy";PRIVACY="FULL"`),
    { reason: 'user-busy', firstCalledPrivate: true },
  ],
  ['privacy=name does not hide the number', diversion(`<sip:${first}@x>;privacy=name`), { firstCalledPrivate: false }],
  [
    'an embedded Reason is none of RFC 5806',
    diversion(`<sip:${first}@x?Reason=SIP%3Bcause%3D486>`),
    { firstCalled: first, reason: 'unknown' },
  ],
  [
    'a parameter inside a quoted name',
    diversion(`"<sip:110@x>;reason=away" <sip:${first}@x>;reason=no-answer`),
    { reason: 'no-answer', counter: 1 },
  ],
  ['a comma too many', diversion(`<sip:${first}@x>;reason=away, ,`), { firstCalled: first, counter: 1 }],
  ['an empty line', diversion(''), { firstCalled: null, counter: 0, reason: null }],
  ['a private plan', diversion('<sip:5001;phone-context=cdp.udp@x>'), { firstCalled: '5001' }],
  ['a local tel number with its context', diversion('<tel:20000001;phone-context=+86755>'), { firstCalled: first }],
  ['a password', diversion(`<sips:${first}:pw@x>`), { firstCalled: first }],
  [
    'our own number alone',
    diversion(`<sip:${second}@x>;reason=away`),
    { firstCalled: null, reason: 'away', loop: ['second-in-chain'] },
  ],
  [
    'the reason that the Request-URI tells',
    { uri: `sip:${second}@x;cause=486`, ...diversion(`<sip:${first}@x>`) },
    { firstCalled: first, reason: 'user-busy', counter: 1 },
  ],
  [
    'a reason of its own goes before that',
    { uri: `sip:${second}@x;cause=486`, ...diversion(`<sip:${first}@x>;reason=away`) },
    { reason: 'away' },
  ],
]);

const f = `<sip:${first}@x>;index=1`;
const end = (index: string, mp: string, cause = 302) => `<sip:${second}@x;cause=${cause}>;index=${index};mp=${mp}`;
rows('History-Info', [
  [
    'tel URIs with causes',
    history(`<tel:${first}>;index=1`, `<tel:${second};cause=486>;index=1.1;mp=1`),
    { firstCalled: first, reason: 'user-busy' },
  ],
  [
    'a tel URI with headers',
    history(`<tel:${first}?Reason=SIP%3Bcause%3D302>;index=1`, `<sip:${second}@x>;index=1.1`),
    { firstCalled: first, reason: 'unconditional' },
  ],
  [
    'a private tel URI',
    history(`<TEL:${first}?Privacy=history>;index=1`, end('1.1', '1')),
    { firstCalled: first, firstCalledPrivate: true },
  ],
  [
    'a Reason that is not escaped',
    history(`<sip:${first}@x?Reason=SIP;cause=408>;index=1`, `<sip:${second}@x>;index=1.1`),
    { firstCalled: first, reason: 'no-answer' },
  ],
  [
    'two old diversions',
    history(
      `<sip:${first}@x?Reason=SIP%3Bcause%3D486>;index=1`,
      `<sip:${other}@x?reason=sip%20%3b%20CAUSE%20%3d%20408>;index=1.1`,
      `<sip:${second}@x>;index=1.2`,
    ),
    { firstCalled: first, lastDiverting: other, reason: 'no-answer', counter: 2 },
  ],
  [
    'Avaya, no answer',
    history(`<sip:${first}@x?Reason=Redirection%3Bcause%3DCFNR>;index=1`, `<sip:${second}@x>;index=1.1`),
    { firstCalled: first, reason: 'no-answer' },
  ],
  [
    'a contact behind the last diversion',
    history(f, end('1.1', '1', 408), '<sip:trunk01@192.0.2.9>;index=1.1.1;rc=1.1'),
    { firstCalled: first, reason: 'no-answer', counter: 1 },
  ],
  [
    'a copy before the first',
    history(f, `<sip:${first}@y>;index=1.1;np=1`, end('1.1.1', '1.1')),
    { firstCalled: first, counter: 1 },
  ],
  [
    'a contact that diverts',
    history(f, '<sip:ua@192.0.2.9>;index=1.1;rc=1', end('1.1.1', '1.1')),
    { firstCalled: first, counter: 1 },
  ],
  [
    'a branch that failed, with branches of its own',
    history(
      f,
      `<sip:${other}@x;cause=302>;index=1.1;mp=1`,
      `<sip:${third}@x;cause=486>;index=1.1.1;mp=1.1`,
      end('1.2', '1', 408),
    ),
    { firstCalled: first, lastDiverting: first, counter: 1, reason: 'no-answer' },
  ],
  [
    'a placeholder in the middle',
    history(
      f,
      '<sip:unknown@unknown.invalid;cause=404>;index=1.1;mp=1',
      `<sip:${other}@x;cause=404>;index=1.1.1;mp=1.1`,
      end('1.1.1.1', '1.1.1'),
    ),
    { firstCalled: first, lastDiverting: other, counter: 3 },
  ],
  [
    'the last one withheld',
    history(f, '<sip:anonymous@anonymous.invalid;cause=302>;index=1.1;mp=1', end('1.1.1', '1.1', 408)),
    { firstCalled: first, lastDiverting: null, counter: 2, reason: 'no-answer' },
  ],
  [
    'ten branches, the lines shuffled',
    history(end('1.10', '1.9', 408), f, `<sip:${other}@x;cause=302>;index=1.9;mp=1`),
    { firstCalled: first, lastDiverting: other, counter: 2 },
  ],
  [
    'no index',
    history(`<sip:${first}@x>`, `<sip:${second}@x;cause=302>`),
    { firstCalled: first, reason: 'unconditional' },
  ],
  [
    'spaces',
    history(`<sip:${first}@x> ; index = 1 `, ` <sip:${second}@x;cause=302> ; index = 1.1 ; mp = 1`),
    { firstCalled: first, reason: 'unconditional' },
  ],
  [
    'a proxy first, no tags',
    history('<sip:p1.example.net>;index=1', `<sip:${first}@x>;index=1.1`, `<sip:${second}@x>;index=1.2`),
    { firstCalled: first, counter: 1 },
  ],
  [
    'a translation before a diversion',
    history('<sip:4008001234@x>;index=1', `<sip:${first}@x;cause=380>;index=1.1;mp=1`, end('1.1.1', '1.1')),
    { firstCalled: first, serviceNumber: '+864008001234', reason: 'unconditional', counter: 1 },
  ],
  [
    'a translation behind a diversion',
    history(f, '<sip:4008001234@x;cause=302>;index=1.1;mp=1', end('1.1.1', '1.1', 380)),
    { firstCalled: first, serviceNumber: '+864008001234', reason: 'unconditional', counter: 1 },
  ],
]);

rows('History-Info and Diversion', [
  [
    'what only Diversion knows is newer',
    headers(`History-Info: ${f}, ${end('1.1', '1')}`, `Diversion: <sip:${other}@x>;reason=no-answer, <sip:${first}@y>`),
    { firstCalled: first, firstCalledSource: 'history-info', lastDiverting: other, reason: 'no-answer', counter: 2 },
  ],
  [
    'a reason that only Diversion knows',
    headers(`History-Info: ${f}, ${end('1.1', '1', 404)}`, `Diversion: <sip:${first}@x>;reason=follow-me;privacy=full`),
    { reason: 'follow-me', counter: 1, firstCalledPrivate: true },
  ],
  [
    'a number that only Diversion knows',
    headers(`History-Info: ${anonymous};index=1, ${end('1.1', '1')}`, `Diversion: <sip:${first}@x>`),
    { firstCalled: first, counter: 1, reason: 'unconditional' },
  ],
]);

const target = (value: string) => ({ uri: `sip:${second}@x;target=${value}` });
rows('the other evidence', [
  [
    'target: a tel URI',
    target(`tel:${first};cause=486`),
    { firstCalled: first, firstCalledSource: 'target-param', reason: 'user-busy' },
  ],
  [
    'target: escaped, with parameters',
    target('sip:%2B8675520000001%40y%3Buser%3Dphone;cause=302'),
    { firstCalled: first, reason: 'unconditional' },
  ],
  [
    'target: rubbish',
    { ...target('%zz;cause=302'), to: other },
    { firstCalled: other, firstCalledSource: 'to', reason: 'unconditional', counter: 1 },
  ],
  [
    'target: an escaped line end',
    target('sip:%2B8675520000001%40y%0d%0aX:1;cause=302'),
    { firstCalled: null, reason: 'unconditional' },
  ],
  [
    'P-Served-User goes before To, its reason is that of the Request-URI',
    { uri: `sip:${second}@x;cause=408`, to: other, headers: [`P-Served-User: <sip:${first}@x>;orig-cdiv`] },
    { firstCalled: first, reason: 'no-answer', counter: 1 },
  ],
  [
    'P-Served-User behind Diversion',
    headers(`P-Served-User: <sip:${other}@x>;orig-cdiv`, `Diversion: <sip:${first}@x>;reason=away`),
    { firstCalled: first, counter: 1 },
  ],
  [
    'a header of the operator: a list',
    headers(`X-First: <tel:${first}>, <tel:${other}>`),
    { firstCalled: first },
    { firstCalledHeader: 'x-first' },
  ],
  [
    'a header of the operator: digits in quotes, parameters',
    headers('X-First: "0755-20000001";a=b'),
    { firstCalled: first, firstCalledSource: 'x-header' },
    { firstCalledHeader: 'X-First' },
  ],
  [
    'a header of the operator: rubbish',
    { to: first, ...headers('X-First: hello') },
    { firstCalled: first, firstCalledSource: 'to' },
    { firstCalledHeader: 'X-First' },
  ],
  [
    'the map, in other writings',
    {},
    { firstCalled: first, subscriber: first },
    { map: { '0755-29990001': '075520000001' } },
  ],
  ['To is the same number in another writing', { to: '075529990001' }, { firstCalled: null }],
  [
    'what Privacy hides of Diversion it hides wherever that number was read',
    headers('Privacy: history', `Diversion: ${anonymous}`, `P-Served-User: <sip:${first}@x>;orig-cdiv`),
    { firstCalled: first, firstCalledPrivate: true },
  ],
]);
