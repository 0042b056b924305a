import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { startSipServer } from '../../../src/sip/server.ts';
import type { AdmissionLimits } from '../../../src/sip/transaction/admission.ts';
import { SipPeer } from '../../support/sip-peer.ts';
import { attach, newApplication, nextInvite } from '../../support/srf-application.ts';

async function open(t: TestContext, limits: AdmissionLimits) {
  const server = await startSipServer({
    listen: ['udp://127.0.0.1:0'],
    control: 'in-process',
    clock: systemClock,
    log: silentLog,
    limits,
  });
  t.after(() => server.close());
  const peer = await SipPeer.open();
  t.after(() => peer.close());
  const application = newApplication();
  await attach(application, server);
  return { server, peer, application, port: Number(server.listening[0]?.split(':').at(-1)) };
}

test('a source that sends too many calls hears 503 with Retry-After; its standing call goes on', async (t) => {
  const { server, peer, application, port } = await open(t, { rate: 1, burst: 3, scanners: [] });
  const taken = nextInvite(application);
  const standing = peer.invite(port);
  const { req, res } = await taken;
  const answered = application.createUAS(req, res, { localSdp: 'v=0\r\n' });
  standing.ack(await peer.response(200, 'INVITE'));
  const dialog = await answered;

  const calls = Array.from({ length: 10 }, () => peer.invite(port));
  const refused = await peer.response(503, 'INVITE');
  assert.ok(Number(refused.get('Retry-After')) > 0);
  assert.ok(refused.to.parameters.get('tag'));
  for (let n = 1; n < calls.length - 2; n++) await peer.response(503, 'INVITE');
  assert.equal(server.stats().refused, 8);
  assert.equal(server.stats().received['INVITE'], 11);

  // within the dialog nothing is counted: a re-INVITE, and the BYE
  dialog.on('modify', (_req: unknown, answer: { send(status: number, options: object): void }) => {
    answer.send(200, { body: 'v=0\r\n' });
  });
  standing.sendRequest('INVITE', { headers: [standing.contact] });
  const again = await peer.expect(
    'the 200 to the re-INVITE',
    (m) => m.kind === 'response' && m.status === 200 && m.callId === standing.callId && m.cseq.sequence === 2,
  );
  assert.ok(again.kind === 'response');
  standing.ack(again);
  const destroyed = once(dialog, 'destroy');
  standing.sendRequest('BYE');
  await peer.response(200, 'BYE');
  await destroyed;
});

test('a scanner hears nothing and is counted; others are answered', async (t) => {
  const { server, peer, application, port } = await open(t, { rate: 0, burst: 1, scanners: ['friendly-scanner'] });
  peer.invite(port, { headers: ['User-Agent: Friendly-Scanner/1.8'] });
  const taken = nextInvite(application);
  const call = peer.invite(port, { headers: ['User-Agent: a phone'] });
  const { res } = await taken;
  res.send(486);
  call.ackFailure(await peer.response(486, 'INVITE'));
  assert.equal(server.stats().scanners, 1);
  assert.ok(peer.received.every(({ callId }) => callId === call.callId));
});
