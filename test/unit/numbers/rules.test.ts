// The rules of RULES.md one by one, where the acceptance cases that stand beside the checkout do not reach them. The
// names in brackets are those that the rules give to their cases.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readInviteOctets, type Reading, type TrunkReadingSettings } from '../../../src/numbers/read.ts';
import { caller, china, first, invite, other, read, refusal, second, type InviteFacts } from './invite.ts';

const third = '+8613900000008';
const at = (number: string, more = '') => `<sip:${number}@ims.example.net${more}>`;
const anonymous = '<sip:anonymous@anonymous.invalid>';

/** The fields of a reading that a row names. */
type Wanted = Partial<Reading>;
type Row = readonly [title: string, facts: InviteFacts, wanted: Wanted, settings?: Partial<TrunkReadingSettings>];

function table(rows: readonly Row[]): void {
  for (const [title, facts, wanted, settings] of rows) {
    test(title, () => {
      const reading = new Map<string, unknown>(Object.entries(read(facts, settings)));
      const got = Object.fromEntries(Object.keys(wanted).map((key) => [key, reading.get(key)]));
      assert.deepEqual(got, wanted);
    });
  }
}

/** The plain INVITE with something in its text replaced. */
function statusOf(change: (text: string) => string): number | undefined {
  const octets = Buffer.from(change(invite().toString('latin1')), 'latin1');
  const result = readInviteOctets(octets, china);
  return result.ok ? undefined : result.error.status;
}

describe('1 reading the message', () => {
  const headers = (...lines: string[]) => ({ headers: lines });
  table([
    [
      '1.3 compact names [F01]',
      { headers: [`x: 90`, `k: 100rel`, `Diversion: ${at(first)};reason=away`] },
      { firstCalled: first, reason: 'away' },
    ],
    [
      '1.4 a comma in a quoted name does not split [B12]',
      headers(`Diversion: "Li, Ming" ${at(other)};reason=no-answer, "a,b" ${at(first)};reason=user-busy`),
      { firstCalled: first, lastDiverting: other, counter: 2, reason: 'no-answer' },
    ],
    [
      '1.4 a comma inside <> does not split [B13]',
      headers(`Diversion: <sip:+86755,20000001@x>;reason=away, ${at(first)}`),
      { firstCalled: first, counter: 2, reason: 'away' },
    ],
    ['1.7 a name in From with a sip: URI in it [A07]', { from: `"sip:110@x" ${at(other)}` }, { caller: other }],
    ['1.7 an escaped quote in a name [F05]', { from: String.raw`"a\" <sip:110@x>" ${at(other)}` }, { caller: other }],
    ['1.8 an identity that is malformed [A37]', headers(`P-Asserted-Identity: <sip:${other}@x`), { caller }],
    [
      '1.8 a counter that is no number [I31]',
      headers(`Diversion: ${at(first)};reason=away;counter=abc;limit=x`),
      { counter: 1, loop: [] },
    ],
    [
      '1.8 an optional ISUP body that is rubbish [I39]',
      { contentType: 'application/isup', body: Buffer.from('zz') },
      { secondCalled: second, firstCalled: null },
    ],
    [
      '1.11 an embedded header stays a value [I23]',
      headers(`History-Info: ${at(first, '?Diversion=%3Csip:110@x%3E&Reason=SIP%3Bcause%3D302')};index=1`),
      { firstCalled: first, counter: 1, reason: 'unconditional' },
    ],
    [
      '1.11 names of the prototype are plain parameters [I52]',
      headers(`Diversion: ${at(first)};__proto__=x;constructor=y;reason=away;toString`),
      { firstCalled: first, reason: 'away' },
    ],
    ['1.5 Max-Forwards may be absent or at its limits [F14]', headers(), { secondCalled: second }],
  ]);

  test('what is refused with 400 [I16 I20 I26 I27]', () => {
    assert.equal(
      statusOf((text) => text.replace('Content-Length: 0', 'Content-Length: 5')),
      400,
    );
    assert.equal(
      statusOf((text) => text.replace('Call-ID: 1', 'Call-ID: 1\n X: 1')),
      400,
    );
    assert.equal(
      statusOf((text) => text.replace('CSeq', `X: ${'a'.repeat(17_000)}\r\nCSeq`)),
      400,
    );
    assert.equal(
      statusOf((text) => text.replace('Max-Forwards: 66', 'Max-Forwards: x')),
      400,
    );
    for (const hops of ['1', '255'])
      assert.equal(
        statusOf((text) => text.replace('Max-Forwards: 66', `Max-Forwards: ${hops}`)),
        undefined,
      );
    assert.equal(
      statusOf((text) => text.replace('Max-Forwards: 66', 'Max-Forwards: 0')),
      483,
    );
  });

  test('1.10 schemes, extensions, encodings [I12 I13 I14 I50]', () => {
    for (const uri of ['http://example.net/', 'mailto:a@x', 'urn:service:counseling'])
      assert.equal(refusal({ uri }), 416, uri);
    for (const uri of [`sips:${second}@x`, `SIP:${second}@x`, `tel:${second}`])
      assert.equal(refusal({ uri }), undefined, uri);
    assert.equal(refusal({ headers: ['Require: 100rel, Timer, histinfo'] }), undefined);
    assert.equal(refusal({ headers: ['Require: gruu'] }, { supportedOptions: ['GRUU'] }), undefined);
    assert.equal(refusal({ headers: ['Require: 100rel'] }, { supportedOptions: [] }), 420);
    assert.equal(refusal({ headers: ['Content-Encoding: Identity'] }), undefined);
    assert.equal(refusal({ headers: ['Content-Encoding: identity', 'e: gzip'] }), 415);
    const body = Buffer.from('x');
    assert.equal(refusal({ contentType: 'application/sdp', body }), undefined);
    assert.equal(refusal({ contentType: 'text/html', body }), 415);
    const optional = { headers: ['Content-Disposition: render;handling=optional'] };
    assert.equal(refusal({ contentType: 'text/html', body, ...optional }), undefined);
    assert.equal(refusal({ contentType: 'text/html' }), undefined);
  });
});

