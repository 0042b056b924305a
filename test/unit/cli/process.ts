import { spawn, type ChildProcess } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../../../src/cli/ringaway.ts', import.meta.url));

export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  out: string;
  err: string;
}

export interface Surroundings {
  folder?: string;
  environment?: Record<string, string>;
  /** Options of Node. */
  node?: string[];
}

/** Starts `ringaway` with these arguments, and no variables of settings but those given; at most a minute. */
export function start(
  given: readonly string[],
  { folder, environment = {}, node = [] }: Surroundings = {},
): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('RINGAWAY_'));
  const env = { ...Object.fromEntries(inherited), ...environment };
  return spawn(process.execPath, [...node, command, ...given], { cwd: folder, env, timeout: 60_000 });
}

/** Waits for the end of a process; what it wrote until now must not have been read. */
export async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  const ended = new Promise<Pick<Outcome, 'code' | 'signal'>>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const [out, err] = await Promise.all([
    child.stdout ? text(child.stdout) : '',
    child.stderr ? text(child.stderr) : '',
  ]);
  return { ...(await ended), out, err };
}

export function run(given: readonly string[], surroundings?: Surroundings): Promise<Outcome> {
  return outcomeOf(start(given, surroundings));
}

/** The first line that fits; what comes after it can still be read. */
export function lineOf(child: ChildProcess, stream: 'stdout' | 'stderr', wanted: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = '';
    const look = (chunk: Buffer) => {
      seen += chunk.toString();
      const line = seen.split('\n').find((text, index, all) => index < all.length - 1 && wanted.test(text));
      if (line === undefined) return;
      child[stream]?.off('data', look);
      resolve(line);
    };
    child[stream]?.on('data', look);
    child.once('close', () => reject(new Error(`it ended without "${wanted.source}"; it wrote: ${seen}`)));
  });
}
