import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeG711, encodeG711, silence } from '../../../../src/simulate/rtp/g711.ts';
import { levelOf, meanSquare } from '../../../../src/simulate/rtp/level.ts';
import { readRecording } from '../../../../src/simulate/rtp/recording.ts';
import { tone, voice } from '../../../../src/simulate/rtp/sources.ts';

const laws = ['PCMA', 'PCMU'] as const;
const everyOctet = Uint8Array.from({ length: 256 }, (_, octet) => octet);

describe('G.711', () => {
  test('known values of both laws (ITU-T G.711 tables 1 and 2)', () => {
    const samples = (law: (typeof laws)[number], octets: number[]) => [...decodeG711(law, Uint8Array.from(octets))];
    assert.deepEqual(samples('PCMA', [0xd5, 0x55, 0xaa, 0x2a, 0x80]), [8, -8, 32_256, -32_256, 5_504]);
    assert.deepEqual(samples('PCMU', [0xff, 0x7f, 0x80, 0x00, 0xf0]), [0, 0, 32_124, -32_124, 120]);
    for (const law of laws) assert.equal(encodeG711(law, Int16Array.of(0))[0], silence[law]);
  });

  test('every octet comes back from its sample; the negative zero of µ-law as the positive one', () => {
    for (const law of laws) {
      const back = [...encodeG711(law, decodeG711(law, everyOctet))];
      assert.deepEqual(
        back,
        [...everyOctet].map((octet) => (law === 'PCMU' && octet === 0x7f ? 0xff : octet)),
      );
    }
  });

  test('every sample is as near as its segment permits', () => {
    const samples = Int16Array.from({ length: 65_536 }, (_, n) => n - 32_768);
    for (const law of laws) {
      const back = decodeG711(law, encodeG711(law, samples));
      samples.forEach((sample, n) => {
        const off = Math.abs((back[n] ?? NaN) - sample);
        // 1/32 of the sample within a segment of 16 steps, half a step near zero, and what is louder than the top.
        assert.ok(
          off <= Math.max(8, (Math.abs(sample) + 132) / 31) || Math.abs(sample) > 32_124,
          `${law} ${sample}: ${off}`,
        );
      });
    }
  });

  test('the digital milliwatt (ITU-T G.711 table 5) has 0 dBm0 and 1,000 Hz', () => {
    const octets = {
      PCMA: [0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4],
      PCMU: [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e],
    };
    for (const law of laws) {
      const samples = decodeG711(law, Uint8Array.from(Array.from({ length: 100 }, () => octets[law]).flat()));
      assert.ok(Math.abs(levelOf(meanSquare(samples))) < 0.1, `${law}: ${levelOf(meanSquare(samples))} dBm0`);
    }
  });

  test('a tone keeps its level through either law within 0.1 dB, from -40 to +3 dBm0', () => {
    for (const law of laws) {
      for (const level of [-40, -25, -13, 0, 3]) {
        const heard = levelOf(meanSquare(decodeG711(law, encodeG711(law, tone(440, level)(8_000)))));
        assert.ok(Math.abs(heard - level) < 0.1, `${law} ${level}: ${heard}`);
      }
    }
  });
});

test('a voice varies as a person does, has pauses, and the level that was asked for', () => {
  const samples = voice(120, -20)(8_000 * 8);
  const levels = Array.from({ length: 80 }, (_, n) => levelOf(meanSquare(samples.subarray(n * 800, n * 800 + 800))));
  assert.ok(levels.filter((level) => level < -60).length >= 10, 'it takes breath');
  assert.ok(new Set(levels.map((level) => Math.round(level))).size >= 8, 'it rises and falls');
  const spoken = Int16Array.from(samples.filter((sample) => sample !== 0));
  assert.ok(Math.abs(levelOf(meanSquare(spoken)) + 20) < 1, `${levelOf(meanSquare(spoken))}`);
});

describe('recordings', () => {
  const wav = (encoding: number, bits: number, data: Buffer, rate = 8_000, channels = 1) => {
    const head = Buffer.alloc(24);
    head.write('fmt ', 0, 'latin1');
    head.writeUInt32LE(16, 4);
    head.writeUInt16LE(encoding, 8);
    head.writeUInt16LE(channels, 10);
    head.writeUInt32LE(rate, 12);
    head.writeUInt16LE(bits, 22);
    const odd = Buffer.from('LIST\x03\0\0\0abc\0', 'latin1');
    const length = Buffer.alloc(4);
    length.writeUInt32LE(data.length);
    return Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVE', 'latin1'), head, odd, Buffer.from('data'), length, data]);
  };
  const samples = [0, 1_000, -1_000, 32_767];

  test('WAV with 16-bit PCM and with either law, and raw A-law', () => {
    const pcm = Buffer.from(Int16Array.from(samples).buffer);
    assert.deepEqual([...readRecording(wav(1, 16, pcm))], samples);
    for (const [encoding, law] of [
      [6, 'PCMA'],
      [7, 'PCMU'],
    ] as const) {
      assert.deepEqual(readRecording(wav(encoding, 8, Buffer.from(everyOctet))), decodeG711(law, everyOctet));
    }
    assert.deepEqual(readRecording(Buffer.from(everyOctet)), decodeG711('PCMA', everyOctet));
  });

  test('what cannot be played is said so', () => {
    assert.throws(() => readRecording(wav(1, 16, Buffer.alloc(4), 44_100, 2)), {
      code: 'bad-input',
      message: /44100 Hz/,
    });
    assert.throws(() => readRecording(Buffer.from('RIFF\0\0\0\0WAVE', 'latin1')), {
      code: 'bad-input',
      message: /damaged/,
    });
  });
});
