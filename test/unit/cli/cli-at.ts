import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Store } from '../../../src/call/ports.ts';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { openEmbeddedStore } from '../../../src/store/embedded/open.ts';

const command = new URL('../../../src/cli/ringaway.ts', import.meta.url).pathname;
const settings = `
store: { kind: embedded, path: ./data }
numbering: { defaultCountry: CN, areaCode: "755" }
`;

export interface Answer {
  code: number | null;
  out: string;
  err: string;
}

/** The command line as a process, over a settings file and a store of its own. */
export interface Cli {
  config: string;
  /** Runs `ringaway ARGS` with `input` on standard input. */
  run(args: readonly string[], input?: string): Promise<Answer>;
  /** Runs it with --json and parses what it printed. */
  json(args: readonly string[], input?: string): Promise<unknown>;
  openStore(): Promise<Store>;
}

/** Lends `use` a command line; its folder is removed afterwards. */
export async function withCli(use: (cli: Cli) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'ringaway-cli-'));
  const config = join(folder, 'ringaway.yaml');
  const run = async (args: readonly string[], input = ''): Promise<Answer> => {
    const env = { ...process.env, TZ: 'Asia/Shanghai', RINGAWAY_CONFIG: config };
    const child = spawn(process.execPath, [command, ...args], { env });
    child.stdin.on('error', () => undefined); // It may end without reading.
    child.stdin.end(input);
    const closed = once(child, 'close');
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    await closed;
    return { code: child.exitCode, out, err };
  };
  const json = async (args: readonly string[], input?: string): Promise<unknown> => {
    const { code, out, err } = await run([...args, '--json'], input);
    if (code !== 0) throw new Error(`ringaway ${args.join(' ')} ended with ${String(code)}: ${err}`);
    return JSON.parse(out);
  };
  try {
    await writeFile(config, settings);
    await use({
      config,
      run,
      json,
      openStore: () => openEmbeddedStore({ path: join(folder, 'data'), log: silentLog, clock: systemClock }),
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}
