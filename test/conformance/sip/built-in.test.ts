import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import type { Message } from '../../../src/sip/message/message.ts';
import { startSipServer } from '../../../src/sip/server.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { PeerCall, SipPeer } from '../../support/sip-peer.ts';
import {
  connect,
  disconnect,
  newApplication,
  nextInvite,
  type AppRequest,
  type AppResponse,
} from '../../support/srf-application.ts';
import { backends, type World } from './backends.ts';

/** What is asked of the built-in server beyond what drachtio-server does, and what only it can be asked. */
for (const backend of backends.filter(({ builtIn }) => builtIn)) {
  describe(`the server itself: ${backend.name}`, { timeout: 60_000 }, () => {
    const open = async (t: TestContext): Promise<World> => {
      const world = await backend.start();
      t.after(() => world.close());
      return world;
    };

    test('OPTIONS that no application takes is answered with what the server can do', async (t) => {
      const world = await open(t);
      world.peer.send(request(world, 'OPTIONS'), world.port);
      const ok = await world.peer.response(200, 'OPTIONS');
      assert.match(ok.get('Allow') ?? '', /INVITE.*BYE/);
    });

    test('an INVITE without Contact is refused before any application sees it', async (t) => {
      const world = await open(t);
      let seen = 0;
      world.application.invite(() => seen++);
      const call = world.peer.invite(world.port, { contact: false });
      call.ackFailure(await world.peer.response(400, 'INVITE'));
      assert.equal(seen, 0);
    });

    test('a malformed request is answered 400 and counted, and the next call goes through', async (t) => {
      const world = await open(t);
      world.peer.send(request(world, 'INVITE').replace('Content-Length: 0', 'Content-Length: none'), world.port);
      await world.peer.response(400, 'INVITE');
      assert.equal(world.stats()?.malformed, 1);
      const { res } = await callIn(world);
      res.send(486);
      await world.peer.response(486, 'INVITE');
    });

    test('a compact form that drachtio-srf does not know reaches the application under its long name', async (t) => {
      const world = await open(t);
      const { req, res } = await callIn(world, ['r: <sip:other@127.0.0.1>', 'x: 90']);
      assert.equal(req.get('Refer-To'), '<sip:other@127.0.0.1>');
      assert.equal(req.get('Session-Expires'), '90');
      res.send(486);
      await world.peer.response(486, 'INVITE');
    });

    test('two BYEs while the INVITE is open: it is answered 487 once, and the application stays connected', async (t) => {
      const world = await open(t);
      const byes: AppResponse[] = [];
      let reconnected = 0;
      world.application.on('connect', () => (reconnected += 1));
      world.application.use('bye', (_req, res) => byes.push(res));
      const { res, call } = await callIn(world);
      res.send(180);
      call.to = (await world.peer.response(180, 'INVITE')).get('To') ?? '';
      call.sendRequest('BYE');
      call.sendRequest('BYE');
      await eventually('both are with the application', () => byes.length === 2);
      const sent = (res: AppResponse) => new Promise((resolve) => res.send(200, {}, resolve));
      const outcomes = Promise.all(byes.map(sent));
      call.ackFailure(await world.peer.response(487, 'INVITE'));
      const answered = (message: Message) => message.kind === 'response' && message.cseq.method === 'BYE';
      await eventually('both are answered', () => world.peer.count(answered) === 2);
      assert.deepEqual(await outcomes, [null, null]);
      const next = await callIn(world);
      next.res.send(486);
      await world.peer.response(486, 'INVITE');
      assert.equal(reconnected, 0);
    });

    test('the To tag that an application chooses names the dialog: its ACK is known, and so is the BYE', async (t) => {
      const world = await open(t);
      const { req, res, call } = await callIn(world);
      const answered = world.application.createUAS(req, res, {
        localSdp: 'v=0\r\n',
        headers: { To: `${req.get('To') ?? ''};tag=chosen` },
      });
      const ok = await world.peer.response(200, 'INVITE');
      assert.equal(ok.to.parameters.get('tag'), 'chosen');
      call.ack(ok);
      const dialog = await answered;
      await eventually('the ACK is taken', () => world.stats()?.received['ACK'] === 1);
      assert.equal(world.stats()?.stray, 0);
      const copies = world.stats()?.retransmissionsOut;
      const destroyed = once(dialog, 'destroy');
      call.sendRequest('BYE');
      await world.peer.response(200, 'BYE');
      await destroyed;
      assert.equal(world.stats()?.retransmissionsOut, copies);
    });

    test('a re-INVITE that crosses ours hears 491, one that comes too early 500', async (t) => {
      const world = await open(t);
      const { req, res, call } = await callIn(world);
      const answered = world.application.createUAS(req, res, { localSdp: 'v=0\r\n' });
      call.ack(await world.peer.response(200, 'INVITE'));
      const dialog = await answered;
      dialog.on('modify', () => undefined); // never answered
      const modified = dialog.modify('v=0\r\n');
      const ours = await world.peer.request('INVITE');
      call.sendRequest('INVITE', { headers: [call.contact] });
      await world.peer.response(491, 'INVITE');
      world.peer.answer(ours, 200, { body: 'v=0\r\n' });
      await modified;
      await world.peer.request('ACK');

      call.sendRequest('INVITE', { headers: [call.contact] });
      await world.peer.response(100, 'INVITE');
      call.sendRequest('INVITE', { headers: [call.contact] });
      assert.ok((await world.peer.response(500, 'INVITE')).get('Retry-After'));
    });

    test('new calls go to the applications in turn, a dialog stays with its own', async (t) => {
      const world = await open(t);
      const second = await world.another();
      const takers: string[] = [];
      const take = (name: string) => (_req: AppRequest, res: AppResponse) => {
        takers.push(name);
        res.send(486);
      };
      world.application.invite(take('first'));
      second.invite(take('second'));
      // The routes have arrived once both have taken a call: until then one of them may get several.
      for (let n = 0; n < 20 && new Set(takers.slice(-2)).size < 2; n++) await refusedCall(world);
      takers.length = 0;
      for (let n = 0; n < 4; n++) await refusedCall(world);
      assert.equal(takers.filter((name) => name === 'first').length, 2);
      assert.equal(takers.filter((name) => name === 'second').length, 2);
    });

    test('while the server drains, new calls are refused with Retry-After and nothing is left behind', async (t) => {
      const server = await startSipServer({
        listen: ['udp://127.0.0.1:0'],
        control: 'in-process',
        clock: systemClock,
        log: silentLog,
      });
      t.after(() => server.close());
      const world = await open(t);
      const port = Number(server.listening[0]?.split(':').at(-1));
      assert.equal(await server.drain(1000), true);
      const call = world.peer.invite(port);
      const refused = await world.peer.response(503, 'INVITE');
      assert.ok(refused.get('Retry-After'));
      call.ackFailure(refused);
    });

    test('when all is over no transaction and no dialog is left', async (t) => {
      const world = await open(t);
      for (let n = 0; n < 5; n++) {
        const { req, res, call } = await callIn(world);
        const answered = world.application.createUAS(req, res, { localSdp: 'v=0\r\n' });
        call.ack(await world.peer.response(200, 'INVITE'));
        const dialog = await answered;
        const destroyed = once(dialog, 'destroy');
        call.sendRequest('BYE');
        await world.peer.response(200, 'BYE');
        await destroyed;
      }
      assert.equal(world.stats()?.dialogs, 0);
      const stats = world.stats();
      assert.ok(stats);
      assert.equal(stats.received['INVITE'], 5);
      assert.equal(stats.received['BYE'], 5);
      assert.equal(stats.sent['100'], 5);
      await until(() => world.stats()?.transactions.servers === 0, 'the last transaction to end');
      assert.deepEqual(world.stats()?.transactions, { clients: 0, servers: 0 });
    });
  });
}

