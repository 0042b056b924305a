import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test, type TestContext } from 'node:test';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { Authority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { SipPeer } from '../../support/sip-peer.ts';
import { connect, disconnect, newApplication, nextInvite, type Application } from '../../support/srf-application.ts';

const program = fileURLToPath(new URL('../../../src/cli/ringaway.ts', import.meta.url));

interface Running {
  /** The port of each transport, in the order of the contacts. */
  readonly ports: Readonly<Record<string, number[]>>;
  readonly control: number;
  /** All lines of its log so far. */
  readonly lines: string[];
  signal(signal: NodeJS.Signals): void;
  readonly exited: Promise<unknown[]>;
  /** A new application that is connected to it; it ends before the server does. */
  application(secret?: string): Promise<{ application: Application; addresses: string }>;
}

async function run(t: TestContext, ...flags: string[]): Promise<Running> {
  const child = spawn(process.execPath, [program, 'sip-server', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const applications: Application[] = [];
  t.after(() => {
    for (const application of applications) disconnect(application); // first, or they would look for it for ever
    child.kill('SIGKILL');
  });
  const lines: string[] = [];
  const ready = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      if (line.includes('is ready')) resolve(line);
    });
    child.once('exit', () => reject(new Error(`it ended: ${lines.join('\n')}`)));
  });
  const text = await ready;
  const ports: Record<string, number[]> = {};
  for (const [, name = '', port] of text.matchAll(/(udp|tcp|tls|wss?):\/\/127\.0\.0\.1:(\d+)/g)) {
    (ports[name] ??= []).push(Number(port));
  }
  const control = Number(/"control":\{[^}]*"port":(\d+)/.exec(text)?.[1]);
  return {
    ports,
    control,
    lines,
    exited,
    signal: (signal) => void child.kill(signal),
    async application(secret = 'cymru') {
      const application = newApplication();
      applications.push(application);
      return { application, addresses: await connect(application, { host: '127.0.0.1', port: control, secret }) };
    },
  };
}

const controlled = ['--address', '127.0.0.1', '--port', '0', '--secret', 'cymru'];