describe('2 a number out of a URI', () => {
  const diverted = (uri: string) => ({ headers: [`Diversion: <${uri}>;reason=away`] });
  const row = (title: string, uri: string, number: string | null): Row => [
    title,
    diverted(uri),
    { firstCalled: number, reason: 'away', counter: 1 },
  ];
  table([
    row('2.1 a password and telephone parameters [E13]', `sip:${first};isub=1234:secret@x`, first),
    row('2.1 sips in capitals', `SIPS:${first}@x`, first),
    row('2.2 rn and cic with a context [E06]', `sip:${first};npdi;rn=+8613800;rn-context=+86;cic=+86-1@x`, first),
    row('2.2 the same in tel', `tel:${first};npdi;rn=+8613800`, first),
    row('2.3 verstat and cpc [A34 A36]', `sip:${first};verstat=TN-Validation-Passed;cpc=ordinary;oli=0@x`, first),
    row('2.3 ext is not part of it', `tel:${first};ext=99`, first),
    row('2.4 a context of country and area', 'tel:20000001;phone-context=+86755', first),
    row(
      '2.4 a context among the parameters of the URI',
      'sip:20000001@x;phone-context=+8610;user=phone',
      '+861020000001',
    ),
    row('2.4 a context in capitals in the user', 'sip:20000001;PHONE-CONTEXT=+8610@x', '+861020000001'),
    row('2.4 the context is not put before a short code [C09]', 'tel:95588;phone-context=+86755', '95588'),
    row('2.4 a private context: digits [E04]', 'tel:2000;phone-context=cdp.udp', '2000'),
    row('2.4 a private context in a name of several labels', 'sip:2000;phone-context=UDP.example@x', '2000'),
    row('2.4 a domain: the settings of the trunk', 'tel:20000001;phone-context=ims.example.net', first),
    row('2.5 escapes [E11]', 'sip:%2B86755%32000-0001@x', first),
    row('2.5 a malformed escape', 'sip:%2x86755@x', null),
    row('2.5 other characters', 'sip:+86755*20000001@x', null),
    row('2.5 escaped octets beyond ASCII', 'sip:%EF%BC%91@x', null),
    row('2.7 nobody [B08]', 'sip:anonymous@anonymous.invalid', null),
    row('2.7 nobody, in other words [C15 C16]', 'sip:Unknown@example.net', null),
    row('2.7 unavailable', 'sip:UNAVAILABLE@example.net', null),
    row('2.7 a number at a host under .invalid', `sip:${first}@gone.Invalid`, null),
    row('2.7 a number at anonymous.invalid', `sip:${first}@anonymous.invalid`, null),
  ]);
});