describe('the control port', { timeout: 30_000 }, () => {
  const open = async (t: TestContext) => {
    const server = await startSipServer({
      listen: ['udp://127.0.0.1:0'],
      control: { address: '127.0.0.1', port: 0, secret: 'right' },
      clock: systemClock,
      log: silentLog,
    });
    t.after(() => server.close());
    assert.ok(server.controlAddress);
    return { server, address: server.controlAddress };
  };

  test('a wrong secret is refused in the words that drachtio-srf knows, and the connection ended', async (t) => {
    const { address } = await open(t);
    assert.match(await exchange(address.port, frame('1|authenticate|wrong|')), /\|response\|1\|NO\|incorrect secret$/);
  });

  test('nothing of SIP is taken before the secret', async (t) => {
    const { address } = await open(t);
    assert.match(
      await exchange(address.port, frame('1|sip||\r\nOPTIONS sip:x@127.0.0.1 SIP/2.0\r\n')),
      /\|response\|1\|NO\|/,
    );
  });

  test('whoever does not tell the secret in time is cut off, whatever else comes; so is who brings too much before it', async (t) => {
    const clock = new FakeClock();
    const server = await startSipServer({
      listen: ['udp://127.0.0.1:0'],
      control: { address: '127.0.0.1', port: 0, secret: 'right' },
      clock,
      log: silentLog,
    });
    t.after(() => server.close());
    const { port = 0 } = server.controlAddress ?? {};
    const application = newApplication();
    t.after(() => disconnect(application));
    await connect(application, { host: '127.0.0.1', port, secret: 'right' });
    const silent = createConnection(port, '127.0.0.1');
    silent.write(frame('1|ping'));
    await once(silent, 'data');
    const closed = once(silent, 'close');
    await clock.advance(5_000);
    await closed;
    await exchange(port, `90000#${'x'.repeat(10_000)}`).catch(() => undefined); // it may be a reset
    assert.equal(server.stats().applications, 1);
  });

  test('frames in one segment and frames in pieces are read alike', async (t) => {
    const { address } = await open(t);
    const socket = createConnection(address.port, '127.0.0.1');
    await once(socket, 'connect');
    const octets = Buffer.from(frame('1|authenticate|right|') + frame('2|route|invite') + frame('3|ping'));
    for (const octet of octets.subarray(0, 40)) socket.write(Buffer.of(octet));
    socket.write(octets.subarray(40));
    let text = '';
    for await (const chunk of socket) {
      text += String(chunk);
      if (text.endsWith('|pong')) break;
    }
    assert.match(
      text,
      /\|response\|1\|OK\|udp\/127\.0\.0\.1:\d+\|v\d+\.\d+\.\d+[^|]*\|udp.*\|response\|2\|OK.*\|response\|3\|OK\|pong$/s,
    );
  });

  test('errors have the words of drachtio-server', async (t) => {
    const { address } = await open(t);
    const say = async (text: string): Promise<string> =>
      exchange(address.port, frame('1|authenticate|right|') + frame(text) + frame('9|bogus'));
    assert.match(
      await say('2|sip|none|\r\nSIP/2.0 200 OK\r\n'),
      /\|2\|NOK\|Response not sent due to unknown transaction\d+#/,
    );
    assert.match(
      await say('2|sip||none;from-tag=1\r\nBYE sip:x SIP/2.0\r\n'),
      /\|2\|NOK\|Server error: unable to find dialog for dialog id provided\d+#/,
    );
    assert.match(
      await say('2|sip|none|\r\nCANCEL sip:x SIP/2.0\r\n'),
      /\|2\|NOK\|unable to cancel unknown transaction id: none\d+#/,
    );
    assert.match(
      await say('2|sip||\r\nOPTIONS not a uri SIP/2.0\r\n'),
      /\|2\|NOK\|invalid request-uri: OPTIONS not a uri SIP\/2\.0\d+#/,
    );
    assert.match(await say('2|ping'), /\|9\|NO\|Unknown message type$/);
  });

  test('requests go where their method was asked for; a route taken off takes off all, as recorded, and may come back', async (t) => {
    const { server, address } = await open(t);
    const peer = await SipPeer.open();
    t.after(() => peer.close());
    const port = Number(server.listening[0]?.split(':').at(-1));
    const [calls, texts] = [newApplication(), newApplication()];
    for (const application of [calls, texts]) {
      await connect(application, { host: '127.0.0.1', port: address.port, secret: 'right', tags: ['one', 'two'] });
      t.after(() => disconnect(application));
    }
    calls.invite((_req, res) => res.send(486));
    texts.use('message', (_req, res) => res.send(200));
    let n = 0;
    const ask = async (method: string): Promise<number> => {
      const call = new PeerCall(peer, port, `routes-${peer.port}-${++n}`);
      call.sendRequest(method, { headers: [call.contact] });
      const isIts = (message: Message): boolean => message.callId === call.callId;
      const response = await peer.expect(method, (m) => m.kind === 'response' && m.status > 100 && isIts(m));
      assert.ok(response.kind === 'response');
      if (method === 'INVITE') call.ackFailure(response);
      return response.status;
    };
    const settled = async (method: string, status: number): Promise<void> => {
      for (const end = performance.now() + 5000; (await ask(method)) !== status;) {
        assert.ok(performance.now() < end, `${method} is never answered ${status}`);
      }
    };
    await settled('INVITE', 486);
    await settled('MESSAGE', 200);
    for (let turn = 0; turn < 3; turn++) assert.deepEqual([await ask('INVITE'), await ask('MESSAGE')], [486, 200]);
    assert.equal(await ask('PUBLISH'), 503);
    calls.unregisterForMessages('invite');
    await settled('INVITE', 503);
    assert.equal(await ask('MESSAGE'), 200);
    calls.reregisterForMessages('invite');
    await settled('INVITE', 486);
  });

  for (const octets of ['abc#hello', '1234567#hello']) {
    test(`what is no frame (${octets}) ends the connection and nothing else`, async (t) => {
      const { address, server } = await open(t);
      assert.equal(await exchange(address.port, octets), '');
      const application = newApplication();
      t.after(() => disconnect(application));
      await connect(application, { host: '127.0.0.1', port: address.port, secret: 'right' });
      assert.equal(server.stats().applications, 1);
    });
  }

  test('when the application goes away callers that wait hear 503, and its dialogs are unknown', async (t) => {
    const backend = backends.find(({ name }) => name.includes('TCP'));
    assert.ok(backend);
    const world = await backend.start();
    t.after(() => world.close());
    const standing = await callIn(world);
    const answered = world.application.createUAS(standing.req, standing.res, { localSdp: 'v=0\r\n' });
    standing.call.ack(await world.peer.response(200, 'INVITE'));
    await answered;
    const waiting = await callIn(world);
    world.application.disconnect();
    waiting.call.ackFailure(await world.peer.response(503, 'INVITE'));
    standing.call.sendRequest('BYE');
    await world.peer.response(481, 'BYE');
    assert.equal(world.stats()?.dialogs, 0);
  });
});