function options(transport: string, id: string, agent = 'test'): string {
  const lines = [
    'OPTIONS sip:127.0.0.1 SIP/2.0',
    `Via: SIP/2.0/${transport} 127.0.0.1:9;rport;branch=z9hG4bK${id}`,
    'From: <sip:a@127.0.0.1>;tag=1',
    'To: <sip:127.0.0.1>',
    `Call-ID: ${id}`,
    'CSeq: 1 OPTIONS',
    `User-Agent: ${agent}`,
    'Content-Length: 0',
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** What a TLS server shows, and what it answers to an OPTIONS. */
async function overTls(
  t: TestContext,
  port: number | undefined,
  client: ConnectionOptions,
): Promise<{ names: string; answer: string }> {
  const socket = connectTls({ host: '127.0.0.1', port: port ?? 0, checkServerIdentity: () => undefined, ...client });
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  const names = socket.getPeerCertificate().subjectaltname ?? '';
  socket.write(options('TLS', `tls-${process.hrtime.bigint()}`));
  const [answer] = (await once(socket, 'data')) as unknown[];
  socket.destroy();
  return { names, answer: String(answer) };
}

describe('ringaway sip-server', { timeout: 60_000 }, () => {
  test('serves a call with the flags of drachtio-server, and ends at SIGTERM', async (t) => {
    const contacts = ['--contact', 'sip:127.0.0.1:0;transport=udp', '--contact', 'sip:127.0.0.1:0;transport=tcp'];
    const server = await run(t, ...contacts, ...controlled, '--loglevel', 'info');
    assert.equal(server.ports['tcp']?.length, 1);
    const { application } = await server.application();
    const peer = await SipPeer.open();
    t.after(() => peer.close());
    const arrival = nextInvite(application);
    const call = peer.invite(server.ports['udp']?.[0] ?? 0);
    const { res } = await arrival;
    res.send(486);
    call.ackFailure(await peer.response(486, 'INVITE'));
    disconnect(application);
    server.signal('SIGTERM');
    assert.deepEqual(await server.exited, [0, null]);
  });

  test('TLS: each name has its certificate, with its chain; SIGHUP reads new ones and calls go on', async (t) => {
    const authority = new Authority(t);
    const intermediate = new Authority(t, authority);
    const [one, two, renewed] = ['one.test', 'two.test', 'renewed.test'].map((name) =>
      intermediate.issue([`DNS:${name}`]),
    );
    assert.ok(one && two && renewed);
    const server = await run(
      t,
      ...['--contact', 'sips:127.0.0.1:0', '--contact', 'sip:127.0.0.1:0;transport=udp', ...controlled],
      ...['--cert-file', one.cert, '--key-file', one.key, '--chain-file', intermediate.ca],
      ...['--cert-file', two.cert, '--key-file', two.key, '--chain-file', intermediate.ca],
    );
    const [port] = server.ports['tls'] ?? [];
    const ca = readFileSync(authority.ca); // knows the root alone: the chain must come with the certificate
    const first = await overTls(t, port, { ca, servername: 'two.test' });
    assert.equal(first.names, 'DNS:two.test');
    assert.match(first.answer, /^SIP\/2\.0 200 /);
    assert.equal((await overTls(t, port, { ca, servername: 'other.test' })).names, 'DNS:one.test');

    const { application } = await server.application();
    const peer = await SipPeer.open();
    t.after(() => peer.close());
    const arrival = nextInvite(application);
    const call = peer.invite(server.ports['udp']?.[0] ?? 0);
    const { req, res } = await arrival;
    const answered = application.createUAS(req, res, { localSdp: 'v=0\r\n' });
    call.ack(await peer.response(200, 'INVITE'));
    const dialog = await answered;

    copyFileSync(renewed.cert, one.cert);
    copyFileSync(renewed.key, one.key);
    server.signal('SIGHUP');
    await eventually('the certificates are read', () => server.lines.some((line) => line.includes('were read again')));
    assert.equal((await overTls(t, port, { ca, servername: 'renewed.test' })).names, 'DNS:renewed.test');
    const ended = once(dialog, 'destroy');
    call.sendRequest('BYE');
    await peer.response(200, 'BYE');
    await ended;
  });

  test('TLS: with --verify-clients only those of the authority come in', async (t) => {
    const authority = new Authority(t);
    const stranger = new Authority(t);
    const [own, client, other] = [authority, authority, stranger].map((by) => by.issue(['DNS:a.test']));
    assert.ok(own && client && other);
    const server = await run(
      t,
      ...['--contact', 'sip:127.0.0.1:0;transport=tls', ...controlled, '--verify-clients', '--ca-file', authority.ca],
      ...['--cert-file', own.cert, '--key-file', own.key, '--min-tls-version', '1.2'],
    );
    const [port] = server.ports['tls'] ?? [];
    const as = (files: { cert: string; key: string }): ConnectionOptions => ({
      ca: readFileSync(authority.ca),
      cert: readFileSync(files.cert),
      key: readFileSync(files.key),
      servername: 'a.test',
      maxVersion: 'TLSv1.2', // where the refusal is part of the handshake
    });
    assert.match((await overTls(t, port, as(client))).answer, /^SIP\/2\.0 200 /);
    await assert.rejects(overTls(t, port, as(other)));
  });

  test('WebSocket: pages of the origins given come in, with the subprotocol sip', async (t) => {
    const contacts = ['--contact', 'sip:127.0.0.1:0;transport=ws', '--web-socket-origin', 'https://a.test'];
    const server = await run(t, ...contacts, ...controlled);
    const dial = (origin: string): WebSocket => {
      const socket = new WebSocket(`ws://127.0.0.1:${server.ports['ws']?.[0] ?? 0}/`, ['sip'], { origin });
      t.after(() => socket.terminate());
      return socket;
    };
    const socket = dial('https://a.test');
    await once(socket, 'open');
    socket.send(options('WS', 'ws-1'));
    const [answer] = (await once(socket, 'message')) as unknown[];
    assert.match(String(answer), /^SIP\/2\.0 200 /);
    const [refused] = (await once(dial('https://b.test'), 'error')) as unknown[];
    assert.match(String(refused), /403/);
  });

  test('scanners hear nothing, and who sends too much hears 503', async (t) => {
    const limits = ['--rate', '1', '--burst', '3', '--scanner', 'probe'];
    const server = await run(t, '--contact', 'sip:127.0.0.1:0;transport=udp', ...controlled, ...limits);
    const [port = 0] = server.ports['udp'] ?? [];
    const peer = await SipPeer.open();
    t.after(() => peer.close());
    const ask = (id: string, agent: string): void =>
      peer.send(options('UDP', id, agent).replace('127.0.0.1:9', `127.0.0.1:${peer.port}`), port);
    for (let n = 0; n < 20; n++) ask(`scan-${n}`, 'my Probe 1.0');
    for (let n = 0; n < 6; n++) ask(`real-${n}`, 'phone');
    const refused = await peer.response(503, 'OPTIONS');
    assert.ok(refused.get('Retry-After') !== undefined);
    assert.ok(peer.received.some((message) => message.kind === 'response' && message.status === 200));
    assert.ok(peer.received.every((message) => message.callId.startsWith('real-')));
  });

  test('all can stand in the settings file; a secret there is not seen by "ps"', async (t) => {
    const authority = new Authority(t);
    const { cert, key } = authority.issue(['DNS:set.test']);
    const file = path.join(authority.folder, 'ringaway.yaml');
    writeFileSync(
      file,
      `sip:
  listen: [tls://127.0.0.1:0, udp://127.0.0.1:0]
  control: 127.0.0.1:0
  controlSecret: opensesame
  tls: { certificates: [{ cert: ${cert}, key: ${key} }] }
`,
    );
    const server = await run(t, '--config', file);
    const shown = await overTls(t, server.ports['tls']?.[0], {
      ca: readFileSync(authority.ca),
      servername: 'set.test',
    });
    assert.equal(shown.names, 'DNS:set.test');
    const { addresses } = await server.application('opensesame');
    assert.match(addresses, /tls\/127\.0\.0\.1:\d+,udp\/127\.0\.0\.1:\d+/);
  });
});
