// Messages bent a little, one place each: which are still read, and with which status the others are refused (RULES.md 1, 3).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readInviteOctets } from '../../../src/numbers/read.ts';
import { china, invite, second } from './invite.ts';

const plain = invite().toString('latin1');

/** The status of the refusal, or "read". */
function outcome(text: string): number | 'read' {
  const result = readInviteOctets(Buffer.from(text, 'latin1'), { ...china, accounts: { a: second } });
  return result.ok ? 'read' : result.error.status;
}

/** What takes the place of a line of the plain INVITE (all of that name), and what follows. */
type Row = readonly [lines: string, wanted: number | 'read'];

function inPlaceOf(name: string, rows: readonly Row[]): void {
  test(name, () => {
    for (const [lines, wanted] of rows) {
      const bent = plain.replace(new RegExp(`^${name}.*\r\n`, 'm'), () => (lines === '' ? '' : `${lines}\r\n`));
      assert.notEqual(bent, plain, lines);
      assert.equal(outcome(bent), wanted, JSON.stringify(lines.slice(0, 80)));
    }
  });
}

describe('one line bent', () => {
  const line = (uri: string) => `INVITE ${uri} SIP/2.0`;
  inPlaceOf('INVITE', [
    [`INVITE sip:${second}@x sip/2.0`, 'read'],
    [`INVITE  sip:${second}@x SIP/2.0`, 400],
    [`INVITE sip:${second}@x SIP/2.0 `, 400],
    [`INVITE sip:${second}@x`, 400],
    [`INVITE sip:${second}@x SIP/3.0`, 505],
    [`INVITE sip:${second}@x; lr SIP/2.0`, 400],
    [line(`sip:${second}@x?Subject=y`), 400],
    [line(`sip:${second}@`), 400],
    [line(`sip:${second}@x:99999`), 400],
    [line(`sip:${second}@[::1`), 400],
    [line(`sip:${second}@[2001:db8::1]:5060`), 'read'],
    [line(`sip:${second}:@x`), 'read'],
    [line(`tel:${second};npdi;rn=+8675521000000;cic=+86-17901`), 'read'],
    [line(`sip:${second};ext=5;isub=1%202;verstat=No-TN-Validation@x`), 'read'],
    [line('sip:as.example.net'), 'read'],
    [line('sip:@as.example.net'), 'read'],
    [line('sip:trunk-01;x=y@as.example.net'), 'read'],
    [line('sip:constructor@as.example.net'), 'read'],
    [line('sip:__proto__@as.example.net'), 404],
    [line('sip:4fa7b2@as.example.net'), 404],
    [line('sip:../../etc/passwd@as.example.net'), 404],
    [line('sip:%0d%0aX@as.example.net'), 404],
    [line('sip:+86abc@as.example.net'), 404],
    [line('sip:anonymous@as.example.net'), 404],
    [line('tel:abc'), 404],
    [line(`sip:${'9'.repeat(300)}@x`), 404],
    [line(`sip:${'1'.repeat(20_000)}@x`), 414],
    [line('URN:service:sos.ambulance'), 404],
    [line('tel:110;phone-context=+86'), 404],
    [line('sips:112@x'), 404],
    [line('im:a@b'), 416],
  ]);
  inPlaceOf('Max-Forwards', [
    ['', 'read'],
    ['Max-Forwards: 070', 'read'],
    ['Max-Forwards: 00', 483],
    ['Max-Forwards:', 400],
    ['Max-Forwards: 7.0', 400],
    ['Max-Forwards: 66\r\nMax-Forwards: 300', 400],
  ]);
  inPlaceOf('CSeq', [
    ['', 400],
    ['CSeq: 0 INVITE', 'read'],
    ['CSeq: 2147483647 INVITE', 'read'],
    ['CSeq: 2147483648 INVITE', 400],
    ['CSeq: 1 invite', 400],
    ['CSeq: 1', 400],
    ['CSeq: 1 INVITE\r\nCSeq: 1 INVITE', 400],
  ]);
  inPlaceOf('From', [
    ['f: <sip:a@b>;tag=1', 'read'],
    ['f: <sip:a@b>;tag=1\r\nFrom: <sip:a@b>;tag=1', 400],
    ['From:\r\n <sip:a@b>;tag=1', 'read'],
    ['From : <sip:a@b>;tag=1', 'read'],
    ['From: "a\0b" <sip:a@b>;tag=1', 400],
    ['From: "\xff\xfe" <sip:a@b>;tag=1', 'read'],
    ['From: \xe6\xb7\xb1 <sip:a@b>;tag=1', 'read'],
    ['From: Li\r\n\t, <sip:a@b>;tag=1', 'read'],
    ['From: <sip:a@b> <sip:c@d>;tag=1', 400],
  ]);
  inPlaceOf('To', [
    ['To:', 400],
    ['To: Bob', 400],
    ['t: sip:a@b', 'read'],
    ['To: \r\n\t <sip:a@b>', 'read'],
  ]);
  inPlaceOf('Call-ID', [
    ['', 400],
    ['i: 1', 'read'],
    ['i: 1\r\nCall-ID: 1', 400],
    ['Call-ID: 1 2', 400],
  ]);
  inPlaceOf('Via', [
    ['', 0],
    ['v: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK1, SIP/2.0/UDP 192.0.2.2', 'read'],
    ['Via: x', 400],
  ]);
  inPlaceOf('Content-Length', [
    ['', 'read'],
    ['l: 0', 'read'],
    ['Content-Length: 0\r\nl: 0', 'read'],
    ['Content-Length: 0\r\nl: 1', 400],
    ['Content-Length: 0, 0', 400],
    ['Content-Length: +0', 400],
    ['Content-Length: 1', 400],
    ['Content-Length: 99999999999999999999', 400],
  ]);
});

