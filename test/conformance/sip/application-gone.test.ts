import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { startSipServer } from '../../../src/sip/server.ts';
import { eventually } from '../../support/eventually.ts';
import { SipPeer } from '../../support/sip-peer.ts';
import { attach, newApplication, nextInvite } from '../../support/srf-application.ts';

async function open(t: TestContext, hangUpOrphans: boolean) {
  const server = await startSipServer({
    listen: ['udp://127.0.0.1:0'],
    control: 'in-process',
    clock: systemClock,
    log: silentLog,
    hangUpOrphans,
  });
  t.after(() => server.close());
  const peer = await SipPeer.open();
  t.after(() => peer.close());
  const application = newApplication();
  const detach = await attach(application, server);
  return { server, peer, application, detach, port: Number(server.listening[0]?.split(':').at(-1)) };
}

describe('an application that goes away', { timeout: 30_000 }, () => {
  test('leaves calls behind: requests in them hear 481, or they are ended with BYE where that is set', async (t) => {
    for (const hangUpOrphans of [false, true]) {
      const { server, peer, application, detach, port } = await open(t, hangUpOrphans);
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
    const { server, peer, application, detach } = await open(t, false);
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
