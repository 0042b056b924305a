import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isPhoneNumber, normalise, parseDialled } from '../../../src/numbers/number.ts';
import { outgoingIdentity } from '../../../src/numbers/present.ts';
import { readInviteOctets } from '../../../src/numbers/read.ts';
import { caller, china, invite, read, second } from './invite.ts';

const significant = fc.oneof(
  fc
    .tuple(fc.constantFrom('755', '10', '21'), fc.integer({ min: 20000000, max: 29999999 }))
    .map(([a, n]) => `${a}${n}`),
  fc
    .tuple(fc.constantFrom('138', '139', '186', '199'), fc.integer({ min: 10000000, max: 99999999 }))
    .map(([a, n]) => `${a}${n}`),
);
const e164 = significant.map((digits) => `+86${digits}`).filter((number) => number !== second);
/** The same number as different senders write it. */
const writings: ((number: string) => string)[] = [
  (number) => number,
  (number) => `00${number.slice(1)}`,
  (number) => number.slice(1),
  (number) => `0${number.slice(3)}`,
  (number) => number.slice(3),
  (number) => `+86-${number.slice(3, 6)}-${number.slice(6)}`,
  (number) => `17909${number.slice(3)}`,
];
const reasons = new Map([
  ['unconditional', 302],
  ['user-busy', 486],
  ['no-answer', 408],
  ['deflection', 480],
  ['unavailable', 503],
]);
interface Facts {
  caller: string;
  hidden: boolean;
  users: string[];
  reasons: string[];
  writing: (number: string) => string;
  shuffle: boolean;
}
const facts: fc.Arbitrary<Facts> = fc.record({
  caller: e164,
  hidden: fc.boolean(),
  users: fc.uniqueArray(e164, { minLength: 1, maxLength: 5 }),
  reasons: fc.array(fc.constantFrom(...reasons.keys()), { minLength: 5, maxLength: 5 }),
  writing: fc.constantFrom(...writings),
  shuffle: fc.boolean(),
});

function historyOf(users: readonly string[], why: readonly string[], writing: (number: string) => string): string[] {
  let index = '1';
  const entries = users.map((user, i) => {
    const before = index;
    if (i > 0) index += '.1';
    const cause = i > 0 ? `;cause=${reasons.get(why[i - 1] ?? '') ?? 404}` : '';
    return `<sip:${writing(user)}@x${cause}>;index=${index}${i > 0 ? `;mp=${before}` : ''}`;
  });
  const cause = reasons.get(why[users.length - 1] ?? '') ?? 404;
  return [...entries, `<sip:${second}@x;cause=${cause}>;index=${index}.1;mp=${index}`];
}

describe('an INVITE that is written from facts is read back', () => {
  const check = (headersOf: (fact: Facts) => string[]) =>
    fc.assert(
      fc.property(facts, (fact) => {
        const identity = `P-Asserted-Identity: "a, <sip:110@x>" <sip:${fact.writing(fact.caller)}@x>`;
        const reading = read({ headers: [identity, ...(fact.hidden ? ['Privacy: id'] : []), ...headersOf(fact)] });
        assert.equal(reading.caller, fact.caller);
        assert.equal(reading.callerPrivate, fact.hidden);
        assert.equal(reading.firstCalled, fact.users[0]);
        assert.equal(reading.lastDiverting, fact.users.at(-1));
        assert.equal(reading.reason, fact.reasons[fact.users.length - 1]);
        assert.equal(reading.counter, fact.users.length);
        assert.deepEqual(
          reading.chain.map((user) => user.number),
          fact.users,
        );
      }),
      { numRuns: 200 },
    );

  test('with Diversion', () =>
    check(({ users, reasons: why, writing }) =>
      users.map((user, i) => `Diversion: <sip:${writing(user)}@x>;reason=${why[i] ?? ''}`).reverse(),
    ));

  test('with History-Info, in any order of lines', () =>
    check(({ users, reasons: why, writing, shuffle }) => {
      const lines = historyOf(users, why, writing).map((entry) => `History-Info: ${entry}`);
      return shuffle ? lines.reverse() : lines;
    }));
});

