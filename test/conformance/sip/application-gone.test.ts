import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openApplicationWorld } from '../../support/application-world.ts';
import { eventually } from '../../support/eventually.ts';
import { nextInvite } from '../../support/srf-application.ts';

describe('an application that goes away', { timeout: 30_000 }, () => {
  test('leaves calls behind: requests in them hear 481, or they are ended with BYE where that is set', async (t) => {
    for (const hangUpOrphans of [false, true]) {
      const { server, peer, application, detach, port } = await openApplicationWorld(t, { hangUpOrphans });
      const taken = nextInvite(application);
      const call = peer.invite(port);
      const { req, res } = await taken;
      const answered = application.createUAS(req, res, { localSdp: 'v=0\r\n' });
      call.ack(await peer.response(200, 'INVITE'));
      await answered;
      detach();
      await eventually('its dialog is forgotten', () => server.stats().dialogs === 0);
      if (hangUpOrphans) {
        const bye = await peer.request('BYE');
        assert.match(bye.get('Reason') ?? '', /application is gone/);
        peer.answer(bye, 200);
      } else {
        call.sendRequest('BYE');
        await peer.response(481, 'BYE');
        assert.equal(
          peer.count((message) => message.kind === 'request' && message.method === 'BYE'),
          0,
        );
      }
    }
  });

  test('before it has acknowledged the answer to its call: that is acknowledged and ended', async (t) => {
    const { server, peer, application, detach } = await openApplicationWorld(t);
    const placed = application.createUAC(`sip:127.0.0.1:${peer.port}`, { noAck: true, localSdp: 'v=0\r\n' });
    const invite = await peer.request('INVITE');
    peer.answer(invite, 200, { body: 'v=0\r\n', tag: 'callee' });
    await placed;
    detach();
    assert.equal((await peer.request('ACK')).cseq.sequence, invite.cseq.sequence);
    const bye = await peer.request('BYE');
    assert.equal(bye.to.parameters.get('tag'), 'callee');
    peer.answer(bye, 200);
    assert.equal(server.stats().dialogs, 0);
  });
});
