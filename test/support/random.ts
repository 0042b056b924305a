import type { TestContext } from 'node:test';

/** Numbers of 0 to 1 that are the same for the same seed: that of the variable SEED, or a new one, which the test says. */
export function seeded(context: TestContext): () => number {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  context.diagnostic(`SEED=${seed}`);
  return mulberry32(seed);
}

/** Mulberry32, a small generator that is good enough to choose what happens. */
function mulberry32(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
