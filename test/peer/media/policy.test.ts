// What a trunk's media policy makes of two phones through a real rtpengine: heard, and seen in descriptions and counters.
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { MediaPolicy } from '../../../src/media/policy.ts';
import type { G711Law } from '../../../src/simulate/rtp/g711.ts';
import { answerSdp, offerSdp, readAnswer } from '../../../src/simulate/rtp/sdp.ts';
import { tone } from '../../../src/simulate/rtp/sources.ts';
import {
  engineFor,
  hearsMore,
  hearsOnly,
  listeningPhone,
  mediaOf,
  ownMedia,
  phone,
  pitch,
} from '../../support/media-call.ts';
import { rtpengineMissing } from '../../support/rtpengine.ts';

const skip = rtpengineMissing() ?? false;
const nothing = { silent: () => undefined, lost: () => undefined, digit: () => undefined };

interface Sides {
  caller?: MediaPolicy;
  target?: MediaPolicy;
}

/** `tones`: the keys that the target hears as tones. */
async function world(t: TestContext, policies: Sides, address = '127.0.0.1') {
  const { caller: a = {}, target: b = {} } = policies;
  const engine = await engineFor(t, '--interface=default/::1');
  const media = await mediaOf(t, [engine], { trunks: { a, b } });
  const trunks = { caller: 'a', target: 'b' };
  const session = await media.open({ callId: 'call', session: 1, trunks }, nothing);
  const { phone: target, tones } = await listeningPhone(t, address);
  return { engine, session, caller: await phone(t), target, tones };
}

/** Connects both and lets them talk; `laws` are what each of them knows. */
async function connect(
  { session, caller, target }: Awaited<ReturnType<typeof world>>,
  laws: { caller?: readonly G711Law[]; target?: readonly G711Law[] } = {},
  offering = (sdp: string) => sdp,
) {
  const own = { ...ownMedia(caller), ...(laws.caller && { laws: laws.caller }) };
  const offered = await session.offer('caller', offering(offerSdp(own)));
  const taken = answerSdp(offered, { ...ownMedia(target), ...(laws.target && { laws: laws.target }) });
  const answered = await session.answer('target', taken.sdp);
  caller.sendTo(readAnswer(answered, own).destination);
  target.sendTo(taken.agreed.destination);
  caller.say(tone(pitch.caller));
  target.say(tone(pitch.target));
  await Promise.all([hearsOnly(caller, pitch.target, 0.5), hearsOnly(target, pitch.caller, 0.5)]);
  return { offered, answered };
}

/** What a description says after `prefix`, of the first line that has it. */
const line = (sdp: string, prefix: string) => new RegExp(`^${prefix}(.*)\r$`, 'm').exec(sdp)?.[1];
const withoutEvents = (sdp: string) => sdp.replace(/ 101\r/, '\r').replace(/a=(rtpmap|fmtp):101.*\r\n/g, '');

describe('codecs by trunk', { skip, timeout: 60_000 }, () => {
  test('only allowed ones are offered, in the order of the trunk; what both know passes as it is', async (t) => {
    const sides = await world(t, { target: { codecs: ['PCMU', 'PCMA'] } });
    const { offered } = await connect(sides);
    assert.match(offered, /^m=audio \d+ RTP\/AVP 0 8 101\r$/m);
    const other = await world(t, { target: { codecs: ['PCMU'] } });
    const narrowed = await connect(other);
    assert.match(narrowed.offered, /^m=audio \d+ RTP\/AVP 0 101\r$/m);
    assert.match(narrowed.answered, /^m=audio \d+ RTP\/AVP 0 101\r$/m);
    assert.equal(await other.engine.transcodedSoon(), 0);
  });

  test('only where nothing is left the engine translates, and the voice is heard both ways', async (t) => {
    const sides = await world(t, { target: { codecs: ['PCMU'] } });
    const { offered, answered } = await connect(sides, { caller: ['PCMA'] });
    assert.match(offered, /^m=audio \d+ RTP\/AVP 0 101\r$/m);
    assert.match(answered, /^m=audio \d+ RTP\/AVP 8 101\r$/m);
    assert.equal(await sides.engine.transcodedSoon(), 2);
    await sides.session.digits('target', '42');
    await sides.target.until(({ digits }) => digits === '42', 5_000);
  });

  for (const [name, codec] of [
    ['opus', '111 101\r\na=rtpmap:111 opus/48000/2'],
    ['G722', '9 101'],
  ] as const) {
    test(`a caller that speaks ${name} alone, and a trunk for G.711`, async (t) => {
      const { session, engine } = await world(t, { target: { codecs: ['PCMA', 'PCMU'] } });
      const events = 'a=rtpmap:101 telephone-event/8000\r\n';
      const caller = `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP ${codec}\r\n${events}`;
      const offered = await session.offer('caller', caller);
      assert.match(offered, /^m=audio \d+ RTP\/AVP 8 0 101\r$/m);
      assert.match(
        await session.answer('target', offerSdp({ address: '127.0.0.1', port: 5_000, laws: ['PCMA'] })),
        new RegExp(name),
      );
      await session.close();
      assert.equal(await engine.sessions(), 0);
    });
  }

  test('an offer with nothing that its trunk takes, or that can be translated, is 488', async (t) => {
    const { session, caller, engine } = await world(t, { caller: { codecs: ['G729'] } });
    await assert.rejects(session.offer('caller', offerSdp(ownMedia(caller))), { code: 'media-refused', sip: 488 });
    assert.equal(await engine.sessions(), 0);
    const amr =
      'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 97\r\na=rtpmap:97 AMR/8000\r\n';
    const other = await world(t, { target: { codecs: ['PCMA'] } });
    await assert.rejects(other.session.offer('caller', amr), { code: 'media-refused', sip: 488 });
    await assert.rejects(other.session.park(amr), { code: 'media-refused', sip: 488 });
  });

  test('packets of the length that each trunk wants: 40 ms there, 20 ms here', async (t) => {
    const sides = await world(t, { target: { ptime: 40 } });
    const { offered, answered } = await connect(sides);
    assert.equal(line(offered, 'a=ptime:'), '40');
    assert.equal(line(answered, 'a=ptime:'), '20');
    const before = [sides.caller.measured.packets, sides.target.measured.packets] as const;
    await Promise.all([hearsMore(sides.caller, pitch.target, 2), hearsMore(sides.target, pitch.caller, 2)]);
    const here = sides.caller.measured.packets - before[0];
    const there = sides.target.measured.packets - before[1];
    assert.ok(there < here * 0.7, `${there} packets there, ${here} here`);
    const same = await world(t, { target: { ptime: 20 } });
    await connect(same);
    assert.equal(await same.engine.transcodedSoon(), 0);
  });
});

