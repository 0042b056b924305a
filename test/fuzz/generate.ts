/** Whole messages by the grammar of RFC 3261 25.1, mostly right. Text is octets: characters 0 to 255. */
import type { Random } from './random.ts';
import { address, list, number, parameters, quoted, space, token, uri, via } from './values.ts';

const methods = [
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'OPTIONS',
  'REGISTER',
  'UPDATE',
  'PRACK',
  'invite',
  'X',
  'NEW-METHOD',
];

const spellings: readonly (readonly [names: readonly string[], value: (random: Random) => string])[] = [
  [['Contact', 'm', 'CONTACT'], (random) => (random.once(9) ? '*' : list(random, address))],
  [['Route', 'Record-Route', 'Path'], (random) => list(random, address)],
  [
    ['Diversion', 'diversion'],
    (random) => list(random, (one) => `${address(one)};reason=no-answer;counter=${number(one)}`),
  ],
  [['History-Info'], (random) => list(random, (one) => `<${uri(one)}>;index=1.${number(one)}`)],
  [['P-Asserted-Identity', 'Remote-Party-ID', 'Refer-To', 'r', 'Referred-By', 'b'], address],
  [['Privacy', 'Supported', 'k', 'Require', 'Allow'], (random) => list(random, token)],
  [['Max-Forwards', 'Expires', 'Min-SE', 'Session-Expires', 'x', 'RSeq'], number],
  [
    ['Reason', 'Event', 'o', 'Content-Type', 'c', 'Accept'],
    (random) => `${token(random)}/${token(random)}${parameters(random)}`,
  ],
  [
    ['WWW-Authenticate', 'Authorization'],
    (random) => `Digest ${list(random, (one) => `${token(one)}=${quoted(one)}`)}`,
  ],
  [['RAck'], (random) => `${number(random)} ${number(random)} ${random.pick(methods)}`],
  [['Subject', 's', 'X-Any', 'User-Agent'], (random) => random.octets(random.size(0, 60)).replace(/[\r\n\0]/g, '')],
];

export function message(random: Random): string {
  const method = random.pick(methods);
  const lines = [
    ...Array.from(
      { length: 1 + random.below(3) },
      () => `${random.pick(['Via', 'v', 'VIA'])}${space(random)}:${space(random)}${list(random, via)}`,
    ),
    `${random.pick(['From', 'f'])}: ${address(random)};tag=1`,
    `${random.pick(['To', 't'])}: ${address(random)}`,
    `${random.pick(['Call-ID', 'i'])}: ${token(random)}@${token(random)}`,
    `CSeq: ${random.once(9) ? number(random) : random.below(1_000)}${random.once(9) ? space(random) : ' '}${random.once(25) ? random.pick(methods) : method}`,
  ];
  const others = random.once(40) ? random.size(1, 700) : random.size(0, 8);
  for (let i = 0; i < others; i++) {
    const [names, value] = random.pick(spellings);
    lines.push(`${random.pick(names)}:${space(random)}${value(random)}`);
  }
  const body = bodyOf(random);
  if (!random.once(6))
    lines.push(`${random.pick(['Content-Length', 'l'])}: ${random.once(20) ? number(random) : body.length}`);
  if (random.once(4)) shuffle(random, lines);
  return `${startLine(random, method)}\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
}

function startLine(random: Random, method: string): string {
  const version = random.once(20) ? random.pick(['sip/2.0', 'SIP/3.0', 'SIP/2', 'HTTP/1.1', '']) : 'SIP/2.0';
  if (random.once(4))
    return `${version} ${random.once(6) ? number(random) : random.below(700)} ${random.pick(['OK', '', '\xd0\xbe', 'x'.repeat(random.size(0, 300))])}`;
  return `${method} ${uri(random)} ${version}`;
}

function bodyOf(random: Random): string {
  if (random.once(2)) return '';
  if (random.once(60)) return 'x'.repeat(random.size(0, 70_000));
  return random.pick([
    'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n',
    '\r\n\r\n',
    random.octets(random.size(1, 300)),
    '--b\r\n\r\n--b--',
  ]);
}

function shuffle(random: Random, lines: string[]): void {
  for (let i = lines.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const [left = '', right = ''] = [lines[i], lines[j]];
    lines[i] = right;
    lines[j] = left;
  }
}
