// Requests by which somebody outside would take a call of ours over (RFC 3515, 3891, 3911, 4538): none is granted.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { World } from './world.ts';

describe('a call is not given away', () => {
  test('to an INVITE that would replace or join it: 403, and 481 where there is no such call', async () => {
    await using world = await World.start();
    const { call, happenings, ok, leg } = await world.standing();
    const [to, from] = [ok.to.parameters.get('tag') ?? '', ok.from.parameters.get('tag') ?? ''];
    const other = await world.caller();
    for (const [header, status] of [
      [`Replaces: ${call.callId};to-tag=${to};from-tag=${from}`, 403],
      [`Replaces: ${call.callId}-no;to-tag=${to};from-tag=${from}`, 481],
      [`Join: ${call.callId};to-tag=${to};from-tag=${from}`, 403],
      [`Join: nobody;to-tag=${to};from-tag=${from}`, 481],
    ] as const) {
      const attempt = other.invite(world.port, { headers: [header] });
      attempt.ackFailure(await other.response(status, 'INVITE'));
    }
    assert.deepEqual(happenings.all, []);
    assert.equal(world.trunk.stats().legs, 1);
    call.sendRequest('BYE');
    await call.peer.response(200, 'BYE');
    await leg.hangUp();
  });

  test('by REFER, inside the call or outside of it, whatever dialog it names', async () => {
    await using world = await World.start();
    const { peer, call, happenings, ok } = await world.standing();
    call.sendRequest('REFER', { headers: [call.contact, 'Refer-To: <sip:thief@192.0.2.1>'] });
    await peer.response(603, 'REFER');
    const [to, from] = [ok.to.parameters.get('tag') ?? '', ok.from.parameters.get('tag') ?? ''];
    const other = await world.caller();
    const port = String(world.port);
    const headers = [
      `Via: SIP/2.0/UDP 127.0.0.1:${other.port};branch=z9hG4bK-take-over`,
      'From: <sip:thief@192.0.2.1>;tag=thief',
      `To: <sip:service@127.0.0.1:${port}>`,
      'Call-ID: take-over',
      'CSeq: 1 REFER',
      'Max-Forwards: 70',
      `Contact: <sip:thief@127.0.0.1:${other.port}>`,
      'Refer-To: <sip:thief@192.0.2.1>',
      `Target-Dialog: ${call.callId};local-tag=${from};remote-tag=${to}`,
      'Content-Length: 0',
    ];
    other.send(`REFER sip:service@127.0.0.1:${port} SIP/2.0\r\n${headers.join('\r\n')}\r\n\r\n`, world.port);
    assert.doesNotMatch((await other.response(405, 'REFER')).get('Allow') ?? '', /REFER/);
    assert.deepEqual(happenings.all, []);
    call.sendRequest('BYE');
    await peer.response(200, 'BYE');
  });
});
