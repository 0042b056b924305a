// Messages that cross, over the whole service and real sockets: whatever the order, both ends agree and nothing is left.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Message } from '../../../src/sip/message/message.ts';
import { eventually } from '../../support/eventually.ts';
import { Scene, sdp } from './scene.ts';

const isRequest = (method: string) => (message: Message) => message.kind === 'request' && message.method === method;

describe('crossing messages', () => {
  test('CANCEL crosses our 200: the caller acknowledges and hangs up, and the final phone with it', async () => {
    await using scene = await Scene.open();
    const { caller, final } = scene;
    const invite = await scene.dial();
    final.answer(invite, 200, { body: sdp(2) });
    await final.request('ACK');
    const ok = await caller.response(200, 'INVITE');
    scene.calling.cancel(); // it was on its way when our 200 left (RFC 3261 9.1)
    await caller.response(200, 'CANCEL');
    scene.calling.ack(ok);
    const { end } = await scene.hangUp();
    assert.ok(end);
    assert.equal(
      caller.count((message) => message.kind === 'response' && message.status === 487),
      0,
    );
  });

  test('the final phone answers as the caller takes the call back: it is acknowledged and hung up', async () => {
    await using scene = await Scene.open();
    const { caller, final } = scene;
    const invite = await scene.dial();
    final.answer(invite, 180);
    await caller.response(180, 'INVITE');
    scene.calling.cancel(); // both datagrams are under way at once
    final.answer(invite, 200, { body: sdp(2) });
    // Either the CANCEL was first, or our 200, which the caller then acknowledges and ends.
    const outcome = await caller.expect(
      'the end of the INVITE',
      (message) => message.kind === 'response' && message.cseq.method === 'INVITE' && message.status >= 200,
    );
    assert.ok(outcome.kind === 'response');
    if (outcome.status === 200) {
      scene.calling.ack(outcome);
      scene.calling.sendRequest('BYE');
    } else scene.calling.ackFailure(outcome);
    await final.request('ACK');
    final.answer(await final.request('BYE'), 200);
    const { end } = await scene.record();
    assert.notEqual(end?.reason, 'failed');
    await scene.nothingLeft();
  });

  test("the final phone's 200 is lost, then our ACK: it says 200 until it has one, each gets one, and the call is connected once", async () => {
    await using scene = await Scene.open();
    const { caller, final } = scene;
    const invite = await scene.dial();
    final.answer(invite, 180);
    await caller.response(180, 'INVITE');
    // The first 200 was lost on its way: T1 later it is said again (RFC 3261 13.3.1.4).
    final.answer(invite, 200, { body: sdp(2) });
    await final.request('ACK');
    final.answer(invite, 200, { body: sdp(2) }); // that ACK was lost
    await eventually('a second ACK', () => final.count(isRequest('ACK')) === 2);
    const ok = await caller.response(200, 'INVITE');
    scene.calling.ack(ok);
    await scene.terminal?.state('connected');
    final.answer(invite, 200, { body: sdp(2) });
    await eventually('a third ACK', () => final.count(isRequest('ACK')) === 3);
    const { end, attempts } = await scene.hangUp();
    assert.deepEqual([end?.reason, attempts.length], ['completed', 1]);
    assert.equal(final.count(isRequest('INVITE')), 1);
    assert.equal(
      caller.count(
        (message) => message.kind === 'response' && message.status === 200 && message.cseq.method === 'INVITE',
      ),
      1,
    );
  });

  test('the network sends CANCEL without Reason: withdrawn, and the final phone is told no reason either', async () => {
    await using scene = await Scene.open();
    const { caller, final } = scene;
    const invite = await scene.dial();
    final.answer(invite, 180);
    await caller.response(180, 'INVITE');
    scene.calling.cancel();
    await caller.response(200, 'CANCEL');
    scene.calling.ackFailure(await caller.response(487, 'INVITE'));
    const cancel = await final.request('CANCEL');
    assert.equal(cancel.get('Reason'), undefined);
    final.answer(cancel, 200);
    final.answer(invite, 487);
    await final.request('ACK');
    const { end, answeredAt } = await scene.record();
    assert.deepEqual([end?.reason, end?.by, end?.status, answeredAt], ['withdrawn', 'caller', 487, undefined]);
    assert.equal((await scene.terminal?.ended())?.end?.reason, 'withdrawn');
    await scene.nothingLeft();
  });

  test('BYE crosses BYE: each is answered, and the record has one end', async () => {
    await using scene = await Scene.open();
    const { caller, final } = scene;
    const invite = await scene.standing();
    scene.calling.sendRequest('BYE');
    final.sendWithin(invite, 'BYE', 1);
    await caller.response(200, 'BYE');
    await final.expect('the answer to BYE', (message) => message.kind === 'response' && message.cseq.method === 'BYE');
    for (const peer of [caller, final]) {
      for (const message of peer.received) {
        if (message.kind === 'request' && message.method === 'BYE') peer.answer(message, 200);
      }
    }
    assert.equal((await scene.record()).end?.reason, 'completed');
    await scene.nothingLeft();
  });

  test('re-INVITEs of both phones cross: one may go first, or both try again', async () => {
    await using scene = await Scene.open();
    const { caller, final } = scene;
    const invite = await scene.standing();
    scene.calling.sendRequest('INVITE', { body: sdp(3), headers: [scene.calling.contact] });
    final.sendWithin(invite, 'INVITE', 1, { body: sdp(4) });
    const isOver = (message: (typeof caller.received)[number]): boolean =>
      message.kind === 'response' && message.cseq.method === 'INVITE' && message.status >= 300;
    // RFC 3261 14.1: who is asked while it asks itself says 491
    const [atCaller, atFinal] = [caller.request('INVITE', 10_000), final.request('INVITE', 10_000)];
    const carried = await Promise.race([
      atCaller.then((request) => ({ peer: caller, request })),
      atFinal.then((request) => ({ peer: final, request })),
    ]);
    carried.peer.answer(carried.request, 491);
    const refused = await Promise.all([
      caller.expect('491 to the caller', isOver),
      final.expect('491 to the final phone', isOver),
    ]);
    assert.deepEqual(
      refused.map((message) => message.kind === 'response' && message.status),
      [491, 491],
    );
    const [first] = refused;
    if (first.kind === 'response') scene.calling.ackFailure(first);
    scene.calling.sendRequest('INVITE', { body: sdp(5), headers: [scene.calling.contact] });
    final.answer(await (carried.peer === final ? final.request('INVITE') : atFinal), 200, { body: sdp(6) });
    scene.calling.ack(await caller.response(200, 'INVITE'));
    assert.equal((await scene.hangUp()).end?.reason, 'completed');
  });
});