test('what we write on the target leg reads as the same caller, first called number and counter', () => {
  fc.assert(
    fc.property(facts, fc.boolean(), fc.boolean(), (fact, withHistory, withDiversion) => {
      const diversions = fact.users.map((user, i) => `Diversion: <sip:${user}@x>;reason=${fact.reasons[i] ?? ''}`);
      const history = `History-Info: ${historyOf(fact.users, fact.reasons, (number) => number).join(',')}`;
      const before = read({
        from: `<sip:${fact.caller}@x>`,
        headers: [
          ...(fact.hidden ? ['Privacy: id'] : []),
          ...(withHistory ? [history] : []),
          ...(withDiversion || !withHistory ? diversions.reverse() : []),
        ],
      });
      const subscriber = fact.users.at(-1) ?? '';
      const onward = outgoingIdentity(before, {}, { to: '+8675588880000', subscriber, domain: 'us.example' });
      const after = read({
        uri: 'sip:+8675588880000@x',
        from: onward.from,
        headers: onward.headers.map(([name, value]) => `${name}: ${value}`),
      });
      assert.deepEqual(
        [after.caller, after.callerPrivate, after.firstCalled, after.reason, after.counter, after.lastDiverting],
        [before.caller, before.callerPrivate, before.firstCalled, before.reason, before.counter, subscriber],
      );
    }),
    { numRuns: 300 },
  );
});

