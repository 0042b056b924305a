// The ng side against a real rtpengine: what it is told, and that nothing of a bad network or engine reaches a call.
import assert from 'node:assert/strict';
import { describe, mock, test, type TestContext } from 'node:test';
import { createMedia, type Media } from '../../../src/media/media.ts';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import {
  drop,
  lossy,
  pass,
  rtpengineMissing,
  startRelay,
  startRtpengine,
  type Relay,
  type RunningRtpengine,
} from '../../support/rtpengine.ts';
import { openSession, relays } from '../../support/media-session.ts';

const parts = { clock: systemClock, log: silentLog };
const skip = rtpengineMissing() ?? false;

const callerSdp = description('192.0.2.7', 'm=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n');
const targetSdp = description('198.51.100.9', 'm=audio 5000 RTP/AVP 8\r\n');

function description(address: string, streams: string, name = '-'): string {
  return `v=0\r\no=- 1 1 IN IP4 ${address}\r\ns=${name}\r\nc=IN IP4 ${address}\r\nt=0 0\r\n${streams}`;
}

async function engine(t: TestContext): Promise<RunningRtpengine> {
  const running = await startRtpengine();
  t.after(() => running.stop());
  return running;
}

async function relayTo(t: TestContext, running: RunningRtpengine): Promise<Relay> {
  const relay = await startRelay(running.port);
  t.after(() => relay.close());
  return relay;
}

async function pool(t: TestContext, engines: string[], timeoutMs = 2_000): Promise<Media> {
  const media = await createMedia(relays(engines, { timeoutMs }), parts);
  t.after(() => media.close());
  return media;
}

/** Resolves when `holds` does; asked again every 20 ms, for 10 s at most. */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (await holds()) return;
    await new Promise((again) => setTimeout(again, 20));
  }
  assert.fail(`never happened: ${what}`);
}

/** Both directions of a call's description, through the engine. */
async function connect(media: Media, callId: string) {
  const session = await openSession(media, callId);
  const toTarget = await session.offer('caller', callerSdp);
  const toCaller = await session.answer('target', targetSdp);
  return { session, toTarget, toCaller };
}

