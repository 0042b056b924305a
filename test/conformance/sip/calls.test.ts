import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { Message, Request } from '../../../src/sip/message/message.ts';
import { eventually } from '../../support/eventually.ts';
import { sessionDescription } from '../../support/sip-peer.ts';
import { event, nextInvite, type AppDialog, type AppRequest, type AppResponse } from '../../support/srf-application.ts';
import { backends, type Backend, type World } from './backends.ts';

const localSdp = sessionDescription(50_000);

for (const backend of backends) {
  describe(`calls that arrive: ${backend.name}`, { timeout: 120_000 }, () => arriving(backend));
  describe(`calls that are placed: ${backend.name}`, { timeout: 120_000 }, () => placing(backend));
}

function arriving(backend: Backend): void {
  test('answered, and ended by the caller', async (t) => {
    const world = await open(t, backend);
    const answered = answering(world);
    const call = world.peer.invite(world.port);
    await world.peer.response(100, 'INVITE');
    const ok = await world.peer.response(200, 'INVITE');
    const dialog = await answered;
    assert.equal(ok.body.toString(), localSdp);
    assert.equal(ok.list('Contact').length, 1);
    assert.match(ok.get('Contact') ?? '', new RegExp(`127\\.0\\.0\\.1:${world.port}`));
    assert.equal(dialog.sip.localTag, ok.to.parameters.get('tag'));

    const acknowledged = event(dialog, 'ack');
    call.ack(ok);
    await acknowledged;
    const destroyed = event(dialog, 'destroy');
    call.sendRequest('BYE');
    await world.peer.response(200, 'BYE');
    await destroyed;

    call.sendRequest('INFO');
    // RFC 3261 12.2.2: 481. To drachtio-server an INFO of no dialog is a new request, and no application asked for INFO.
    await world.peer.response(backend.builtIn ? 481 : 503, 'INFO');
  });

  test('answered, and ended by the application', async (t) => {
    const world = await open(t, backend);
    const { dialog, call } = await established(world);
    const ended = dialog.destroy({ headers: { 'X-Reason': 'done' } });
    const bye = await world.peer.request('BYE');
    assert.equal(bye.requestUri, `sip:caller@127.0.0.1:${world.peer.port}`);
    assert.equal(bye.from.parameters.get('tag'), dialog.sip.localTag);
    assert.equal(bye.to.parameters.get('tag'), `from-${call.callId}`);
    assert.equal(bye.callId, call.callId);
    assert.equal(bye.get('X-Reason'), 'done');
    world.peer.answer(bye, 200);
    await ended;
  });

  test('refused with a status and a header of the application', async (t) => {
    const world = await open(t, backend);
    world.application.invite((_req, res) => res.send(486, { headers: { 'X-Why': 'busy' } }));
    const call = world.peer.invite(world.port);
    const busy = await world.peer.response(486, 'INVITE');
    call.ackFailure(busy);
    assert.equal(busy.get('X-Why'), 'busy');
    assert.ok(busy.to.parameters.get('tag'), 'every response but 100 has a To tag');
  });

  for (const ringing of [false, true]) {
    test(`cancelled ${ringing ? 'while ringing' : 'before ringing'}`, async (t) => {
      const world = await open(t, backend);
      const arrival = nextInvite(world.application);
      const call = world.peer.invite(world.port);
      const { req, res } = await arrival;
      if (ringing) {
        res.send(180);
        await world.peer.response(180, 'INVITE');
      }
      const cancelled = event(req, 'cancel');
      call.cancel(['Reason: SIP;cause=200;text="Call completed elsewhere"']);
      await world.peer.response(200, 'CANCEL');
      call.ackFailure(await world.peer.response(487, 'INVITE'));
      const [cancel] = await cancelled;
      assert.match(headerOf(cancel, 'Reason'), /cause=200/);
      const late = await new Promise((resolve) => res.send(200, {}, resolve));
      assert.match(String(late), /Response not sent due to unknown transaction/);
    });
  }

  test('a re-INVITE of the caller and one of the application', async (t) => {
    const world = await open(t, backend);
    const { dialog, call } = await established(world);
    dialog.on('modify', (req: AppRequest, res: AppResponse) => res.send(200, { body: `${req.body}a=mine\r\n` }));
    call.sendRequest('INVITE', { body: sessionDescription(41_000), headers: [call.contact] });
    const ok = await world.peer.response(200, 'INVITE');
    assert.match(ok.body.toString(), /m=audio 41000/);
    call.ack(ok);

    const modified = dialog.modify(sessionDescription(51_000));
    const reinvite = await world.peer.request('INVITE');
    assert.match(reinvite.body.toString(), /m=audio 51000/);
    assert.ok(reinvite.get('Contact'));
    world.peer.answer(reinvite, 200, { body: sessionDescription(42_000) });
    assert.match(await modified, /m=audio 42000/);
    const ack = await world.peer.request('ACK');
    assert.equal(ack.cseq.sequence, reinvite.cseq.sequence);
  });

  test('INFO both ways, its length counted in octets', async (t) => {
    const world = await open(t, backend);
    const { dialog, call } = await established(world);
    const body = 'Signal=★\r\n';
    const received = event(dialog, 'info');
    dialog.once('info', (_req: AppRequest, res: AppResponse) => res.send(200));
    call.sendRequest('INFO', { body });
    const [info] = await received;
    assert.equal(bodyOf(info), body);
    await world.peer.response(200, 'INFO');

    const sent = dialog.request({ method: 'INFO', headers: { 'Content-Type': 'text/plain' }, body });
    const arrived = await world.peer.request('INFO');
    assert.equal(arrived.body.toString(), body);
    assert.equal(arrived.get('Content-Length'), String(Buffer.byteLength(body)));
    world.peer.answer(arrived, 200);
    assert.equal((await sent).status, 200);
  });

  test('OPTIONS goes to the application that asked for it', async (t) => {
    const world = await open(t, backend);
    world.application.options((_req, res) => res.send(200, { headers: { 'X-From': 'application' } }));
    // drachtio-srf names a route when it is asked to; in the same process only after the connection stands.
    await routed(world);
    world.peer.send(options(world), world.port);
    const ok = await world.peer.response(200, 'OPTIONS');
    assert.equal(ok.get('X-From'), 'application');
  });

  test('without an ACK the server ends the call by itself', async (t) => {
    const world = await open(t, backend);
    const answered = answering(world);
    world.peer.invite(world.port);
    await world.peer.response(200, 'INVITE');
    const dialog = await answered;
    const destroyed = event(dialog, 'destroy');
    const bye = await world.peer.request('BYE', 80 * backend.t1 + 2000);
    world.peer.answer(bye, 200);
    const [, reason] = await destroyed;
    assert.equal(reason, 'ACK timeout');
    assert.ok(world.peer.count(isStatus(200, 'INVITE')) >= 5, 'the 200 was sent again and again');
  });

  test('a retransmitted INVITE reaches the application once and is answered again', async (t) => {
    const world = await open(t, backend);
    const arrival = nextInvite(world.application);
    let another = false;
    void arrival.then(() => nextInvite(world.application)).then(() => (another = true));
    const call = world.peer.invite(world.port);
    const { res } = await arrival;
    await world.peer.response(100, 'INVITE');
    if (backend.builtIn) {
      // RFC 3261 17.2.1: the most recent provisional response again; drachtio-server keeps silent until it has one of the application
      call.repeatInvite();
      await world.peer.response(100, 'INVITE');
    }
    res.send(180);
    await world.peer.response(180, 'INVITE');
    call.repeatInvite();
    await world.peer.response(180, 'INVITE');
    res.send(603);
    call.ackFailure(await world.peer.response(603, 'INVITE'));
    assert.equal(another, false);
  });

  test('a lost 200 comes again until its ACK, which reaches the application once', async (t) => {
    const world = await open(t, backend);
    const answered = answering(world);
    const call = world.peer.invite(world.port);
    await world.peer.response(200, 'INVITE');
    const dialog = await answered;
    let acks = 0;
    dialog.on('ack', () => acks++);
    const again = await world.peer.response(200, 'INVITE');
    const acknowledged = event(dialog, 'ack');
    call.ack(again);
    call.ack(again);
    await acknowledged;
    call.sendRequest('INFO');
    await world.peer.response(200, 'INFO'); // what came before it has been seen by then
    // PROTOCOL.md: retransmissions are absorbed. drachtio-server lets those of an ACK to a 2xx through.
    assert.equal(acks, backend.builtIn ? 1 : 2);
    const sent = world.peer.count(isStatus(200, 'INVITE'));
    call.sendRequest('BYE');
    await world.peer.response(200, 'BYE');
    assert.equal(world.peer.count(isStatus(200, 'INVITE')), sent);
  });

  test('a reliable provisional response comes again until its PRACK', async (t) => {
    const world = await open(t, backend);
    const arrival = nextInvite(world.application);
    const call = world.peer.invite(world.port, { headers: ['Supported: 100rel'] });
    const { res } = await arrival;
    const acknowledged = new Promise((resolve) =>
      res.send(183, { headers: { Require: '100rel', RSeq: '1' } }, undefined, resolve),
    );
    const first = await world.peer.response(183, 'INVITE');
    const again = await world.peer.response(183, 'INVITE');
    assert.equal(again.raw.toString(), first.raw.toString());
    call.to = first.get('To') ?? '';
    call.sendRequest('PRACK', { headers: [`RAck: ${first.get('RSeq') ?? ''} 1 INVITE`] });
    await acknowledged;
    if (backend.builtIn) {
      call.sendRequest('PRACK', { headers: ['RAck: 1 1 INVITE'] });
      await world.peer.response(481, 'PRACK');
    }
    call.sendRequest('BYE'); // 15: also ends what is not answered yet
    // 15.1.2: the INVITE is answered 487; by drachtio-server 500.
    await world.peer.response(backend.builtIn ? 487 : 500, 'INVITE');
  });

  test('a request within a dialog that nobody knows is answered 481', async (t) => {
    const world = await open(t, backend);
    const { call, dialog } = await established(world);
    const ended = dialog.destroy();
    world.peer.answer(await world.peer.request('BYE'), 200);
    await ended;
    call.sendRequest('BYE');
    await world.peer.response(481, 'BYE');
  });
}