/** A call from the peer, taken by the application and not decided. */
async function callIn(world: World, headers: string[] = []) {
  const taken = nextInvite(world.application);
  const call = world.peer.invite(world.port, { headers });
  return { ...(await taken), call };
}

async function refusedCall(world: World): Promise<void> {
  const call = world.peer.invite(world.port);
  call.ackFailure(await world.peer.response(486, 'INVITE').catch(() => world.peer.response(503, 'INVITE')));
}

function request(world: World, method: string): string {
  const unique = process.hrtime.bigint();
  return [
    `${method} sip:127.0.0.1:${world.port} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${world.peer.port};branch=z9hG4bK-${unique}`,
    `From: <sip:peer@127.0.0.1:${world.peer.port}>;tag=o1`,
    `To: <sip:127.0.0.1:${world.port}>`,
    `Call-ID: ${unique}`,
    `CSeq: 1 ${method}`,
    `Contact: <sip:peer@127.0.0.1:${world.peer.port}>`,
    'Max-Forwards: 70',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

function frame(payload: string): string {
  return `${Buffer.byteLength(payload)}#${payload}`;
}

/** Writes to the control port and reads until the server ends the connection. */
async function exchange(port: number, octets: string): Promise<string> {
  const socket = createConnection(port, '127.0.0.1');
  socket.write(octets);
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

/** Asks again and again until it is so, or 5 seconds have passed. */
async function until(isSo: () => boolean, what: string): Promise<void> {
  for (const end = performance.now() + 5000; !isSo();) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
