// What is heard in a stream of samples: how loud, and which of the expected tones.
import { sampleRate } from './g711.ts';
import { levelOf, meanSquare, quietest } from './level.ts';

/** 100 ms: tones 20 Hz apart and more are told apart. */
const window = sampleRate / 10;

/** Part of a window's power that a tone must have to be the one that is heard. */
const purity = 0.7;

/** Below this (dBm0) a window is quiet, whatever is in it. */
const threshold = -50;

export interface HeardTone {
  /** Hz. */
  frequency: number;
  /** Mean level while it was heard, in dBm0. */
  level: number;
  seconds: number;
}

export interface Heard {
  /** Of sound that was listened to, in whole tenths. */
  seconds: number;
  quietSeconds: number;
  /** Mean over all of it, in dBm0; -80 when nothing was heard. */
  level: number;
  /** Of the last tenth of a second: what a level meter shows. */
  levelNow: number;
  /** The expected tones that were heard, the longest first. */
  tones: HeardTone[];
}

/** Listens for tones of the given frequencies (Hz) with Goertzel's filter, a tenth of a second at a time. */
export class Ear {
  readonly #expected: readonly number[];
  readonly #buffer = new Int16Array(window);
  #filled = 0;
  #windows = 0;
  #quiet = 0;
  #power = 0;
  #last = 0;
  readonly #tones = new Map<number, { windows: number; power: number }>();

  constructor(expected: readonly number[]) {
    this.#expected = expected;
  }

  /** The next samples; after a gap what came before it is not mixed with what follows. */
  hear(samples: Int16Array, afterGap: boolean): void {
    if (afterGap) this.#filled = 0;
    for (const sample of samples) {
      this.#buffer[this.#filled++] = sample;
      if (this.#filled < window) continue;
      this.#filled = 0;
      this.#judge();
    }
  }

  get heard(): Heard {
    const tones = [...this.#tones].map(([frequency, { windows, power }]) => ({
      frequency,
      level: levelOf(power / windows),
      seconds: windows / 10,
    }));
    return {
      seconds: this.#windows / 10,
      quietSeconds: this.#quiet / 10,
      level: this.#windows === 0 ? quietest : levelOf(this.#power / this.#windows),
      levelNow: levelOf(this.#last),
      tones: tones.sort((a, b) => b.seconds - a.seconds),
    };
  }

  #judge(): void {
    const power = meanSquare(this.#buffer);
    this.#last = power;
    this.#windows += 1;
    this.#power += power;
    if (levelOf(power) < threshold) {
      this.#quiet += 1;
      return;
    }
    for (const frequency of this.#expected) {
      const own = goertzel(this.#buffer, frequency);
      if (own < purity * power) continue;
      const tone = this.#tones.get(frequency) ?? { windows: 0, power: 0 };
      this.#tones.set(frequency, { windows: tone.windows + 1, power: tone.power + own });
      return;
    }
  }
}

/** Mean square of the part of `samples` that is a sine of `frequency` Hz (Goertzel 1958). */
export function goertzel(samples: Int16Array, frequency: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * frequency) / sampleRate);
  let one = 0;
  let two = 0;
  for (const sample of samples) [one, two] = [sample + coefficient * one - two, one];
  const power = one * one + two * two - coefficient * one * two;
  return (2 * power) / samples.length ** 2;
}

/** For a person: `440 Hz at -13.0 dBm0 for 2.1 s`, or that nothing or something else was heard. */
export function describeHeard({ seconds, quietSeconds, level, tones }: Heard): string {
  const [longest] = tones;
  if (longest) {
    return `${longest.frequency} Hz at ${longest.level.toFixed(1)} dBm0 for ${longest.seconds.toFixed(1)} s`;
  }
  if (seconds === quietSeconds) return `nothing in ${seconds.toFixed(1)} s`;
  return `sound at ${level.toFixed(1)} dBm0 for ${(seconds - quietSeconds).toFixed(1)} s`;
}