describe('what the engine does with a call', { skip, timeout: 60_000 }, () => {
  test('offer, early answer, final answer, hold and resume from either side, removal', async (t) => {
    const running = await engine(t);
    const media = await pool(t, [running.engine]);
    const { session, toTarget, toCaller } = await connect(media, 'call');
    assert.deepEqual(session.engine, { session: 'node:call.1', engine: running.engine });
    assert.equal(await running.sessions(), 1);
    for (const [sdp, hidden] of [
      [toTarget, '192.0.2.7'],
      [toCaller, '198.51.100.9'],
    ] as const) {
      assert.ok(!sdp.includes(hidden), 'no address of the other side is left');
      assert.match(sdp, /c=IN IP4 127\.0\.0\.1/);
    }
    assert.match(toTarget, /^m=audio \d+ RTP\/AVP 8 0 101\r$/m);

    assert.equal(await session.answer('target', targetSdp), toCaller, 'the answer of 183 and that of 200 are one');
    const held = await session.offer('target', `${targetSdp}a=sendonly\r\n`);
    assert.match(held, /^a=sendonly\r$/m);
    assert.equal(portOf(held), portOf(toCaller), 'the caller keeps its port');
    assert.match(await session.answer('caller', `${callerSdp}a=recvonly\r\n`), /^a=recvonly\r$/m);
    const resumed = await session.offer('caller', callerSdp);
    assert.equal(portOf(resumed), portOf(toTarget), 'the target keeps its port');
    await session.answer('target', targetSdp);
    assert.equal(await running.sessions(), 1);

    await session.close();
    assert.equal(await running.sessions(), 0);
    await session.close();
    await assert.rejects(session.offer('caller', callerSdp), { code: 'no-media' });
    assert.equal(await running.sessions(), 0);
  });

  test('a caller with SRTP keeps it, and the target hears plain RTP', async (t) => {
    const running = await engine(t);
    const media = await pool(t, [running.engine]);
    const session = await openSession(media, 'secure');
    const key = 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n';
    const secure = description('192.0.2.7', `m=audio 4000 RTP/SAVP 8\r\n${key}`);
    assert.match(await session.offer('caller', secure), /^m=audio \d+ RTP\/AVP 8\r$/m);
    assert.match(await session.answer('target', targetSdp), /^m=audio \d+ RTP\/SAVP 8\r$/m);
    assert.match(await session.offer('target', `${targetSdp}a=sendonly\r\n`), /^m=audio \d+ RTP\/SAVP 8\r$/m);
    await session.close();
  });

  test('texts that are not ASCII come back as they were', async (t) => {
    const media = await pool(t, [(await engine(t)).engine]);
    const session = await openSession(media, 'utf8');
    const offered = await session.offer(
      'caller',
      description('192.0.2.7', 'm=audio 4000 RTP/AVP 8\r\n', 'Grüße 你好 📞'),
    );
    assert.match(offered, /^s=Grüße 你好 📞\r$/m);
    await session.close();
  });

  test('a description that it refuses is 488 and leaves no session; so does what is no description', async (t) => {
    const running = await engine(t);
    const media = await pool(t, [running.engine]);
    const session = await openSession(media, 'refused');
    await assert.rejects(session.offer('caller', 'hello'), { code: 'media-refused' });
    await assert.rejects(session.answer('target', targetSdp), { code: 'media-refused' });
    // rtpengine takes no host name for an address.
    const unusable = description('host.example', 'm=audio 4000 RTP/AVP 8\r\n').replaceAll('IP4', 'IP9');
    await assert.rejects(session.offer('caller', unusable), { code: 'media-refused', sip: 488 });
    assert.equal(await running.sessions(), 0);
  });

  test('an engine that is full: 503, and no session is left', async (t) => {
    const running = await startRtpengine({ arguments: ['--max-sessions=1'] });
    t.after(() => running.stop());
    const media = await pool(t, [running.engine]);
    await connect(media, 'first');
    await assert.rejects((await openSession(media, 'second')).offer('caller', callerSdp), {
      code: 'no-media',
      sip: 503,
    });
    assert.equal(await running.sessions(), 1);
  });

  test('what a crash left behind is removed at every engine, whether its place was noted or not', async (t) => {
    const [one, other] = [await engine(t), await engine(t)];
    const before = await pool(t, [one.engine, other.engine]);
    for (const callId of ['left', 'other']) await connect(before, callId);
    assert.deepEqual([await one.sessions(), await other.sessions()], [1, 1]);
    const after = await pool(t, [one.engine, other.engine]);
    for (const callId of ['left', 'other', 'unknown']) await after.release({ callId, sessions: 2, noted: [] });
    assert.deepEqual([await one.sessions(), await other.sessions()], [0, 0]);
    await after.release({
      callId: 'left',
      sessions: 1,
      noted: [{ session: 'node:left.1', engine: 'udp://192.0.2.1:1' }],
    });
  });
});