function placing(backend: Backend): void {
  test('answered, and ended by the peer; a 200 that comes again is acknowledged again and goes no further', async (t) => {
    const world = await open(t, backend);
    let provisional = 0;
    const called = world.application.createUAC(
      `sip:bob@127.0.0.1:${world.peer.port}`,
      { localSdp, headers: { From: '<sip:alice@localhost>', 'X-Call': '7' } },
      { cbProvisional: () => provisional++ },
    );
    const invite = await world.peer.request('INVITE');
    assert.equal(invite.requestUri, `sip:bob@127.0.0.1:${world.peer.port}`);
    assert.equal(invite.from.uri, `sip:alice@127.0.0.1:${world.port}`);
    assert.equal(invite.get('Content-Type'), 'application/sdp');
    assert.equal(invite.get('X-Call'), '7');
    world.peer.answer(invite, 100);
    world.peer.answer(invite, 180);
    world.peer.answer(invite, 200, { body: localSdp });
    const dialog = await called;
    assert.equal(provisional, 1);
    const first = await world.peer.request('ACK');
    assert.equal(first.cseq.sequence, invite.cseq.sequence);
    assert.equal(first.requestUri, `sip:peer@127.0.0.1:${world.peer.port}`);
    world.peer.answer(invite, 200, { body: localSdp });
    const second = await world.peer.request('ACK');
    assert.equal(second.raw.toString(), first.raw.toString());

    const destroyed = event(dialog, 'destroy');
    world.peer.send(byeOf(invite, world), world.port);
    await world.peer.response(200, 'BYE');
    await destroyed;
  });

  test('refused: the failure is acknowledged by the server', async (t) => {
    const world = await open(t, backend);
    const called = world.application.createUAC(`sip:bob@127.0.0.1:${world.peer.port}`, { localSdp });
    const refused = assert.rejects(called, { status: 486 });
    const invite = await world.peer.request('INVITE');
    world.peer.answer(invite, 486);
    const ack = await world.peer.request('ACK');
    assert.equal(ack.vias[0]?.branch, invite.vias[0]?.branch);
    await refused;
  });

  test('cancelled by the application, which leaves after the first provisional response', async (t) => {
    const world = await open(t, backend);
    const sent = Promise.withResolvers<AppRequest>();
    const called = world.application.createUAC(
      `sip:bob@127.0.0.1:${world.peer.port}`,
      { localSdp },
      { cbRequest: (_error: unknown, request: AppRequest) => sent.resolve(request) },
    );
    const refused = assert.rejects(called, { status: 487 });
    const invite = await world.peer.request('INVITE');
    world.peer.answer(invite, 180);
    (await sent.promise).cancel({ headers: { Reason: 'SIP;cause=200' } }, () => undefined);
    const cancel = await world.peer.request('CANCEL');
    assert.equal(cancel.vias[0]?.branch, invite.vias[0]?.branch);
    assert.equal(cancel.get('Reason'), 'SIP;cause=200');
    world.peer.answer(cancel, 200);
    world.peer.answer(invite, 487);
    await world.peer.request('ACK');
    await refused;
  });

  test('nobody answers: the application hears 408', async (t) => {
    const world = await open(t, backend);
    const called = world.application.createUAC(`sip:bob@127.0.0.1:${world.peer.port}`, { localSdp });
    await assert.rejects(called, { status: 408 });
    // 17.1.1.2: at 0, 1, 3, 7, 15, 31, 63 T1; the last, 25 ms before the end, does not leave when the machine is that busy
    const invites = (): number => world.peer.count((m) => m.kind === 'request' && m.method === 'INVITE');
    await eventually('the sixth INVITE', () => invites() >= 6);
  });

  test('in a dialog that is over the application hears so', async (t) => {
    const world = await open(t, backend);
    const { dialog, call } = await established(world);
    call.sendRequest('BYE');
    await world.peer.response(200, 'BYE');
    await assert.rejects(dialog.request({ method: 'INFO' }), { code: 'ENODIALOG' });
  });

  test('a second branch that also answers is acknowledged and hung up', { skip: !backend.builtIn }, async (t) => {
    const world = await open(t, backend);
    const called = world.application.createUAC(`sip:bob@127.0.0.1:${world.peer.port}`, { localSdp });
    const invite = await world.peer.request('INVITE');
    world.peer.answer(invite, 200, { body: localSdp, tag: 'first' });
    const dialog = await called;
    await world.peer.request('ACK');
    world.peer.answer(invite, 200, { body: localSdp, tag: 'second' });
    const ack = await world.peer.request('ACK');
    assert.equal(ack.to.parameters.get('tag'), 'second');
    const bye = await world.peer.request('BYE');
    assert.equal(bye.to.parameters.get('tag'), 'second');
    world.peer.answer(bye, 200);
    assert.equal(dialog.sip.remoteTag, 'first');
  });
}

