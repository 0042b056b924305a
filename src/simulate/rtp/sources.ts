// What a simulated phone says: each source gives the next samples (16 bits, 8 kHz) whenever it is asked.
import { sampleRate } from './g711.ts';
import { peakOf } from './level.ts';

/** The next `count` samples. A source never ends. */
export type SoundSource = (count: number) => Int16Array;

/**
 * A sine without end.
 * @param frequency in Hz, below 4,000
 * @param dBm0 its level, -60 to +3
 */
export function tone(frequency: number, dBm0 = -13): SoundSource {
  const peak = peakOf(dBm0);
  const step = (2 * Math.PI * frequency) / sampleRate;
  let phase = 0;
  return (count) =>
    Int16Array.from({ length: count }, () => {
      phase = (phase + step) % (2 * Math.PI);
      return clip(peak * Math.sin(phase));
    });
}

export function quiet(): SoundSource {
  return (count) => new Int16Array(count);
}

/** A recording, again and again from its beginning. */
export function recording(samples: Int16Array): SoundSource {
  let at = 0;
  return (count) =>
    Int16Array.from({ length: count }, () => {
      const sample = samples[at] ?? 0;
      at = (at + 1) % Math.max(1, samples.length);
      return sample;
    });
}

/** First and second formant of five vowels, in Hz. */
const vowels = [
  [730, 1_090],
  [530, 1_840],
  [270, 2_290],
  [570, 840],
  [300, 870],
] as const;

const syllable = sampleRate * 0.22;
/** Syllables of a phrase; the last two of them are the breath. */
const phrase = 7;
/** Five phrases, then it begins anew: by then each place of a phrase had each vowel. */
const speech = syllable * phrase * 5;
const spoken = new Map<string, Int16Array>();

/**
 * Something like a voice: syllables of changing vowels with a falling melody and pauses between phrases, so that a
 * level meter moves as with a person. The same for the same settings.
 * @param pitch of the voice in Hz: about 120 for a man, 220 for a woman
 * @param dBm0 its mean level while it speaks, -60 to -10
 */
export function voice(pitch = 120, dBm0 = -20): SoundSource {
  const key = `${pitch} ${dBm0}`;
  let samples = spoken.get(key);
  if (!samples) spoken.set(key, (samples = speak(pitch, dBm0)));
  return recording(samples);
}

/** Rendered once: sums of sines for each packet of each call would keep a processor busy. */
function speak(pitch: number, dBm0: number): Int16Array {
  const waves = new Float64Array(speech);
  let phase = 0;
  let energy = 0;
  let sounding = 0;
  for (let at = 0; at < speech; at++) {
    const number = Math.floor(at / syllable);
    const within = (at % syllable) / syllable;
    const place = number % phrase;
    if (place >= phrase - 2) continue;
    const [first, second] = vowels[(number * 3) % vowels.length] ?? vowels[0];
    const fundamental = pitch * (1.15 - 0.05 * place) * (1 + 0.02 * Math.sin(2 * Math.PI * within));
    phase = (phase + fundamental / sampleRate) % 1;
    let sum = 0;
    for (let harmonic = 1; harmonic * fundamental < 3_400; harmonic++) {
      const frequency = harmonic * fundamental;
      const strength = resonance(frequency, first, 90) + 0.5 * resonance(frequency, second, 120) + 0.02;
      sum += strength * Math.sin(2 * Math.PI * harmonic * phase);
    }
    const wave = Math.sin(Math.PI * within) ** 0.7 * (place % 2 === 0 ? 1 : 0.6) * sum;
    waves[at] = wave;
    energy += wave * wave;
    sounding += 1;
  }
  const gain = peakOf(dBm0) / Math.SQRT2 / Math.sqrt(energy / sounding);
  return Int16Array.from(waves, (wave) => clip(wave * gain));
}

function resonance(frequency: number, centre: number, width: number): number {
  return 1 / (1 + ((frequency - centre) / width) ** 2);
}

function clip(sample: number): number {
  return Math.max(-32_768, Math.min(32_767, Math.round(sample)));
}
