import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { startSipServer, type SipServer, type SipServerOptions } from '../../../src/sip/server.ts';
import { Draft } from '../../../src/sip/message/draft.ts';
import { Request } from '../../../src/sip/message/message.ts';
import { responseTarget, type TransportLayer } from '../../../src/sip/transport/transport.ts';
import { Authority } from '../../support/certificates.ts';
import { startDns, type ZoneRecord } from '../../support/dns-server.ts';
import { nextEvent, openLayer, targetOf } from '../../support/sip-layers.ts';
import { attach, newApplication, type AppResponse, type Application } from '../../support/srf-application.ts';

async function serve(
  context: TestContext,
  options: Partial<SipServerOptions> = {},
): Promise<{ server: SipServer; application: Application }> {
  const server = await startSipServer({
    listen: ['udp://127.0.0.1:0', 'tcp://127.0.0.1:0'],
    control: 'in-process',
    clock: systemClock,
    log: silentLog,
    timers: { t1: 10, t2: 40, t4: 20 },
    ...options,
  });
  context.after(() => server.close());
  const application = newApplication();
  await attach(application, server);
  return { server, application };
}

/** A peer that answers each request with `status`; counts them, and not what is sent again (T1 is short here). */
async function peer(
  context: TestContext,
  listen: string[],
  status: number,
): Promise<{ layer: TransportLayer; heard: string[] }> {
  const layer = await openLayer(context, listen);
  const heard: string[] = [];
  const branches = new Set<string | undefined>();
  layer.on('message', (message, flow) => {
    if (!(message instanceof Request) || message.method === 'ACK') return;
    const branch = message.vias[0]?.branch;
    if (!branches.has(branch)) heard.push(`${flow.transport} ${message.method}`);
    branches.add(branch);
    void layer.send(Draft.answering(message, status).toBuffer(), responseTarget(message.vias[0], flow), flow);
  });
  return { layer, heard };
}

/** The final response that the application gets to a MESSAGE. */
async function ask(application: Application, uri: string, body = 'hello'): Promise<AppResponse> {
  const request = await application.request(uri, { method: 'MESSAGE', body });
  const payload: unknown[] = await once(request, 'response');
  const response = payload[0];
  assert.ok(isResponse(response));
  return response;
}

function isResponse(value: unknown): value is AppResponse {
  return typeof value === 'object' && value !== null && 'status' in value;
}

/** A UDP port on which nobody listens. */
async function deadPort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

function zone(...ports: number[]): ZoneRecord[] {
  return [
    { type: 'A', name: 'sbc.example.test', address: '127.0.0.1' },
    ...ports.map((port, index): ZoneRecord => ({
      type: 'SRV',
      name: '_sip._udp.example.test',
      data: [index, 0, port, 'sbc.example.test'],
    })),
  ];
}

