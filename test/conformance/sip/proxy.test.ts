import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { Response } from '../../../src/sip/message/message.ts';
import { SipPeer, type PeerCall } from '../../support/sip-peer.ts';
import { nextInvite, type ProxyResult } from '../../support/srf-application.ts';
import { backends, type World } from './backends.ts';

/** RFC 3261 16 as drachtio-srf asks for it: `proxyRequest`. */
for (const backend of backends.filter(({ builtIn }) => builtIn)) {
  describe(`proxy: ${backend.name}`, { timeout: 60_000 }, () => {
    const open = async (t: TestContext, targets: number): Promise<{ world: World; peers: SipPeer[] }> => {
      const world = await backend.start();
      t.after(() => world.close());
      const peers: SipPeer[] = [];
      for (let n = 0; n < targets; n++) {
        const peer = await SipPeer.open();
        t.after(() => peer.close());
        peers.push(peer);
      }
      return { world, peers };
    };

    test('with remainInDialog the whole call goes through the server, and the application hears the result', async (t) => {
      const { world, peers } = await open(t, 1);
      const [callee] = peers;
      assert.ok(callee);
      const { call, result } = await proxied(world, peers, { remainInDialog: true }, ['X-Kept: 1']);
      const invite = await callee.request('INVITE');
      assert.equal(invite.vias.length, 2);
      assert.equal(invite.get('Max-Forwards'), '69');
      assert.equal(invite.get('X-Kept'), '1');
      assert.equal(invite.requestUri, `sip:127.0.0.1:${callee.port}`);
      const [recordRoute] = invite.list('Record-Route');
      assert.match(recordRoute ?? '', new RegExp(`^<sip:127\\.0\\.0\\.1:${world.port};lr`));

      callee.answer(invite, 180, { tag: 'callee' });
      const ringing = await world.peer.response(180, 'INVITE');
      assert.equal(ringing.vias.length, 1);
      assert.equal(ringing.to.parameters.get('tag'), 'callee');
      callee.answer(invite, 200, { tag: 'callee', headers: [`Record-Route: ${recordRoute ?? ''}`], body: 'v=0\r\n' });
      const ok = await world.peer.response(200, 'INVITE');
      assert.equal(ok.vias.length, 1);
      const { connected, finalStatus } = await result;
      assert.deepEqual({ connected, finalStatus }, { connected: true, finalStatus: 200 });

      // its maker sends the 2xx again until the ACK comes: the proxy passes each on
      callee.answer(invite, 200, { tag: 'callee', headers: [`Record-Route: ${recordRoute ?? ''}`], body: 'v=0\r\n' });
      await world.peer.response(200, 'INVITE');

      call.target = `sip:peer@127.0.0.1:${callee.port}`;
      const route = [`Route: ${ok.get('Record-Route') ?? ''}`];
      call.to = ok.get('To') ?? '';
      call.sendRequest('ACK', { headers: route });
      const ack = await callee.request('ACK');
      assert.deepEqual(ack.list('Route'), []);
      call.sendRequest('INVITE', { headers: [...route, call.contact] });
      const reInvite = await callee.request('INVITE');
      callee.answer(reInvite, 200, { tag: 'callee', body: 'v=0\r\n' });
      await world.peer.response(200, 'INVITE');
      call.sendRequest('BYE', { headers: route });
      callee.answer(await callee.request('BYE'), 200);
      assert.equal((await world.peer.response(200, 'BYE')).vias.length, 1);
      assert.equal(world.stats()?.dialogs, 0);
    });

    test('a Route of our kind that we did not write for this call leads nowhere', async (t) => {
      const { world, peers } = await open(t, 1);
      const [callee] = peers;
      assert.ok(callee);
      const { call } = await proxied(world, peers, { remainInDialog: true });
      const invite = await callee.request('INVITE');
      const recordRoute = invite.get('Record-Route') ?? '';
      callee.answer(invite, 486, { tag: 'callee' });
      call.ackFailure(await world.peer.response(486, 'INVITE'));
      const stranger = world.peer.invite(world.port);
      await world.peer.response(100, 'INVITE');
      stranger.to += ';tag=any';
      stranger.sendRequest('MESSAGE', { headers: [`Route: ${recordRoute}`] });
      await world.peer.response(481, 'MESSAGE');
      assert.equal(
        callee.count((m) => m.kind === 'request' && m.method === 'MESSAGE'),
        0,
      );
    });

    test('serial: the next target is asked when one refuses; without remainInDialog the server stays out of the call', async (t) => {
      const { world, peers } = await open(t, 2);
      const [first, second] = peers;
      assert.ok(first && second);
      const { call, result } = await proxied(world, peers, {});
      const one = await first.request('INVITE');
      assert.equal(one.get('Record-Route'), undefined);
      assert.equal(second.received.length, 0);
      first.answer(one, 404, { tag: 'a' });
      await first.request('ACK');
      second.answer(await second.request('INVITE'), 200, { tag: 'b', body: 'v=0\r\n' });
      const ok = await world.peer.response(200, 'INVITE');
      const { connected, responses } = await result;
      assert.equal(connected, true);
      assert.deepEqual(
        responses.flatMap(({ msgs }) => msgs.map(({ status }) => status)),
        [404, 200],
      );
      call.to = ok.get('To') ?? '';
      call.sendRequest('BYE');
      await world.peer.response(481, 'BYE');
    });

    test('serial: a target that says nothing, and one that only rings, are given up in the time that the application set', async (t) => {
      const { world, peers } = await open(t, 3);
      const [silent, ringing, busy] = peers;
      assert.ok(silent && ringing && busy);
      const { call, result } = await proxied(world, peers, { provisionalTimeout: '200ms', finalTimeout: '400ms' });
      await silent.request('INVITE');
      const rung = await ringing.request('INVITE');
      ringing.answer(rung, 180, { tag: 'r' });
      await world.peer.response(180, 'INVITE');
      const cancel = await ringing.request('CANCEL');
      ringing.answer(cancel, 200);
      ringing.answer(rung, 487, { tag: 'r' });
      busy.answer(await busy.request('INVITE'), 486, { tag: 'b' });
      call.ackFailure(await world.peer.response(486, 'INVITE'));
      assert.equal((await result).finalStatus, 486);
    });

    test('simultaneous: who answers first has the call, the others are cancelled', async (t) => {
      const { world, peers } = await open(t, 2);
      const [first, second] = peers;
      assert.ok(first && second);
      const { result } = await proxied(world, peers, { forking: 'simultaneous' });
      const one = await first.request('INVITE');
      const two = await second.request('INVITE');
      first.answer(one, 180, { tag: 'a' });
      await world.peer.response(180, 'INVITE');
      second.answer(two, 200, { tag: 'b', body: 'v=0\r\n' });
      await world.peer.response(200, 'INVITE');
      first.answer(await first.request('CANCEL'), 200);
      first.answer(one, 487, { tag: 'a' });
      await first.request('ACK');
      assert.equal((await result).connected, true);
      assert.equal(
        world.peer.count((m) => m.kind === 'response' && m.status === 487),
        0,
      );
    });

    test('simultaneous: the best of the refusals goes up, a 503 as 500, challenges all together', async (t) => {
      const { world, peers } = await open(t, 2);
      const refuse = async (statuses: number[], headers: string[][]): Promise<{ call: PeerCall; answer: Response }> => {
        const { call } = await proxied(world, peers, { forking: 'simultaneous' });
        for (const [n, peer] of peers.entries()) {
          peer.answer(await peer.request('INVITE'), statuses[n] ?? 500, { tag: `t${n}`, headers: headers[n] ?? [] });
        }
        const message = await world.peer.expect(
          'refusal',
          (m) => m.callId === call.callId && m.kind === 'response' && m.status >= 300,
        );
        assert.ok(message.kind === 'response');
        call.ackFailure(message);
        return { call, answer: message };
      };
      assert.equal((await refuse([486, 603], [])).answer.status, 603);
      assert.equal((await refuse([503, 404], [])).answer.status, 404);
      assert.equal((await refuse([503, 503], [])).answer.status, 500);
      const challenge = (realm: string): string => `Proxy-Authenticate: Digest realm="${realm}", nonce="1"`;
      const { answer } = await refuse([407, 407], [[challenge('a')], [challenge('b')]]);
      assert.equal(answer.all('Proxy-Authenticate').length, 2);
    });

    test('a redirection is followed when the application wants it, and passed on when not', async (t) => {
      const { world, peers } = await open(t, 2);
      const [first, second] = peers;
      assert.ok(first && second);
      const redirect = async (options: object): Promise<{ call: PeerCall; result: Promise<ProxyResult> }> => {
        const { call, result } = await proxied(world, [first], options);
        const headers = [`Contact: <sip:moved@127.0.0.1:${second.port}>`];
        first.answer(await first.request('INVITE'), 302, { tag: 'a', headers });
        return { call, result };
      };
      const followed = await redirect({ followRedirects: true });
      const invite = await second.request('INVITE');
      assert.equal(invite.requestUri, `sip:moved@127.0.0.1:${second.port}`);
      second.answer(invite, 480, { tag: 'b' });
      followed.call.ackFailure(await world.peer.response(480, 'INVITE'));
      const passed = await redirect({});
      const answer = await world.peer.response(302, 'INVITE');
      passed.call.ackFailure(answer);
      assert.match(answer.get('Contact') ?? '', /moved@/);
    });

    test('the caller hangs up: the targets are cancelled and their 487 is what he hears', async (t) => {
      const { world, peers } = await open(t, 1);
      const [callee] = peers;
      assert.ok(callee);
      const { call, result } = await proxied(world, peers, {});
      const invite = await callee.request('INVITE');
      callee.answer(invite, 180, { tag: 'c' });
      await world.peer.response(180, 'INVITE');
      call.cancel();
      await world.peer.response(200, 'CANCEL');
      callee.answer(await callee.request('CANCEL'), 200);
      callee.answer(invite, 487, { tag: 'c' });
      const gone = await world.peer.response(487, 'INVITE');
      assert.equal(gone.to.parameters.get('tag'), 'c');
      call.ackFailure(gone);
      assert.equal((await result).finalStatus, 487);
    });

    test('a request that may travel no further is refused', async (t) => {
      const { world, peers } = await open(t, 1);
      const taken = nextInvite(world.application);
      world.peer.send(lastHop(world), world.port);
      const { req } = await taken;
      const result = world.application.proxyRequest(req, uris(peers), {});
      await world.peer.response(483, 'INVITE');
      assert.equal((await result).connected, false);
      assert.equal(peers[0]?.received.length, 0);
    });

    test('nobody listens there: the caller hears 500, and the server forgets the call', async (t) => {
      const { world, peers } = await open(t, 1);
      const [gone] = peers;
      assert.ok(gone);
      const target = [`sip:127.0.0.1:1`];
      const taken = nextInvite(world.application);
      const call = world.peer.invite(world.port);
      const { req } = await taken;
      const result = world.application.proxyRequest(req, target, {});
      call.ackFailure(await world.peer.response(500, 'INVITE'));
      assert.equal((await result).connected, false);
    });
  });
}

function uris(peers: readonly SipPeer[]): string[] {
  return peers.map(({ port }) => `sip:127.0.0.1:${port}`);
}

/** A call of the peer that the application proxies to the others. */
async function proxied(
  world: World,
  peers: readonly SipPeer[],
  options: object,
  headers: string[] = [],
): Promise<{ call: PeerCall; result: Promise<ProxyResult> }> {
  const taken = nextInvite(world.application);
  const call = world.peer.invite(world.port, { headers });
  const { req } = await taken;
  return { call, result: world.application.proxyRequest(req, uris(peers), options) };
}

function lastHop(world: World): string {
  const unique = process.hrtime.bigint();
  return [
    `INVITE sip:127.0.0.1:${world.port} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${world.peer.port};branch=z9hG4bK-${unique}`,
    `From: <sip:peer@127.0.0.1:${world.peer.port}>;tag=o1`,
    `To: <sip:127.0.0.1:${world.port}>`,
    `Call-ID: ${unique}`,
    'CSeq: 1 INVITE',
    `Contact: <sip:peer@127.0.0.1:${world.peer.port}>`,
    'Max-Forwards: 0',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}
