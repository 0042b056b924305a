import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { describe, test, type TestContext } from 'node:test';
import { WebSocket, type ClientOptions } from 'ws';
import { Draft } from '../../../../src/sip/message/draft.ts';
import { messageLimits } from '../../../../src/sip/message/limits.ts';
import { Request } from '../../../../src/sip/message/message.ts';
import { defaultTransportLimits } from '../../../../src/sip/transport/limits.ts';
import { responseTarget, type TransportLayer } from '../../../../src/sip/transport/transport.ts';
import { Authority } from '../../../support/certificates.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { nextEvent, openLayer, targetOf } from '../../../support/sip-layers.ts';
import { invite } from '../../../support/sip-messages.ts';

const via = 'Via: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bKw1';
const contact = 'Contact: <sip:alice@df7jal23ls0d.invalid;transport=ws>';

function client(
  context: TestContext,
  layer: TransportLayer,
  options: ClientOptions = {},
  protocols: string[] = ['sip'],
): WebSocket {
  const { transport, address, port } = targetOf(layer);
  const socket = new WebSocket(`${transport}://${address}:${port}/`, protocols, options);
  context.after(() => socket.terminate());
  socket.on('error', () => undefined);
  return socket;
}

async function dial(context: TestContext, layer: TransportLayer, options: ClientOptions = {}): Promise<WebSocket> {
  const socket = client(context, layer, options);
  await once(socket, 'open');
  return socket;
}

/** The status that a handshake is refused with. */
function refusal(socket: WebSocket): Promise<number | undefined> {
  return new Promise((resolve) => {
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode));
    socket.once('open', () => resolve(101));
  });
}

function nextFrame(socket: WebSocket): Promise<{ text: string; binary: boolean }> {
  return new Promise((resolve) => {
    socket.once('message', (data, binary) => {
      assert.ok(Buffer.isBuffer(data));
      resolve({ text: data.toString('latin1'), binary });
    });
  });
}

async function untilConnections(layer: TransportLayer, count: number): Promise<void> {
  while (layer.connections !== count) await new Promise((resolve) => setImmediate(resolve));
}

