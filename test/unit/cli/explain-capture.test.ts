import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { findInvites } from '../../../src/cli/commands/explain/input.ts';
import { Failure } from '../../../src/shared/errors.ts';
import { invite } from '../numbers/invite.ts';
import { ipv4, ipv6, pcap, pcapng, type CaptureForm } from './captures.ts';

const octets = (...values: number[]) => Buffer.from(values);
const mac = Buffer.alloc(12);
const message = invite({ headers: [`X: ${'x'.repeat(3000)}`], body: octets(0, 128, 255) });
const ok = Buffer.from('SIP/2.0 200 OK\r\n\r\n');

const v4 = { from: '192.0.2.1:5060 to 192.0.2.9:5060', packets: ipv4 };
const v6 = { from: '[2001:db8:0:0:0:0:0:1]:5060 to [2001:db8:0:0:0:0:0:9]:5060', packets: ipv6 };
const links: [name: string, form: Omit<CaptureForm, 'little'>, ip: typeof v4][] = [
  ['Ethernet', { linkType: 1, link: Buffer.concat([mac, octets(8, 0)]) }, v4],
  ['Ethernet, IPv6', { linkType: 1, link: Buffer.concat([mac, octets(0x86, 0xdd)]) }, v6],
  [
    'Ethernet, two VLAN tags',
    { linkType: 1, link: Buffer.concat([mac, octets(0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 8, 0)]) },
    v4,
  ],
  ['Linux cooked', { linkType: 113, link: Buffer.concat([Buffer.alloc(14), octets(8, 0)]) }, v4],
  ['Linux cooked 2', { linkType: 276, link: Buffer.concat([octets(0x86, 0xdd), Buffer.alloc(18)]) }, v6],
  ['BSD loopback', { linkType: 0, link: octets(2, 0, 0, 0) }, v4],
  ['raw IP', { linkType: 101, link: Buffer.alloc(0) }, v4],
  ['raw IPv6', { linkType: 229, link: Buffer.alloc(0) }, v6],
];

describe('an INVITE in a capture is found whole', () => {
  for (const [name, form, ip] of links) {
    for (const little of [true, false]) {
      for (const write of [pcap, pcapng]) {
        test(`${write.name} ${little ? 'little' : 'big'}-endian, ${name}`, () => {
          for (const packets of [ip.packets(message), ip.packets(message, 800), ip.packets(message, 800).reverse()]) {
            const capture = write([...ip.packets(ok), ...packets], { ...form, little });
            const { found, remarks } = findInvites(capture, 'x.pcap');
            assert.deepEqual(found, [{ octets: message, where: `frame ${1 + packets.length}, ${ip.from}` }]);
            assert.deepEqual(remarks, []);
          }
        });
      }
    }
  }
});

describe('what is passed over is told', () => {
  const form = { little: true, linkType: 101, link: Buffer.alloc(0) };

  test('retransmissions and re-INVITEs', () => {
    const again = Buffer.from(
      invite().toString().replace('@as.example.net>\r\nCall', '@as.example.net>;tag=t1\r\nCall'),
    );
    const { found, remarks } = findInvites(
      pcap(
        [message, message, again].flatMap((one) => ipv4(one)),
        form,
      ),
      'x',
    );
    assert.equal(found.length, 1);
    assert.deepEqual(remarks, ['1 retransmissions were passed over.', '1 re-INVITEs were passed over.']);
  });

  test('TCP', () => {
    const [packet = Buffer.alloc(0)] = ipv4(Buffer.alloc(40));
    packet[9] = 6;
    packet[32] = 0x50;
    const refusal = (capture: Buffer) => {
      try {
        return findInvites(capture, 'x.pcap').remarks;
      } catch (error) {
        return error instanceof Failure ? error.message : error;
      }
    };
    assert.equal(
      refusal(pcap([packet], form)),
      'x.pcap holds no INVITE over UDP that begins a call. 1 TCP segments were passed over: only UDP is read.',
    );
    assert.equal(refusal(pcap(ipv4(ok), form)), 'x.pcap holds no INVITE over UDP that begins a call.');
  });

  test('a file that is neither', () => {
    assert.throws(() => findInvites(Buffer.from('hello\n'), 'x'), /x is neither a SIP message nor a capture/);
    assert.throws(() => findInvites(Buffer.alloc(0), 'x'), Failure);
  });
});

test('a message whose lines end in LF is mended', () => {
  const text = invite().toString().replaceAll('\r\n', '\n');
  for (const pasted of [text, text.trimEnd()]) {
    const { found, remarks } = findInvites(Buffer.from(pasted), '-');
    assert.deepEqual(found, [{ octets: invite(), where: 'standard input' }]);
    assert.deepEqual(remarks, ['Its lines end in LF only: read as CRLF.']);
  }
  assert.deepEqual(findInvites(invite(), 'a.txt'), { found: [{ octets: invite(), where: 'a.txt' }], remarks: [] });
});

test('no octets behind a magic number end the program', () => {
  const magics = [octets(0xa1, 0xb2, 0xc3, 0xd4), octets(0xd4, 0xc3, 0xb2, 0xa1), octets(10, 13, 13, 10)];
  const form = { little: false, linkType: 1, link: Buffer.concat([mac, octets(8, 0)]) };
  const whole = [
    pcap(ipv4(message, 800), form),
    pcapng(ipv6(message, 800), { ...form, linkType: 101, link: octets() }),
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...magics, ...whole),
      fc.uint8Array({ maxLength: 90 }),
      fc.nat(4000),
      (start, noise, at) => {
        const from = at % (start.length + 1);
        const octetsOf = [
          Buffer.concat([start, noise]),
          Buffer.concat([start.subarray(0, from), noise, start.subarray(from + noise.length)]),
        ];
        for (const capture of octetsOf) {
          try {
            findInvites(capture, 'x');
          } catch (error) {
            assert.ok(error instanceof Failure, String(error));
          }
        }
      },
    ),
    { numRuns: 3000 },
  );
});