describe('3 the second called number', () => {
  const pcpid = `P-Called-Party-ID: ${at(second)}`;
  table([
    [
      'an account: P-Called-Party-ID before To',
      { uri: 'sip:trunk01@x', to: other, headers: [pcpid] },
      { secondCalled: second, firstCalled: other },
    ],
    ['nobody: the same', { uri: 'sip:192.0.2.9:5060', to: other, headers: [pcpid] }, { secondCalled: second }],
    [
      'an account of the settings, any case',
      { uri: 'sip:Trunk01;x=1@y', to: first },
      { secondCalled: second, firstCalled: first },
      { accounts: { trunk01: second } },
    ],
    [
      'an account that is digits',
      { uri: 'sip:1000001@y' },
      { secondCalled: second },
      { accounts: { 1000001: second } },
    ],
    [
      'secondCalledFrom in its order',
      { uri: `sip:${other}@x`, headers: [pcpid] },
      { secondCalled: second },
      { secondCalledFrom: ['p-called-party-id', 'request-uri'] },
    ],
    [
      'secondCalledFrom goes on where a place names no number',
      { uri: `sip:${other}@x`, to: 'alice' },
      { secondCalled: other },
      { secondCalledFrom: ['to', 'isup', 'request-uri'] },
    ],
    [
      'one of our numbers, as the settings write it',
      {},
      { secondCalled: second },
      { serviceNumbers: ['0755-2999 0001', '075529990002'] },
    ],
    [
      'an emergency centre that calls back [H08]',
      { from: '<sip:120@x>', headers: ['Priority: psap-callback'] },
      { caller: '120' },
    ],
  ]);

  test('404 without falling through to To [D24 I54-I56]', () => {
    for (const user of ['12', '99999999999999999999', '0755;x', "1' OR 1=1", '%00', '..%2f', '7+', '-a', '_a', '1a'])
      assert.equal(refusal({ uri: `sip:${user}@x`.replaceAll(' ', '%20'), to: first }), 404, user);
    assert.equal(refusal({ to: first }, { secondCalledFrom: ['p-called-party-id'] }), 404);
    assert.equal(refusal({ uri: 'sip:alice@x', to: 'alice' }), 404);
    assert.equal(refusal({}, { serviceNumbers: [other] }), 404);
    assert.equal(refusal({ uri: `sip:${'a'.repeat(64)}@x` }), undefined);
  });

  test('emergency [H06-H08]', () => {
    for (const uri of [
      'sip:112@x',
      'sip:122@x',
      'tel:110;phone-context=+86',
      'URN:service:SOS.police',
      'urn:service:sos;a=b',
    ])
      assert.equal(refusal({ uri, to: first }), 404, uri);
    assert.equal(refusal({ uri: 'sip:trunk01@x', to: '119' }), 404);
  });
});

