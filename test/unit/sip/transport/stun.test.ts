import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { answerStun, isStun } from '../../../../src/sip/transport/stun.ts';
import { nextEvent, openLayer, targetOf } from '../../../support/sip-layers.ts';
import { invite } from '../../../support/sip-messages.ts';

function bindingRequest(attributes = Buffer.alloc(0), type = 1): Buffer {
  const header = Buffer.from('000100002112a442b7e7a701bc34d686fa87dfae', 'hex');
  header.writeUInt16BE(type, 0);
  header.writeUInt16BE(attributes.length, 2);
  return Buffer.concat([header, attributes]);
}

describe('STUN on the SIP port (RFC 5626 4.4.2)', { timeout: 10_000 }, () => {
  // The addresses, ports and transaction of RFC 5769 2.2 and 2.3.
  test('the mapped address is that of the test vectors', () => {
    const ipv4 = answerStun(bindingRequest(), '192.0.2.1', 32_853);
    assert.equal(ipv4?.toString('hex'), '0101000c2112a442b7e7a701bc34d686fa87dfae' + '002000080001a147e112a643');
    const ipv6 = answerStun(bindingRequest(), '2001:db8:1234:5678:11:2233:4455:6677', 32_853);
    const mapped = '002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9';
    assert.equal(ipv6?.toString('hex'), '010100182112a442b7e7a701bc34d686fa87dfae' + mapped);
  });

  test('an attribute that must be understood and is not gets 420 with its type', () => {
    const answer = answerStun(bindingRequest(Buffer.from('0003000400000006', 'hex')), '192.0.2.1', 1);
    assert.equal(answer?.readUInt16BE(0), 0x0111);
    assert.deepEqual([answer[26], answer[27]], [4, 20]);
    assert.equal(answer.subarray(-8).toString('hex'), '000a000200030000');
    const optional = Buffer.from('8022000461626364', 'hex');
    assert.equal(answerStun(bindingRequest(optional), '192.0.2.1', 1)?.readUInt16BE(0), 0x0101);
  });

  test('what is no request, or malformed, gets nothing', () => {
    for (const type of [0x0101, 0x0111, 0x0011, 0x0002]) {
      assert.equal(answerStun(bindingRequest(undefined, type), '192.0.2.1', 1), undefined);
    }
    const long = bindingRequest();
    long.writeUInt16BE(4, 2);
    assert.equal(answerStun(long, '192.0.2.1', 1), undefined);
    assert.equal(answerStun(bindingRequest(Buffer.from('80220008', 'hex')), '192.0.2.1', 1), undefined);
    assert.equal(isStun(invite()), false);
  });

  test('no datagram makes it throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (octets) => {
        answerStun(bindingRequest(Buffer.from(octets)), '2001:db8::1', 65_535);
        isStun(Buffer.from(octets));
      }),
    );
  });

  for (const [address, family] of [
    ['127.0.0.1', 'udp4'],
    ['::1', 'udp6'],
  ] as const) {
    test(`a client on ${address} learns its port from the listening socket; SIP goes on`, async (t) => {
      const layer = await openLayer(t, [`udp://${family === 'udp6' ? `[${address}]` : address}:0`]);
      const socket = createSocket(family);
      t.after(() => socket.close());
      socket.bind(0, address);
      await once(socket, 'listening');
      const got = new Promise<{ octets: Buffer; port: number }>((resolve) => {
        socket.once('message', (octets, { port }) => resolve({ octets, port }));
      });
      socket.send(bindingRequest(), targetOf(layer).port, address);
      const { octets, port } = await got;
      assert.equal(port, targetOf(layer).port);
      assert.deepEqual(octets, answerStun(bindingRequest(), address, socket.address().port));
      const arrived = nextEvent(layer, 'message');
      socket.send(invite(), targetOf(layer).port, address);
      await arrived;
    });
  }
});
