// Binary bodies through the real drachtio-srf, which decodes every message as UTF-8, with either way to the server.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { startSipServer, type SipServer } from '../../../src/sip/server.ts';
import { InviteOctets } from '../../../src/trunk/octets.ts';
import { createSrf } from '../../../src/trunk/srf.ts';
import { drachtioServer, type DrachtioServer, withoutDrachtio, withoutNul } from '../../support/drachtio.ts';
import { initialAddress, sipI } from '../../support/isup.ts';
import { SipPeer } from '../../support/sip-peer.ts';
import { caller, type Control, dialRequest, firstCalled, sdp, World } from './world.ts';

const secondCalled = '+8675529990001';

/** An INVITE of SIP-I in which only the IAM tells who calls and what was dialled. */
function sipIInvite(port: number, callId: string): Buffer {
  const iam = initialAddress({ called: secondCalled, calling: caller, originalCalled: firstCalled, reason: 2 });
  const { contentType, body } = sipI(sdp(1), iam);
  return withBody(port, callId, contentType, body);
}

function withBody(port: number, callId: string, contentType: string, body: Buffer): Buffer {
  const head = [
    `INVITE sip:${secondCalled}@127.0.0.1 SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK-${callId}`,
    'From: <sip:unavailable@unknown.invalid>;tag=f1',
    `To: <sip:${secondCalled}@127.0.0.1>`,
    `Call-ID: ${callId}`,
    'CSeq: 1 INVITE',
    `Contact: <sip:127.0.0.1:${port}>`,
    'Max-Forwards: 70',
    'MIME-Version: 1.0',
    `Content-Type: ${contentType}`,
    `Content-Length: ${body.length}`,
  ].join('\r\n');
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body]);
}

const noEvents = {
  progress: () => undefined,
  answered: () => undefined,
  failed: () => undefined,
  ended: () => undefined,
  request: () => undefined,
  referred: () => undefined,
};

const ways: Record<Control, string> = {
  'in-process': 'the SIP server in the same process',
  tcp: 'the SIP server over TCP',
  drachtio: 'over drachtio-server',
};

for (const control of ['in-process', 'tcp', 'drachtio'] as const) {
  describe(
    `an INVITE with a binary IAM, ${ways[control]}`,
    { skip: control === 'drachtio' && (await withoutNul()) },
    () => {
      test('is read octet for octet, and its session description alone goes on', async () => {
        await using world = await World.start({ control });
        const peer = await world.caller();
        peer.send(sipIInvite(peer.port, `isup-${control}`), world.port);
        const { call } = await world.incoming();
        assert.ok(call.reading.ok);
        const { reading } = call.reading;
        assert.deepEqual(
          [reading.caller, reading.firstCalled, reading.firstCalledSource, reading.reason, reading.warnings],
          [caller, firstCalled, 'isup-ocn', 'no-answer', []],
        );
        assert.equal(call.sdp, sdp(1));

        const target = dialRequest({ reading, sdp: call.sdp, maxForwards: 70 });
        world.trunk.dial(target, { ...noEvents });
        const onward = await world.gateway().request('INVITE');
        assert.equal(onward.get('Content-Type'), 'application/sdp');
        assert.equal(onward.body.toString(), sdp(1));
        assert.match(onward.get('Diversion') ?? '', /^<sip:\+8675520000001@/);
        world.gateway().answer(onward, 486);
        call.leg.reject(480);
      });

      test('many at once, in pieces of any size, each read as its own', async () => {
        await using world = await World.start({ control });
        const peer = await world.caller();
        const ids = Array.from({ length: 40 }, (_, index) => `many-${control}-${index}`);
        for (const id of ids) peer.send(sipIInvite(peer.port, id), world.port);
        for (const _ of ids) {
          const { call } = await world.incoming();
          assert.equal(call.reading.ok && call.reading.reading.firstCalledSource, 'isup-ocn');
          call.leg.reject(480);
        }
      });
    },
  );
}

for (const control of ['tcp', 'drachtio'] as const) {
  test(
    `octets from 0x01 to 0xFF are kept as they were sent, ${ways[control]}`,
    { skip: control === 'drachtio' && withoutDrachtio },
    async (t) => {
      const octets = Buffer.from(Array.from({ length: 255 }, (_, index) => index + 1));
      const body = Buffer.concat([octets, octets.toReversed()]);
      const srf = createSrf();
      const kept = new InviteOctets(systemClock, silentLog);
      const taken = Promise.withResolvers<Buffer | undefined>();
      srf.use('invite', (req, res) => {
        taken.resolve(kept.take(req.stackTxnId));
        res.send(480, undefined, {});
      });
      const [server, address] = await serverFor(control);
      if (server) t.after(() => server.close());
      const connected = Promise.withResolvers<string>();
      srf.on('connect', (_error, hostPorts = '') => connected.resolve(hostPorts));
      kept.beside(srf).connect(address);
      t.after(() => srf.disconnect());
      const port = Number(/udp\/[^,]*:(\d+)/.exec(await connected.promise)?.[1]);
      const peer = await SipPeer.open();
      t.after(() => peer.close());
      peer.send(withBody(peer.port, `octets-${control}`, 'application/octet-stream', body), port);
      const raw = await taken.promise;
      assert.deepEqual(raw?.subarray(raw.indexOf('\r\n\r\n') + 4), body);
      await peer.response(480, 'INVITE');
    },
  );
}

async function serverFor(control: 'tcp' | 'drachtio'): Promise<[SipServer | undefined, DrachtioServer]> {
  if (control === 'drachtio') {
    assert.ok(drachtioServer);
    return [undefined, drachtioServer];
  }
  const server = await startSipServer({
    listen: ['udp://127.0.0.1:0'],
    control: { address: '127.0.0.1', port: 0, secret: 'cymru' },
    clock: systemClock,
    log: silentLog,
  });
  const { controlAddress } = server;
  assert.ok(controlAddress);
  return [server, { host: controlAddress.address, port: controlAddress.port, secret: 'cymru' }];
}