describe('4 the caller', () => {
  const pai = (...values: string[]) => ({ headers: [`P-Asserted-Identity: ${values.join(', ')}`] });
  const rpid = (more: string) => `Remote-Party-ID: ${at(other)};party=calling${more}`;
  table([
    ['P-Asserted-Identity before From [A01 A02]', pai(at(other)), { caller: other, callerPrivate: false }],
    ['tel', pai(`<tel:${other}>`), { caller: other }],
    ['a wish [A12]', { headers: [`P-Preferred-Identity: ${at(other)}`] }, { caller: other }],
    ['the second of two identities when only it is a number', pai('<sip:li@x>', `<tel:${other}>`), { caller: other }],
    ['an anonymous identity is none', pai(anonymous), { caller, callerPrivate: false }],
    ['carrier prefixes before the number [A30 A33 A35]', { from: '<sip:1795113800138000@x>' }, { caller }],
    ['86 without plus', { from: '<sip:8613800138000@x>' }, { caller }],
    ['a name in From', { from: '<sip:Alice@Example.net;user=ip>' }, { caller: 'sip:Alice@example.net' }],
    [
      'unavailable is not private [A24]',
      { from: '<sip:unavailable@unknown.invalid>' },
      { caller: null, callerPrivate: false },
    ],
    ['Privacy: user [A16]', { headers: ['Privacy: user'] }, { caller, callerPrivate: true }],
    ['Privacy: header [A17]', { headers: ['Privacy: header'] }, { caller, callerPrivate: true }],
    [
      'Privacy: session, critical, history [A19 A20]',
      { headers: ['Privacy: session;critical,history'] },
      { callerPrivate: false },
    ],
    [
      'an anonymous From that asks for no privacy [A23]',
      { from: anonymous, ...pai(at(other)), headers: [...pai(at(other)).headers, 'Privacy: none'] },
      { caller: other, callerPrivate: false },
    ],
    [
      'an anonymous From with other values',
      { from: anonymous, headers: ['Privacy: critical'] },
      { caller: null, callerPrivate: true },
    ],
    ['Remote-Party-ID: privacy=uri', { headers: [rpid(';privacy=uri')] }, { caller: other, callerPrivate: true }],
    ['Remote-Party-ID: privacy="FULL"', { headers: [rpid(';privacy="FULL"')] }, { callerPrivate: true }],
    ['Remote-Party-ID: privacy=off', { headers: [rpid(';privacy=off;screen=yes')] }, { callerPrivate: false }],
    ['Remote-Party-ID without a party', { headers: [`Remote-Party-ID: ${at(other)}`] }, { caller: other }],
    [
      'Remote-Party-ID: the called one is passed over',
      { headers: [`Remote-Party-ID: ${at(first)};party="Called", ${at(other)};party=calling`] },
      { caller: other },
    ],
    [
      'Remote-Party-ID: a malformed one is passed over',
      { headers: [`Remote-Party-ID: <sip:x, ${at(other)}`, rpid('')] },
      { caller: other },
    ],
    [
      'its privacy does not count beside P-Asserted-Identity',
      { headers: [...pai(at(third)).headers, rpid(';privacy=full')] },
      { caller: third, callerPrivate: false },
    ],
    [
      'untrusted: From alone, and its privacy',
      { headers: [rpid(';privacy=full'), `P-Preferred-Identity: ${at(third)}`] },
      { caller, callerPrivate: false },
      { trustIdentity: false },
    ],
    [
      'untrusted: Privacy counts',
      { headers: ['Privacy: id'] },
      { caller, callerPrivate: true },
      { trustIdentity: false },
    ],
    [
      'callerPreference from: P-Asserted-Identity stands in for a From that names nobody',
      { from: '<sip:unavailable@x>', ...pai(at(other)) },
      { caller: other },
      { callerPreference: 'from' },
    ],
    [
      'callerPreference from: a name is a claim',
      { from: '<sip:alice@x>', ...pai(at(other)) },
      { caller: 'sip:alice@x' },
      { callerPreference: 'from' },
    ],
  ]);
});

