import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { after, before, describe, test, type TestContext } from 'node:test';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { Draft } from '../../../../src/sip/message/draft.ts';
import { Request } from '../../../../src/sip/message/message.ts';
import type { TlsSettings } from '../../../../src/sip/transport/tls.ts';
import {
  ListenError,
  responseTarget,
  TlsFault,
  type Target,
  type TransportLayer,
} from '../../../../src/sip/transport/transport.ts';
import { Authority, type Certificate } from '../../../support/certificates.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { nextEvent, openLayer, targetOf } from '../../../support/sip-layers.ts';
import { invite } from '../../../support/sip-messages.ts';

const via = 'Via: SIP/2.0/TLS 127.0.0.1:5061;branch=z9hG4bKt1';
let authority: Authority;
let stranger: Authority;
let server: Certificate;

const cleanUp: (() => void)[] = [];
before(() => {
  const later = { after: (action: () => void) => void cleanUp.push(action) };
  authority = new Authority(later);
  stranger = new Authority(later);
  server = authority.issue(['DNS:sip.example.net', 'IP:127.0.0.1', 'IP:::1']);
});
after(() => {
  for (const action of cleanUp) action();
});

function settings(parts: Partial<TlsSettings> = {}): TlsSettings {
  return {
    certificates: [server],
    ca: authority.ca,
    requireClientCertificate: false,
    verifyServers: true,
    minVersion: 'TLSv1.2',
    ...parts,
  };
}

async function dial(context: TestContext, layer: TransportLayer, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const { address, port } = targetOf(layer);
  const socket = connect({ host: address, port, rejectUnauthorized: false, ...options });
  context.after(() => void socket.destroy());
  await once(socket, 'secureConnect');
  socket.on('error', () => undefined);
  return socket;
}

/** The DNS names of the certificate that the layer shows to a client that asks for `servername`. */
async function shown(context: TestContext, layer: TransportLayer, servername: string): Promise<string | undefined> {
  const socket = await dial(context, layer, { servername });
  const names = socket.getPeerCertificate().subjectaltname;
  socket.destroy();
  return names;
}

