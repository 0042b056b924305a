import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { openApplicationWorld } from '../../support/application-world.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { PeerCall, type SipPeer } from '../../support/sip-peer.ts';
import { event, type AppRequest, type AppResponse } from '../../support/srf-application.ts';

/** The event package's state that a NOTIFY tells. */
const active = ['Event: presence', 'Subscription-State: active;expires=60'];
const over = ['Event: presence', 'Subscription-State: terminated;reason=noresource'];

async function open(t: TestContext) {
  const clock = new FakeClock();
  const world = await openApplicationWorld(t, { clock });
  const requests: AppRequest[] = [];
  // Anything that nobody else takes: drachtio-srf would end its connection
  world.application.use('notify', (req: AppRequest, res: AppResponse) => {
    requests.push(req);
    res.send(200);
  });
  return { ...world, clock, requests };
}
type World = Awaited<ReturnType<typeof open>>;

/** The peer subscribes, and the application accepts it. */
async function subscribedTo({ application, peer, port }: World) {
  const taken = new Promise<{ req: AppRequest; res: AppResponse }>((resolve) =>
    application.use('subscribe', (req, res) => resolve({ req, res })),
  );
  const call = new PeerCall(peer, port, `subscription-${peer.port}`);
  call.sendRequest('SUBSCRIBE', { headers: [call.contact, 'Event: presence', 'Expires: 60'] });
  const { req, res } = await taken;
  const accepted = application.createUAS(req, res, { headers: { Expires: '60' } });
  const ok = await peer.response(202, 'SUBSCRIBE').catch(() => peer.response(200, 'SUBSCRIBE'));
  call.to = ok.get('To') ?? '';
  return { call, dialog: await accepted };
}

/** A NOTIFY of the peer within the dialog of a request of ours. */
function notify(
  peer: SipPeer,
  port: number,
  to: { callId: string; from: string },
  sequence: number,
  headers: string[],
): void {
  const lines = [
    `NOTIFY sip:127.0.0.1:${port} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${peer.port};branch=z9hG4bKnotify${sequence}${to.callId}`,
    `From: <sip:peer@127.0.0.1>;tag=peer`,
    `To: ${to.from}`,
    `Call-ID: ${to.callId}`,
    `CSeq: ${sequence} NOTIFY`,
    `Contact: <sip:peer@127.0.0.1:${peer.port}>`,
    ...headers,
    'Content-Length: 0',
  ];
  peer.send(`${lines.join('\r\n')}\r\n\r\n`, port);
}

describe('subscriptions (RFC 6665)', { timeout: 30_000 }, () => {
  test('of a peer: told, refreshed, and forgotten with the last NOTIFY', async (t) => {
    const world = await open(t);
    const { server, peer } = world;
    const { call, dialog } = await subscribedTo(world);
    const told = dialog.request({
      method: 'NOTIFY',
      headers: { Event: 'presence', 'Subscription-State': 'active;expires=60' },
    });
    peer.answer(await peer.request('NOTIFY'), 200);
    await told;
    dialog.on('subscribe', (_req: AppRequest, res: AppResponse) => res.send(200, { headers: { Expires: '60' } }));
    call.sendRequest('SUBSCRIBE', { headers: [call.contact, 'Event: presence', 'Expires: 60'] });
    await peer.response(200, 'SUBSCRIBE');
    assert.equal(server.stats().dialogs, 1);
    const last = dialog.request({
      method: 'NOTIFY',
      headers: { Event: 'presence', 'Subscription-State': 'terminated' },
    });
    peer.answer(await peer.request('NOTIFY'), 200);
    await last;
    assert.equal(server.stats().dialogs, 0);
    call.sendRequest('SUBSCRIBE', { headers: [call.contact, 'Event: presence', 'Expires: 60'] });
    await peer.response(481, 'SUBSCRIBE');
  });

  test('of a peer that refreshes no more: forgotten after its time, and at once when it does not know it', async (t) => {
    const world = await open(t);
    await subscribedTo(world);
    await world.clock.advance(91_000);
    assert.equal(world.server.stats().dialogs, 1);
    await world.clock.advance(2_000);
    assert.equal(world.server.stats().dialogs, 0);

    const other = await open(t);
    const { dialog } = await subscribedTo(other);
    const told = dialog.request({ method: 'NOTIFY', headers: { Event: 'presence', 'Subscription-State': 'active' } });
    other.peer.answer(await other.peer.request('NOTIFY'), 481);
    await told;
    assert.equal(other.server.stats().dialogs, 0);
  });

  test('of the application: a NOTIFY that overtakes the 202 is taken, and one that ends it ends the dialog', async (t) => {
    const { server, peer, application, requests, port } = await open(t);
    const placed = application.createUAC(`sip:peer@127.0.0.1:${peer.port}`, {
      method: 'SUBSCRIBE',
      headers: { Event: 'presence', Expires: '60' },
    });
    const subscribe = await peer.request('SUBSCRIBE');
    const to = { callId: subscribe.callId, from: subscribe.get('From') ?? '' };
    notify(peer, port, to, 1, active);
    await peer.response(200, 'NOTIFY');
    assert.equal(requests.length, 1);
    peer.answer(subscribe, 202, { headers: ['Expires: 60'] });
    const dialog = await placed;
    assert.equal(server.stats().dialogs, 1);
    const told = event(dialog, 'notify');
    notify(peer, port, to, 2, active);
    const [, response] = await told;
    assert.ok(isResponse(response));
    response.send(200);
    await peer.response(200, 'NOTIFY');
    notify(peer, port, to, 3, over);
    await peer.response(200, 'NOTIFY');
    assert.equal(server.stats().dialogs, 0);
  });

  test('by REFER outside of a call (RFC 3515): its NOTIFYs arrive', async (t) => {
    const { server, peer, application, requests, port } = await open(t);
    const sent = await application.request(`sip:peer@127.0.0.1:${peer.port}`, {
      method: 'REFER',
      headers: { 'Refer-To': '<sip:other@127.0.0.1>' },
    });
    const refer = await peer.request('REFER');
    const answered = event(sent, 'response');
    peer.answer(refer, 202);
    await answered;
    const to = { callId: refer.callId, from: refer.get('From') ?? '' };
    notify(peer, port, to, 1, ['Event: refer', 'Subscription-State: active;expires=30']);
    await peer.response(200, 'NOTIFY');
    assert.equal(server.stats().dialogs, 1);
    notify(peer, port, to, 2, ['Event: refer;id=7', 'Subscription-State: terminated']);
    await peer.response(200, 'NOTIFY');
    assert.equal(requests.length, 2);
    assert.equal(server.stats().dialogs, 0);
  });

  test('a NOTIFY to nothing is answered 481', async (t) => {
    const { peer, port } = await open(t);
    notify(peer, port, { callId: 'nobody', from: '<sip:app@127.0.0.1>;tag=none' }, 1, active);
    await peer.response(481, 'NOTIFY');
  });
});

function isResponse(value: unknown): value is AppResponse {
  return typeof value === 'object' && value !== null && 'send' in value;
}
