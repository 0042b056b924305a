import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ipPhones, lockKey, publicAddress } from '../../../src/terminals/addresses.ts';

const peer = { ip: '::ffff:192.0.2.1', port: 4711 };

describe('the public address', () => {
  for (const [header, expected] of [
    [undefined, { ip: '192.0.2.1', port: 4711 }],
    ['203.0.113.9', { ip: '203.0.113.9', port: 0 }],
    ['6.6.6.6, 203.0.113.9:80', { ip: '203.0.113.9', port: 80 }],
    [['6.6.6.6', '2001:db8::9'], { ip: '2001:db8::9', port: 0 }],
    ['[2001:db8::9]:443', { ip: '2001:db8::9', port: 443 }],
    ['unknown', { ip: '192.0.2.1', port: 4711 }],
    ['', { ip: '192.0.2.1', port: 4711 }],
  ] as const) {
    test(`X-Forwarded-For ${String(header)} of a trusted proxy`, () => {
      const forwarded = typeof header === 'object' ? [...header] : header;
      assert.deepEqual(publicAddress(peer, forwarded, true), expected);
    });
  }

  test('without a proxy the header is only a claim', () => {
    assert.deepEqual(publicAddress(peer, '203.0.113.9', false), { ip: '192.0.2.1', port: 4711 });
  });

  test('the network of one IPv6 customer is locked out as one', () => {
    assert.equal(lockKey('2001:db8:1:2:3::4'), lockKey('2001:db8:1:2::9'));
    assert.notEqual(lockKey('2001:db8:1:2::4'), lockKey('2001:db8:1:3::4'));
    assert.notEqual(lockKey('192.0.2.1'), lockKey('192.0.2.2'));
  });
});

describe('the terminal’s own IP phone', () => {
  const phone = ipPhones(['10.20.0.0/16', '2001:db8::/32', '192.0.2.7', 'sip:desk@example.com']);
  for (const [account, address, expected] of [
    ['shop1', { ip: '10.20.1.2', port: 5062 }, 'sip:shop1@10.20.1.2:5062'],
    ['shop1', { ip: '10.20.1.2' }, 'sip:shop1@10.20.1.2'],
    ['me@shop', { ip: '2001:db8::1', port: 5060 }, 'sip:me%40shop@[2001:db8::1]:5060'],
    ['shop1', { ip: '::ffff:10.20.1.2' }, 'sip:shop1@10.20.1.2'],
    ['shop1', { ip: '192.0.2.7' }, 'sip:shop1@192.0.2.7'],
    ['shop1', { ip: '10.21.0.1' }, undefined],
    ['shop1', { ip: '127.0.0.1' }, undefined],
    ['shop1', undefined, undefined],
  ] as const) {
    test(`${account} at ${JSON.stringify(address)}`, () => assert.equal(phone(account, address), expected));
  }

  test('a network that is none stops the start', () => {
    assert.throws(() => ipPhones(['10.0.0.0/99']), { code: 'bad-setting', message: /10\.0\.0\.0\/99/ });
  });
});
