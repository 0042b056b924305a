import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { PeerCall } from '../../support/sip-peer.ts';
import { event, nextInvite, type AppDialog, type AppRequest, type AppResponse } from '../../support/srf-application.ts';
import { backends, type World } from './backends.ts';

const outside = ['INFO', 'MESSAGE', 'NOTIFY', 'OPTIONS', 'PUBLISH', 'REFER', 'REGISTER', 'SUBSCRIBE'];
const within = ['INFO', 'MESSAGE', 'NOTIFY', 'OPTIONS', 'PUBLISH', 'REFER', 'SUBSCRIBE', 'UPDATE'];
/** What some of them must say. */
const said: Readonly<Record<string, Record<string, string>>> = {
  NOTIFY: { Event: 'presence', 'Subscription-State': 'active' },
  PUBLISH: { Event: 'presence' },
  REFER: { 'Refer-To': '<sip:other@127.0.0.1>' },
  SUBSCRIBE: { Event: 'presence', Expires: '60' },
};
const linesOf = (method: string): string[] =>
  Object.entries(said[method] ?? {}).map(([name, value]) => `${name}: ${value}`);

/** RFC 3261, 3262, 3265, 3311, 3428, 3515, 3903, 6086: each method goes both ways, and is answered as the application says. */
for (const backend of backends.filter(({ builtIn }) => builtIn)) {
  describe(`every method: ${backend.name}`, { timeout: 60_000 }, () => {
    const open = async (t: TestContext): Promise<World> => {
      const world = await backend.start();
      t.after(() => world.close());
      return world;
    };
    const standing = async (world: World): Promise<{ call: PeerCall; dialog: AppDialog }> => {
      const taken = nextInvite(world.application);
      const call = world.peer.invite(world.port);
      const { req, res } = await taken;
      const answered = world.application.createUAS(req, res, { localSdp: 'v=0\r\n' });
      call.ack(await world.peer.response(200, 'INVITE'));
      return { call, dialog: await answered };
    };

    test('outside of calls, to the application and from it', async (t) => {
      const world = await open(t);
      const { application, peer, port } = world;
      const taken = new Map<string, (came: { req: AppRequest; res: AppResponse }) => void>();
      for (const method of outside) {
        application.use(method.toLowerCase(), (req, res) => taken.get(method)?.({ req, res }));
      }
      for (const method of outside) {
        const came = new Promise<{ req: AppRequest; res: AppResponse }>((resolve) => taken.set(method, resolve));
        const sender = new PeerCall(peer, port, `${method}-${peer.port}`);
        sender.sendRequest(method, { headers: [sender.contact, ...linesOf(method), 'X-Asked: yes'], body: 'v=0\r\n' });
        const { req, res } = await came;
        assert.deepEqual([req.method, req.get('X-Asked'), req.body], [method, 'yes', 'v=0\r\n']);
        res.send(202, { headers: { 'X-Answered': 'yes' } });
        assert.equal((await peer.response(202, method)).get('X-Answered'), 'yes');

        const sent = await application.request(`sip:peer@127.0.0.1:${peer.port}`, {
          method,
          headers: { ...said[method], 'X-Asked': 'yes' },
          body: 'v=0\r\n',
        });
        const answered = event(sent, 'response');
        const arrived = await peer.request(method);
        assert.deepEqual([arrived.get('X-Asked'), arrived.body.toString()], ['yes', 'v=0\r\n']);
        peer.answer(arrived, 202, { headers: ['X-Answered: yes'] });
        const [response] = await answered;
        assert.ok(isResponse(response));
        assert.deepEqual([response.status, response.get('X-Answered')], [202, 'yes']);
      }
    });

    test('within a call, to the application and from it', async (t) => {
      const world = await open(t);
      const { peer } = world;
      const { call, dialog } = await standing(world);
      for (const method of within) {
        const came = event(dialog, method.toLowerCase());
        call.sendRequest(method, { headers: [call.contact, ...linesOf(method)] });
        const [, res] = await came;
        assert.ok(isResponse(res));
        res.send(202);
        await peer.response(202, method);

        const answered = dialog.request({ method, headers: { ...said[method] } });
        const arrived = await peer.request(method);
        assert.equal(arrived.to.parameters.get('tag'), dialog.sip.remoteTag);
        peer.answer(arrived, 202);
        assert.equal((await answered).status, 202);
      }
    });

    test('UPDATEs that overlap or cross are refused as RFC 3311 5.2 asks', async (t) => {
      const world = await open(t);
      const { peer } = world;
      const { call, dialog } = await standing(world);
      const offer = { headers: [call.contact], body: 'v=0\r\n' };

      const first = event(dialog, 'update');
      call.sendRequest('UPDATE', offer);
      const [, res] = await first;
      call.sendRequest('UPDATE', offer);
      assert.ok((await peer.response(500, 'UPDATE')).get('Retry-After'));
      assert.ok(isResponse(res));
      res.send(200, { body: 'v=0\r\n' });
      await peer.response(200, 'UPDATE');

      const updating = dialog.request({ method: 'UPDATE', body: 'v=0\r\n' });
      const ours = await peer.request('UPDATE');
      call.sendRequest('UPDATE', offer);
      await peer.response(491, 'UPDATE');
      call.sendRequest('INVITE', offer);
      await peer.response(491, 'INVITE');
      peer.answer(ours, 200, { body: 'v=0\r\n' });
      await updating;

      const modified = dialog.modify('v=0\r\n');
      const reinvite = await peer.request('INVITE');
      call.sendRequest('UPDATE', offer);
      await peer.response(491, 'UPDATE');
      peer.answer(reinvite, 200, { body: 'v=0\r\n' });
      await modified;

      const last = event(dialog, 'update');
      call.sendRequest('UPDATE', offer);
      const [, answer] = await last;
      assert.ok(isResponse(answer));
      answer.send(200, { body: 'v=0\r\n' });
      await peer.response(200, 'UPDATE');
    });

    test('a CANCEL that comes after the answer changes nothing, and neither does an ACK to nothing', async (t) => {
      const world = await open(t);
      const { peer } = world;
      const taken = nextInvite(world.application);
      const call = peer.invite(world.port);
      const { req, res } = await taken;
      let cancelled = 0;
      req.on('cancel', () => cancelled++);
      const answered = world.application.createUAS(req, res, { localSdp: 'v=0\r\n' });
      const ok = await peer.response(200, 'INVITE');
      call.cancel();
      await peer.response(200, 'CANCEL'); // 9.2: it matches, and comes too late
      call.ack(ok);
      const dialog = await answered;
      const stranger = new PeerCall(peer, world.port, `stranger-${peer.port}`);
      stranger.to = `<sip:nobody@127.0.0.1>;tag=none`;
      stranger.sendRequest('ACK');
      const came = event(dialog, 'info');
      call.sendRequest('INFO');
      const [, response] = await came;
      assert.ok(isResponse(response));
      response.send(200);
      await peer.response(200, 'INFO');
      assert.equal(cancelled, 0);
      assert.equal(world.stats()?.stray, 1);
      stranger.sendRequest('CANCEL');
      await peer.response(481, 'CANCEL'); // 9.2: nothing to cancel
    });
  });
}

function isResponse(value: unknown): value is AppResponse {
  return typeof value === 'object' && value !== null && ('send' in value || 'status' in value);
}