describe('5 the first called number', () => {
  const diversion = (...values: string[]) => values.map((value) => `Diversion: ${value}`);
  const history = (...entries: string[]) => `History-Info: ${entries.join(', ')}`;
  const hop = (number: string, index: string, more = '', uri = '') => `${at(number, uri)};index=${index}${more}`;
  const cfu = [hop(first, '1'), hop(second, '1.1', ';mp=1', ';cause=302')];
  const none = { firstCalled: null, firstCalledSource: null };

  describe('its order', () => {
    const target = `sip:${second}@x;target=sip:%2B8675520000002%40x;cause=486`;
    const served = `P-Served-User: ${at(third)};sescase=orig;regstate=reg;orig-cdiv`;
    const pcpid = `P-Called-Party-ID: ${at(third)}`;
    table([
      [
        'the configured header before all',
        { headers: [history(...cfu), `X-F: ${at(third)}`] },
        { firstCalled: third, firstCalledSource: 'x-header', reason: 'unconditional' },
        { firstCalledHeader: 'x-f' },
      ],
      [
        'a configured header that names nobody: the next evidence',
        { headers: [history(...cfu), 'X-F: ?'] },
        { firstCalled: first, firstCalledSource: 'history-info' },
        { firstCalledHeader: 'X-F' },
      ],
      [
        'target before P-Served-User and To [D03]',
        { uri: target, to: first, headers: [served] },
        { firstCalled: other, firstCalledSource: 'target-param', reason: 'user-busy', counter: 1 },
      ],
      [
        'P-Served-User before To',
        { to: first, headers: [served] },
        { firstCalled: third, firstCalledSource: 'p-served-user', lastDiverting: third },
      ],
      [
        'P-Served-User: orig-cdiv as the session case [D10]',
        { headers: [`P-Served-User: ${at(third)};sescase=ORIG-CDIV`] },
        { firstCalled: third },
      ],
      [
        'P-Served-User: term never [D12]',
        { headers: [`P-Served-User: ${at(third)};sescase=term`] },
        { ...none, counter: 0 },
      ],
      [
        'P-Served-User that names nobody',
        { headers: ['P-Served-User: <sip:alice@x>;orig-cdiv'] },
        { ...none, counter: 0 },
      ],
      ['To before P-Called-Party-ID', { to: first, headers: [pcpid] }, { firstCalled: first, firstCalledSource: 'to' }],
      [
        'P-Called-Party-ID before the map',
        { headers: [pcpid] },
        { firstCalled: third, firstCalledSource: 'p-called-party-id' },
        { map: { [second]: first } },
      ],
      [
        'the map, as the settings write it [D15 D16]',
        {},
        { firstCalled: first, firstCalledSource: 'mapping', subscriber: first },
        { map: { '0755 2999 0001': '20000001' } },
      ],
      [
        'nothing: never a copy of the second [D18]',
        { headers: [`P-Called-Party-ID: ${at(second)}`] },
        { ...none, subscriber: null },
        { map: { [other]: first } },
      ],
      [
        'a withheld user: target says who it was',
        { uri: target, to: first, headers: diversion(anonymous) },
        { firstCalled: other, firstCalledSource: 'target-param', counter: 1 },
      ],
      [
        'a withheld user: P-Served-User says who it was',
        { headers: [served, ...diversion(`${anonymous};reason=away`)] },
        { firstCalled: third, firstCalledSource: 'p-served-user', reason: 'away' },
      ],
      [
        'two users: P-Served-User is the last, not the first',
        { to: first, headers: [served, ...diversion(at(third), anonymous)] },
        { firstCalled: first, firstCalledSource: 'to', lastDiverting: third },
      ],
      [
        'target that is no number',
        { uri: `sip:${second}@x;target=urn:x;cause=408` },
        { ...none, reason: 'no-answer', counter: 1 },
      ],
      [
        'a cause outside RFC 4458 says nothing',
        { uri: `sip:${second}@x;cause=200` },
        { ...none, reason: null, counter: 0 },
      ],
      ['380 without target', { uri: `sip:${second}@x;cause=380` }, { ...none, reason: null, counter: 0 }],
    ]);
  });

  describe('5.1-5.3 Diversion', () => {
    const reasons = [
      'unconditional',
      'user-busy',
      'no-answer',
      'deflection',
      'unavailable',
      'time-of-day',
      'do-not-disturb',
      'follow-me',
      'out-of-service',
      'away',
      'unknown',
    ] as const;
    table([
      [
        'one [B01]',
        { headers: diversion(`${at(first)};reason=unconditional;counter=1`) },
        {
          firstCalled: first,
          lastDiverting: first,
          reason: 'unconditional',
          counter: 1,
          chain: [
            {
              number: first,
              reason: 'unconditional',
              private: false,
              counter: 1,
              source: 'diversion',
              uri: `sip:${first}@ims.example.net`,
              parameters: new Map([
                ['reason', 'unconditional'],
                ['counter', '1'],
              ]),
            },
          ],
        },
      ],
      ...reasons.map((reason): Row => [
        `reason ${reason} [B05-B17]`,
        { headers: diversion(`${at(first)};reason=${reason.toUpperCase()}`) },
        { reason },
      ]),
      [
        'counters of 1 to 99 are summed',
        { headers: diversion(`${at(other)};counter=99`, `${at(first)};counter="2"`) },
        { counter: 101 },
      ],
      ['a counter of three digits is none', { headers: diversion(`${at(first)};counter=100`) }, { counter: 1 }],
      ['privacy=uri [B07]', { headers: diversion(`${at(first)};privacy=uri`) }, { firstCalledPrivate: true }],
      [
        'privacy=name and off do not hide',
        { headers: diversion(`${at(first)};privacy=name`) },
        { firstCalledPrivate: false },
      ],
      [
        'the limit is not exceeded while it is reached',
        { headers: diversion(`${at(first)};counter=3;limit=3`) },
        { loop: [] },
      ],
      [
        'the limit of any entry',
        { headers: diversion(`${at(other)};limit=9`, `${at(first)};limit=1`) },
        { loop: ['limit-exceeded'] },
      ],
      [
        'withheld: counted, To is asked [B08]',
        { to: first, headers: diversion(`${anonymous};reason=away;privacy=full`) },
        { firstCalled: first, firstCalledSource: 'to', reason: 'away', counter: 1, lastDiverting: null },
      ],
      [
        'reversed for those who append',
        { headers: diversion(at(first), at(other)) },
        { firstCalled: first, lastDiverting: other },
        { diversionOrder: 'reversed' },
      ],
    ]);
  });

  describe('5.4-5.11 History-Info', () => {
    const embedded = (value: string) => `?Reason=${value}`;
    table([
      [
        'one diversion [C01]',
        { headers: [history(...cfu)] },
        {
          firstCalled: first,
          firstCalledSource: 'history-info',
          reason: 'unconditional',
          counter: 1,
          lastDiverting: first,
        },
      ],
      ...(
        [
          [302, 'unconditional'],
          [404, 'unknown'],
          [408, 'no-answer'],
          [480, 'deflection'],
          [486, 'user-busy'],
          [487, 'deflection'],
          [503, 'unavailable'],
        ] as const
      ).map(([cause, reason]): Row => [
        `cause ${cause} is ${reason} [C22]`,
        { headers: [history(hop(first, '1'), hop(second, '1.1', '', `;cause=${cause}`))] },
        { firstCalled: first, reason, counter: 1 },
      ]),
      [
        'without mp the entry before diverted [C03]',
        {
          headers: [
            history(hop(first, '1'), hop(other, '1.1', '', ';cause=486'), hop(second, '1.1.1', '', ';cause=408')),
          ],
        },
        { firstCalled: first, lastDiverting: other, reason: 'no-answer', counter: 2 },
      ],
      [
        'a proxy stands first [C04 C05]',
        {
          headers: [
            history(
              '<sip:proxy.example.net>;index=1',
              hop(first, '1.1', ';np=1'),
              hop(second, '1.1.1', ';mp=1.1', ';cause=302'),
            ),
          ],
        },
        { firstCalled: first, counter: 1 },
      ],
      [
        'the diverting user is an rc copy without a number',
        {
          headers: [
            history(
              hop(first, '1'),
              '<sip:phone@192.0.2.7>;index=1.1;rc=1',
              hop(second, '1.1.1', ';mp=1.1', ';cause=408'),
            ),
          ],
        },
        { firstCalled: first, reason: 'no-answer', counter: 1 },
      ],
      [
        'an np copy, withheld where it came from',
        {
          headers: [
            history(
              hop(first, '1', '', '?Privacy=history'),
              '<sip:phone@192.0.2.7>;index=1.1;np=1',
              hop(second, '1.1.1', ';mp=1.1', ';cause=408'),
            ),
          ],
        },
        { firstCalled: first, firstCalledPrivate: true },
      ],
      [
        'np only [C06]',
        { headers: [history(hop(first, '1'), hop(second, '1.1', ';np=1'))] },
        { ...none, counter: 0, reason: null },
      ],
      [
        '380 and then a diversion [C20]',
        {
          headers: [
            history(
              hop('4008001234', '1'),
              hop(first, '1.1', '', ';cause=380'),
              hop(second, '1.1.1', '', ';cause=408'),
            ),
          ],
        },
        { firstCalled: first, serviceNumber: '+864008001234', reason: 'no-answer', counter: 1 },
      ],
      [
        'a diversion and then 380',
        {
          headers: [
            history(
              hop(first, '1'),
              hop('4008001234', '1.1', '', ';cause=302'),
              hop(second, '1.1.1', '', ';cause=380'),
            ),
          ],
        },
        { firstCalled: first, serviceNumber: '+864008001234', reason: 'unconditional', counter: 1 },
      ],
      [
        '380 behind a private entry',
        { headers: [history(hop('4008001234', '1', '', '?Privacy=history'), hop(second, '1.1', '', ';cause=380'))] },
        { firstCalled: '+864008001234', firstCalledPrivate: true },
      ],
      [
        'an old sender: SIP cause in a Reason [C08]',
        {
          headers: [
            history(hop(first, '1', '', embedded('SIP%3Bcause%3D486%3Btext%3D%22Busy%22')), hop(second, '1.1')),
          ],
        },
        { firstCalled: first, reason: 'user-busy', counter: 1 },
      ],
      [
        'an old sender: two users',
        {
          headers: [
            history(
              hop(first, '1', '', embedded('SIP%3Bcause%3D302')),
              hop(other, '1.1', '', embedded('SIP%3Bcause%3D408')),
              hop(second, '1.2'),
            ),
          ],
        },
        { firstCalled: first, lastDiverting: other, reason: 'no-answer', counter: 2 },
      ],
      [
        'an old sender: our own entry is no diverting user',
        {
          headers: [
            history(
              hop(first, '1', '', embedded('SIP%3Bcause%3D302')),
              hop(second, '1.1', '', embedded('SIP%3Bcause%3D486')),
            ),
          ],
        },
        { firstCalled: first, counter: 1, reason: 'unconditional' },
      ],
      [
        'Q.850 in a Reason',
        { headers: [history(hop(first, '1', '', embedded('Q.850%3Bcause%3D17')), hop(second, '1.1'))] },
        { reason: 'user-busy', firstCalled: first },
      ],
      [
        'a Reason never overrides a cause [C25]',
        {
          headers: [
            history(hop(first, '1', '', embedded('SIP%3Bcause%3D486')), hop(second, '1.1', ';mp=1', ';cause=302')),
          ],
        },
        { reason: 'unconditional', counter: 1 },
      ],
      [
        'mp alone takes the Reason of the entry that it names',
        { headers: [history(hop(first, '1', '', embedded('SIP%3Bcause%3D486')), hop(second, '1.1', ';mp=1'))] },
        { reason: 'user-busy', counter: 1, firstCalled: first },
      ],
      [
        'no tags: the oldest of another number [C13]',
        {
          headers: [
            history(hop(second, '1'), '<sip:proxy.example.net>;index=1.1', hop(first, '1.2'), hop(other, '1.3')),
          ],
        },
        { firstCalled: first, reason: 'unknown', counter: 1 },
      ],
      ['no tags and nobody else', { headers: [history(hop(second, '1'))] }, { ...none, counter: 0 }],
      [
        'withheld: To is asked [C16]',
        { to: first, headers: [history(`${anonymous};index=1`, hop(second, '1.1', ';mp=1', ';cause=408'))] },
        { firstCalled: first, firstCalledSource: 'to', reason: 'no-answer', counter: 1 },
      ],
      [
        'withheld, and nothing else',
        { headers: [history(`${anonymous};index=1`, hop(second, '1.1', ';mp=1', ';cause=408'))] },
        { ...none, reason: 'no-answer', counter: 1 },
      ],
      [
        'indexes of any length, leading zeros [C19 I30]',
        {
          headers: [
            history(
              hop(second, '1.99999999999999999999.1', ';mp=1.010', ';cause=302'),
              hop(first, '1.010'),
              hop(other, '01.2', ';rc=1'),
              hop(third, '1'),
            ),
          ],
        },
        { firstCalled: first, counter: 1 },
      ],
      [
        'one malformed index: order of appearance',
        { headers: [history(hop(first, '2'), hop(second, '1-1', ';mp=2', ';cause=302'))] },
        { firstCalled: first, counter: 1 },
      ],
      [
        'F tried G in vain, then us [C38]',
        {
          headers: [
            history(
              hop(first, '1'),
              hop(other, '1.1', ';mp=1', ';cause=302'),
              hop(second, '1.2', ';mp=1', ';cause=408'),
            ),
          ],
        },
        { firstCalled: first, lastDiverting: first, reason: 'no-answer', counter: 1 },
      ],
      ...(['history', 'header', 'session'] as const).map((value): Row => [
        `Privacy: ${value} hides the diverting users`,
        { headers: [history(...cfu), `Privacy: ${value}`] },
        { firstCalled: first, firstCalledPrivate: true },
      ]),
      [
        'Privacy: id does not',
        { headers: [history(...cfu), 'Privacy: id'] },
        { firstCalledPrivate: false, callerPrivate: true },
      ],
    ]);
  });

  describe('5.12, 5.13 both headers', () => {
    table([
      [
        'what History-Info lacks is more recent [C31]',
        { headers: [history(...cfu), ...diversion(`${at(other)};reason=user-busy`)] },
        {
          firstCalled: first,
          firstCalledSource: 'history-info',
          lastDiverting: other,
          reason: 'user-busy',
          counter: 2,
        },
      ],
      [
        'one of two is known [C33]',
        { headers: [history(...cfu), ...diversion(`${at(other)};reason=away`, `${at(first)};reason=unconditional`)] },
        { firstCalled: first, lastDiverting: other, reason: 'away', counter: 2 },
      ],
      [
        'hidden in either is hidden [C36]',
        { headers: [history(...cfu), ...diversion(`${at(first)};reason=unconditional;privacy=full`)] },
        { firstCalledPrivate: true, counter: 1 },
      ],
      [
        'Diversion knows whom History-Info withholds [C37]',
        {
          headers: [
            history(`${anonymous};index=1`, hop(second, '1.1', ';mp=1', ';cause=302')),
            ...diversion(`${at(first)};reason=unconditional`),
          ],
        },
        { firstCalled: first, firstCalledSource: 'diversion', counter: 1, lastDiverting: first },
      ],
      [
        'Diversion says why, where History-Info does not',
        { headers: [history(hop(first, '1'), hop(second, '1.1', ';mp=1')), ...diversion(`${at(first)};reason=away`)] },
        { reason: 'away', counter: 1 },
      ],
      [
        'History-Info says why, first',
        { headers: [history(...cfu), ...diversion(`${at(first)};reason=away`)] },
        { reason: 'unconditional' },
      ],
      [
        'the counter of Diversion is the greater',
        { headers: [history(...cfu), ...diversion(`${at(first)};reason=away;counter=4;limit=3`)] },
        { counter: 4, loop: ['limit-exceeded'] },
      ],
      [
        'To names the oldest Diversion entry, and History-Info knows it',
        { to: first, headers: [history(...cfu), ...diversion(at(other), at(first))] },
        { firstCalled: first, firstCalledSource: 'history-info', lastDiverting: other },
      ],
      [
        'To names another than the oldest Diversion entry',
        { to: third, headers: [history(...cfu), ...diversion(at(third), at(other))] },
        { firstCalled: first, counter: 3 },
      ],
      [
        'a withheld Diversion entry tells of nobody new',
        { headers: [history(...cfu), ...diversion(`${anonymous};reason=away`)] },
        { firstCalled: first, counter: 1, reason: 'unconditional' },
      ],
    ]);
  });
});

describe('6 loops', () => {
  const diversion = (...numbers: string[]) => ({
    headers: numbers.map((number) => `Diversion: ${at(number)};reason=away`),
  });
  table([
    [
      'our number in the chain, not known as ours [H10]',
      diversion(second, first),
      { loop: ['second-in-chain'], firstCalled: first },
    ],
    ['a number twice [H03]', diversion(first, other, first), { loop: ['number-repeated'] }],
    [
      'withheld users are no repetition',
      { headers: [`Diversion: ${anonymous}, ${anonymous}`] },
      { loop: [], counter: 2 },
    ],
    ['five diversions are usual', { headers: [`Diversion: ${at(first)};counter=5`] }, { loop: [] }],
    ['six are not [H04]', { headers: [`Diversion: ${at(first)};counter=6`] }, { loop: ['too-many-diversions'] }],
  ]);

  test('482 where our own number diverted [H01 H02]', () => {
    const settings = { serviceNumbers: [second, other] };
    assert.equal(refusal(diversion(other, first), settings), 482);
    assert.equal(refusal(diversion(first), settings), undefined);
  });
});
