import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  addressPrefix,
  duration,
  engineAddress,
  gatewayUri,
  ipPhoneTarget,
  listenAddress,
  parseDuration,
  sipListenAddress,
  sipServer,
  yesNo,
  type Kind,
} from '../../../src/config/kinds.ts';

const refused = Symbol('refused');
const drachtio = (host: string, port: number, secret: string) => ({ kind: 'drachtio', host, port, secret });

const tables: [title: string, kind: Kind<unknown>, rows: [input: unknown, wanted: unknown][]][] = [
  [
    'duration',
    duration('0s', '1h'),
    [
      ['500ms', 500],
      ['1.5s', 1500],
      ['1h', 3_600_000],
      [0, 0],
      ['0', 0],
      ['2h', refused],
      ['-1s', refused],
      [60, refused],
      ['60', refused],
      ['1 s', refused],
      ['1s ', refused],
      ['1e3s', refused],
      ['', refused],
    ],
  ],
  [
    'true or false',
    yesNo,
    [
      [true, true],
      [false, false],
      ['true', refused],
      ['yes', refused],
      [1, refused],
      [null, refused],
    ],
  ],
  [
    'peer',
    addressPrefix,
    [
      ['127.0.0.1', '127.0.0.1/32'],
      ['10.0.0.0/8', '10.0.0.0/8'],
      ['2001:db8::/32', '2001:db8::/32'],
      ['2001:DB8:0::1', '2001:db8::1/128'],
      ['0.0.0.0/0', '0.0.0.0/0'],
      ['10.1', refused],
      ['010.0.0.1', refused],
      ['10.0.0.0/33', refused],
      ['10.0.0.0/', refused],
      ['10.0.0.0/8/8', refused],
      ['sbc.example.net', refused],
      ['', refused],
      [167772161, refused],
    ],
  ],
  [
    'gateway',
    gatewayUri,
    [
      ['sip:127.0.0.1:5170', 'sip:127.0.0.1:5170'],
      ['sip:sbc.example.net', 'sip:sbc.example.net'],
      ['sip:[2001:db8::1]:5060;transport=tcp', 'sip:[2001:db8::1]:5060;transport=tcp'],
      ['sip:a;transport=tls', 'sip:a;transport=tls'],
      ['sips:a', 'sips:a'],
      ['sips:a;transport=udp', refused],
      ['sip:a;transport=sctp', refused],
      ['sip:user@a', refused],
      ['sip:a:0', refused],
      ['sip:a:99999', refused],
      ['sip:300.1.1.1', refused],
      ['sip:', refused],
      ['127.0.0.1', refused],
      ['sip:a?x=y', refused],
    ],
  ],
  [
    'HTTP address',
    listenAddress,
    [
      ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
      ['[::]:80', { host: '::', port: 80 }],
      ['localhost:80', { host: 'localhost', port: 80 }],
      ['8080', refused],
      [':80', refused],
      ['::1:80', refused],
      ['a:65536', refused],
      ['a b:80', refused],
    ],
  ],
  [
    'SIP address',
    sipListenAddress,
    [
      ['udp://127.0.0.1:5060', 'udp://127.0.0.1:5060'],
      ['tcp://[::1]', 'tcp://[::1]:5060'],
      ['tls://127.0.0.1', 'tls://127.0.0.1:5061'],
      ['wss://[::1]:8443', 'wss://[::1]:8443'],
      ['udp://10.0.0.5?advertised=203.0.113.7:5080', 'udp://10.0.0.5:5060?advertised=203.0.113.7:5080'],
      ['udp://10.0.0.5?advertised=', refused],
      ['sctp://127.0.0.1:5061', refused],
      ['127.0.0.1:5060', refused],
      ['udp://a.example:5060', refused],
    ],
  ],
  [
    'SIP server',
    sipServer,
    [
      ['builtin', { kind: 'builtin' }],
      ['drachtio://u:s%40x@10.0.0.1:9022', drachtio('10.0.0.1', 9022, 's@x')],
      ['drachtio://s@host', drachtio('host', 9022, 's')],
      ['drachtio://any:pass%20word@sip.example.net', drachtio('sip.example.net', 9022, 'pass word')],
      ['drachtio://:s@[::1]:9023', drachtio('::1', 9023, 's')],
      ['http://a', refused],
      ['drachtio://', refused],
      ['drachtio://host:9022', refused],
      ['drachtio://u:%zz@host', refused],
      ['other', refused],
    ],
  ],
  [
    'engine',
    engineAddress,
    [
      ['udp://127.0.0.1:2223', 'udp://127.0.0.1:2223'],
      ['udp://rtp.example.net:2223', 'udp://rtp.example.net:2223'],
      ['udp://[::1]:2223', refused],
      ['127.0.0.1:2223', refused],
      ['udp://127.0.0.1', refused],
    ],
  ],
  [
    'IP phone',
    ipPhoneTarget,
    [
      ['192.0.2.0/24', '192.0.2.0/24'],
      ['sip:desk@192.0.2.7', 'sip:desk@192.0.2.7'],
      ['sip:desk@host:5070', 'sip:desk@host:5070'],
      ['sip:host', refused],
      ['desk', refused],
    ],
  ],
];

for (const [title, kind, rows] of tables) {
  describe(`a setting that is a ${title}`, () => {
    for (const [input, wanted] of rows) {
      test(`${JSON.stringify(input)} is ${wanted === refused ? 'refused' : 'read'}`, () => {
        const parsed = kind.safeParse(input);
        assert.deepEqual(parsed.success ? parsed.data : refused, wanted);
      });
    }
  });
}

test('a duration in any unit is that many milliseconds', () => {
  const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  fc.assert(
    fc.property(fc.nat(100_000), fc.constantFrom(...Object.entries(units)), (count, [unit, milliseconds]) => {
      assert.equal(parseDuration(`${count}${unit}`), count * milliseconds);
    }),
  );
});
