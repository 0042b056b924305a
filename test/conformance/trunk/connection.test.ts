import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { startSipServer, type SipServer } from '../../../src/sip/server.ts';
import { connectTo } from '../../../src/trunk/connection.ts';
import type { TrunkSettings } from '../../../src/trunk/settings.ts';
import { startTrunk, type Trunk } from '../../../src/trunk/trunk.ts';
import { SipPeer } from '../../support/sip-peer.ts';
import { Happenings, sdp } from './world.ts';

const secret = 'of this test';

const settings: TrunkSettings = {
  name: 'ngn',
  peers: ['127.0.0.1'],
  gateways: [],
  reading: { defaultCountry: 'CN' },
  identity: {},
  optionsInterval: 0,
  gatewayTimeout: 1000,
  ringTimeout: 1000,
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function serverOn(port: number): Promise<SipServer> {
  return startSipServer({
    listen: ['udp://127.0.0.1:0'],
    control: { address: '127.0.0.1', port, secret },
    clock: systemClock,
    log: silentLog,
  });
}

function sipPort(server: SipServer): number {
  return Number(/:(\d+)$/.exec(server.listening[0] ?? '')?.[1]);
}

/** A call that the trunk takes, and what happens to it. */
async function call(trunk: Trunk, peer: SipPeer, port: number): Promise<Happenings> {
  const happenings = new Happenings();
  const answered = new Promise<void>((resolve, reject) => {
    trunk.onIncoming(({ leg }) => {
      leg.answer(sdp(1)).then(() => resolve(), reject);
      return happenings.events;
    });
  });
  for (;;) {
    const outgoing = peer.invite(port);
    const final = await peer.expect(
      'final response',
      (message) => message.kind === 'response' && message.status >= 200,
    );
    if (final.kind === 'response' && final.status === 200) {
      outgoing.ack(final);
      await answered;
      return happenings;
    }
    assert.equal(final.kind === 'response' && final.status, 503); // our routes have not reached the server yet
  }
}

describe('a SIP server that runs elsewhere', () => {
  test('is connected to; when it goes away its calls are lost, and when it is back calls come again', async () => {
    const port = await freePort();
    const peer = await SipPeer.open();
    const first = await serverOn(port);
    const closing = new AbortController();
    const connections = new Happenings();
    const trunk = await startTrunk({
      legSecret: 'of the tests',
      trunks: [settings],
      routes: [],
      clock: systemClock,
      log: silentLog,
      connect: (srf) => {
        srf.on('connect', () => connections.note(`connection ${connections.all.length + 1}`, undefined));
        return connectTo({ host: '127.0.0.1', port, secret }, closing.signal)(srf);
      },
    });
    const happenings = await call(trunk, peer, sipPort(first));
    await first.close();
    assert.deepEqual(await happenings.until('ended'), { cause: {}, lost: true });
    assert.equal(trunk.connected(), false);
    const second = await serverOn(port);
    await connections.until('connection 2', 10_000);
    assert.equal(trunk.connected(), true);
    const again = await call(trunk, peer, sipPort(second));
    assert.deepEqual(again.all, []);
    closing.abort();
    const closed = trunk.close();
    peer.answer(await peer.request('BYE'), 200);
    await closed;
    await second.close();
    await peer.close();
    assert.deepEqual(again.all, []);
  });

  test('that is not there, or refuses the secret, throws nowhere, and closing ends the attempts', async () => {
    const port = await freePort();
    const closing = new AbortController();
    const starting = startTrunk({
      legSecret: 'of the tests',
      trunks: [settings],
      routes: [],
      clock: systemClock,
      log: silentLog,
      connect: connectTo({ host: '127.0.0.1', port, secret: 'wrong' }, closing.signal),
    });
    const server = await serverOn(port);
    closing.abort();
    const trunk = await starting;
    assert.equal(trunk.connected(), false);
    await trunk.close();
    await server.close(); // this file would never end if it were still tried
  });
});
