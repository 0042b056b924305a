import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { startSipServer, type SipServerOptions } from '../../../src/sip/server.ts';
import { eventually } from '../../support/eventually.ts';
import { SipPeer, type PeerCall } from '../../support/sip-peer.ts';
import { connect, disconnect, newApplication, nextInvite, type Application } from '../../support/srf-application.ts';

const secret = 'cymru';

async function open(t: TestContext, options: Partial<SipServerOptions> = {}) {
  const server = await startSipServer({
    listen: ['udp://127.0.0.1:0'],
    control: { address: '127.0.0.1', port: 0, secret },
    clock: systemClock,
    log: silentLog,
    ...options,
  });
  t.after(() => server.close());
  const peer = await SipPeer.open();
  t.after(() => peer.close());
  const control = server.controlAddress;
  assert.ok(control);
  return {
    server,
    peer,
    port: Number(server.listening[0]?.split(':').at(-1)),
    async join(application: Application): Promise<Application> {
      await connect(application, { host: control.address, port: control.port, secret });
      t.after(() => disconnect(application));
      return application;
    },
  };
}

/** Collects the records of calls as `attempt network`, `start network uac`, `stop application normal-release`. */
function collectRecords(application: Application): string[] {
  const records: string[] = [];
  application.on('cdr:attempt', (source: string) => records.push(`attempt ${source}`));
  application.on('cdr:start', (source: string, _time: string, role: string) => records.push(`start ${source} ${role}`));
  application.on('cdr:stop', (source: string, _time: string, why: string) => records.push(`stop ${source} ${why}`));
  return records;
}

/** A call of the peer that the application answers and the peer ends. */
async function wholeCall(world: { peer: SipPeer; port: number }, application: Application): Promise<void> {
  const taken = nextInvite(application);
  const call = world.peer.invite(world.port);
  const { req, res } = await taken;
  const answered = application.createUAS(req, res, { localSdp: 'v=0\r\n' });
  call.ack(await world.peer.response(200, 'INVITE'));
  const dialog = await answered;
  const destroyed = once(dialog, 'destroy');
  call.sendRequest('BYE');
  await world.peer.response(200, 'BYE');
  await destroyed;
}

describe('records of calls', { timeout: 30_000 }, () => {
  test('of a call that comes in, one that goes out, one refused and one given up', async (t) => {
    const world = await open(t, { callRecords: true });
    const application = newApplication();
    const records = collectRecords(application);
    await world.join(application);
    await wholeCall(world, application);
    assert.deepEqual(records.splice(0), ['attempt network', 'start application uas', 'stop network normal-release']);

    const callee = await SipPeer.open();
    t.after(() => callee.close());
    const placed = application.createUAC(`sip:127.0.0.1:${callee.port}`, { localSdp: 'v=0\r\n' });
    callee.answer(await callee.request('INVITE'), 200, { body: 'v=0\r\n' });
    const dialog = await placed;
    const ended = dialog.destroy();
    callee.answer(await callee.request('BYE'), 200);
    await ended;
    await eventually('three records', () => records.length === 3);
    assert.deepEqual(records.splice(0), [
      'attempt application',
      'start network uac',
      'stop application normal-release',
    ]);

    const refused = application.createUAC(`sip:127.0.0.1:${callee.port}`, { localSdp: 'v=0\r\n' });
    callee.answer(await callee.request('INVITE'), 404);
    await assert.rejects(refused);
    await eventually('two records', () => records.length === 2);
    assert.deepEqual(records.splice(0), ['attempt application', 'stop network call-rejected']);

    const taken = nextInvite(application);
    const call = world.peer.invite(world.port);
    await taken;
    call.cancel();
    call.ackFailure(await world.peer.response(487, 'INVITE'));
    await eventually('two records', () => records.length === 2);
    assert.deepEqual(records, ['attempt network', 'stop network call-canceled']);
  });

  test('of a call that is proxied, by both of its sides', async (t) => {
    const world = await open(t, { callRecords: true });
    const application = newApplication();
    const records = collectRecords(application);
    await world.join(application);
    const callee = await SipPeer.open();
    t.after(() => callee.close());
    const taken = nextInvite(application);
    const call: PeerCall = world.peer.invite(world.port);
    const { req } = await taken;
    const result = application.proxyRequest(req, `sip:127.0.0.1:${callee.port}`, { remainInDialog: true });
    const invite = await callee.request('INVITE');
    callee.answer(invite, 200, { body: 'v=0\r\n', headers: [`Record-Route: ${invite.get('Record-Route') ?? ''}`] });
    const ok = await world.peer.response(200, 'INVITE');
    await result;
    call.target = `sip:peer@127.0.0.1:${callee.port}`;
    call.to = ok.get('To') ?? '';
    call.sendRequest('BYE', { headers: [`Route: ${ok.get('Record-Route') ?? ''}`] });
    callee.answer(await callee.request('BYE'), 200);
    await world.peer.response(200, 'BYE');
    await eventually('six records', () => records.length === 6);
    assert.deepEqual(records, [
      'attempt network',
      'attempt application',
      'start network proxy-uac',
      'start application proxy-uas',
      'stop network normal-release',
      'stop application normal-release',
    ]);
  });

  test('none without the setting', async (t) => {
    const world = await open(t);
    const application = newApplication();
    const records = collectRecords(application);
    await world.join(application);
    await wholeCall(world, application);
    assert.deepEqual(records, []);
  });
});