describe('a bad network', { skip, timeout: 60_000 }, () => {
  test('5 % lost each way: 500 sessions are offered, answered and removed without one failure', async (t) => {
    const running = await engine(t);
    const relay = await relayTo(t, running);
    const media = await pool(t, [relay.engine]);
    relay.decide = lossy(0.05, 1);
    const began = performance.now();
    const calls = await Promise.all(Array.from({ length: 500 }, (_, n) => connect(media, `call-${n}`)));
    assert.equal(await running.sessions(), 500);
    assert.equal(new Set(calls.map((call) => portOf(call.toTarget))).size, 500, 'each has a port of its own');
    await Promise.all(calls.map((call) => call.session.close()));
    assert.equal(await running.sessions(), 0);
    const resent = media.health().engines[0]?.resent ?? 0;
    assert.ok(resent > 50, `datagrams were lost and sent again: ${resent}`);
    t.diagnostic(`1,500 requests, ${resent} sent again, ${Math.round(performance.now() - began)} ms`);
  });

  test('doubled, late and disordered datagrams change nothing', async (t) => {
    const running = await engine(t);
    const relay = await relayTo(t, running);
    const media = await pool(t, [relay.engine]);
    let n = 0;
    relay.decide = (datagram) => [
      { datagram, delay: (n++ * 37) % 150 },
      { datagram, delay: (n++ * 53) % 450 },
    ];
    const calls = await Promise.all(Array.from({ length: 50 }, (_, call) => connect(media, `call-${call}`)));
    assert.equal(await running.sessions(), 50);
    relay.decide = pass;
    await Promise.all(calls.map((call) => call.session.close()));
    await until('no session left', async () => (await running.sessions()) === 0);
  });

  test('garbage, foreign senders and replies to nobody are forgotten without a word', async (t) => {
    const printed = (['log', 'warn', 'error', 'trace'] as const).map((name) =>
      mock.method(console, name, () => undefined),
    );
    t.after(() => printed.forEach((method) => method.mock.restore()));
    const running = await engine(t);
    const relay = await relayTo(t, running);
    const media = await pool(t, [relay.engine]);
    const forged = (cookie: string) => Buffer.from(`${cookie} d6:result2:ok3:sdp6:forgede`);
    relay.decide = (datagram, direction) => {
      if (direction === 'to-engine') {
        const cookie = datagram.toString('latin1', 0, 36);
        relay.inject(forged(cookie), 'foreigner');
        for (const text of [
          '',
          ' ',
          cookie,
          `${cookie} `,
          `${cookie} d6:result`,
          `${cookie} i5e`,
          `${cookie} 99:x`,
          `${cookie} le`,
        ]) {
          relay.inject(Buffer.from(text), 'engine');
        }
        relay.inject(forged(crypto.randomUUID()), 'engine');
        relay.inject(Buffer.from([0xff, 0xfe, 0x00, 0x80]), 'engine');
      }
      // Behind the garbage, and twice: the second one answers nobody.
      return [
        { datagram, delay: 5 },
        { datagram, delay: 10 },
      ];
    };
    const { session, toTarget } = await connect(media, 'call');
    assert.match(toTarget, /c=IN IP4 127\.0\.0\.1/);
    await session.close();
    assert.equal(await running.sessions(), 0);
    assert.ok((media.health().engines[0]?.strays ?? 0) >= 30);
    assert.deepEqual(
      printed.map((method) => method.mock.callCount()),
      [0, 0, 0, 0],
    );
  });

  test('one answer that comes too late does not cost the calls of the next seconds: the engine is asked again at once', async (t) => {
    const running = await engine(t);
    const relay = await relayTo(t, running);
    const media = await pool(t, [relay.engine], 300);
    const silent = (datagram: Buffer) => (datagram.includes('5:offer') ? drop : pass(datagram));
    relay.decide = silent;
    const first = await openSession(media, 'late');
    await assert.rejects(first.offer('caller', callerSdp), { code: 'no-media' });
    relay.decide = pass;
    const began = performance.now();
    await until('the engine is up again', () => media.health().ok);
    assert.ok(performance.now() - began < 1_000, 'before the next regular ping, which comes after 2 s');
    await connect(media, 'next');
  });

  test('an answer that comes after the deadline: the call has ended meanwhile, and its session is removed', async (t) => {
    const running = await engine(t);
    const relay = await relayTo(t, running);
    const media = await pool(t, [relay.engine], 300);
    const session = await openSession(media, 'late');
    relay.decide = (datagram, direction) => (direction === 'from-engine' ? [{ datagram, delay: 500 }] : pass(datagram));
    await assert.rejects(session.offer('caller', callerSdp), { code: 'no-media', sip: 503 });
    await session.close();
    assert.equal(media.health().engines[0]?.toRemove, 1);
    await assert.rejects(openSession(media, 'next'), { code: 'no-media' }, 'the engine is down');
    relay.decide = pass;
    await until(
      'the engine is up, and nothing is left there',
      async () => media.health().ok && (await running.sessions()) === 0,
    );
    assert.equal(media.health().engines[0]?.toRemove, 0);
  });
});