describe('SIP over TLS', { timeout: 30_000 }, () => {
  for (const address of ['127.0.0.1', '[::1]']) {
    test(`a request and its response share one connection over ${address}`, async (t) => {
      const one = await openLayer(t, [`tls://${address}:0`], { tls: settings() });
      const two = await openLayer(t, [`tls://${address}:0`], { tls: settings() });
      for (let i = 0; i < 2; i++) {
        const arrived = nextEvent(two, 'message');
        await one.send(invite({ via }), targetOf(two));
        const [request, flow] = await arrived;
        assert.ok(request instanceof Request);
        assert.equal(flow.transport, 'tls');
        const answered = nextEvent(one, 'message');
        await two.send(Draft.answering(request, 200).toBuffer(), responseTarget(request.vias[0], flow), flow);
        await answered;
      }
      assert.deepEqual([one.connections, two.connections], [1, 1]);
      assert.equal(one.localFor(targetOf(two)).transport, 'tls');
    });
  }

  test('a server must stand for the domain that is called (RFC 5922 7)', async (t) => {
    const layer = await openLayer(t, ['tls://127.0.0.1:0'], { tls: settings() });
    const caller = await openLayer(t, ['tls://127.0.0.1:0'], { tls: settings() });
    const target = (domain: string): Target => ({ ...targetOf(layer), domain });
    await caller.send(invite({ via }), target('SIP.example.net'));
    await assert.rejects(caller.send(invite({ via }), target('example.net')), /does not stand for example\.net/);
    // The connection that stands is for another domain: it does not carry this one's messages.
    assert.equal(caller.connections, 1);
  });

  test('a server whose authority is unknown is refused, unless nobody shall look', async (t) => {
    const layer = await openLayer(t, ['tls://127.0.0.1:0'], { tls: settings() });
    const careful = await openLayer(t, ['tls://127.0.0.1:0'], { tls: settings({ ca: stranger.ca }) });
    await assert.rejects(careful.send(invite({ via }), targetOf(layer)), /certificate/);
    const careless = await openLayer(t, [], { tls: settings({ ca: stranger.ca, verifyServers: false }) });
    const arrived = nextEvent(layer, 'message');
    await careless.send(invite({ via }), targetOf(layer));
    await arrived;
  });

  test('clients without a certificate of the authority are refused where one is required', async (t) => {
    const layer = await openLayer(t, ['tls://127.0.0.1:0'], { tls: settings({ requireClientCertificate: true }) });
    let messages = 0;
    layer.on('message', () => messages++);
    for (const own of [undefined, stranger.issue(['DNS:sip.example.net'])]) {
      const caller = await openLayer(t, [], { tls: settings({ certificates: own ? [own] : [] }) });
      const failed = nextEvent(caller, 'failure');
      // TLS 1.3: the client learns of the refusal only after its first octets have gone.
      await caller.send(invite({ via }), targetOf(layer)).catch(() => undefined);
      await failed;
    }
    assert.equal(messages, 0);
    const known = await openLayer(t, [], {
      tls: settings({ certificates: [authority.issue(['DNS:pbx.example.net'])] }),
    });
    const arrived = nextEvent(layer, 'message');
    await known.send(invite({ via }), targetOf(layer));
    await arrived;
  });

  test('each server name gets its own certificate, others the first', async (t) => {
    const second = authority.issue(['DNS:voice.example.org']);
    const third = authority.issue(['DNS:*.example.com']);
    const fourth = { ...authority.issue(['DNS:fourth.test']), names: ['renamed.test'] };
    const tls = settings({ certificates: [server, second, third, fourth] });
    const layer = await openLayer(t, ['tls://127.0.0.1:0'], { tls });
    assert.match((await shown(t, layer, 'sip.example.net')) ?? '', /DNS:sip\.example\.net/);
    assert.equal(await shown(t, layer, 'VOICE.example.org'), 'DNS:voice.example.org');
    assert.equal(await shown(t, layer, 'a.example.com'), 'DNS:*.example.com');
    assert.equal(await shown(t, layer, 'renamed.test'), 'DNS:fourth.test');
    assert.match((await shown(t, layer, 'nobody.test')) ?? '', /DNS:sip\.example\.net/);
  });

  test('no version below the least is spoken', async (t) => {
    const layer = await openLayer(t, ['tls://127.0.0.1:0'], { tls: settings() });
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await assert.rejects(dial(t, layer, old));
    const twelve = await dial(t, layer, { maxVersion: 'TLSv1.2' });
    assert.equal(twelve.getProtocol(), 'TLSv1.2');
    const strict = await openLayer(t, ['tls://127.0.0.1:0'], { tls: settings({ minVersion: 'TLSv1.3' }) });
    await assert.rejects(dial(t, strict, { maxVersion: 'TLSv1.2' }));
  });

  test('certificates are replaced without touching what stands; wrong ones change nothing', async (t) => {
    const files = authority.issue(['DNS:before.test']);
    const layer = await openLayer(t, ['tls://127.0.0.1:0'], { tls: settings({ certificates: [files] }) });
    const standing = await dial(t, layer);
    const renewed = authority.issue(['DNS:after.test']);
    copyFileSync(renewed.cert, files.cert);
    assert.equal(layer.reloadCertificates(), false, 'the key is still the old one');
    assert.equal(await shown(t, layer, 'before.test'), 'DNS:before.test');
    copyFileSync(renewed.key, files.key);
    assert.equal(layer.reloadCertificates(), true);
    for (const name of ['after.test', 'before.test']) assert.equal(await shown(t, layer, name), 'DNS:after.test');
    const arrived = nextEvent(layer, 'message');
    standing.write(invite({ via }));
    await arrived;
  });

  test('files that change are read again by themselves', async (t) => {
    const clock = new FakeClock(Date.now());
    const files = authority.issue(['DNS:before.test']);
    const layer = await openLayer(t, ['tls://127.0.0.1:0'], { clock, tls: settings({ certificates: [files] }) });
    const renewed = authority.issue(['DNS:after.test']);
    copyFileSync(renewed.key, files.key);
    copyFileSync(renewed.cert, files.cert);
    await clock.advance(10_000);
    assert.equal(await shown(t, layer, 'x.test'), 'DNS:after.test');
  });

  test('a handshake that does not end is cut in time, and gives way before', async (t) => {
    const limits = { connectionsPerAddress: 1, handshakeWithin: 200 };
    const layer = await openLayer(t, ['tls://127.0.0.1:0'], { tls: settings(), limits });
    const { address, port } = targetOf(layer);
    const silent = connectPlain(port, address);
    silent.on('error', () => undefined);
    const cut = once(silent, 'close');
    await once(silent, 'connect');
    silent.resume();
    await cut;
    assert.equal(layer.connectionCounters.givenUp.handshake, 1);
    const another = connectPlain(port, address);
    another.on('error', () => undefined);
    const crowdedOut = once(another, 'close');
    await once(another, 'connect');
    another.resume();
    const second = await dial(t, layer);
    await crowdedOut;
    assert.equal(layer.connectionCounters.givenUp['crowded-out'], 1);
    const arrived = nextEvent(layer, 'message');
    second.write(invite({ via }));
    await arrived;
  });

  test('closing does not wait for handshakes', async (t) => {
    const layer = await openLayer(t, ['tls://127.0.0.1:0'], { tls: settings() });
    const { address, port } = targetOf(layer);
    const silent = connectPlain(port, address);
    silent.on('error', () => undefined);
    await once(silent, 'connect');
    await layer.close();
  });

  test('without a certificate nothing is listened on, and wrong files are named', async (t) => {
    await assert.rejects(openLayer(t, ['tls://127.0.0.1:0']), ListenError);
    const other = authority.issue(['DNS:other.test']);
    const garbage = `${other.cert}.txt`;
    writeFileSync(garbage, 'nothing');
    const wrong = [
      { cert: server.cert, key: other.key },
      { cert: garbage, key: `${garbage}.missing` },
    ];
    await assert.rejects(openLayer(t, ['tls://127.0.0.1:0'], { tls: settings({ certificates: wrong }) }), (error) => {
      assert.ok(error instanceof TlsFault);
      assert.deepEqual(
        error.faults.map(({ path }) => path.join('.')),
        ['certificates.0.key', 'certificates.1.key', 'certificates.1.cert'],
      );
      assert.match(error.message, /is not that of the certificate/);
      assert.match(error.message, /does not exist/);
      assert.match(error.message, /holds no certificate/);
      return true;
    });
  });
});