async function open(t: TestContext, backend: Backend): Promise<World> {
  const world = await backend.start();
  t.after(() => world.close());
  return world;
}

/** The application answers the next INVITE. */
async function answering(world: World): Promise<AppDialog> {
  const { req, res } = await nextInvite(world.application);
  return world.application.createUAS(req, res, { localSdp });
}

async function established(world: World) {
  const answered = answering(world);
  const call = world.peer.invite(world.port);
  const ok = await world.peer.response(200, 'INVITE');
  const dialog = await answered;
  const acknowledged = event(dialog, 'ack');
  call.ack(ok);
  await acknowledged;
  return { dialog, call };
}

/** Routes are named over the control connection; an INVITE that arrives after this one has gone through came after them. */
async function routed(world: World): Promise<void> {
  world.application.invite((_req, res) => res.send(404));
  const call = world.peer.invite(world.port);
  const refused = await world.peer.response(404, 'INVITE');
  call.ackFailure(refused);
}

function options(world: World): string {
  return [
    `OPTIONS sip:127.0.0.1:${world.port} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${world.peer.port};branch=z9hG4bK-options-${process.hrtime.bigint()}`,
    `From: <sip:peer@127.0.0.1:${world.peer.port}>;tag=o1`,
    `To: <sip:127.0.0.1:${world.port}>`,
    `Call-ID: options-${process.hrtime.bigint()}`,
    'CSeq: 1 OPTIONS',
    'Max-Forwards: 70',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

/** A BYE of the peer in a dialog that the server began with `invite`. */
function byeOf(invite: Request, world: World): string {
  return [
    `BYE sip:127.0.0.1:${world.port} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${world.peer.port};branch=z9hG4bK-bye-${invite.callId}`,
    `From: ${invite.get('To') ?? ''};tag=peer`,
    `To: ${invite.get('From') ?? ''}`,
    `Call-ID: ${invite.callId}`,
    'CSeq: 1 BYE',
    'Max-Forwards: 70',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

function isStatus(status: number, method: string): (message: Message) => boolean {
  return (message) => message.kind === 'response' && message.status === status && message.cseq.method === method;
}

function headerOf(message: unknown, name: string): string {
  if (typeof message !== 'object' || message === null || !('get' in message) || typeof message.get !== 'function')
    return '';
  const value: unknown = Reflect.apply(message.get, message, [name]);
  return typeof value === 'string' ? value : '';
}

function bodyOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'body' in message ? message.body : undefined;
}
