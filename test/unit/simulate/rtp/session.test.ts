import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import type { Clock } from '../../../../src/shared/clock.ts';
import { systemClock } from '../../../../src/shared/clock.ts';
import { describeHeard, Ear } from '../../../../src/simulate/rtp/ear.ts';
import { readRtp, writeRtp, type RtpPacket } from '../../../../src/simulate/rtp/packet.ts';
import { Reception } from '../../../../src/simulate/rtp/reception.ts';
import { RtpSession, type RtpSessionOptions } from '../../../../src/simulate/rtp/session.ts';
import { quiet, tone, voice } from '../../../../src/simulate/rtp/sources.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const packet = (sequence: number, more: Partial<RtpPacket> = {}): RtpPacket => ({
  payloadType: 8,
  marker: false,
  sequence: sequence & 0xffff,
  timestamp: (sequence * 160) >>> 0,
  ssrc: 1,
  payload: Buffer.alloc(160, 0xd5),
  ...more,
});

async function phone(t: TestContext, options: Partial<RtpSessionOptions> = {}): Promise<RtpSession> {
  const session = await RtpSession.open({
    clock: systemClock,
    address: '127.0.0.1',
    expect: [440, 480, 1_000],
    ...options,
  });
  t.after(() => session.close());
  return session;
}

describe('RTP packets (RFC 3550 5.1)', () => {
  test('what is written is read', () => {
    const one = packet(65_535, { marker: true, ssrc: 0xffffffff, timestamp: 0xfffffff0 });
    assert.deepEqual(readRtp(writeRtp(one)), one);
  });

  test('contributing sources, an extension and padding are taken off', () => {
    const plain = writeRtp(packet(1, { payload: Buffer.from('sound') }));
    const head = Buffer.from(plain.subarray(0, 12));
    head[0] = 0x80 | 0x20 | 0x10 | 2;
    const full = Buffer.concat([
      head,
      Buffer.alloc(8),
      Buffer.from([0, 0, 0, 1, 9, 9, 9, 9]),
      Buffer.from('sound'),
      Buffer.from([0, 0, 3]),
    ]);
    assert.equal(readRtp(full)?.payload.toString(), 'sound');
  });

  test('what is no RTP is not read', () => {
    const padded = writeRtp(packet(1, { payload: Buffer.from([200]) }));
    padded[0] = 0xa0;
    const rtcp = writeRtp(packet(1));
    rtcp[1] = 200;
    for (const datagram of [
      Buffer.alloc(0),
      Buffer.alloc(11, 0x80),
      Buffer.from('hello, this is no RTP'),
      padded,
      rtcp,
    ]) {
      assert.equal(readRtp(datagram), undefined);
    }
  });
});

describe('reception (RFC 3550 A.1, A.3, A.8)', () => {
  const receive = (packets: RtpPacket[], times = packets.map((_, n) => n * 20)) => {
    const reception = new Reception();
    const stands = packets.map((one, n) => reception.take(one, times[n] ?? 0));
    return { reception, stands };
  };

  test('loss over the end of the numbers, and a packet that came late', () => {
    const { reception, stands } = receive([65_533, 65_534, 65_537, 65_536, 65_539].map((n) => packet(n)));
    assert.deepEqual(stands, ['gap', 'next', 'gap', 'old', 'gap']);
    assert.deepEqual([reception.received, reception.lost, reception.disordered, reception.streams], [5, 2, 1, 1]);
  });

  test('another sender is no loss', () => {
    const { reception } = receive([packet(1), packet(2), packet(9_000, { ssrc: 2 }), packet(9_002, { ssrc: 2 })]);
    assert.deepEqual([reception.received, reception.lost, reception.streams], [4, 1, 2]);
  });

  test('jitter: none when even, also where timestamps wrap; 16 ms of alternation tends to 16 ms', () => {
    const even = Array.from({ length: 100 }, (_, n) => packet(n, { timestamp: (0xffffff00 + n * 160) % 2 ** 32 }));
    assert.equal(receive(even).reception.jitterMs, 0);
    const times = even.map((_, n) => n * 20 + (n % 2) * 16);
    assert.ok(Math.abs(receive(even, times).reception.jitterMs - 16) < 0.2);
  });
});

