/** `scripts/fuzz [--inputs N] [--seed S] [--first N]`: runs the fuzzer, shows how it goes, exits 1 when something was found. */
import { writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Finding, fuzz, type FuzzReport } from './fuzz.ts';

const { values } = parseArgs({
  options: { inputs: { type: 'string' }, seed: { type: 'string' }, first: { type: 'string' } },
});

/** @throws RangeError for what is no number */
function wholeNumber(name: 'inputs' | 'seed' | 'first', otherwise: number): number {
  const text = values[name];
  if (text === undefined) return otherwise;
  if (!/^\d{1,12}$/.test(text)) throw new RangeError(`--${name} must be a whole number, not "${text}"`);
  return Number(text);
}

function line(report: FuzzReport): string {
  const { inputs, seconds, read, octets, slowest, slowestInput, growth } = report;
  return [
    `${inputs} inputs in ${seconds.toFixed(0)} s (${Math.round(inputs / seconds)}/s)`,
    `${Math.round((100 * read) / inputs)} % read`,
    `${Math.round(octets / inputs)} octets each`,
    `slowest ${slowest.toFixed(1)} ms (input ${slowestInput})`,
    `memory ${growth < 0 ? '' : '+'}${Math.round(growth / 1024)} KiB`,
  ].join(', ');
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);

try {
  const seed = wholeNumber('seed', 1);
  const first = wholeNumber('first', 0);
  const inputs = wholeNumber('inputs', 1_000_000);
  say(`fuzzing the SIP parser, framing and serialiser: ${inputs} inputs from seed ${seed}, ${cpus().length} cores`);
  const report = fuzz({ inputs, seed, first, progress: (now) => say(line(now)) });
  say(`nothing found: ${line(report)}`);
} catch (error) {
  process.exitCode = 1;
  if (error instanceof Finding) {
    const file = join(tmpdir(), `ringaway-fuzz-${process.pid}-${error.input}.sip`);
    writeFileSync(file, error.octets);
    say(`FOUND ${error.message}`);
    if (error.cause instanceof Error && error.cause.stack !== undefined) say(error.cause.stack);
    say(
      `the octets are in ${file}; again: scripts/fuzz --seed ${values.seed ?? '1'} --first ${error.input} --inputs 1`,
    );
  } else {
    process.exitCode = 2;
    say(error instanceof Error ? error.message : String(error));
  }
}
