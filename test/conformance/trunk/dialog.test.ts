import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock } from '../../support/fake-clock.ts';
import { sdp, World, type Happenings } from './world.ts';

const t38 =
  'v=0\r\no=- 1 3 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=image 40002 udptl t38\r\n' +
  'a=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxRateManagement:transferredTCF\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n';

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

  test('a re-INVITE to fax (T.38) goes across as it is, and its refusal comes back so that the voice goes on', async () => {
    await using world = await World.start();
    const { peer, call, leg, happenings } = await world.standing();
    call.sendRequest('INVITE', { body: t38, headers: [call.contact] });
    const asked = await happenings.until('request INVITE');
    assert.deepEqual(asked, { method: 'INVITE', contentType: 'application/sdp', body: t38 });
    answerNext(happenings, { status: 488, reason: 'Not Acceptable Here' });
    call.ackFailure(await peer.response(488, 'INVITE'));
    const offered = leg.request({ method: 'INVITE', contentType: 'application/sdp', body: t38 }); // the other way round
    const invite = await peer.request('INVITE');
    assert.equal(invite.body.toString(), t38);
    peer.answer(invite, 488);
    assert.equal((await offered).status, 488);
    const voice = leg.request({ method: 'INVITE', contentType: 'application/sdp', body: sdp(9) });
    peer.answer(await peer.request('INVITE'), 200, { body: sdp(10) });
    assert.equal((await voice).body, sdp(10));
    assert.ok(!happenings.all.includes('ended'));
  });

  for (const direction of ['sendonly', 'inactive', 'sendrecv']) {
    test(`hold and resume go across both ways as they are: ${direction}`, async () => {
      await using world = await World.start();
      const { phone, leg, invite, happenings } = await world.standingTarget();
      const held = `${sdp(6)}a=${direction}\r\n`;
      phone.sendWithin(invite, 'INVITE', 1, { body: held });
      const asked = await happenings.until('request INVITE');
      assert.deepEqual(asked, { method: 'INVITE', contentType: 'application/sdp', body: held });
      answerNext(happenings, { status: 200, body: `${sdp(7)}a=recvonly\r\n` });
      assert.match((await phone.response(200, 'INVITE')).body.toString(), /a=recvonly/);
      phone.sendWithin(invite, 'ACK', 1);
      const carried = leg.request({ method: 'INVITE', contentType: 'application/sdp', body: held });
      const received = await phone.request('INVITE');
      assert.equal(received.body.toString(), held);
      phone.answer(received, 200, { body: sdp(8) });
      assert.equal((await carried).body, sdp(8));
    });
  }

  test('an UPDATE of the far side is heard while any request of ours is open', async () => {
    await using world = await World.start();
    const { peer, call, leg, happenings } = await world.standing();
    const told = leg.request({ method: 'INFO', contentType: 'application/dtmf-relay', body: 'Signal=5\r\n' });
    const info = await peer.request('INFO');
    call.sendRequest('UPDATE', { body: sdp(3) }); // drachtio-srf gives it to the INFO, where nobody would hear it
    await happenings.until('request UPDATE');
    answerNext(happenings, { status: 200, body: sdp(4) });
    assert.equal((await peer.response(200, 'UPDATE')).body.toString(), sdp(4));
    peer.answer(info, 200);
    assert.equal((await told).status, 200);
  });

  test('no offer of ours leaves while one of the far side is open, nor is one taken while ours is', async () => {
    await using world = await World.start();
    const { peer, call, leg, happenings } = await world.standing();
    call.sendRequest('INVITE', { body: sdp(2), headers: [call.contact] });
    await happenings.until('request INVITE');
    assert.deepEqual(await leg.request({ method: 'INVITE', body: sdp(3) }), { status: 491 });
    assert.deepEqual(await leg.request({ method: 'UPDATE', body: sdp(3) }), { status: 491 });
    answerNext(happenings, { status: 200, body: sdp(4) });
    call.ack(await peer.response(200, 'INVITE'));
    const ours = leg.request({ method: 'UPDATE', body: sdp(5) });
    const update = await peer.request('UPDATE');
    for (const method of ['INVITE', 'UPDATE']) {
      call.sendRequest(method, { body: sdp(6), headers: [call.contact] });
      const refused = await peer.response(491, method);
      if (method === 'INVITE') call.ackFailure(refused);
    }
    peer.answer(update, 200, { body: sdp(7) });
    assert.equal((await ours).body, sdp(7));
  });

  test('an offer that is accepted without an answer is refused: the far side would have no session', async () => {
    await using world = await World.start();
    const { peer, call, happenings } = await world.standing();
    call.sendRequest('INVITE', { body: sdp(2), headers: [call.contact] });
    await happenings.until('request INVITE');
    answerNext(happenings, { status: 200 });
    call.ackFailure(await peer.response(488, 'INVITE'));
  });

  test('a far side that has moved is asked there, also with credentials', async () => {
    await using world = await World.start({ trunk: { credentials: { username: 'as', password: 'secret' } } });
    const { peer, call, leg } = await world.standing();
    const moved = `sip:elsewhere@127.0.0.1:${peer.port}`;
    call.sendRequest('UPDATE', { headers: [`Contact: <${moved}>`] });
    await peer.response(200, 'UPDATE');
    const told = leg.request({ method: 'INFO' });
    const info = await peer.request('INFO');
    assert.equal(info.requestUri, moved);
    peer.answer(info, 401, { headers: ['WWW-Authenticate: Digest realm="op", nonce="n1"'] });
    const again = await peer.request('INFO');
    assert.match(again.get('Authorization') ?? '', new RegExp(`uri="${moved}"`));
    peer.answer(again, 200);
    assert.equal((await told).status, 200);
  });

  test('BYE that crosses BYE: each is answered, and nothing is told', async () => {
    await using world = await World.start();
    const { peer, call, leg, happenings } = await world.standing();
    const gone = leg.hangUp({ q850: 16 });
    const bye = await peer.request('BYE');
    call.sendRequest('BYE');
    await peer.response(200, 'BYE');
    peer.answer(bye, 481); // it has no dialog any more
    await gone;
    assert.deepEqual([happenings.all, world.trunk.stats().legs], [[], 0]);
  });
});
