import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock } from '../../support/fake-clock.ts';
import { sdp, World, type Happenings } from './world.ts';

function answerNext(happenings: Happenings, answer: Parameters<Happenings['requests'][number]['answer']>[0]): void {
  const next = happenings.requests.shift();
  if (!next) throw new Error('there is no request to answer');
  next.answer(answer);
}

describe('inside a standing call', () => {
  test('a re-INVITE of the far side gets the answer that the call gives', async () => {
    await using world = await World.start();
    const { peer, call, happenings } = await world.standing();
    call.sendRequest('INVITE', { body: sdp(2), headers: [call.contact] });
    assert.deepEqual(await happenings.until('request INVITE'), {
      method: 'INVITE',
      contentType: 'application/sdp',
      body: sdp(2),
    });
    call.sendRequest('UPDATE', { body: sdp(3) }); // drachtio-srf refuses it by itself while the re-INVITE is open
    await peer.response(500, 'UPDATE'); // RFC 3311 5.2
    answerNext(happenings, { status: 200, contentType: 'application/sdp', body: sdp(7) });
    const ok = await peer.response(200, 'INVITE');
    assert.equal(ok.body.toString(), sdp(7));
    call.ack(ok);
    call.sendRequest('UPDATE', { body: sdp(3) });
    await happenings.until('request UPDATE');
    answerNext(happenings, { status: 488 });
    await peer.response(488, 'UPDATE');
  });

  test('an offerless re-INVITE is passed without a body, and the answer in its ACK follows', async () => {
    await using world = await World.start();
    const { peer, call, happenings } = await world.standing();
    call.sendRequest('INVITE', { headers: [call.contact] });
    assert.deepEqual(await happenings.until('request INVITE'), { method: 'INVITE' });
    answerNext(happenings, { status: 200, contentType: 'application/sdp', body: sdp(7) });
    const ok = await peer.response(200, 'INVITE');
    call.ack(ok, { body: sdp(8) });
    assert.deepEqual(await happenings.until('request ACK'), {
      method: 'ACK',
      contentType: 'application/sdp',
      body: sdp(8),
    });
  });

  test('INFO is passed with its headers; what nobody answers in time gets 504', async () => {
    const clock = new FakeClock();
    await using world = await World.start({ clock });
    const { peer, call, happenings } = await world.standing();
    const headers = ['Info-Package: dtmf', 'Content-Type: application/dtmf-relay'];
    call.sendRequest('INFO', { headers });
    assert.deepEqual(await happenings.until('request INFO'), { method: 'INFO', headers: { 'Info-Package': 'dtmf' } });
    await clock.advance(30_000);
    await peer.response(504, 'INFO');
    answerNext(happenings, { status: 200 }); // too late: nothing happens
    call.sendRequest('BYE');
    await peer.response(200, 'BYE');
    assert.equal(
      peer.count((message) => message.kind === 'response' && message.cseq.method === 'INFO'),
      1,
    );
  });

  test('a transfer by REFER is declined, a session refresh by UPDATE accepted, an unknown method refused', async () => {
    await using world = await World.start();
    const { peer, call, happenings } = await world.standing();
    call.sendRequest('REFER', { headers: ['Refer-To: <sip:thief@192.0.2.1>'] });
    await peer.response(603, 'REFER');
    call.sendRequest('UPDATE');
    await peer.response(200, 'UPDATE');
    call.sendRequest('PUBLISH');
    assert.match((await peer.response(405, 'PUBLISH')).get('Allow') ?? '', /INVITE/);
    assert.deepEqual(happenings.all, []);
  });

  test('requests of ours are answered: re-INVITE with its ACK, INFO, a refusal', async () => {
    await using world = await World.start();
    const { peer, leg } = await world.standing();
    const changed = leg.request({ method: 'INVITE', contentType: 'application/sdp', body: sdp(9) });
    assert.deepEqual(await leg.request({ method: 'INVITE', body: sdp(10) }), { status: 491 });
    const invite = await peer.request('INVITE');
    assert.equal(invite.body.toString(), sdp(9));
    peer.answer(invite, 200, { body: sdp(11) });
    assert.deepEqual(await changed, {
      status: 200,
      reason: 'Answer',
      contentType: 'application/sdp',
      body: sdp(11),
    });
    await peer.request('ACK');
    const told = leg.request({ method: 'INFO', contentType: 'application/dtmf-relay', body: 'Signal=5\r\n' });
    const info = await peer.request('INFO');
    assert.equal(info.get('Content-Type'), 'application/dtmf-relay');
    assert.equal(info.body.toString(), 'Signal=5\r\n');
    peer.answer(info, 415);
    assert.deepEqual(await told, { status: 415, reason: 'Answer' });
  });

  test('the ACK of an offerless re-INVITE of ours carries the answer that follows', async () => {
    await using world = await World.start();
    const { peer, leg } = await world.standing();
    const asked = leg.request({ method: 'INVITE' });
    const invite = await peer.request('INVITE');
    peer.answer(invite, 200, { body: sdp(12) });
    assert.equal((await asked).body, sdp(12));
    assert.equal(
      peer.count((message) => message.kind === 'request' && message.method === 'ACK'),
      0,
    );
    assert.deepEqual(await leg.request({ method: 'ACK', body: sdp(13) }), { status: 200 });
    assert.equal((await peer.request('ACK')).body.toString(), sdp(13));
  });

  test('re-INVITEs that cross get 491', async () => {
    await using world = await World.start();
    const { peer, call, leg } = await world.standing();
    const ours = leg.request({ method: 'INVITE', body: sdp(2) });
    const invite = await peer.request('INVITE');
    call.sendRequest('INVITE', { body: sdp(3), headers: [call.contact] });
    call.ackFailure(await peer.response(491, 'INVITE'));
    call.sendRequest('UPDATE', { body: sdp(3) }); // drachtio-srf swallows it unless somebody listens
    await peer.response(491, 'UPDATE');
    peer.answer(invite, 491);
    assert.equal((await ours).status, 491);
  });

  test('481 to a request of ours means that the call is lost', async () => {
    await using world = await World.start();
    const { peer, leg, happenings } = await world.standing();
    const told = leg.request({ method: 'INFO' });
    peer.answer(await peer.request('INFO'), 481);
    assert.equal((await told).status, 481);
    assert.deepEqual(await happenings.until('ended'), { cause: {}, lost: true });
    peer.answer(await peer.request('BYE'), 481);
    assert.equal(world.trunk.stats().legs, 0);
  });

  test('BYE while a request is open: both are answered, and both sides agree that it is over', async () => {
    await using world = await World.start();
    const { peer, call, leg, happenings } = await world.standing();
    call.sendRequest('INFO', { headers: ['Info-Package: dtmf'] });
    await happenings.until('request INFO');
    const told = leg.request({ method: 'INFO' });
    await peer.request('INFO');
    call.sendRequest('BYE');
    await peer.response(200, 'BYE');
    await peer.response(487, 'INFO');
    assert.equal((await told).status, 487);
    assert.deepEqual(await happenings.until('ended'), { cause: {}, lost: false });
    call.sendRequest('INFO');
    await peer.response(481, 'INFO');
  });
});
