import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { systemClock, type Clock } from '../../../../src/shared/clock.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { Draft } from '../../../../src/sip/message/draft.ts';
import { Request } from '../../../../src/sip/message/message.ts';
import { defaultTransportLimits } from '../../../../src/sip/transport/limits.ts';
import { ListenError, refusal, responseTarget, type TransportLayer } from '../../../../src/sip/transport/transport.ts';
import { nextEvent, openLayer, targetOf } from '../../../support/sip-layers.ts';
import { invite } from '../../../support/sip-messages.ts';

const via = 'Via: SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bKt1';

async function dial(context: TestContext, layer: TransportLayer): Promise<Socket> {
  const { address, port } = targetOf(layer);
  const socket = connect({ host: address, port });
  socket.on('error', () => undefined);
  context.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function plainServer(context: TestContext): Promise<{ server: Server; port: number; accepted: Promise<Socket> }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets: Socket[] = [];
  const accepted = new Promise<Socket>((resolve) => {
    server.on('connection', (socket) => {
      socket.on('error', () => undefined);
      sockets.push(socket);
      resolve(socket);
    });
  });
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port, accepted };
}

/** The two ends of a connection learn of its end one after the other. */
async function untilConnections(layer: TransportLayer, count: number): Promise<void> {
  while (layer.connections !== count) await new Promise((resolve) => setImmediate(resolve));
}

/** All that a socket receives until `enough` says so, or until it is closed. */
function received(socket: Socket, enough: (text: string) => boolean): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (enough(text)) resolve(text);
    });
    socket.once('close', () => resolve(text));
  });
}

