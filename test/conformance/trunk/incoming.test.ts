import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { usedMemory } from '../../support/memory.ts';
import type { SipPeer } from '../../support/sip-peer.ts';
import { Happenings, sdp, World } from './world.ts';

function sendOptions(peer: SipPeer, port: number): void {
  peer.send(
    `OPTIONS sip:127.0.0.1:${port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${peer.port};branch=z9hG4bK-options\r\n` +
      `From: <sip:sbc@127.0.0.1>;tag=o\r\nTo: <sip:127.0.0.1:${port}>\r\nCall-ID: options\r\nCSeq: 1 OPTIONS\r\n` +
      `Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n`,
    port,
  );
}

describe('a call that comes over the trunk', () => {
  test('is handed up ringing, with its numbers, and stands once it is answered and acknowledged', async () => {
    await using world = await World.start();
    const peer = await world.caller();
    const call = peer.invite(world.port, {
      body: sdp(1),
      headers: ['P-Asserted-Identity: <sip:+8613800138000@127.0.0.1>'],
    });
    await peer.response(180, 'INVITE');
    const { call: incoming, happenings } = await world.incoming();
    assert.equal(incoming.trunk, 'ngn');
    assert.equal(incoming.peer, '127.0.0.1');
    assert.equal(incoming.sipCallId, call.callId);
    assert.equal(incoming.sdp, sdp(1));
    assert.equal(incoming.maxForwards, 70);
    incoming.leg.progress(183, sdp(2));
    const early = await peer.response(183, 'INVITE');
    assert.equal(early.body.toString(), sdp(2));
    const answered = incoming.leg.answer(sdp(2));
    const ok = await peer.response(200, 'INVITE');
    assert.equal(ok.body.toString(), sdp(2));
    assert.match(ok.get('Allow') ?? '', /UPDATE/);
    call.ack(ok);
    await answered;
    call.sendRequest('BYE', { headers: ['Reason: Q.850;cause=16;text="bye"'] });
    await peer.response(200, 'BYE');
    assert.deepEqual(await happenings.until('ended'), { cause: { q850: 16, text: 'bye' }, lost: false });
    assert.deepEqual(await incoming.leg.request({ method: 'INFO' }), { status: 481 });
    assert.equal(world.trunk.stats().legs, 0);
  });

  test('waits with its INVITE in memory once, whatever was read of it, and is answered as any other', async () => {
    await using world = await World.start();
    const peer = await world.caller();
    const padding = Array.from({ length: 30 }, (_, line) => `X-Padding: ${String(line).repeat(1_000).slice(0, 1_000)}`);
    const headers = ['Diversion: <sip:+8675520000001@ngn.example;user=phone>;reason=unconditional', ...padding];
    const wait = async () => {
      peer.invite(world.port, { body: sdp(1), headers, uri: `sip:+8675529990000@127.0.0.1:${world.port}` });
      await peer.response(180, 'INVITE');
      return world.incoming();
    };
    const first = await wait();
    const before = await usedMemory();
    const calls = 50;
    const others: unknown[] = [];
    for (let n = 0; n < calls; n++) others.push(await wait());
    const copies = ((await usedMemory()) - before) / calls / padding.join('').length;
    assert.ok(copies < 1.8, `${copies.toFixed(2)} times`);
    first.call.leg.reject(486);
    const refused = await peer.response(486, 'INVITE');
    assert.equal(refused.callId, first.call.sipCallId);
    assert.equal(refused.vias[0]?.port, peer.port);
    assert.equal(others.length, calls);
  });

  test('is taken back by CANCEL with its reason, and nothing can answer it any more', async () => {
    await using world = await World.start();
    const peer = await world.caller();
    const call = peer.invite(world.port);
    await peer.response(180, 'INVITE');
    const { call: incoming, happenings } = await world.incoming();
    call.cancel(['Reason: SIP;cause=200;text="Call completed elsewhere"', 'Reason: Q.850;cause=26']);
    await peer.response(487, 'INVITE');
    assert.deepEqual(await happenings.until('cancelled'), { sip: 200, q850: 26, text: 'Call completed elsewhere' });
    await assert.rejects(incoming.leg.answer(sdp(1)));
    incoming.leg.reject(480);
    await incoming.leg.hangUp();
    assert.deepEqual(happenings.all, ['cancelled']);
    assert.equal(
      peer.count(
        (message) => message.kind === 'response' && message.status === 200 && message.cseq.method === 'INVITE',
      ),
      0,
    );
    assert.equal(world.trunk.stats().legs, 0);
  });

  test('is taken back by a CANCEL that says no reason', async () => {
    await using world = await World.start();
    const peer = await world.caller();
    const call = peer.invite(world.port);
    await peer.response(180, 'INVITE');
    const { happenings } = await world.incoming();
    call.cancel();
    call.ackFailure(await peer.response(487, 'INVITE'));
    assert.deepEqual(await happenings.until('cancelled'), {});
    assert.equal(world.trunk.stats().legs, 0);
  });

  test('whose CANCEL crosses our 200 is over, tells its reason all the same, and leaves no dialog', async () => {
    await using world = await World.start();
    const peer = await world.caller();
    const happenings = new Happenings();
    const rejected = new Promise<void>((resolve, reject) => {
      world.trunk.onIncoming(({ leg }) => {
        assert.rejects(leg.answer(sdp(1)), /took the call back/).then(resolve, reject);
        return happenings.events;
      });
    });
    // Both datagrams are there before the server reads: it ends the INVITE before it gets our 200, and we answer
    // before we hear of the CANCEL.
    peer.invite(world.port).cancel(['Reason: SIP;cause=200']);
    await peer.response(487, 'INVITE');
    await rejected;
    assert.deepEqual(await happenings.until('cancelled'), { sip: 200 });
    assert.deepEqual(happenings.all, ['cancelled']);
    assert.equal(world.trunk.stats().legs, 0);
    assert.equal(world.server.stats().dialogs, 0);
  });

  test('is refused with the status and the reason of the call', async () => {
    await using world = await World.start();
    const peer = await world.caller();
    const call = peer.invite(world.port);
    const { call: incoming } = await world.incoming();
    incoming.leg.reject(480, { q850: 19, text: 'nobody "there"' });
    const refused = await peer.response(480, 'INVITE');
    call.ackFailure(refused);
    assert.equal(refused.get('Reason'), 'Q.850;cause=19;text="nobody \\"there\\""');
    incoming.leg.reject(603);
    await assert.rejects(incoming.leg.answer(sdp(1)));
    assert.equal(world.trunk.stats().legs, 0);
  });

  test('is ended when nobody acknowledges our 200', async () => {
    await using world = await World.start({ t1: 20 });
    const peer = await world.caller();
    peer.invite(world.port);
    const { call: incoming } = await world.incoming();
    await assert.rejects(incoming.leg.answer(sdp(1)), /acknowledge/);
    const bye = await peer.request('BYE', 5000);
    peer.answer(bye, 200);
    assert.equal(world.trunk.stats().unacknowledged, 1);
    assert.equal(world.trunk.stats().legs, 0);
  });

  test('is hung up by us with a reason; a hang-up before the ACK waits for it', async () => {
    await using world = await World.start();
    const peer = await world.caller();
    const call = peer.invite(world.port);
    const { call: incoming, happenings } = await world.incoming();
    const unanswered = assert.rejects(incoming.leg.answer(sdp(1)), /hung up before/);
    const ok = await peer.response(200, 'INVITE');
    const gone = incoming.leg.hangUp({ q850: 16 });
    call.ack(ok);
    const bye = await peer.request('BYE');
    peer.answer(bye, 200);
    assert.equal(bye.get('Reason'), 'Q.850;cause=16');
    await gone;
    await unanswered;
    assert.deepEqual(happenings.all, []);
    assert.equal(world.trunk.stats().legs, 0);
  });

  test('from a stranger is refused with 403 and counted', async () => {
    await using world = await World.start({ trunk: { peers: ['192.0.2.0/24'] } });
    const peer = await world.caller();
    const call = peer.invite(world.port);
    call.ackFailure(await peer.response(403, 'INVITE'));
    sendOptions(peer, world.port);
    await peer.response(403, 'OPTIONS');
    assert.equal(world.trunk.stats().refusedPeers, 2);
    assert.equal(world.trunk.stats().invites, 0);
  });

  test('gets 503 with Retry-After while draining; standing calls go on', async () => {
    await using world = await World.start();
    const peer = await world.caller();
    const standing = peer.invite(world.port);
    const { call: incoming } = await world.incoming();
    const answer = incoming.leg.answer(sdp(1));
    standing.ack(await peer.response(200, 'INVITE'));
    await answer;
    world.trunk.drain();
    const late = peer.invite(world.port);
    const refused = await peer.response(503, 'INVITE');
    late.ackFailure(refused);
    assert.equal(refused.get('Retry-After'), '30');
    sendOptions(peer, world.port);
    assert.equal((await peer.response(503, 'OPTIONS')).get('Retry-After'), '30');
    assert.equal(world.trunk.stats().legs, 1);
    standing.sendRequest('BYE');
    await peer.response(200, 'BYE');
  });

  test('that was forked and comes twice is worked on once; its CANCEL is heard', async () => {
    await using world = await World.start();
    const peer = await world.caller();
    const call = peer.invite(world.port);
    const { happenings } = await world.incoming();
    // The built-in server finds a copy by itself, where drachtio-server does not; this one, of another CSeq, reaches us.
    const copy =
      `INVITE sip:service@127.0.0.1:${world.port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${peer.port};branch=z9hG4bK-other-path\r\n` +
      `From: ${call.from}\r\nTo: <sip:service@127.0.0.1:${world.port}>\r\nCall-ID: ${call.callId}\r\nCSeq: 2 INVITE\r\n` +
      `${call.contact}\r\nMax-Forwards: 69\r\nContent-Length: 0\r\n\r\n`;
    peer.send(copy, world.port);
    await peer.response(482, 'INVITE');
    call.cancel();
    await peer.response(487, 'INVITE');
    await happenings.until('cancelled');
    assert.equal(world.trunk.stats().merged, 1);
  });

  test('may be preceded by OPTIONS, which are answered with what we understand', async () => {
    await using world = await World.start();
    const peer = await world.caller();
    peer.invite(world.port);
    await peer.response(180, 'INVITE'); // by then our route for OPTIONS has reached the server, too
    sendOptions(peer, world.port);
    const ok = await peer.response(200, 'OPTIONS');
    assert.match(ok.get('Allow') ?? '', /INVITE/);
    assert.match(ok.get('Accept') ?? '', /application\/sdp/);
    assert.notEqual(ok.get('Supported'), undefined);
    assert.equal(world.trunk.stats().options, 1);
  });

  test('is over for us when the connection to the SIP server is lost', async () => {
    await using world = await World.start();
    const peer = await world.caller();
    const standing = peer.invite(world.port);
    const first = await world.incoming();
    const answer = first.call.leg.answer(sdp(1));
    standing.ack(await peer.response(200, 'INVITE'));
    await answer;
    peer.invite(world.port);
    const second = await world.incoming();
    world.cut();
    assert.deepEqual(await first.happenings.until('ended'), { cause: {}, lost: true });
    assert.deepEqual(await second.happenings.until('ended'), { cause: {}, lost: true });
    assert.equal(world.trunk.connected(), false);
    assert.equal(world.trunk.stats().legs, 0);
  });
});
