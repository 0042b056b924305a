/** A bounded run of the fuzzer: makes inputs, checks them, and watches time and memory. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { checkDraft, checkFraming, checkMessage } from './check.ts';
import { loadCorpus } from './corpus.ts';
import { message } from './generate.ts';
import { mutators } from './mutate.ts';
import { Random } from './random.ts';

export interface FuzzOptions {
  /** The first input's number; inputs are reproduced by seed and number. */
  readonly first?: number;
  readonly inputs: number;
  readonly seed: number;
  /** Called about every `progressEvery` inputs. */
  readonly progress?: (report: FuzzReport) => void;
  readonly progressEvery?: number;
}

export interface FuzzReport {
  readonly inputs: number;
  readonly seconds: number;
  /** How many were read as messages, of all that went to the parser. */
  readonly read: number;
  readonly octets: number;
  /** Milliseconds. */
  readonly slowest: number;
  readonly slowestInput: number;
  /** Octets that the heap and its buffers have more than after the first inputs; after garbage collection. */
  readonly growth: number;
}

/** An input that broke a rule. */
export class Finding extends Error {
  readonly input: number;
  readonly octets: Buffer;

  constructor(input: number, octets: Buffer, cause: unknown) {
    super(`input ${input}: ${cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)}`, { cause });
    this.name = 'Finding';
    this.input = input;
    this.octets = octets;
  }
}

/** Milliseconds that one input may take. */
export const slowestAllowed = 50;
/** Octets by which memory may grow over a whole run. */
export const growthAllowed = 8 * 1024 * 1024;
/** Inputs before memory is measured first, so that caches and optimised code are there. */
const warmUp = 20_000;

/** @throws Finding at the first input that breaks a rule */
export function fuzz(options: FuzzOptions): FuzzReport {
  const { seed, inputs, first = 0, progress, progressEvery = 100_000 } = options;
  const corpus = loadCorpus();
  const started = performance.now();
  const report = { inputs: 0, seconds: 0, read: 0, octets: 0, slowest: 0, slowestInput: -1, growth: 0 };
  let atFirst: number | undefined;

  for (let n = 0; n < inputs; n++) {
    const number = first + n;
    const octets = inputOf(seed, number, corpus);
    const begun = performance.now();
    if (checked(octets, seed, number)) report.read++;
    let took = performance.now() - begun;
    if (took > report.slowest) {
      // A busy machine interrupts us; what an input really takes is the least of several goes.
      took = Math.min(took, ...[1, 2, 3].map(() => timed(octets, seed, number)));
      if (took > report.slowest) Object.assign(report, { slowest: took, slowestInput: number });
      if (took > slowestAllowed) throw new Finding(number, octets, new Error(`took ${took.toFixed(1)} ms`));
    }
    report.inputs++;
    report.octets += octets.length;
    if (report.inputs === Math.min(warmUp, Math.ceil(inputs / 2))) atFirst = memoryInUse();
    if (report.inputs % progressEvery === 0 || report.inputs === inputs) {
      report.seconds = (performance.now() - started) / 1_000;
      report.growth = memoryInUse() - (atFirst ?? Number.POSITIVE_INFINITY);
      if (report.growth > growthAllowed)
        throw new Finding(number, octets, new Error(`memory grew by ${report.growth} octets`));
      progress?.(report);
    }
  }
  return report;
}

/** The octets of one input. */
export function inputOf(seed: number, number: number, corpus: readonly string[]): Buffer {
  const random = new Random(seed, number);
  const base = (): string => (random.once(4) ? message(random) : random.pick(corpus));
  let text = base();
  const mutations = random.once(20) ? 0 : 1 + random.below(random.once(3) ? 6 : 2);
  for (let i = 0; i < mutations && text.length > 0; i++) text = random.pick(mutators)(text, random, base);
  return Buffer.from(text, 'latin1');
}

function checked(octets: Buffer, seed: number, number: number): boolean {
  try {
    const random = new Random(~seed, number);
    const outcome = checkMessage(octets, random);
    if (random.once(8)) checkFraming(octets, random);
    if (random.once(16)) {
      const at = random.below(octets.length);
      const piece = octets.toString(random.once(2) ? 'latin1' : 'utf8', at, at + 60);
      checkDraft(random.once(2) ? 'Subject' : piece.slice(0, 12), piece);
    }
    return outcome === 'read';
  } catch (error) {
    throw new Finding(number, octets, error);
  }
}

function timed(octets: Buffer, seed: number, number: number): number {
  const begun = performance.now();
  checked(octets, seed, number);
  return performance.now() - begun;
}

/** Octets of the heap and of buffers outside it after garbage collection, which takes several goes to be thorough. */
function memoryInUse(): number {
  let least = Number.POSITIVE_INFINITY;
  for (let go = 0; go < 4; go++) {
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    least = Math.min(least, heapUsed + external);
  }
  return least;
}

const collectGarbage: () => void = (() => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('garbage collection cannot be asked for');
  return () => void Reflect.apply(collect, undefined, []);
})();
