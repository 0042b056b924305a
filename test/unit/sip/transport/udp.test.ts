import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import { silentLog } from '../../../../src/shared/log.ts';
import { ListenError, TransportLayer } from '../../../../src/sip/transport/transport.ts';
import { Draft } from '../../../../src/sip/message/draft.ts';
import { Request } from '../../../../src/sip/message/message.ts';
import { responseTarget } from '../../../../src/sip/transport/routing.ts';
import { nextEvent, openLayer, targetOf } from '../../../support/sip-layers.ts';
import { invite } from '../../../support/sip-messages.ts';

async function plainSocket(context: TestContext): Promise<{ socket: Socket; port: number }> {
  const socket = createSocket('udp4');
  let open = true;
  socket.once('close', () => (open = false));
  context.after(() => {
    if (open) socket.close();
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { socket, port: socket.address().port };
}

function datagram(socket: Socket): Promise<{ text: string; port: number }> {
  return new Promise((resolve) => {
    socket.once('message', (octets, { port }) => resolve({ text: octets.toString(), port }));
  });
}

describe('SIP over UDP', { timeout: 20_000 }, () => {
  for (const address of ['127.0.0.1', '[::1]']) {
    test(`a request goes from one layer to another over ${address}, its answer back`, async (t) => {
      const one = await openLayer(t, [`udp://${address}:0`]);
      const two = await openLayer(t, [`udp://${address}:0`]);
      const arrived = nextEvent(two, 'message');
      await one.send(invite({ via: 'Via: SIP/2.0/UDP nowhere;branch=z9hG4bK1;rport' }), targetOf(two));
      const [request, flow] = await arrived;
      assert.ok(request instanceof Request);
      const local = targetOf(one);
      assert.equal(flow.remotePort, local.port);
      assert.equal(flow.localPort, targetOf(two).port);
      assert.equal(request.vias[0]?.parameters.get('rport'), String(local.port));
      assert.equal(request.vias[0].parameters.get('received'), local.address);

      const answered = nextEvent(one, 'message');
      await two.send(Draft.answering(request, 200).toBuffer(), responseTarget(request.vias[0], flow), flow);
      const [response, back] = await answered;
      assert.equal(response.kind === 'response' && response.status, 200);
      assert.equal(back.remotePort, targetOf(two).port);
    });
  }

  test('all datagrams leave from the listening port, whoever they go to', async (t) => {
    const layer = await openLayer(t, ['udp://127.0.0.1:0']);
    const peers = await Promise.all([plainSocket(t), plainSocket(t), plainSocket(t)]);
    for (const { socket, port } of peers) {
      const got = datagram(socket);
      await layer.send(Buffer.from('x'), { transport: 'udp', address: '127.0.0.1', port });
      assert.equal((await got).port, targetOf(layer).port);
    }
  });

  test('of several addresses, what came to one is answered from it, and named by it', async (t) => {
    const layer = await openLayer(t, ['udp://127.0.0.1:0', 'udp://127.0.0.2:0']);
    const { socket, port } = await plainSocket(t);
    for (const index of [1, 0]) {
      const { address, port: listened } = targetOf(layer, index);
      const arrived = nextEvent(layer, 'message');
      socket.send(invite({ via: 'Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1;rport' }), listened, address);
      const [request, flow] = await arrived;
      assert.ok(request instanceof Request);
      assert.deepEqual([flow.localAddress, flow.localPort], [address, listened]);
      const answered = new Promise<{ address: string; port: number }>((resolve) => {
        socket.once('message', (_octets, from) => resolve(from));
      });
      await layer.send(Draft.answering(request, 200).toBuffer(), responseTarget(request.vias[0], flow), flow);
      const from = await answered;
      assert.deepEqual([from.address, from.port], [address, listened]);
    }
    const [near] = layer.listening;
    assert.ok(near);
    const shown = layer.localFor({ transport: 'udp', address: '127.0.0.1', port });
    assert.deepEqual(shown, { transport: 'udp', address: '127.0.0.1', port: near.port });
  });

  test('what others send still arrives while targets are watched', async (t) => {
    const layer = await openLayer(t, ['udp://127.0.0.1:0'], { limits: { watchedTargets: 2 } });
    const { port } = targetOf(layer);
    const peers = await Promise.all(Array.from({ length: 5 }, () => plainSocket(t)));
    for (const peer of peers) {
      await layer.send(Buffer.from('x'), { transport: 'udp', address: '127.0.0.1', port: peer.port });
    }
    for (const peer of [...peers, await plainSocket(t)]) {
      const arrived = nextEvent(layer, 'message', (_, flow) => flow.remotePort === peer.port);
      peer.socket.send(invite(), port, '127.0.0.1');
      await arrived;
    }
  });

  test('a closed port is told as a failure', { skip: process.platform !== 'linux' }, async (t) => {
    const layer = await openLayer(t, ['udp://127.0.0.1:0']);
    const { socket, port } = await plainSocket(t);
    socket.close();
    await once(socket, 'close');
    const target = { transport: 'udp', address: '127.0.0.1', port } as const;
    for (let attempt = 0; attempt < 2; attempt++) {
      const failed = nextEvent(layer, 'failure');
      await layer.send(invite(), target);
      const [whom, error] = await failed;
      assert.deepEqual(whom, target);
      assert.match(error.message, /ECONNREFUSED/);
    }
  });

  test('a target that was dead is reached when it lives again', { skip: process.platform !== 'linux' }, async (t) => {
    const layer = await openLayer(t, ['udp://127.0.0.1:0']);
    const dead = await plainSocket(t);
    dead.socket.close();
    await once(dead.socket, 'close');
    const failed = nextEvent(layer, 'failure');
    await layer.send(Buffer.from('lost'), { transport: 'udp', address: '127.0.0.1', port: dead.port });
    await failed;
    const again = createSocket('udp4');
    t.after(() => again.close());
    again.bind(dead.port, '127.0.0.1');
    await once(again, 'listening');
    const got = datagram(again);
    await layer.send(Buffer.from('found'), { transport: 'udp', address: '127.0.0.1', port: dead.port });
    assert.equal((await got).text, 'found');
  });

  test('what is malformed is told with its flow; keep-alives are nothing', async (t) => {
    const layer = await openLayer(t, ['udp://127.0.0.1:0']);
    const { socket, port } = await plainSocket(t);
    let messages = 0;
    layer.on('message', () => messages++);
    const faults: number[] = [];
    const third = new Promise<void>((resolve) => {
      layer.on('malformed', (error, flow) => {
        assert.equal(flow.remotePort, port);
        faults.push(error.status);
        if (faults.length === 3) resolve();
      });
    });
    const octets = [
      '',
      '\r\n\r\n',
      '\0\0\0\0',
      invite({ to: undefined }),
      '\r\n',
      Buffer.alloc(40, 0xff),
      invite({ cseq: 'CSeq: x' }),
    ];
    for (const one of octets) socket.send(one, targetOf(layer).port, '127.0.0.1');
    await third;
    assert.deepEqual(faults, [400, 0, 400]);
    assert.equal(messages, 0);
  });

  test('a listener that throws stops neither the others nor the layer', async (t) => {
    const layer = await openLayer(t, ['udp://127.0.0.1:0']);
    const { socket } = await plainSocket(t);
    layer.on('message', () => {
      throw new Error('of the listener');
    });
    for (let i = 0; i < 2; i++) {
      const arrived = nextEvent(layer, 'message');
      socket.send(invite(), targetOf(layer).port, '127.0.0.1');
      await arrived;
    }
  });

  test('a datagram that cannot be sent rejects and is told', async (t) => {
    const layer = await openLayer(t, ['udp://127.0.0.1:0']);
    const { port } = await plainSocket(t);
    for (const [octets, address] of [
      [Buffer.alloc(65_536), '127.0.0.1'],
      [Buffer.from('x'), '::1'],
      [Buffer.from('x'), 'host.invalid'],
    ] as const) {
      const failed = nextEvent(layer, 'failure');
      await assert.rejects(layer.send(octets, { transport: 'udp', address, port }));
      assert.equal((await failed)[0].address, address);
    }
    await layer.close();
    await assert.rejects(layer.send(Buffer.from('x'), { transport: 'udp', address: '127.0.0.1', port }), /closed/);
  });

  test('an address in use is refused with its name, by another layer and by anybody', async (t) => {
    const layer = await openLayer(t, ['udp://127.0.0.1:0']);
    const { port } = targetOf(layer);
    await assert.rejects(openLayer(t, ['udp://127.0.0.1:0', `udp://127.0.0.1:${port}`]), (error) => {
      assert.ok(error instanceof ListenError);
      return error.message.startsWith(`cannot listen on udp://127.0.0.1:${port}: the address is in use`);
    });
    const foreign = createSocket({ type: 'udp4', reuseAddr: true });
    t.after(() => foreign.close());
    foreign.bind(port, '127.0.0.1');
    const [error] = (await once(foreign, 'error')) as [Error];
    assert.match(error.message, /EADDRINUSE/);
  });

  test('says which address a target shall use', async (t) => {
    const layer = await openLayer(t, ['udp://0.0.0.0:0'], { advertised: { address: '203.0.113.9' } });
    const { port } = targetOf(layer);
    const towards = (address: string): unknown => layer.localFor({ transport: 'udp', address, port: 5060 });
    assert.deepEqual(towards('198.51.100.1'), { transport: 'udp', address: '203.0.113.9', port });
    assert.deepEqual(towards('127.0.0.1'), { transport: 'udp', address: '127.0.0.1', port });
  });

  test('peers of our own network are shown the address itself', async (t) => {
    const advertised = {
      address: '203.0.113.9',
      port: 5080,
      notTo: ['127.0.0.0/8', '198.51.100.0/24', '2001:db8::/32'],
    };
    const listen = { transport: 'udp', address: '127.0.0.1', port: 0, advertised } as const;
    const layer = await TransportLayer.open([listen], { log: silentLog });
    t.after(() => layer.close());
    const { port } = targetOf(layer);
    const towards = (address: string): unknown => layer.localFor({ transport: 'udp', address, port: 5060 });
    assert.deepEqual(towards('192.0.2.1'), { transport: 'udp', address: '203.0.113.9', port: 5080 });
    assert.deepEqual(towards('198.51.100.77'), { transport: 'udp', address: '127.0.0.1', port });
  });
});
