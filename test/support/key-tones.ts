// Keys that are heard as two tones each (ITU-T Q.23), for tests that listen to a phone.
import { sampleRate } from '../../src/simulate/rtp/g711.ts';
import { goertzel } from '../../src/simulate/rtp/ear.ts';

const rows = [697, 770, 852, 941];
const columns = [1_209, 1_336, 1_477, 1_633];
const keys = ['123A', '456B', '789C', '*0#D'];

/** 20 ms: a key is looked for in each. */
const window = sampleRate / 50;
/** Windows that make a key, and that end it: 40 ms of tone and of pause at least (ITU-T Q.24); a shorter gap is a lost packet. */
const least = 2;
/** Part of the power that each of the two tones must have. */
const share = 0.25;
/** Mean square below which there is silence. */
const quiet = 10_000;

/** Listens for keys: what it heard is `digits`, each key once however long it was pressed. */
export class KeyEar {
  digits = '';
  /** What stands by now, and for how many windows something else was heard. */
  #standing = '';
  #other = { key: '', windows: 0 };
  #waiting: number[] = [];

  readonly hear = (samples: Int16Array): void => {
    this.#waiting.push(...samples);
    while (this.#waiting.length >= window) this.#judge(keyIn(Int16Array.from(this.#waiting.splice(0, window))));
  };

  #judge(key: string): void {
    this.#other = { key, windows: key === this.#other.key ? this.#other.windows + 1 : 1 };
    if (key === this.#standing || this.#other.windows < least) return;
    this.#standing = key;
    this.digits += key;
  }
}

function keyIn(samples: Int16Array): string {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  if (power < quiet) return '';
  const heard = (all: number[]) => all.findIndex((frequency) => goertzel(samples, frequency) > share * power);
  return keys[heard(rows)]?.charAt(heard(columns)) ?? '';
}
