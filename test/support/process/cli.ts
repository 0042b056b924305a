import assert from 'node:assert/strict';
import { Running, type RunOptions } from './process.ts';

export interface Answer {
  code: number | null;
  out: string;
  err: string;
}

/** Runs `ringaway ARGS` to its end, with `input` on standard input. */
export async function ringaway(args: readonly string[], input = '', options: RunOptions = {}): Promise<Answer> {
  const running = new Running(args, options);
  running.give(input);
  const { code } = await running.exit();
  return { code, out: running.out, err: running.err };
}

/** A mistake: nothing on standard output, one clear line (unless `lines` are asked) on standard error, no stack, exit code 2. */
export function assertMistake(answer: Answer, says: RegExp, lines = 1): void {
  assert.equal(answer.code, 2, `exit code; it said: ${answer.err}`);
  assert.equal(answer.out, '');
  const said = answer.err.split('\n');
  assert.equal(said.length, lines, `lines of: ${answer.err}`);
  for (const line of said) assert.match(line, /^ringaway: \S/);
  assert.match(answer.err, says);
  assert.doesNotMatch(answer.err, /^\s*at |node:internal|\.ts:\d+:\d+/m);
}