describe('the ear', () => {
  const listen = (...sounds: Int16Array[]) => {
    const ear = new Ear([440, 480, 1_000]);
    for (const sound of sounds) ear.hear(sound, false);
    return ear.heard;
  };

  test('a tone, its level and how long; neighbours 40 Hz away are told apart', () => {
    const heard = listen(tone(440, -13)(16_800), tone(480, -20)(8_000));
    assert.deepEqual(
      heard.tones.map(({ frequency, seconds }) => [frequency, seconds]),
      [
        [440, 2.1],
        [480, 1],
      ],
    );
    assert.ok(Math.abs((heard.tones[0]?.level ?? 0) + 13) < 0.1);
    assert.equal(describeHeard(heard), '440 Hz at -13.0 dBm0 for 2.1 s');
  });

  test('a voice is no tone, silence is no sound', () => {
    assert.deepEqual(listen(voice(120)(24_000)).tones, []);
    assert.match(describeHeard(listen(voice(120)(24_000))), /^sound at -2\d\.\d dBm0 for /);
    assert.equal(describeHeard(listen(quiet()(8_000))), 'nothing in 1.0 s');
    assert.equal(listen().level, -80);
  });

  test('what lies before and after a gap is not mixed', () => {
    const ear = new Ear([440]);
    const sound = tone(440);
    for (let n = 0; n < 10; n++) ear.hear(sound(700), true);
    assert.equal(ear.heard.seconds, 0);
  });
});

describe('two phones on loopback', () => {
  for (const law of ['PCMA', 'PCMU'] as const) {
    test(`each hears the other's tone: ${law}`, { timeout: 10_000 }, async (t) => {
      const [one, two] = [await phone(t), await phone(t)];
      one.sendTo({ address: two.address, port: two.port, law });
      two.sendTo({ address: one.address, port: one.port, law });
      one.say(tone(440, -13));
      two.say(tone(1_000, -20));
      const [atTwo, atOne] = await Promise.all([two.hears(440, 0.5, 5_000), one.hears(1_000, 0.5, 5_000)]);
      assert.ok(Math.abs(atTwo.level + 13) < 0.2 && Math.abs(atOne.level + 20) < 0.2, `${atTwo.level} ${atOne.level}`);
      assert.deepEqual([atTwo.lost, atTwo.disordered, atTwo.streams, atTwo.strays], [0, 0, 1, 0]);
      assert.equal(atTwo.source, `127.0.0.1:${one.port}`);
      assert.equal(atTwo.tones.length, 1);
    });
  }

  test('nothing is heard: the wait ends with its deadline, and says so', async (t) => {
    const clock = new FakeClock();
    const one = await phone(t, { clock });
    const waiting = assert.rejects(one.hears(440, 1, 3_000), { name: 'DeadlineExceeded' });
    await clock.advance(3_000);
    await waiting;
    assert.equal(one.measured.packets, 0);
  });

  test('garbage and DTMF are counted and do no harm', { timeout: 10_000 }, async (t) => {
    const one = await phone(t);
    const stranger = createSocket('udp4');
    t.after(() => stranger.close());
    const datagrams = [Buffer.from('x'), writeRtp(packet(1, { payloadType: 101 })), writeRtp(packet(2))];
    for (const datagram of datagrams) stranger.send(datagram, one.port, '127.0.0.1');
    const measured = await one.until((now) => now.packets === 1, 5_000);
    assert.deepEqual([measured.strays, measured.otherPackets], [1, 1]);
  });

  test(
    'symmetric: packets go back to where they come from; without it, to where the description says',
    { timeout: 10_000 },
    async (t) => {
      const nowhere = { address: '127.0.0.1', port: 9, law: 'PCMA' } as const;
      const [symmetric, plain, speaker] = [await phone(t, { symmetric: true }), await phone(t), await phone(t)];
      symmetric.sendTo(nowhere);
      plain.sendTo(nowhere);
      symmetric.say(tone(440));
      plain.say(tone(480));
      speaker.say(tone(1_000));
      speaker.sendTo({ address: '127.0.0.1', port: plain.port, law: 'PCMA' });
      await plain.hears(1_000, 0.2, 5_000);
      speaker.sendTo({ address: '127.0.0.1', port: symmetric.port, law: 'PCMA' });
      const heard = await speaker.hears(440, 0.2, 5_000);
      assert.deepEqual(
        heard.tones.map((one) => one.frequency),
        [440],
      );
    },
  );
});