describe('SIP over WebSocket (RFC 7118)', { timeout: 20_000 }, () => {
  test('a frame is a message, with or without Content-Length; its answer comes in one frame', async (t) => {
    const layer = await openLayer(t, ['ws://127.0.0.1:0']);
    const socket = await dial(t, layer);
    assert.equal(socket.protocol, 'sip');
    for (const contentLength of [undefined, '5']) {
      const arrived = nextEvent(layer, 'message');
      socket.send(invite({ via, contentLength }).toString());
      const [request, flow] = await arrived;
      assert.ok(request instanceof Request);
      assert.equal(request.body.length, 5);
      assert.equal(flow.transport, 'ws');
      assert.equal(request.vias[0]?.parameters.get('received'), '127.0.0.1');
      const answer = nextFrame(socket);
      await layer.send(Draft.answering(request, 180).toBuffer(), responseTarget(request.vias[0], flow), flow);
      const { text, binary } = await answer;
      assert.match(text, /^SIP\/2\.0 180 [^]*\r\n\r\n$/);
      assert.equal(binary, false);
    }
  });

  test('a request to the name that a client made up goes back through its socket, until that is closed', async (t) => {
    const layer = await openLayer(t, ['ws://127.0.0.1:0']);
    const [owner, thief] = [await dial(t, layer), await dial(t, layer)];
    for (const socket of [owner, thief]) {
      const arrived = nextEvent(layer, 'message');
      socket.send(invite({ via, headers: [contact] }));
      await arrived;
    }
    const target = layer.connectedTo('DF7jal23ls0d.invalid', undefined);
    assert.equal(target?.transport, 'ws');
    assert.deepEqual(layer.connectedTo(target.address, target.port), target);
    const got = nextFrame(owner);
    await layer.send(invite(), target);
    assert.match((await got).text, /^INVITE /);
    owner.close();
    await untilConnections(layer, 1);
    assert.equal(layer.connectedTo('df7jal23ls0d.invalid', undefined), undefined);
    await assert.rejects(layer.send(invite(), target), /WebSocket of that client is closed/);
  });

  test('what is no UTF-8 goes in a binary frame', async (t) => {
    const layer = await openLayer(t, ['ws://127.0.0.1:0']);
    const socket = await dial(t, layer);
    const arrived = nextEvent(layer, 'message');
    socket.send(invite({ via }));
    const [, flow] = await arrived;
    const got = nextFrame(socket);
    const target = layer.connectedTo(flow.remoteAddress, flow.remotePort);
    assert.ok(target);
    await layer.send(invite({ body: Buffer.from([0xff, 0xfe]) }), target);
    assert.equal((await got).binary, true);
  });

  test('a CRLF ping is answered with a CRLF', async (t) => {
    const layer = await openLayer(t, ['ws://127.0.0.1:0']);
    const socket = await dial(t, layer);
    const got = nextFrame(socket);
    socket.send('\r\n');
    socket.send('\r\n\r\n');
    assert.equal((await got).text, '\r\n');
  });

  test('a malformed message is told and does not end the socket', async (t) => {
    const layer = await openLayer(t, ['ws://127.0.0.1:0']);
    const socket = await dial(t, layer);
    const malformed = nextEvent(layer, 'malformed');
    socket.send(invite({ via, to: undefined }));
    assert.equal((await malformed)[0].status, 400);
    const arrived = nextEvent(layer, 'message');
    socket.send(invite({ via }));
    await arrived;
  });

  test('a frame above the limit of a message ends the socket', async (t) => {
    const layer = await openLayer(t, ['ws://127.0.0.1:0']);
    const socket = await dial(t, layer);
    const closed = once(socket, 'close');
    socket.send(Buffer.alloc(messageLimits.messageOctets + 1));
    assert.equal((await closed)[0], 1009);
    await untilConnections(layer, 0);
  });

  test('only the subprotocol sip is spoken', async (t) => {
    const layer = await openLayer(t, ['ws://127.0.0.1:0']);
    assert.equal(await refusal(client(t, layer, {}, [])), 400);
    assert.equal(await refusal(client(t, layer, {}, ['chat'])), 400);
    assert.equal(await refusal(client(t, layer, {}, ['chat', 'sip'])), 101);
  });

  test('pages of other origins are refused; what is no browser says none', async (t) => {
    const layer = await openLayer(t, ['ws://127.0.0.1:0'], { origins: ['https://Phone.example.com'] });
    assert.equal(await refusal(client(t, layer, { origin: 'https://evil.example.com' })), 403);
    assert.equal(await refusal(client(t, layer, { origin: 'https://phone.example.com' })), 101);
    assert.equal(await refusal(client(t, layer)), 101);
    const open = await openLayer(t, ['ws://127.0.0.1:0']);
    assert.equal(await refusal(client(t, open, { origin: 'https://anybody.example.com' })), 101);
  });

  test('plain HTTP is told what to do', async (t) => {
    const layer = await openLayer(t, ['ws://127.0.0.1:0']);
    const { address, port } = targetOf(layer);
    const status = await new Promise((resolve, reject) => {
      get({ host: address, port, agent: false }, (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode));
      }).once('error', reject);
    });
    assert.equal(status, 426);
  });

  test('a client that answers pings stays, one that does not is cut', async (t) => {
    const clock = new FakeClock();
    const layer = await openLayer(t, ['ws://127.0.0.1:0'], { clock });
    const alive = await dial(t, layer);
    const dead = await dial(t, layer, { autoPong: false });
    for (const socket of [alive, dead]) {
      const arrived = nextEvent(layer, 'message');
      socket.send(invite({ via }));
      await arrived;
    }
    const pings = Promise.all([once(alive, 'ping'), once(dead, 'ping')]);
    await clock.advance(defaultTransportLimits.pingEvery);
    await pings;
    // A message after the pong: when it has arrived, so has the pong.
    const arrived = nextEvent(layer, 'message');
    alive.send(invite({ via }));
    await arrived;
    const closed = once(dead, 'close');
    await clock.advance(defaultTransportLimits.pingEvery);
    await closed;
    await untilConnections(layer, 1);
    assert.equal(alive.readyState, alive.OPEN);
  });

  test('a client that says nothing is closed', async (t) => {
    const clock = new FakeClock();
    const layer = await openLayer(t, ['ws://127.0.0.1:0'], { clock, limits: { pingEvery: 1_000_000 } });
    const socket = await dial(t, layer);
    const closed = once(socket, 'close');
    await untilConnections(layer, 1);
    await clock.advance(defaultTransportLimits.firstMessageWithin);
    assert.equal((await closed)[0], 1000);
  });

  for (const [what, octets] of [
    ['says nothing', ''],
    ['does not end its request', 'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n'],
  ] as const) {
    test(`a connection that ${what} is cut in time`, async (t) => {
      const layer = await openLayer(t, ['ws://127.0.0.1:0'], { limits: { handshakeWithin: 200 } });
      const { address, port } = targetOf(layer);
      const socket = connect(port, address);
      socket.on('error', () => undefined);
      socket.write(octets);
      socket.resume();
      await once(socket, 'close');
      assert.equal(layer.connectionCounters.givenUp.handshake, 1);
    });
  }

  test('too many sockets from one address are refused', async (t) => {
    const layer = await openLayer(t, ['ws://127.0.0.1:0'], { limits: { connectionsPerAddress: 1 } });
    const first = await dial(t, layer);
    const arrived = nextEvent(layer, 'message');
    first.send(invite({ via: 'Via: SIP/2.0/WS a.invalid;branch=z9hG4bKw1' }));
    await arrived;
    const second = client(t, layer);
    await new Promise((resolve) => second.once('close', resolve));
    assert.equal(first.readyState, first.OPEN);
  });

  test('WSS: the same under TLS', async (t) => {
    const authority = new Authority(t);
    const certificate = authority.issue(['IP:127.0.0.1']);
    const layer = await openLayer(t, ['wss://127.0.0.1:0'], {
      tls: { certificates: [certificate], requireClientCertificate: false, verifyServers: true, minVersion: 'TLSv1.2' },
    });
    const socket = await dial(t, layer, { ca: readFileSync(authority.ca) });
    const arrived = nextEvent(layer, 'message');
    socket.send(invite({ via: 'Via: SIP/2.0/WSS x.invalid;branch=z9hG4bK1', headers: [contact] }));
    const [, flow] = await arrived;
    assert.equal(flow.transport, 'wss');
    const target = layer.connectedTo('df7jal23ls0d.invalid', undefined);
    assert.equal(target?.transport, 'wss');
    const got = nextFrame(socket);
    await layer.send(invite(), target);
    assert.match((await got).text, /^INVITE /);
  });
});
