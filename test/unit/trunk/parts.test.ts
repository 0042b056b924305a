import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Failure } from '../../../src/shared/errors.ts';
import { passableContent, sdpOf } from '../../../src/trunk/bodies.ts';
import { isPhoneUri } from '../../../src/trunk/dial-plan.ts';
import { Gateway } from '../../../src/trunk/gateway.ts';
import { retryAfter } from '../../../src/trunk/gateways.ts';
import { Peers } from '../../../src/trunk/peers.ts';
import { Routes } from '../../../src/trunk/routes.ts';
import { Seldom } from '../../../src/trunk/seldom.ts';
import type { SipMessageView } from '../../../src/trunk/srf.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const isBadSetting = (error: unknown): boolean => error instanceof Failure && error.code === 'bad-setting';

describe('peers', () => {
  const peers = new Peers([
    { name: 'one', peers: ['192.0.2.0/24', '2001:db8::/32'] },
    { name: 'two', peers: ['198.51.100.7', '192.0.2.9'] },
  ]);
  for (const [address, trunk] of [
    ['192.0.2.9', 'one'],
    ['198.51.100.7', 'two'],
    ['198.51.100.8', undefined],
    ['::ffff:192.0.2.1', 'one'],
    ['[2001:db8::5]', 'one'],
    ['2001:db9::5', undefined],
    ['', undefined],
    ['example.net', undefined],
  ] as const) {
    test(`${address || 'no address'} belongs to ${trunk ?? 'nobody'}`, () => {
      assert.equal(peers.trunkOf(address)?.name, trunk);
    });
  }
  test('a peer that is no address stops the start', () => {
    assert.throws(() => new Peers([{ name: 'one', peers: ['10.0.0.0/33'] }]), isBadSetting);
    assert.throws(() => new Peers([{ name: 'one', peers: ['sbc.example.net'] }]), isBadSetting);
  });
});

describe('routes', () => {
  const trunks = [{ name: 'ngn' }, { name: 'abroad' }];
  const routes = new Routes(
    [
      { prefix: '+', trunk: 'abroad' },
      { prefix: '+86', trunk: 'ngn' },
    ],
    trunks,
  );
  test('the longest prefix wins, and without one there is no way', () => {
    assert.equal(routes.to('+8613900139000')?.name, 'ngn');
    assert.equal(routes.to('+4930123456')?.name, 'abroad');
    assert.equal(routes.to('10086'), undefined);
  });
  test('a route to a trunk that is not set stops the start', () => {
    assert.throws(() => new Routes([{ prefix: '+', trunk: 'none' }], trunks), isBadSetting);
  });
});

describe('a gateway', () => {
  const gateway = (uri: string, clock = new FakeClock()): { changes: string[]; gateway: Gateway } => {
    const changes: string[] = [];
    return { changes, gateway: new Gateway(uri, clock, ({ health }) => void changes.push(health)) };
  };

  test('is addressed with its port and transport', () => {
    const { gateway: tcp } = gateway('sip:[2001:db8::1]:5170;transport=tcp');
    assert.equal(tcp.requestUri('+86139'), 'sip:+86139@[2001:db8::1]:5170;transport=tcp;user=phone');
    assert.equal(tcp.toUri('+86139'), 'sip:+86139@[2001:db8::1]:5170;user=phone');
    for (const wrong of ['http://a', 'sip:', 'sip:a b', 'sip:a?x=y']) assert.throws(() => gateway(wrong), isBadSetting);
  });

  test('is down after two losses in a row, and up with the first answer', () => {
    const { gateway: one, changes } = gateway('sip:192.0.2.1');
    one.silent();
    assert.equal(one.health, 'unknown');
    one.heard();
    one.silent();
    one.heard();
    one.silent();
    one.silent();
    one.silent();
    one.heard();
    assert.deepEqual(changes, ['up', 'down', 'up']);
  });

  test('is left alone as long as it asked for', async () => {
    const clock = new FakeClock();
    const { gateway: one } = gateway('sip:192.0.2.1', clock);
    one.refusing(retryAfter('5 (maintenance);duration=3', 30_000));
    assert.equal(one.busy, true);
    await clock.advance(4_999);
    assert.equal(one.busy, true);
    await clock.advance(1);
    assert.equal(one.busy, false);
    assert.equal(retryAfter('99999999', 1), 300_000);
    assert.equal(retryAfter('soon', 1_000), 1_000);
  });
});