describe('pacing', () => {
  /** A clock whose timers fire three milliseconds late, as on a busy machine. */
  function lateClock(): { clock: Clock; advance: (milliseconds: number) => Promise<void> } {
    const fake = new FakeClock();
    const clock: Clock = {
      now: () => fake.now(),
      monotonic: () => fake.monotonic(),
      after: (milliseconds, action) => fake.after(milliseconds + 3, action),
    };
    return { clock, advance: (milliseconds) => fake.advance(milliseconds) };
  }

  test('late timers do not add up: 50 packets a second for 20 s', async (t) => {
    const { clock, advance } = lateClock();
    const one = await phone(t, { clock });
    one.sendTo({ address: '127.0.0.1', port: one.port, law: 'PCMA' });
    one.say(quiet());
    await advance(20_000);
    assert.ok(one.sent >= 1_000 && one.sent <= 1_001, `${one.sent}`);
    one.say(undefined);
    await advance(1_000);
    assert.ok(one.sent <= 1_001, 'it stops');
  });

  test('a process that stood still goes on where it should be, without a burst', async (t) => {
    const fake = new FakeClock();
    let stood = 0;
    const clock: Clock = {
      now: () => fake.now(),
      monotonic: () => fake.monotonic() + stood,
      after: (ms, action) => fake.after(ms, action),
    };
    const one = await phone(t, { clock });
    one.sendTo({ address: '127.0.0.1', port: one.port, law: 'PCMA' });
    one.say(quiet());
    await fake.advance(1_000);
    const before = one.sent;
    stood = 60_000;
    await fake.advance(1_000);
    assert.ok(one.sent - before <= 52, `${one.sent - before} packets in one second`);
    assert.ok(one.sent - before >= 48);
  });

  test('after a pause the timestamp is where the time is, and the packet is marked (RFC 3550 5.1)', async (t) => {
    const clock = new FakeClock();
    const one = await phone(t, { clock });
    const receiver = createSocket('udp4').bind(0, '127.0.0.1');
    t.after(() => receiver.close());
    await once(receiver, 'listening');
    const packets: RtpPacket[] = [];
    receiver.on('message', (datagram: Buffer) => packets.push(readRtp(datagram) ?? assert.fail('no RTP')));
    one.sendTo({ address: '127.0.0.1', port: receiver.address().port, law: 'PCMA' });
    one.say(quiet());
    one.say(undefined);
    await clock.advance(2_000);
    one.say(quiet());
    while (packets.length < 2) await once(receiver, 'message');
    const [first, second] = packets;
    assert.ok(first && second);
    assert.equal((second.timestamp - first.timestamp + 2 ** 32) % 2 ** 32, 16_000);
    assert.equal((second.sequence - first.sequence + 2 ** 16) % 2 ** 16, 1);
    assert.deepEqual([first.marker, second.marker], [true, true]);
  });

  test('without a destination nothing is sent, and no timer is left after the end', async (t) => {
    const clock = new FakeClock();
    const one = await phone(t, { clock });
    one.say(tone(440));
    await clock.advance(1_000);
    assert.equal(one.sent, 0);
    one.close();
    one.close();
    assert.equal(clock.pendingTimers, 0);
  });
});

test('keys that are pressed go out as events, one after the other, and the voice goes on behind them', async (t) => {
  const [one, other] = [await phone(t), await phone(t)];
  const to = { address: '127.0.0.1', port: other.port, law: 'PCMA' } as const;
  one.sendTo(to);
  one.say(tone(440));
  assert.equal(one.press('1'), false, 'where none are taken, none are sent');
  one.sendTo({ ...to, telephoneEvent: 101 });
  assert.ok(one.press('*11#'));
  await other.until(({ digits }) => digits.length >= 4, 5_000);
  const { seconds } = other.measured;
  await other.until((measured) => measured.seconds >= seconds + 0.3, 5_000);
  assert.equal(other.measured.digits, '*11#');
  // RFC 4733 2.5.1: a packet each 20 ms, and the end three times
  assert.equal(other.measured.otherPackets, 4 * 10);
});
