// An INVITE that is written from random facts, in any of the shapes that senders use, is read back as those facts.
// The writer knows nothing of the reader: it is the second reading of RULES.md.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readInviteOctets } from '../../../src/numbers/read.ts';
import { china, second } from './invite.ts';

/** Choices that follow from one number, so that a failure names all of them. */
class Choices {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  below(limit: number): number {
    this.#state = (Math.imul(this.#state ^ (this.#state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) >>> 0;
    const mixed = Math.imul(this.#state ^ (this.#state >>> 12), 0x297a2d39);
    return ((mixed ^ (mixed >>> 15)) >>> 0) % limit;
  }
  of<T>(...choices: readonly [T, ...T[]]): T {
    return choices[this.below(choices.length)] ?? choices[0];
  }
  sometimes(oneIn = 3): boolean {
    return this.below(oneIn) === 0;
  }
  shuffled<T>(list: readonly T[]): T[] {
    const rest = [...list];
    return list.flatMap(() => rest.splice(this.below(rest.length), 1));
  }
}

type Cause = readonly [reason: string, cause: number];
const causes: readonly [Cause, ...Cause[]] = [
  ['unconditional', 302],
  ['user-busy', 486],
  ['no-answer', 408],
  ['deflection', 480],
  ['deflection', 487],
  ['unavailable', 503],
  ['unknown', 404],
];
/** RFC 5806 4, those that have a cause of their own or an ISUP code. */
const isupCodes: Readonly<Record<string, number>> = {
  unknown: 0,
  'user-busy': 1,
  'no-answer': 2,
  unconditional: 3,
  deflection: 4,
  unavailable: 6,
};

interface User {
  readonly number: string;
  /** Why this user diverted. */
  readonly reason: string;
  readonly cause: number;
  readonly hidden: boolean;
}

function someone(c: Choices): string {
  const digits = (count: number) => Array.from({ length: count }, () => c.below(10)).join('');
  return c.of(
    () => `+86755${2 + c.below(7)}${digits(7)}`,
    () => `+8610${2 + c.below(7)}${digits(7)}`,
    () => `+861${c.of('38', '39', '86', '99')}${digits(8)}`,
    () => `+86400${digits(7)}`,
    () => `+4420794600${digits(2)}`,
    () => c.of('95588', '10086', '12345', '9501312345678', '10106666'),
  )();
}

/** The number as some switch writes it, on a trunk in the area 755. */
function writing(c: Choices, number: string): string {
  if (!number.startsWith('+')) return c.of(number, `0755${number}`, `+86${number}`);
  if (!number.startsWith('+86')) return c.of(number, `00${number.slice(1)}`, `+00${number.slice(1)}`);
  const national = number.slice(3);
  const forms: [string, ...string[]] = [number, `0086${national}`, `+86-${national.slice(0, 3)}-${national.slice(3)}`];
  if (!national.startsWith('400')) forms.push(`0${national}`, `+860${national}`, `860${national}`);
  if (/^755|^1[3-9]/.test(national)) forms.push(`17909${/^1/.test(national) ? '' : '0'}${national}`, `86${national}`);
  if (/^1[3-9]/.test(national)) forms.push(national, `17951${national}`, `12593${national}`, `125831${national}`);
  if (national.startsWith('755')) forms.push(national.slice(3), `(0755) ${national.slice(3)}`);
  return c.of(...forms);
}

/** A URI for the number; `parameters` and `headers` where it may have them. */
function uri(c: Choices, number: string, parameters = '', headers = ''): string {
  const user = writing(c, number)
    .replaceAll(' ', c.of('', '%20'))
    .replace('+', c.of('+', '+', '%2B'))
    .replace('%20', '%20');
  const telephone = c.of(
    '',
    '',
    ';npdi;rn=+8675521000000',
    ';isub=0101',
    ';tgrp=a;trunk-context=b.example',
    ';verstat=x',
  );
  const scheme = c.of('sip', 'sip', 'SIP', 'sips', headers === '' ? 'tel' : 'sip');
  if (scheme === 'tel') return `tel:${user.replaceAll('%20', '').replace('%2B', '+')}${telephone}${parameters}`;
  const host = c.of('ims.example.net', '192.0.2.7:5060', '[2001:db8::7]', '[2001:db8::7]:5062');
  return `${scheme}:${user}${telephone}${c.of('', '', ':secret')}@${host}${c.of('', ';user=phone', ';dtg=gw7')}${parameters}${headers}`;
}

function address(c: Choices, of: string): string {
  const name = c.of('', '', '"Li, Ming" ', 'Zhang San ', '"<sip:110@x>;reason=away" ', String.raw`"a\"b\\" `, '"" ');
  return `${name}<${of}>`;
}

/** Entries of a list header: on lines of their own or in lists, folded, under a name in any case. */
function lines(c: Choices, name: string, entries: readonly string[]): string[] {
  const written = c.of(name, name.toLowerCase(), name.toUpperCase());
  const colon = c.of(': ', ':', ' : ', ':\r\n ');
  const groups: string[][] = [];
  for (const entry of entries) {
    const last = groups.at(-1);
    if (last && c.sometimes(2)) last.push(entry);
    else groups.push([entry]);
  }
  return groups.map((group) => `${written}${colon}${group.join(c.of(',', ', ', ',\r\n\t', ' ,  '))}`);
}

function diversions(c: Choices, users: readonly User[]): string[] {
  return users
    .map(({ number, reason, hidden }) => {
      const parameters = [
        `reason=${c.of(reason, `"${reason}"`, reason.toUpperCase())}`,
        ...(hidden ? [c.of('privacy=full', 'privacy="uri"')] : c.of([], ['privacy=off'], ['privacy=name'])),
        ...c.of([], ['counter=1'], ['counter=01'], ['counter=x'], ['screen=yes']),
      ];
      return `${address(c, uri(c, number))}${c
        .shuffled(parameters)
        .map((one) => `${c.of(';', ' ; ')}${one}`)
        .join('')}`;
    })
    .reverse();
}

/** The tree of History-Info: proxies, copies, contacts and failed branches on and beside the way. */
function history(c: Choices, users: readonly User[]): string[] {
  const entries: string[] = [];
  const counts = new Map<string, number>();
  const child = (parent: string, only = false): string => {
    const before = counts.get(parent) ?? 0;
    counts.set(parent, before + 1 + c.below(2));
    // A part 0 marks a gap: nobody wrote the entry between (RFC 7044 10.3), nor others beside it.
    return `${parent}${only && before === 0 && c.sometimes(6) ? '.0' : ''}.${counts.get(parent) ?? 1}`;
  };
  const add = (of: string, index: string, link = '') => entries.push(`${address(c, of)};index=${index}${link}`);
  let index = '1';
  if (c.sometimes()) {
    add('sip:p1.example.net;lr', index);
    index = child(index, true);
  }
  users.forEach((user, i) => {
    const before = users[i - 1];
    const private_ = user.hidden ? c.of('?Privacy=history', '?Privacy=id%3Bhistory') : '';
    const cause = before ? `;cause=${before.cause}` : '';
    add(uri(c, user.number, cause, private_), index, before ? `;mp=${at}` : '');
    at = index;
    if (c.sometimes()) {
      const copy = child(at, true);
      add(uri(c, user.number, '', private_), copy, `;${c.of('np', 'rc')}=${at}`);
      at = copy;
    }
    while (c.sometimes()) {
      const failed = child(at);
      add(uri(c, someone(c), `;cause=${c.of(302, 408)}`), failed, `;mp=${at}`);
      if (c.sometimes()) add('sip:ua@192.0.2.8', child(failed), `;rc=${failed}`);
    }
    index = child(at, true);
  });
  const last = users.at(-1);
  add(`sip:${second}@x;cause=${last?.cause ?? 404}`, index, `;mp=${at}`);
  if (c.sometimes()) add('sip:trunk01@192.0.2.9', child(index), `;rc=${index}`);
  return c.sometimes() ? c.shuffled(entries) : entries;
}
/** The index of the user who diverts next. */
let at = '1';

function oldHistory(c: Choices, users: readonly User[]): string[] {
  const entries = users.map(({ number, cause, hidden }, i) => {
    const reason = c.of(`SIP%3Bcause%3D${cause}`, `sip%20%3b%20cause%20%3d%20${cause}`, `SIP;cause=${cause}`);
    const more = `${hidden ? '&Privacy=history' : ''}${c.of('', '&X=%0d%0aEvil%3A%201')}`;
    return `${address(c, uri(c, number, '', `?${c.of('Reason', 'reason')}=${reason}${more}`))};index=1${'.1'.repeat(i)}`;
  });
  return [...entries, `<sip:${second}@x>;index=1${'.1'.repeat(users.length)}`];
}

/** ITU-T Q.763 3.9, 3.10, 3.39, 3.45: in national or international form, with or without ST. */
function isupNumber(c: Choices, number: string, presentation: number): number[] {
  const international = number.startsWith('+') && (!number.startsWith('+86') || c.sometimes());
  const digits = international ? number.slice(1) : number.replace(/^\+86/, '');
  const codes = [...Array.from(digits, Number), ...(c.sometimes() ? [15] : [])];
  const odd = codes.length % 2;
  if (odd) codes.push(0);
  const octets = Array.from(
    { length: codes.length / 2 },
    (_, i) => (codes[2 * i] ?? 0) | ((codes[2 * i + 1] ?? 0) << 4),
  );
  return [(odd << 7) | (international ? 4 : 3), 0x10 | (presentation << 2) | 3, ...octets];
}

function isupBody(c: Choices, caller: string, hidden: boolean, users: readonly User[]): { type: string; body: Buffer } {
  const [oldest] = users;
  const latest = users.at(-1);
  assert.ok(oldest && latest);
  const info = [3 | ((isupCodes[oldest.reason] ?? 0) << 4), users.length | ((isupCodes[latest.reason] ?? 0) << 4)];
  const parameters = c
    .shuffled<[number, number[]]>([
      [0x0a, isupNumber(c, caller, hidden ? 1 : 0)],
      [0x28, isupNumber(c, oldest.number, oldest.hidden ? 1 : 0)],
      [0x0b, isupNumber(c, latest.number, latest.hidden ? 1 : 0)],
      [0x13, info],
      [0x20, Array.from({ length: 129 }, (_, i) => (0x7f + i) & 0xff)],
      [0x08, [0x00]],
    ])
    .flatMap(([name, value]) => [name, value.length, ...value]);
  const called = isupNumber(c, second, 0);
  called[1] = 0x10;
  const iam = Buffer.from([1, 0, 0x20, 1, 0x0a, 0, 2, 2 + called.length, called.length, ...called, ...parameters, 0]);
  const version = c.of('itu-t92+', 'etsi356', 'itu-t88;base=itu-t92+');
  if (c.sometimes()) return { type: `application/ISUP;version=${version}`, body: iam };
  const part = (head: string, body: Buffer) => Buffer.concat([Buffer.from(`\r\n--b_1\r\n${head}\r\n\r\n`), body]);
  const parts = c.shuffled([
    part('Content-Type: application/sdp', Buffer.from('v=0\r\n')),
    part(
      `${c.of('content-type', 'c')}: application/isup;version=${version}\r\nContent-Disposition: signal;handling=${c.of('optional', 'required')}`,
      iam,
    ),
  ]);
  const body = Buffer.concat([Buffer.from(c.of('', 'a preamble')), ...parts, Buffer.from('\r\n--b_1--\r\n')]);
  return { type: c.of('multipart/mixed;boundary=b_1', 'Multipart/Mixed ; boundary="b_1"'), body };
}

interface Story {
  octets: Buffer;
  facts: Record<string, unknown>;
}

function story(seed: number): Story {
  const c = new Choices(seed);
  const caller = someone(c);
  const seen = new Set([second, caller]);
  const users = Array.from({ length: 1 + c.below(4) }, (): User => {
    let number = someone(c);
    while (seen.has(number)) number = someone(c);
    seen.add(number);
    const [reason, cause] = c.of<Cause>(...causes);
    return { number, reason, cause, hidden: c.sometimes(4) };
  });
  const [oldest] = users;
  const latest = users.at(-1);
  assert.ok(oldest && latest);
  const hidden = c.sometimes();
  const channel = c.of('diversion', 'history', 'both', 'old-history', 'isup');
  at = '1';

  let headers: string[] = [];
  let content: { type: string; body: Buffer } | undefined;
  let told = users;
  let source: string = 'history-info';
  switch (channel) {
    case 'diversion':
      headers = lines(c, 'Diversion', diversions(c, users));
      source = 'diversion';
      break;
    case 'history':
      headers = lines(c, 'History-Info', history(c, users));
      break;
    case 'both':
      headers = c
        .shuffled([lines(c, 'Diversion', diversions(c, users)), lines(c, 'History-Info', history(c, users))])
        .flat();
      break;
    case 'old-history':
      headers = lines(c, 'History-Info', oldHistory(c, users));
      break;
    case 'isup':
      content = isupBody(c, caller, hidden, users);
      told = oldest === latest ? users : [oldest, latest];
      source = 'isup-ocn';
      break;
  }
  const fromIsup = channel === 'isup' && c.sometimes(2);
  const anonymous = '"Anonymous" <sip:anonymous@anonymous.invalid>';
  const unavailable = '<sip:unavailable@unknown.invalid>';
  const identity = fromIsup
    ? { from: unavailable, lines: [] }
    : c.of(
        {
          from: c.of(hidden ? anonymous : unavailable, `<sip:trunk01@x>`),
          lines: lines(c, 'P-Asserted-Identity', c.shuffled([address(c, uri(c, caller)), '<sip:li@x>'])),
        },
        {
          from: hidden ? anonymous : '<sip:x@y>',
          lines: lines(c, 'Remote-Party-ID', [
            `${address(c, uri(c, caller))};party=calling;privacy=${hidden ? c.of('full', '"uri"') : 'off'}`,
            '<sip:110@x>;party=called',
          ]),
        },
        { from: address(c, uri(c, caller)), lines: [] },
      );
  const privacy =
    hidden && !fromIsup ? lines(c, 'Privacy', c.of(['id'], ['critical;ID'], ['user', 'none'], ['header;id'])) : [];
  const hiddenByMessage = privacy.some((line) => /header/i.test(line));
  const noise = [
    'X-Original-Called: +8675520009999',
    'Subject: a\r\n Diversion: <sip:110@x>',
    'P-Served-User: <sip:110@x>;sescase=orig',
    '__proto__: x',
  ];
  const body = content?.body ?? Buffer.alloc(0);
  const all = [
    `${c.of('From', 'f')}: ${identity.from};tag=1`,
    `${c.of('To', 't')}: ${address(c, `sip:${second}@x`)}`,
    `${c.of('Call-ID', 'i')}: 1`,
    'CSeq: 1 INVITE',
    ...c.of([], ['Max-Forwards: 7']),
    ...headers,
    ...identity.lines,
    ...privacy,
    ...(content ? [`${c.of('Content-Type', 'c')}: ${content.type}`] : []),
    ...noise.filter(() => c.sometimes()),
  ];
  // Lines of one list keep their order; what stands between them does not matter.
  const heads = [
    c.of('Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1', 'v: SIP/2.0/TCP x.example:5060'),
    ...all,
    `${c.of('Content-Length', 'l')}: ${body.length}`,
  ];
  const octets = Buffer.concat([
    Buffer.from(`INVITE sip:${second}@as.example.net;user=phone SIP/2.0\r\n${heads.join('\r\n')}\r\n\r\n`),
    body,
  ]);
  return {
    octets,
    facts: {
      caller,
      callerPrivate: hidden,
      secondCalled: second,
      firstCalled: oldest.number,
      firstCalledSource: source,
      firstCalledPrivate:
        oldest.hidden || hiddenByMessage || (channel === 'isup' && oldest === latest && latest.hidden),
      lastDiverting: latest.number,
      subscriber: latest.number,
      reason: latest.reason,
      counter: users.length,
      chain: told.map(({ number }) => number),
    },
  };
}

describe('an INVITE written from random facts', () => {
  test('is read back as those facts, in every shape', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31 - 1), (seed) => {
        const { octets, facts } = story(seed);
        const result = readInviteOctets(octets, china);
        assert.ok(result.ok, `refused: ${JSON.stringify(result)}\n${octets.toString('latin1')}`);
        const { reading } = result;
        const got = { ...reading, chain: reading.chain.map((user) => user.number) } as Record<string, unknown>;
        const read = Object.fromEntries(Object.keys(facts).map((key) => [key, got[key]]));
        assert.deepEqual(read, facts, octets.toString('latin1'));
      }),
      { numRuns: 3_000 },
    );
  });
});