describe('one line more', () => {
  const lineCount = plain.split('\r\n').length - 3;
  const rows: readonly Row[] = [
    ['garbage', 400],
    [': x', 400],
    ['X Y: x', 400],
    ['Subject: a\rb', 400],
    ['Subject: a\nb', 400],
    ['Subject: a\x0bb', 'read'],
    [`X: ${'a'.repeat(16_384 - 3)}`, 'read'],
    [`X: ${'a'.repeat(16_384 - 2)}`, 400],
    [Array.from({ length: 512 - lineCount }, () => 'X: a').join('\r\n'), 'read'],
    [Array.from({ length: 513 - lineCount }, () => 'X: a').join('\r\n'), 400],
    [`Diversion: ${Array.from({ length: 100 }, () => '<sip:a@b>').join(',')}`, 'read'],
    [`Diversion: ${Array.from({ length: 101 }, () => '<sip:a@b>').join(',')}`, 400],
    [`History-Info: ${Array.from({ length: 101 }, () => '<sip:a@b>;index=1').join(',')}`, 400],
    ['Require: precondition', 420],
    ['Require: 100rel\r\nRequire: b', 420],
    ['Require:', 'read'],
    ['Proxy-Require: foo', 'read'],
    ['Content-Encoding: deflate', 415],
    ['e: identity', 'read'],
  ];
  for (const [lines, wanted] of rows) {
    test(JSON.stringify(lines.slice(0, 40)), () =>
      assert.equal(outcome(plain.replace('CSeq', `${lines}\r\nCSeq`)), wanted),
    );
  }
});

test('the whole message', () => {
  const padded = (length: number) => plain + 'x'.repeat(length - plain.length);
  const rows: readonly Row[] = [
    [`\r\n\r\n${plain}`, 'read'],
    [`${plain}surplus`, 'read'],
    [plain.replaceAll('\r\n', '\n'), 400],
    [plain.slice(0, -2), 400],
    [padded(65_535), 'read'],
    [padded(65_536), 513],
    ['', 0],
    ['\r\n\r\n', 0],
    [plain.replaceAll('INVITE', 'OPTIONS'), 0],
    [plain.replace(/^.*\r\n/, 'SIP/2.0 200 OK\r\n'), 0],
  ];
  for (const [text, wanted] of rows) assert.equal(outcome(text), wanted, JSON.stringify(text.slice(0, 60)));
});
