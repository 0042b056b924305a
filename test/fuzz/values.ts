/** Values of SIP headers by the grammar of RFC 3261 25.1, mostly right. Text is octets: characters 0 to 255. */
import type { Random } from './random.ts';

const words = [
  'a',
  'tag',
  'lr',
  'sip',
  'branch',
  'rport',
  'received',
  'maddr',
  'ttl',
  'q',
  'expires',
  'user',
  'phone',
  'cause',
  '0',
  '-1',
  '4294967296',
];
const hosts = [
  '192.0.2.1',
  'h',
  'as.example.net',
  '[2001:db8::1]',
  '[::ffff:192.0.2.1]',
  '127.0.0.1:5060',
  'h:0',
  'h:65535',
  '_x',
];
const badHosts = ['h:65536', '[', '[]', '[::', 'h:', '', '\xff'];
const users = [
  '+8675520000001',
  'anonymous',
  '1;phone-context=+86',
  'a:b',
  '%00',
  '%4',
  "!*'()&=+$,;?/",
  '\xe6\xb7\xb1',
  '',
];
const schemes = ['sip:', 'sip:', 'sip:', 'sips:', 'tel:', 'SIP:', 'urn:service:', 'http://', 'x-1.+:'];
const spaces = ['', '', '', '', '', '', '', '', '', '', ' ', '\t', '  ', '\r\n ', '\r\n\t', ' \r\n  '];
const numbers = [
  '0',
  '1',
  '70',
  '255',
  '256',
  '2147483647',
  '2147483648',
  '4294967296',
  '-1',
  '0x10',
  '1e9',
  '00000000001',
  '9'.repeat(400),
  '',
];

export const space = (random: Random): string => random.pick(spaces);

const host = (random: Random): string => random.pick(random.once(25) ? badHosts : hosts);

export function token(random: Random): string {
  if (random.once(40)) return random.pick(words).repeat(random.size(1, 2_000));
  return random.pick(words);
}

export const number = (random: Random): string => (random.once(3) ? random.pick(numbers) : String(random.below(1_000)));

export function quoted(random: Random): string {
  const inside = random.pick([
    '',
    'x',
    'J. \\"R\\"',
    '\\\\',
    '\xe6\xb7\xb1\xe5\x9c\xb3',
    '\xc9\xee',
    '<sip:a@b>',
    ',;',
    '\\',
  ]);
  return random.once(40) ? `"${inside}` : `"${inside}"`;
}

export function parameters(random: Random): string {
  const count = random.once(30) ? random.size(1, 2_000) : random.size(0, 4);
  let text = '';
  for (let i = 0; i < count; i++) {
    text += `${space(random)};${space(random)}${token(random)}`;
    if (!random.once(3))
      text += `${space(random)}=${space(random)}${random.once(4) ? quoted(random) : random.pick([token(random), number(random), host(random)])}`;
  }
  return text;
}

export function uri(random: Random): string {
  let text = random.once(25) ? random.pick([':', '', 'sip']) : random.pick(schemes);
  if (!random.once(4)) text += `${random.pick(users)}@`;
  text += host(random);
  const count = random.size(0, 3);
  for (let i = 0; i < count; i++) text += `;${token(random)}${random.once(2) ? '' : `=${token(random)}`}`;
  if (random.once(8)) text += `?${random.pick(['Reason=SIP%3Bcause%3D302', 'Privacy=history', '&', '=', 'a=b&c=%'])}`;
  return text;
}

export function address(random: Random): string {
  if (random.once(4)) return `${uri(random)}${parameters(random)}`;
  const name = random.pick(['', quoted(random), 'Bell, A', 'a b ', '*']);
  return `${name}${space(random)}<${uri(random)}${random.once(20) ? '' : '>'}${parameters(random)}`;
}

export function via(random: Random): string {
  const slash = (): string => `${space(random)}/${space(random)}`;
  const protocol = `SIP${slash()}2.0${slash()}${random.pick(['UDP', 'TCP', 'TLS', 'x', ''])}`;
  const branch = random.once(3) ? '' : `;branch=z9hG4bK${random.once(9) ? '' : random.below(1_000)}`;
  return `${protocol} ${host(random)}${branch}${parameters(random)}`;
}

/** Several of one kind in one value. */
export function list(random: Random, one: (random: Random) => string): string {
  const count = random.once(40) ? random.size(1, 600) : random.size(1, 4);
  return Array.from({ length: count }, () => (random.once(40) ? '' : one(random))).join(
    `${space(random)},${space(random)}`,
  );
}