describe('whatever comes', () => {
  /** Pieces that parsers stumble over, between random ones. */
  const piece = fc.oneof(
    fc.constantFrom(
      '<',
      '>',
      '"',
      '\\',
      ',',
      ';',
      ':',
      '@',
      '%',
      '%0d%0a',
      'sip:',
      'tel:',
      'index=',
      'mp=',
      '1.1',
      '\u0000',
    ),
    fc.constantFrom('cause=302', '?Reason=SIP%3Bcause%3D302', ';index=1', 'anonymous', '+86755', '\r\n', ' ', '\t'),
    fc.string({ unit: 'binary', maxLength: 8 }),
  );
  const rubbish = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));
  const names = ['P-Asserted-Identity', 'Remote-Party-ID', 'Diversion', 'History-Info', 'Privacy', 'P-Served-User'];
  const header = fc.tuple(
    fc.constantFrom(...names, 'P-Called-Party-ID', 'Content-Type', 'Content-Disposition', 'X-First'),
    rubbish,
  );

  const calledUser = fc.oneof(fc.constantFrom(second, 'trunk01', ''), rubbish);

  test('no header makes it throw, and nothing harmful comes out', () => {
    fc.assert(
      fc.property(fc.array(header, { maxLength: 6 }), calledUser, fc.uint8Array(), (headers, user, body) => {
        const octets = invite({
          uri: `sip:${user}@as.example.net`,
          headers: headers.map(([name, value]) => `${name}: ${value}`),
          body: Buffer.from(body),
        });
        const result = readInviteOctets(octets, { ...china, firstCalledHeader: 'X-First' });
        if (!result.ok) return;
        const { reading } = result;
        const numbers = [reading.caller, reading.firstCalled, reading.secondCalled, ...reading.subscriberCandidates];
        for (const number of numbers) assert.ok(number === null || isPhoneNumber(number), String(number));
        const call = { to: '+8675588880000', subscriber: second, domain: 'us.example' };
        const { from, headers: written } = outgoingIdentity(reading, {}, call);
        for (const value of [from, ...written.flat()]) assert.match(value, /^[\x20-\x7e]*$/);
      }),
      { numRuns: 1000 },
    );
  });

  test('nothing embedded in a URI becomes a header line', () => {
    const hex = (text: string) =>
      [...Buffer.from(text)].map((octet) => `%${octet.toString(16).padStart(2, '0')}`).join('');
    const smuggled = fc.tuple(
      fc.constantFrom('Reason', 'Privacy', 'X-Evil', 'Diversion', '%0d%0aX-Evil'),
      fc
        .constantFrom('SIP;cause=302', 'history', '')
        .chain((start) => rubbish.map((end) => `${start}\r\nX-Evil: 1${end}`)),
    );
    fc.assert(
      fc.property(fc.array(smuggled, { minLength: 1, maxLength: 4 }), fc.boolean(), (fields, tagged) => {
        const embedded = fields.map(([name, value]) => `${name}=${hex(value)}`).join('&');
        const entries = [
          `<sip:+8675520000001@x?${embedded}>;index=1`,
          `<sip:${second}@x${tagged ? ';cause=302' : ''}>;index=1.1${tagged ? ';mp=1' : ''}`,
        ];
        const reading = read({ headers: [`History-Info: ${entries.join(', ')}`, `Diversion: ${entries[0] ?? ''}`] });
        const call = { to: '+8675588880000', subscriber: '+8675520000001', domain: 'us.example' };
        const { from, headers } = outgoingIdentity(reading, {}, call);
        const names = new Set(['P-Asserted-Identity', 'Privacy', 'Diversion', 'History-Info']);
        for (const [name, value] of [['Diversion', from], ...headers]) {
          assert.ok(name !== undefined && names.has(name), name);
          assert.doesNotMatch(value ?? '', /[^\x20-\x7e]|X-Evil: /);
        }
        for (const { where, value, why } of reading.explanation)
          assert.doesNotMatch(`${where}${value ?? ''}${why}`, /[^\x20-\x7e]|X-Evil: /);
      }),
      { numRuns: 500 },
    );
  });

  test('no octets make it throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), fc.nat(), (noise, from, length) => {
        const whole = invite({ headers: [`Diversion: <sip:${caller}@x>;reason=away`] });
        const at = from % whole.length;
        const cut = at + (length % (whole.length - at + 1));
        readInviteOctets(Buffer.concat([whole.subarray(0, at), noise, whole.subarray(cut)]), china);
        readInviteOctets(Buffer.from(noise), china);
      }),
      { numRuns: 1000 },
    );
  });

  test('no text makes the reading of numbers throw', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          rubbish,
          fc.string({ unit: fc.constantFrom('0', '1', '2', '3', '5', '6', '7', '8', '9', '+', '-', '(', ' ') }),
        ),
        (text) => {
          for (const number of [
            normalise(text, china),
            parseDialled(text, china),
            parseDialled(`sip:${text}`, china),
          ]) {
            if (number) assert.ok(isPhoneNumber(number.number), number.number);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('time grows with length only', () => {
  const history = (i: number) => `<sip:+867552${String(i).padStart(7, '0')}@x;cause=302>;index=1${'.1'.repeat(i)};mp=1`;
  const baits: [name: string, value: (size: number) => string][] = [
    ['words', (size) => `Diversion: ${'a '.repeat(size)}<sip:1@x>`],
    ['quotes', (size) => `Diversion: ${'"'.repeat(size)}`],
    ['quoted-pairs', (size) => `Diversion: "${'\\"'.repeat(size / 2)}`],
    ['separators', (size) => `P-Asserted-Identity: <sip:${'-'.repeat(size)}@x>`],
    ['escapes', (size) => `P-Asserted-Identity: <sip:${'%41'.repeat(size / 3)}@x>`],
    ['semicolons', (size) => `Privacy: ${';'.repeat(size)}`],
    ['embedded headers', (size) => `History-Info: <sip:1@x?${'Reason=SIP%3Bcause&'.repeat(size / 20)}>;index=1`],
    ['zeros', (size) => `History-Info: <sip:1@x>;index=${'0'.repeat(size)}, <sip:2@x>;index=1;mp=${'0'.repeat(99)}`],
    ['dots', (size) => `History-Info: <sip:1@x>;index=1${'.1'.repeat(size / 2)}`],
    [
      'deep indexes',
      (size) =>
        `History-Info: <sip:1@x>;index=1${'.1'.repeat(size / 4)}, <sip:2@x;cause=302>;index=1${'.1'.repeat(size / 4)}.1`,
    ],
    ['long chains', () => `History-Info: ${Array.from({ length: 90 }, (_, i) => history(i)).join(',')}`],
    ['boundaries', (size) => `Content-Type: multipart/mixed;boundary=b\r\nX: ${'-'.repeat(size)}`],
  ];
  for (const [name, value] of baits) {
    test(name, () => {
      const octets = invite({ headers: [value(15_000)], body: Buffer.from('\r\n--b1'.repeat(5_000)) });
      const spent = Array.from({ length: 5 }, () => {
        const before = process.cpuUsage();
        readInviteOctets(octets, china);
        const { user, system } = process.cpuUsage(before);
        return (user + system) / 1000;
      });
      // Time of the processor, as the machine may be busy; the best of five, as the first runs compile.
      assert.ok(Math.min(...spent) < 50, `${Math.min(...spent)} ms`);
    });
  }
});