describe('bodies', () => {
  const message = (type: string | undefined, body: string): SipMessageView => ({
    get: (name) => (name === 'content-type' ? type : undefined),
    has: (name) => name === 'content-type' && type !== undefined,
    body,
  });
  const sdp = 'v=0\r\ns=-\r\n';
  test('a description is the body, or a part of it', () => {
    assert.equal(sdpOf(message('application/sdp', sdp)), sdp);
    assert.equal(sdpOf(message('APPLICATION/SDP;charset=utf-8', sdp)), sdp);
    const parts = `--b1\r\nContent-Type: application/isup;version=itu\r\n\r\nx\r\n--b1\r\ncontent-type: application/sdp\r\n\r\n${sdp}--b1--\r\n`;
    assert.equal(sdpOf(message('multipart/mixed;boundary="b1"', parts)), sdp);
    assert.equal(sdpOf(message('multipart/mixed; boundary=b1', parts)), sdp);
  });
  test('a description that ends its last line before the delimiter gets no empty line', () => {
    const parts = `--b1\r\nContent-Type: application/sdp\r\n\r\n${sdp}\r\n--b1--\r\n`;
    assert.equal(sdpOf(message('multipart/mixed;boundary=b1', parts)), sdp);
  });
  test('ISUP ends at its hop; of a multipart body the description goes on', () => {
    const part = (type: string, body: string) => `--b1\r\nContent-Type: ${type}\r\n\r\n${body}\r\n`;
    const multipart = (...parts: string[]) => passableContent('multipart/mixed;boundary=b1', `${parts.join('')}--b1--`);
    assert.equal(passableContent('application/isup;version=x', 'x'), undefined);
    assert.equal(multipart(part('application/isup', 'x')), undefined);
    const both = multipart(part('application/isup', 'x'), part('application/sdp', 'v=0'));
    assert.deepEqual(both, { contentType: 'application/sdp', body: 'v=0\r\n' });
    assert.deepEqual(passableContent('text/plain', 'hello'), { contentType: 'text/plain', body: 'hello' });
    assert.equal(multipart(part('text/plain', 'hello'))?.contentType, 'multipart/mixed;boundary=b1');
  });
  test('anything else is none', () => {
    assert.equal(sdpOf(message('application/sdp', '')), undefined);
    assert.equal(sdpOf(message('text/plain', sdp)), undefined);
    assert.equal(sdpOf(message('multipart/mixed;boundary=b1', sdp)), undefined);
  });
});

describe('addresses', () => {
  test('of phones hold nothing that belongs into a header', () => {
    assert.equal(isPhoneUri('sip:li@192.0.2.1:5062;transport=tcp'), true);
    for (const wrong of ['sip:192.0.2.1', 'sip:li@192.0.2.1?Route=x', 'sip:li@a>,<b', 'sip:li@a\r\nX: y', '+86139'])
      assert.equal(isPhoneUri(wrong), false, wrong);
  });
});

test('what strangers cause is told seldom, with how often it happened', async () => {
  const clock = new FakeClock();
  const seldom = new Seldom(clock, 1000);
  const told: number[] = [];
  for (let count = 0; count < 5; count++) seldom.do((heldBack) => void told.push(heldBack));
  await clock.advance(1000);
  seldom.do((heldBack) => void told.push(heldBack));
  assert.deepEqual(told, [0, 4]);
});
