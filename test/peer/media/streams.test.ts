// Streams that are not plain voice between two parties, through a real rtpengine: SRTP, fax, several forks of a target.
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import type { MediaPolicy } from '../../../src/media/policy.ts';
import { answerSdp, offerSdp, readAnswer } from '../../../src/simulate/rtp/sdp.ts';
import { tone } from '../../../src/simulate/rtp/sources.ts';
import { engineFor, hearsMore, hearsOnly, mediaOf, ownMedia, phone, pitch, talk } from '../../support/media-call.ts';
import { openSession } from '../../support/media-session.ts';
import { rtpengineMissing } from '../../support/rtpengine.ts';
import { secureLine } from '../../support/srtp.ts';

const skip = rtpengineMissing() ?? false;

async function world(t: TestContext, target: MediaPolicy = {}, caller: MediaPolicy = {}) {
  const engine = await engineFor(t);
  const media = await mediaOf(t, [engine], { trunks: { a: caller, b: target } });
  const trunks = { caller: 'a', target: 'b' };
  const events = { silent: () => undefined, lost: () => undefined, digit: () => undefined };
  const session = await media.open({ callId: 'call', session: 1, trunks }, events);
  return { engine, media, session, caller: await phone(t), target: await phone(t) };
}

describe('SRTP by trunk', { skip, timeout: 60_000 }, () => {
  test('a caller in the clear and a trunk that requires SRTP: both hear each other, and nothing goes there in the clear', async (t) => {
    const { session, caller, target, engine } = await world(t, { srtp: 'require' });
    const line = await secureLine(t, target.port);
    const offered = await session.offer('caller', offerSdp(ownMedia(caller)));
    assert.match(offered, /^m=audio \d+ RTP\/SAVP 8 0 101\r$/m);
    assert.doesNotMatch(offered, /NULL_HMAC|F8_128|UNENCRYPTED|fingerprint/, 'no suite without encryption, no DTLS');
    const taken = answerSdp(line.plain(offered), ownMedia(target));
    const answered = await session.answer('target', line.secure(taken.sdp));
    assert.match(answered, /^m=audio \d+ RTP\/AVP 8 101\r$/m);
    assert.doesNotMatch(answered, /crypto/);
    target.sendTo(taken.agreed.destination);
    caller.sendTo(readAnswer(answered, ownMedia(caller)).destination);
    caller.say(tone(pitch.caller));
    target.say(tone(pitch.target));
    await Promise.all([hearsOnly(target, pitch.caller, 1), hearsOnly(caller, pitch.target, 1)]);
    assert.equal(line.forged, 0);
    assert.equal(await engine.transcodedSoon(), 0, 'it is decrypted, and not decoded');
    await session.digits('target', '90');
    await target.until(({ digits }) => digits === '90', 5_000);
  });

  test('plain RTP from a trunk that requires SRTP, and SRTP from one that is to have none: 488', async (t) => {
    const plain = offerSdp({ address: '127.0.0.1', port: 4_000 });
    const secure = plain.replace('RTP/AVP', 'RTP/SAVP');
    const strict = await world(t, {}, { srtp: 'require' });
    await assert.rejects(strict.session.offer('caller', plain), { code: 'media-refused', sip: 488 });
    await strict.session.offer('caller', secure);
    const open = await world(t, {}, { srtp: 'off' });
    await assert.rejects(open.session.offer('caller', secure), { code: 'media-refused', sip: 488 });
  });
});

describe('fax', { skip, timeout: 60_000 }, () => {
  async function faxMachine(t: TestContext): Promise<Socket> {
    const socket = createSocket('udp4');
    t.after(() => void socket.close());
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return socket;
  }
  const fax = (socket: Socket) =>
    'v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n' +
    `m=image ${socket.address().port} udptl t38\r\na=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxRateManagement:transferredTCF\r\n` +
    'a=T38FaxMaxBuffer:200\r\na=T38FaxMaxDatagram:72\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n';

  for (const policy of [{}, { codecs: ['PCMA'], ptime: 30, digits: 'inband', addresses: 'ipv4' }] as const) {
    test(`a re-INVITE to T.38 passes as it is, datagrams too, whatever the trunk's policy: ${JSON.stringify(policy)}`, async (t) => {
      const { session, caller, target } = await world(t, policy);
      await talk(session, caller, target);
      // A gateway speaks or sends a fax, not both.
      for (const one of [caller, target]) one.say(undefined);
      const [here, there] = [await faxMachine(t), await faxMachine(t)];
      const offered = await session.offer('target', fax(there));
      const answered = await session.answer('caller', fax(here));
      for (const [sdp, machine] of [
        [offered, there],
        [answered, here],
      ] as const) {
        assert.equal(
          unported(sdp),
          unported(`${fax(machine)}a=sendrecv\r\n`),
          'only the port is new (sendrecv is the default)',
        );
      }
      const portOf = (sdp: string) => Number(/^m=image (\d+) udptl t38/m.exec(sdp)?.[1]);
      const datagram = Buffer.from('000106010001020000', 'hex');
      for (const [from, to, port] of [
        [here, there, portOf(offered)],
        [there, here, portOf(answered)],
      ] as const) {
        const arrived = once(to, 'message');
        from.send(datagram, port, '127.0.0.1');
        const [received] = (await arrived) as [Buffer];
        assert.deepEqual(received, datagram);
      }
      // Back to voice, as after a fax.
      await talk(session, caller, target);
    });
  }
});

const unported = (sdp: string) => sdp.replace(/^m=image \d+/m, 'm=image');

describe('forks of a target', { skip, timeout: 60_000 }, () => {
  test('each has its early media: the one that answered last is heard and hears, alone, at one and the same port', async (t) => {
    const { media, caller, target, engine } = await world(t);
    const other = await phone(t);
    const session = await openSession(media, 'forked');
    const offered = await session.offer('caller', offerSdp(ownMedia(caller)));
    const one = answerSdp(offered, ownMedia(target));
    const two = answerSdp(offered, ownMedia(other));
    const first = await session.answer('target', one.sdp, 'one');
    caller.sendTo(readAnswer(first, ownMedia(caller)).destination);
    caller.say(tone(pitch.caller));
    target.sendTo(one.agreed.destination);
    target.say(tone(pitch.target));
    await Promise.all([hearsOnly(caller, pitch.target, 0.5), hearsOnly(target, pitch.caller, 0.5)]);

    assert.equal(await session.answer('target', two.sdp, 'two'), first);
    other.sendTo(two.agreed.destination);
    other.say(tone(pitch.other));
    await Promise.all([hearsOnly(caller, pitch.other, 1), hearsOnly(other, pitch.caller, 1)]);

    // The first one answers for good while the second one still speaks.
    assert.equal(await session.answer('target', one.sdp, 'one'), first);
    await Promise.all([hearsOnly(caller, pitch.target, 1), hearsOnly(target, pitch.caller, 1)]);
    const silent = other.measured.packets;
    await hearsMore(target, pitch.caller, 0.3);
    assert.ok(other.measured.packets - silent <= 1);
    await session.close();
    assert.equal(await engine.sessions(), 0);
  });
});