describe('SIP over TCP', { timeout: 20_000 }, () => {
  for (const address of ['127.0.0.1', '[::1]']) {
    test(`requests and responses share one connection over ${address}`, async (t) => {
      const one = await openLayer(t, [`tcp://${address}:0`]);
      const two = await openLayer(t, [`tcp://${address}:0`]);
      for (let i = 0; i < 3; i++) {
        const arrived = nextEvent(two, 'message');
        await one.send(invite({ via }), targetOf(two));
        const [request, flow] = await arrived;
        assert.ok(request instanceof Request);
        assert.equal(flow.transport, 'tcp');
        const answered = nextEvent(one, 'message');
        await two.send(Draft.answering(request, 200).toBuffer(), responseTarget(request.vias[0], flow), flow);
        const [response] = await answered;
        assert.equal(response.kind, 'response');
      }
      assert.deepEqual([one.connections, two.connections], [1, 1]);
    });
  }

  test('many sends at once open one connection', async (t) => {
    const one = await openLayer(t, ['tcp://127.0.0.1:0']);
    const two = await openLayer(t, ['tcp://127.0.0.1:0']);
    let arrived = 0;
    const all = new Promise<void>((resolve) => {
      two.on('message', () => {
        if (++arrived === 20) resolve();
      });
    });
    await Promise.all(Array.from({ length: 20 }, () => one.send(invite({ via }), targetOf(two))));
    await all;
    assert.equal(two.connections, 1);
  });

  test('a response whose connection is gone goes to sent-by over a new one (RFC 3261 18.2.2)', async (t) => {
    const layer = await openLayer(t, ['tcp://127.0.0.1:0']);
    const { port, accepted } = await plainServer(t);
    const socket = await dial(t, layer);
    const arrived = nextEvent(layer, 'message');
    socket.write(invite({ via: `Via: SIP/2.0/TCP 127.0.0.1:${port};branch=z9hG4bK1` }));
    const [request, flow] = await arrived;
    assert.ok(request instanceof Request);
    socket.destroy();
    // Until the layer has seen it go, what it writes is lost on the way, as TCP has it.
    await untilConnections(layer, 0);
    const answer = accepted.then((peer) => received(peer, (text) => text.includes('\r\n\r\n')));
    const octets = Draft.answering(request, 486).toBuffer();
    await layer.send(octets, responseTarget(request.vias[0], flow), flow);
    assert.match(await answer, /^SIP\/2\.0 486 /);
  });

  test('a ping is answered with a pong, also between messages', async (t) => {
    const layer = await openLayer(t, ['tcp://127.0.0.1:0']);
    const socket = await dial(t, layer);
    const pongs = received(socket, (text) => text.length >= 4);
    const arrived = nextEvent(layer, 'message');
    socket.write(Buffer.concat([Buffer.from('\r\n\r\n'), invite({ via }), Buffer.from('\r\n\r\n')]));
    await arrived;
    assert.equal(await pongs, '\r\n\r\n');
  });

  test('a message without Content-Length is answered 400 and the connection closed', async (t) => {
    const layer = await openLayer(t, ['tcp://127.0.0.1:0']);
    layer.on('malformed', (error, flow) => {
      const made = refusal(error, flow);
      if (made) void layer.send(made.octets, made.target, flow);
    });
    let messages = 0;
    layer.on('message', () => messages++);
    const socket = await dial(t, layer);
    const answer = received(socket, () => false);
    socket.write(Buffer.concat([invite({ via, contentLength: undefined }), invite({ via })]));
    assert.match(await answer, /^SIP\/2\.0 400 Bad Request \(Content-Length is missing\)\r\n/);
    assert.equal(messages, 0);
  });

  test('a malformed message whose end is known does not end the connection', async (t) => {
    const layer = await openLayer(t, ['tcp://127.0.0.1:0']);
    const socket = await dial(t, layer);
    const malformed = nextEvent(layer, 'malformed');
    const arrived = nextEvent(layer, 'message');
    socket.write(Buffer.concat([invite({ via, to: undefined }), invite({ via })]));
    assert.equal((await malformed)[0].status, 400);
    await arrived;
  });

  test('a refused connection rejects and is told', async (t) => {
    const layer = await openLayer(t, ['tcp://127.0.0.1:0']);
    const { server, port } = await plainServer(t);
    server.close();
    await once(server, 'close');
    const target = { transport: 'tcp', address: '127.0.0.1', port } as const;
    const failed = nextEvent(layer, 'failure');
    await assert.rejects(layer.send(invite({ via }), target), /ECONNREFUSED/);
    assert.deepEqual((await failed)[0], target);
  });

  test('a connection of ours that the peer closes is told; one of its own is not', async (t) => {
    const layer = await openLayer(t, ['tcp://127.0.0.1:0']);
    const failures: number[] = [];
    layer.on('failure', ({ port }) => failures.push(port));
    const own = await dial(t, layer);
    const arrived = nextEvent(layer, 'message');
    own.write(invite({ via }));
    await arrived;
    const ownClosed = once(own, 'close');
    own.end();
    await ownClosed;

    const { port, accepted } = await plainServer(t);
    const failed = nextEvent(layer, 'failure');
    await layer.send(invite({ via }), { transport: 'tcp', address: '127.0.0.1', port });
    (await accepted).destroy();
    await failed;
    assert.deepEqual(failures, [port]);
  });

  test('a peer that does not read is cut at the limit', async (t) => {
    const layer = await openLayer(t, ['tcp://127.0.0.1:0'], { limits: { unwrittenOctets: 100_000 } });
    const { port, accepted } = await plainServer(t);
    const target = { transport: 'tcp', address: '127.0.0.1', port } as const;
    await layer.send(invite({ via }), target);
    (await accepted).pause();
    const failed = nextEvent(layer, 'failure');
    const body = Buffer.alloc(60_000);
    const sends: Promise<void>[] = [];
    const state = { cut: false };
    void failed.then(() => (state.cut = true));
    // What the system's own buffers take is not waiting: it goes on until they are full.
    for (let i = 0; i < 1_000 && !state.cut; i++) {
      const sent = layer.send(invite({ via, body }), target);
      sent.catch(() => undefined);
      sends.push(sent);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.match((await failed)[1].message, /does not read/);
    const outcomes = await Promise.allSettled(sends);
    assert.ok(outcomes.some(({ status }) => status === 'rejected'));
  });

  test('a message that comes too slowly ends its connection, octets on the way do not help it', async (t) => {
    const clock = new FakeClock();
    const layer = await openLayer(t, ['tcp://127.0.0.1:0'], { clock });
    const socket = await dial(t, layer);
    const first = nextEvent(layer, 'message');
    socket.write(Buffer.concat([invite({ via }), Buffer.from('INVITE sip:')]));
    await first;
    const closed = once(socket, 'close');
    await clock.advance(defaultTransportLimits.messageWithin - 1);
    assert.equal(layer.connections, 1);
    socket.write('a');
    await clock.advance(1);
    await closed;
  });

  test('a connection on which nothing comes is closed, sooner before its first message', async (t) => {
    const clock = new FakeClock();
    const layer = await openLayer(t, ['tcp://127.0.0.1:0'], { clock });
    const silent = await dial(t, layer);
    const active = await dial(t, layer);
    const arrived = nextEvent(layer, 'message');
    active.write(invite({ via }));
    await arrived;
    const silentClosed = once(silent, 'close');
    await clock.advance(defaultTransportLimits.firstMessageWithin);
    silent.resume();
    await silentClosed;
    await untilConnections(layer, 1);
    const activeClosed = once(active, 'close');
    await clock.advance(defaultTransportLimits.idle);
    active.resume();
    await activeClosed;
  });

  test('a connection that does not stand in time rejects', async (t) => {
    // The time to connect is over before the loop can see the connection stand.
    const clock: Clock = {
      ...systemClock,
      after(milliseconds, action) {
        if (milliseconds !== defaultTransportLimits.connectWithin) return systemClock.after(milliseconds, action);
        queueMicrotask(action);
        return { clear: () => undefined };
      },
    };
    const layer = await openLayer(t, ['tcp://127.0.0.1:0'], { clock });
    const { port } = await plainServer(t);
    const sent = layer.send(invite({ via }), { transport: 'tcp', address: '127.0.0.1', port });
    await assert.rejects(sent, /no answer within 5000 ms/);
  });

  test('too many connections from one address are refused', async (t) => {
    const layer = await openLayer(t, ['tcp://127.0.0.1:0'], { limits: { connectionsPerAddress: 2 } });
    for (let i = 0; i < 2; i++) {
      const socket = await dial(t, layer);
      const arrived = nextEvent(layer, 'message');
      socket.write(invite({ via }));
      await arrived;
    }
    const third = await dial(t, layer);
    third.resume();
    await once(third, 'close');
    await untilConnections(layer, 2);
  });

  test('when there are too many in all, who says nothing gives way, then who has the most; what stands alone stays', async (t) => {
    const limits = { connections: 4, connectionsPerAddress: 4 };
    const layer = await openLayer(t, ['tcp://127.0.0.1:0'], { limits });
    const { address, port } = targetOf(layer);
    const open = async (localAddress: string, speaks: boolean): Promise<Socket> => {
      const socket = connect({ host: address, port, localAddress });
      socket.on('error', () => undefined);
      t.after(() => socket.destroy());
      const arrived = speaks ? nextEvent(layer, 'message') : undefined;
      await once(socket, 'connect');
      if (speaks) socket.write(invite({ via }));
      await arrived;
      socket.resume();
      return socket;
    };
    const partner = await open('127.0.0.2', true);
    const silent = await open('127.0.0.3', false);
    const attacker = [await open('127.0.0.4', true), await open('127.0.0.4', true)] as const;
    const silentClosed = once(silent, 'close');
    const last = await open('127.0.0.4', true);
    await silentClosed;
    const firstClosed = once(attacker[0], 'close');
    await open('127.0.0.5', true);
    await firstClosed;
    assert.deepEqual(
      [partner, attacker[1], last].map(({ closed }) => closed),
      [false, false, false],
    );
    assert.equal(layer.connectionCounters.givenUp['crowded-out'], 2);
    // room for what we open ourselves is made in the same way
    const { port: elsewhere } = await plainServer(t);
    const secondClosed = once(attacker[1], 'close');
    await layer.send(invite({ via }), { transport: 'tcp', address: '127.0.0.1', port: elsewhere });
    await secondClosed;
    assert.equal(partner.closed, false);
  });

  test('keep-alives alone do not keep a connection', async (t) => {
    const clock = new FakeClock();
    const layer = await openLayer(t, ['tcp://127.0.0.1:0'], { clock });
    const socket = await dial(t, layer);
    const closed = once(socket, 'close');
    await untilConnections(layer, 1);
    await clock.advance(defaultTransportLimits.firstMessageWithin - 1);
    const pong = received(socket, (text) => text === '\r\n');
    socket.write('\r\n\r\n');
    await pong;
    await clock.advance(1);
    await closed;
    assert.equal(layer.connectionCounters.givenUp.silent, 1);
  });

  test('an address in use is refused with its name, and what was opened is closed', async (t) => {
    const layer = await openLayer(t, ['tcp://127.0.0.1:0']);
    const { port } = targetOf(layer);
    await assert.rejects(
      openLayer(t, ['udp://127.0.0.1:0', `tcp://127.0.0.1:${port}`]),
      (error) =>
        error instanceof ListenError && error.message.includes(`tcp://127.0.0.1:${port}: the address is in use`),
    );
  });

  test('closing lets go what is waiting and leaves nothing', async (t) => {
    const one = await openLayer(t, ['tcp://127.0.0.1:0']);
    const two = await openLayer(t, ['tcp://127.0.0.1:0']);
    const arrived = nextEvent(two, 'message');
    await one.send(invite({ via }), targetOf(two));
    await arrived;
    await two.close();
    await one.close();
    assert.deepEqual([one.connections, two.connections], [0, 0]);
  });
});