describe('digits by trunk', { skip, timeout: 60_000 }, () => {
  test('rfc4733: offered to a trunk though the caller does not know it', async (t) => {
    const sides = await world(t, { target: { digits: 'rfc4733' } });
    const { offered, answered } = await connect(sides, {}, withoutEvents);
    assert.match(offered, /telephone-event/);
    assert.doesNotMatch(answered, /telephone-event/);
    await sides.session.digits('target', '159#');
    await sides.target.until(({ digits }) => digits === '159#', 5_000);
    await assert.rejects(sides.session.digits('caller', '1'), { code: 'no-media' });
  });

  test('inband: digits go there as tones, and nothing of RFC 4733 is offered', async (t) => {
    const sides = await world(t, { target: { digits: 'inband' } });
    const { offered, answered } = await connect(sides);
    assert.doesNotMatch(offered, /telephone-event/);
    assert.match(answered, /telephone-event/, 'the caller may send events: the engine makes tones of them');
    await sides.session.digits('target', '5#D');
    await sides.target.until(() => sides.tones.digits.length >= 3, 5_000);
    await hearsOnly(sides.target, pitch.caller, 0.3);
    assert.equal(sides.tones.digits, '5#D');
    assert.equal(sides.target.measured.digits, '');
  });

  test('info: nothing of RFC 4733 is offered, and digits are left to INFO', async (t) => {
    const sides = await world(t, { target: { digits: 'info' } });
    const { offered, answered } = await connect(sides);
    assert.doesNotMatch(offered + answered, /telephone-event/);
    await assert.rejects(sides.session.digits('target', '5'), { code: 'no-media' });
    assert.equal(await sides.engine.transcodedSoon(), 0);
  });
});

describe('addresses by trunk', { skip, timeout: 60_000 }, () => {
  test('a caller over IPv4 and a target over IPv6 hear each other', async (t) => {
    const sides = await world(t, { target: { addresses: 'ipv6' } }, '::1');
    const { offered, answered } = await connect(sides);
    assert.equal(line(offered, 'c='), 'IN IP6 ::1');
    assert.equal(line(answered, 'c='), 'IN IP4 127.0.0.1');
    assert.match(sides.target.measured.source ?? '', /^::1:/);
  });

  test('an engine without IPv6 is told, instead of an address that nobody reaches', async (t) => {
    const engine = await engineFor(t);
    const media = await mediaOf(t, [engine], { trunks: { b: { addresses: 'ipv6' } } });
    const session = await media.open({ callId: 'call', session: 1, trunks: { target: 'b' } }, nothing);
    const offer = offerSdp({ address: '127.0.0.1', port: 4_000 });
    await assert.rejects(session.offer('caller', offer), { code: 'no-media', message: /has no ipv6 address/ });
    await session.close();
    assert.equal(await engine.sessions(), 0);
  });

  test('each trunk has the interface of its own', async (t) => {
    const engine = await engineFor(t, '--interface=inside/127.0.0.2', '--interface=outside/127.0.0.3');
    const media = await mediaOf(t, [engine], { trunks: { a: { interface: 'inside' }, b: { interface: 'outside' } } });
    const session = await media.open({ callId: 'call', session: 1, trunks: { caller: 'a', target: 'b' } }, nothing);
    const own = { address: '127.0.0.1', port: 4_000 };
    assert.equal(line(await session.offer('caller', offerSdp(own)), 'c='), 'IN IP4 127.0.0.3');
    assert.equal(line(await session.answer('target', offerSdp(own)), 'c='), 'IN IP4 127.0.0.2');
  });
});