describe('engines that die', { skip, timeout: 60_000 }, () => {
  test('in the middle of a call: 503 within the deadline; once back, calls go on and nothing is left', async (t) => {
    const running = await engine(t);
    const media = await pool(t, [running.engine], 500);
    const session = await openSession(media, 'call');
    await session.offer('caller', callerSdp);
    await running.freeze();
    const began = performance.now();
    await assert.rejects(session.answer('target', targetSdp), { code: 'no-media', sip: 503 });
    const took = performance.now() - began;
    assert.ok(took < 1_500, `${took} ms`);
    assert.equal(media.health().ok, false);
    await session.close();
    assert.equal(media.health().engines[0]?.toRemove, 1);
    running.thaw();
    await until('the engine is found again', () => media.health().ok);
    await until('the session is removed', async () => (await running.sessions()) === 0);
    const again = await connect(media, 'next');
    await again.session.close();
  });

  test('two engines take calls in turn; one dies: its next offer goes to the other within the deadline', async (t) => {
    const [one, two] = [await engine(t), await engine(t)];
    const media = await pool(t, [one.engine, two.engine], 1_000);
    const first = await Promise.all(Array.from({ length: 10 }, (_, n) => connect(media, `first-${n}`)));
    assert.deepEqual([await one.sessions(), await two.sessions()], [5, 5]);
    await Promise.all(first.map((call) => call.session.close()));

    await one.kill();
    const began = performance.now();
    const calls = await Promise.all(Array.from({ length: 10 }, (_, n) => connect(media, `second-${n}`)));
    const took = performance.now() - began;
    assert.ok(took < 2_000, `${took} ms`);
    assert.equal(await two.sessions(), 10);
    for (const call of calls) assert.equal(call.session.engine?.engine, two.engine);
    assert.deepEqual(
      media.health().engines.map((health) => health.up),
      [false, true],
    );
    assert.equal(media.health().ok, true);
    const quick = performance.now();
    await connect(media, 'third');
    assert.ok(performance.now() - quick < 450, 'the dead engine is not asked again');

    await one.restart();
    await until('it is found again', () => media.health().engines.every((health) => health.up));
    await connect(media, 'fourth');
    await connect(media, 'fifth');
    assert.equal(await one.sessions(), 1);
  });

  test('an engine that took the offer but whose answer was lost: the other one has the call, the first is cleaned', async (t) => {
    const [one, two] = [await engine(t), await engine(t)];
    const relay = await relayTo(t, one);
    const media = await pool(t, [relay.engine, two.engine], 1_000);
    relay.decide = (datagram, direction) => (direction === 'from-engine' ? drop : pass(datagram));
    const { session } = await connect(media, 'call');
    assert.equal(session.engine?.engine, two.engine);
    assert.equal(await one.sessions(), 1);
    relay.decide = pass;
    await until('the first engine has nothing of it', async () => (await one.sessions()) === 0);
    assert.equal(await two.sessions(), 1);
    await session.close();
    assert.equal(await two.sessions(), 0);
  });

  test('none at the start: the service starts, calls get 503, and it is found when it comes', async (t) => {
    const running = await engine(t);
    await running.kill();
    const media = await pool(t, [running.engine], 300);
    assert.equal(media.health().ok, false);
    await assert.rejects(openSession(media, 'call'), { code: 'no-media' });
    await running.restart();
    await until('it is found', () => media.health().ok);
    await (await connect(media, 'call')).session.close();
  });

  test('the service ends while requests wait: they are refused, and nothing is left running', async (t) => {
    const running = await engine(t);
    const media = await pool(t, [running.engine], 5_000);
    const session = await openSession(media, 'call');
    await running.freeze();
    const offered = assert.rejects(session.offer('caller', callerSdp), { code: 'no-media' });
    await new Promise((soon) => setImmediate(soon));
    await media.close();
    await offered;
    await session.close();
    await media.close();
  });
});

test('an address that cannot be an engine is refused at the start', async () => {
  for (const engines of [
    [],
    ['127.0.0.1:2223'],
    ['udp://127.0.0.1'],
    ['udp://127.0.0.1:0'],
    ['udp://[::1]:2223'],
    ['tcp://127.0.0.1:2223'],
  ]) {
    await assert.rejects(createMedia(relays(engines), parts), { code: 'bad-setting' });
  }
});

function portOf(sdp: string): number {
  return Number(/^m=audio (\d+)/m.exec(sdp)?.[1]);
}
