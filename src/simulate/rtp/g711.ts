// ITU-T G.711: companded speech at 8 kHz, one octet a sample. Encoding and decoding go through tables.

export type G711Law = 'PCMA' | 'PCMU';

/** Samples a second, of everything here. */
export const sampleRate = 8_000;

/** Octet that stands for silence. */
export const silence = { PCMA: 0xd5, PCMU: 0xff } as const satisfies Record<G711Law, number>;

interface Law {
  /** Magnitude that a code of 7 bits stands for, in 16-bit samples, and half the width of the interval around it. */
  interval(code: number): { magnitude: number; half: number };
  octet(code: number, negative: boolean): number;
}

/** ITU-T G.711 table 1: segments of 16 steps, even bits inverted. */
const aLaw: Law = {
  interval(code) {
    const segment = code >> 4;
    const mantissa = code & 0x0f;
    if (segment === 0) return { magnitude: 16 * mantissa + 8, half: 8 };
    const half = 8 << (segment - 1);
    return { magnitude: (16 * mantissa + 264) << (segment - 1), half };
  },
  octet: (code, negative) => (negative ? code : code | 0x80) ^ 0x55,
};

/** ITU-T G.711 table 2: as A-law with a bias of 33 (of 14 bits), all bits inverted. */
const muLaw: Law = {
  interval(code) {
    const segment = code >> 4;
    const mantissa = code & 0x0f;
    return { magnitude: ((8 * mantissa + 132) << segment) - 132, half: 4 << segment };
  },
  octet: (code, negative) => ~(negative ? code | 0x80 : code) & 0xff,
};

interface Tables {
  /** Sample of each octet. */
  linear: Int16Array;
  /** Octet of each sample, from -32,768 on. */
  companded: Uint8Array;
}

function tablesOf(law: Law): Tables {
  const linear = new Int16Array(256);
  const companded = new Uint8Array(65_536);
  for (let code = 0; code < 128; code++) {
    const { magnitude, half } = law.interval(code);
    // The highest interval takes all that is louder.
    const end = code === 127 ? 32_769 : magnitude + half;
    for (const negative of [true, false]) {
      const sign = negative ? -1 : 1;
      const octet = law.octet(code, negative);
      linear[octet] = sign * magnitude;
      for (let sample = Math.max(0, magnitude - half); sample < end; sample++) {
        companded[32_768 + sign * sample] = octet;
      }
    }
  }
  return { linear, companded };
}

const tables: Record<G711Law, Tables> = { PCMA: tablesOf(aLaw), PCMU: tablesOf(muLaw) };

export function encodeG711(law: G711Law, samples: Int16Array): Buffer {
  const { companded } = tables[law];
  return Buffer.from(Uint8Array.from(samples, (sample) => companded[sample + 32_768] ?? 0));
}

export function decodeG711(law: G711Law, octets: Uint8Array): Int16Array {
  const { linear } = tables[law];
  return Int16Array.from(octets, (octet) => linear[octet] ?? 0);
}
