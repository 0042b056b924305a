import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import { openApplicationWorld } from '../../support/application-world.ts';
import type { AdmissionLimits } from '../../../src/sip/transaction/admission.ts';
import { eventually } from '../../support/eventually.ts';
import { SipPeer, type PeerCall } from '../../support/sip-peer.ts';
import { nextInvite, type IncomingInvite } from '../../support/srf-application.ts';

const open = (t: TestContext, limits: AdmissionLimits) =>
  openApplicationWorld(t, { limits, timers: { t1: 100, t2: 400, t4: 200 } });

test('a source that sends too many calls hears 503 with Retry-After; its standing call goes on', async (t) => {
  const { server, peer, application, port } = await open(t, { rate: 1, burst: 3, scanners: [] });
  const taken = nextInvite(application);
  const standing = peer.invite(port);
  const { req, res } = await taken;
  const answered = application.createUAS(req, res, { localSdp: 'v=0\r\n' });
  standing.ack(await peer.response(200, 'INVITE'));
  const dialog = await answered;

  for (let n = 0; n < 10; n++) peer.invite(port);
  const refused = await peer.response(503, 'INVITE');
  assert.ok(Number(refused.get('Retry-After')) > 0);
  assert.ok(refused.to.parameters.get('tag'));
  for (let n = 1; n < 3; n++) await peer.response(503, 'INVITE'); // as many refusals as the burst; the others get no answer
  await eventually('all refused', () => server.stats().refused === 8);
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

describe('what only looks like something that stands is counted as new', () => {
  const limits = { rate: 1, burst: 3, scanners: [] };

  test('requests with a To tag of no dialog', async (t) => {
    const { server, peer, port } = await open(t, limits);
    for (let n = 0; n < 10; n++) {
      const call = peer.newCall(port);
      call.to += ';tag=made-up';
      call.sendRequest('INFO');
    }
    for (let n = 0; n < 3; n++) await peer.response(481, 'INFO');
    await eventually('seven refusals', () => server.stats().refused === 7);
  });

  test('CANCEL of no INVITE', async (t) => {
    const { server, peer, port } = await open(t, limits);
    for (let n = 0; n < 10; n++) peer.newCall(port).sendRequest('CANCEL');
    for (let n = 0; n < 3; n++) await peer.response(481, 'CANCEL');
    await eventually('seven refusals', () => server.stats().refused === 7);
  });

  test('what is malformed: the rest gets no answer', async (t) => {
    const { server, peer, port } = await open(t, limits);
    for (let n = 0; n < 10; n++) peer.send(Buffer.from(malformed(peer.port, n)), port);
    await eventually('all of them counted', () => server.stats().malformed === 10);
    await peer.response(400, 'OPTIONS');
    await peer.response(400, 'OPTIONS');
    await peer.response(400, 'OPTIONS');
    assert.equal(
      peer.count((m) => m.kind === 'response'),
      3,
    );
  });
});

test('a stranger who is answered 403 again and again hears nothing more, and others still do', async (t) => {
  const limits = { rate: 0, burst: 1, scanners: [], forbidden: 5, silence: 60_000 };
  const { server, peer, application, port } = await open(t, limits);
  application.invite((_req, res) => res.send(403));
  for (let n = 0; n < 6; n++) {
    const call = peer.invite(port);
    call.ackFailure(await peer.response(403, 'INVITE'));
  }
  peer.invite(port);
  await eventually('the seventh dropped', () => server.stats().scanners === 1);
  const other = await SipPeer.open('127.0.0.2');
  t.after(() => other.close());
  other.invite(port);
  await other.response(403, 'INVITE');
});

function malformed(port: number, n: number): string {
  return [
    'OPTIONS sip:x@127.0.0.1 SIP/2.0',
    `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK-m${n}`,
    'From: <sip:a@127.0.0.1>;tag=1',
    'To: <sip:x@127.0.0.1>',
    `Call-ID: m${n}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: none',
    '',
    '',
  ].join('\r\n');
}

test('above the limit of transactions in all, new calls of anybody hear 503, and it passes', async (t) => {
  const limits = { rate: 0, burst: 1, scanners: [], transactions: 3 };
  const { server, peer, application, port } = await open(t, limits);
  const waiting: { call: PeerCall; invite: IncomingInvite }[] = [];
  for (let n = 0; n < 3; n++) {
    const taken = nextInvite(application);
    const call = peer.invite(port);
    waiting.push({ call, invite: await taken });
  }
  const other = await SipPeer.open('127.0.0.2');
  t.after(() => other.close());
  other.invite(port);
  assert.ok((await other.response(503, 'INVITE')).get('Retry-After'));
  for (const { call, invite } of waiting) {
    invite.res.send(486);
    call.ackFailure(await peer.response(486, 'INVITE'));
  }
  await eventually('the transactions to end', () => server.stats().transactions.servers === 0);
  const taken = nextInvite(application);
  const call = other.invite(port);
  (await taken).res.send(486);
  call.ackFailure(await other.response(486, 'INVITE'));
});