describe('requests of an application find their way', { timeout: 30_000 }, () => {
  test('to the next server of a domain when the first is not there, and then to it at once', async (t) => {
    const second = await peer(t, ['udp://127.0.0.1:0'], 200);
    const dns = await startDns(t, zone(await deadPort(), targetOf(second.layer).port));
    const { application } = await serve(t, { nameServers: [dns.address] });
    assert.equal((await ask(application, 'sip:u@example.test')).status, 200);
    assert.equal((await ask(application, 'sip:u@example.test')).status, 200);
    assert.deepEqual(second.heard, ['udp MESSAGE', 'udp MESSAGE']);
  });

  test('to the next server when the first is silent, or answers 503', async (t) => {
    const silent = createSocket('udp4');
    t.after(() => silent.close());
    silent.bind(0, '127.0.0.1');
    await once(silent, 'listening');
    const busy = await peer(t, ['udp://127.0.0.1:0'], 503);
    const last = await peer(t, ['udp://127.0.0.1:0'], 200);
    const ports = [silent.address().port, targetOf(busy.layer).port, targetOf(last.layer).port];
    const dns = await startDns(t, zone(...ports));
    const { application } = await serve(t, { nameServers: [dns.address] });
    assert.equal((await ask(application, 'sip:u@example.test')).status, 200);
    assert.deepEqual([busy.heard, last.heard], [['udp MESSAGE'], ['udp MESSAGE']]);
  });

  test('the last failure is the application’s when all fail', async (t) => {
    const busy = await peer(t, ['udp://127.0.0.1:0'], 503);
    const dns = await startDns(t, zone(await deadPort(), targetOf(busy.layer).port));
    const { application } = await serve(t, { nameServers: [dns.address] });
    assert.equal((await ask(application, 'sip:u@example.test')).status, 503);
  });

  test('above 1,300 octets over TCP, and over UDP when the peer has no TCP (RFC 3261 18.1.1)', async (t) => {
    const udpOnly = await peer(t, ['udp://127.0.0.1:0'], 200);
    const { port } = targetOf(udpOnly.layer);
    const dns = await startDns(t, zone(port));
    const { application } = await serve(t, { nameServers: [dns.address] });
    const large = 'x'.repeat(1_300);
    assert.equal((await ask(application, 'sip:u@example.test', large)).status, 200);
    assert.deepEqual(udpOnly.heard, ['udp MESSAGE']);

    const both = await peer(t, ['udp://127.0.0.1:0'], 200);
    const same = targetOf(both.layer).port;
    const tcp = await peer(t, [`tcp://127.0.0.1:${same}`], 200);
    dns.zone = zone(same);
    const other = await serve(t, { nameServers: [dns.address] });
    assert.equal((await ask(other.application, 'sip:u@example.test')).status, 200);
    assert.equal((await ask(other.application, 'sip:u@example.test', large)).status, 200);
    assert.deepEqual([both.heard, tcp.heard], [['udp MESSAGE'], ['tcp MESSAGE']]);
  });

  test('under TLS to a domain whose certificate is right, and not to another', async (t) => {
    const authority = new Authority(t);
    const common = {
      ca: authority.ca,
      requireClientCertificate: false,
      verifyServers: true,
      minVersion: 'TLSv1.2',
    } as const;
    const layer = await openLayer(t, ['tls://127.0.0.1:0'], {
      tls: { ...common, certificates: [authority.issue(['DNS:sbc.example.test'])] },
    });
    const { port } = targetOf(layer);
    const dns = await startDns(t, [...zone(), { type: 'A', name: 'evil.example.test', address: '127.0.0.1' }]);
    const { application, server } = await serve(t, {
      nameServers: [dns.address],
      listen: ['tls://127.0.0.1:0'],
      tls: { ...common, certificates: [authority.issue(['DNS:pbx.example.test'])] },
    });
    const arrived = nextEvent(layer, 'message');
    const answered = ask(application, `sips:u@sbc.example.test:${port}`);
    const [request, flow] = await arrived;
    assert.ok(request instanceof Request);
    assert.equal(request.vias[0]?.transport, 'TLS');
    assert.equal(request.vias[0].port, Number(server.listening[0]?.split(':').at(-1)));
    await layer.send(Draft.answering(request, 200).toBuffer(), responseTarget(request.vias[0], flow), flow);
    assert.equal((await answered).status, 200);
    assert.equal((await ask(application, `sips:u@evil.example.test:${port}`)).status, 503);
  });

  test('back to a WebSocket client through the socket that it opened', async (t) => {
    const { application, server } = await serve(t, { listen: ['ws://127.0.0.1:0'] });
    const socket = new WebSocket(server.listening[0] ?? '', 'sip');
    t.after(() => socket.terminate());
    await once(socket, 'open');
    application.use('register', (_request, response) => response.send(200));
    const registered = once(socket, 'message');
    const lines = [
      'REGISTER sip:example.test SIP/2.0',
      'Via: SIP/2.0/WS ab12.invalid;branch=z9hG4bKw1',
      'From: <sip:alice@example.test>;tag=1',
      'To: <sip:alice@example.test>',
      'Call-ID: w1',
      'CSeq: 1 REGISTER',
      'Max-Forwards: 70',
      'Contact: <sip:alice@ab12.invalid;transport=ws>',
    ];
    socket.send(`${lines.join('\r\n')}\r\n\r\n`);
    assert.match(String((await registered)[0]), /^SIP\/2\.0 200 /);
    const called = once(socket, 'message');
    await application.request('sip:alice@ab12.invalid;transport=ws', { method: 'MESSAGE', body: 'hello' });
    const text = String((await called)[0]);
    assert.match(text, /^MESSAGE sip:alice@ab12\.invalid;transport=ws SIP\/2\.0\r\n/);
    assert.match(text, /^Via: SIP\/2\.0\/WS 127\.0\.0\.1:/m);
  });
});