test(
  'a placed call is named by its Call-ID and From tag, as applications look it up',
  { timeout: 30_000 },
  async (t) => {
    const world = await open(t);
    const application = await world.join(newApplication());
    const placed = application.createUAC(`sip:127.0.0.1:${world.peer.port}`, { localSdp: 'v=0\r\n' });
    const invite = await world.peer.request('INVITE');
    world.peer.answer(invite, 200, { body: 'v=0\r\n' });
    const dialog = await placed;
    assert.equal(dialog.id, `${invite.callId};from-tag=${invite.from.parameters.get('tag') ?? ''}`);
  },
);

test(
  'of a call that was forked, every 200 but the first is acknowledged and ended (13.2.2.4)',
  { timeout: 30_000 },
  async (t) => {
    const world = await open(t);
    const { peer } = world;
    const application = await world.join(newApplication());
    const placed = application.createUAC(`sip:127.0.0.1:${peer.port}`, { localSdp: 'v=0\r\n' });
    const invite = await peer.request('INVITE');
    peer.answer(invite, 200, { body: 'v=0\r\n', tag: 'first' });
    peer.answer(invite, 200, { body: 'v=0\r\n', tag: 'second' });
    const of = (method: string, tag: string) =>
      peer.expect(
        `${method} to the ${tag}`,
        (m) => m.kind === 'request' && m.method === method && m.to.parameters.get('tag') === tag,
      );
    await of('ACK', 'first');
    await of('ACK', 'second');
    const bye = await of('BYE', 'second');
    assert.ok(bye.kind === 'request');
    peer.answer(bye, 200);
    const dialog = await placed;
    assert.equal(dialog.sip.remoteTag, 'first');
    assert.equal(
      peer.count((m) => m.kind === 'request' && m.method === 'BYE' && m.to.parameters.get('tag') === 'first'),
      0,
    );
    assert.equal(world.server.stats().dialogs, 1);
  },
);

describe('applications that listen', { timeout: 30_000 }, () => {
  test('the server connects to them, sends them calls, and connects again', async (t) => {
    const listener = createServer();
    const sockets = new Set<Socket>();
    listener.on('connection', (socket) => sockets.add(socket));
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      listener.close();
    });
    const application = newApplication();
    application.on('error', () => undefined);
    const connected = once(application, 'connect');
    application.listen({ server: listener, secret });
    const world = await open(t, { outbound: { applications: [addressOf(listener.address())], secret } });
    await connected;
    await wholeCall(world, application);
    const again = once(application, 'connect');
    for (const socket of sockets) socket.destroy();
    await again;
    await wholeCall(world, application);
  });

  test('one that does not know the secret gets no calls', async (t) => {
    const listener = createServer();
    const sockets = new Set<Socket>();
    listener.on('connection', (socket) => sockets.add(socket));
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const application = newApplication();
    application.on('error', () => undefined);
    const connected = once(application, 'connect');
    application.listen({ server: listener, secret: 'wrong' });
    const world = await open(t, { outbound: { applications: [addressOf(listener.address())], secret } });
    const [error] = (await connected) as unknown[];
    assert.ok(error instanceof Error);
    const call = world.peer.invite(world.port);
    call.ackFailure(await world.peer.response(503, 'INVITE'));
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
});

test('a request that arrives by two ways is taken once (RFC 3261 8.2.2.2)', { timeout: 30_000 }, async (t) => {
  const world = await open(t);
  const application = await world.join(newApplication());
  const taken = nextInvite(application);
  const call = world.peer.invite(world.port);
  const { res } = await taken;
  call.sendAnotherCopy();
  await world.peer.response(482, 'INVITE');
  res.send(486);
  call.ackFailure(await world.peer.response(486, 'INVITE'));
});

function addressOf(address: AddressInfo | string | null): { address: string; port: number } {
  assert.ok(address !== null && typeof address === 'object');
  return { address: address.address, port: address.port };
}
