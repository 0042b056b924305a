// Levels in dBm0 on the scale of A-law: a sine up to its overload point (32,768) has +3.14 dBm0 (ITU-T G.711, note 2).
// µ-law (32,636 has +3.17 dBm0) is told 0.07 dB too low by it, which is below what we tell.

/** Mean square of a sine of 0 dBm0 in 16-bit samples. */
const meanSquareOf0dBm0 = 32_768 ** 2 / 2 / 10 ** (3.14 / 10);

/** Below this nothing is told apart from silence. */
export const quietest = -80;

/** Level of a mean square of 16-bit samples, -80 dBm0 at least. */
export function levelOf(meanSquare: number): number {
  return Math.max(quietest, 10 * Math.log10(meanSquare / meanSquareOf0dBm0 || 1e-30));
}

/** Peak, in 16-bit samples, of a sine of `dBm0`. */
export function peakOf(dBm0: number): number {
  return Math.sqrt(2 * meanSquareOf0dBm0 * 10 ** (dBm0 / 10));
}

export function meanSquare(samples: Int16Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return samples.length === 0 ? 0 : sum / samples.length;
}
