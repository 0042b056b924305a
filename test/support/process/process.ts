import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));

/** The command as it stands in the sources; runs without a build. */
export const fromSource: readonly string[] = [process.execPath, `${checkout}src/cli/ringaway.ts`];
/** The command as people have it: built, through npx from the checkout. */
export const asBuilt: readonly string[] = ['npx', '--no-install', 'ringaway'];
/** Why the built command is not what the sources say; false when it can be run. For `{ skip: notBuilt() }`. */
export function notBuilt(): string | false {
  const built = `${checkout}dist/cli/ringaway.js`;
  if (!existsSync(built)) return 'NOT TESTED: there is no dist (npm run build)';
  const sources = readdirSync(`${checkout}src`, { recursive: true, encoding: 'utf8' });
  const newest = Math.max(...sources.map((name) => statSync(path.join(checkout, 'src', name)).mtimeMs));
  return newest > statSync(built).mtimeMs && 'NOT TESTED: dist is older than the sources (npm run build)';
}

/** How long anything that a process is to say or do may take, in milliseconds. */
const patience = 20_000;

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A process of the command, its lines, and its end. It is killed when this process ends. */
export class Running {
  readonly ended: Promise<Exit>;
  /** What it wrote so far, line by line. */
  readonly lines: Record<'out' | 'err', string[]> = { out: [], err: [] };
  readonly #child: ChildProcess;
  #heard: (() => void)[] = [];

  constructor(args: readonly string[], { command = fromSource, env = {} }: RunOptions = {}) {
    const [program = '', ...first] = command;
    this.#child = spawn(program, [...first, ...args], {
      cwd: checkout,
      env: { ...process.env, ...env },
      stdio: 'pipe',
    });
    const { stdin, stdout, stderr } = this.#child;
    stdin?.on('error', () => undefined); // it may end without reading
    this.#collect('out', stdout);
    this.#collect('err', stderr);
    const kill = () => this.signal('SIGKILL');
    process.once('exit', kill);
    this.ended = once(this.#child, 'close').then(() => {
      process.off('exit', kill);
      this.#wake();
      return { code: this.#child.exitCode, signal: this.#child.signalCode };
    });
  }

  #collect(which: 'out' | 'err', stream: ChildProcess['stdout']): void {
    if (!stream) return;
    createInterface({ input: stream }).on('line', (line) => {
      this.lines[which].push(line);
      this.#wake();
    });
  }

  #wake(): void {
    for (const heard of this.#heard.splice(0)) heard();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }
  get over(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
  get out(): string {
    return this.lines.out.join('\n');
  }
  get err(): string {
    return this.lines.err.join('\n');
  }

  /** Writes a line to its standard input. */
  type(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }
  /** Writes to its standard input and closes it. */
  give(input: string): void {
    this.#child.stdin?.end(input);
  }

  /** The first line that matches, said already or to come; rejects when it ends, or says nothing in time. */
  async line(which: 'out' | 'err', pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    const search = async (): Promise<RegExpExecArray> => {
      for (let next = from; ;) {
        for (; next < this.lines[which].length; next++) {
          const match = pattern.exec(this.lines[which][next] ?? '');
          if (match) return match;
        }
        if (this.over) throw new Error(`it ended without a line like ${String(pattern)}: ${this.#story()}`);
        await new Promise<void>((resolve) => this.#heard.push(resolve));
      }
    };
    return this.#inTime(`a line like ${String(pattern)}`, search());
  }

  /** To the service itself, also where npx and a shell stand before it: these do not hand a signal on. */
  signal(name: NodeJS.Signals): void {
    if (!this.over) process.kill(lastDescendant(this.pid), name);
  }
  /** Resolves with its end. */
  exit(): Promise<Exit> {
    return this.#inTime('its end', this.ended);
  }
  /** `kill -9`; resolves when it is gone. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended;
  }

  async #inTime<T>(what: string, promise: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`within ${patience} ms not seen: ${what}; ${this.#story()}`)),
        patience,
      );
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
  }

  #story(): string {
    return `out: ${this.lines.out.slice(-8).join(' | ')}; err: ${this.lines.err.slice(-8).join(' | ')}`;
  }
}

/** The process at the end of the chain that a process started; itself when it started none (Linux, /proc). */
function lastDescendant(pid: number): number {
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
  return child ? lastDescendant(Number(child)) : pid;
}

export interface RunOptions {
  /** How the command is started; from the sources unless given. */
  command?: readonly string[];
  env?: Readonly<Record<string, string>>;
}

/** `ringaway serve` as a process, ready to take calls. */
export interface ServiceProcess extends Running {
  /** `address:port` of its trunk (UDP); of a drachtio-server, nothing that can be called. */
  readonly trunk: string;
  /** `address:port` of its terminals and its health. */
  readonly http: string;
}

/** Starts `ringaway serve` and waits until it says that it is ready. */
export async function startService(config: string, options: RunOptions = {}): Promise<ServiceProcess> {
  const running = new Running(['serve', '--config', config], options);
  try {
    const [, sip = '', http = ''] = await running.line(
      'err',
      /ready\. SIP (.*); terminals and health http:\/\/([^;]+);/,
    );
    const trunk = /udp:\/\/(\S+)/.exec(sip)?.[1] ?? '';
    return Object.assign(running, { trunk, http });
  } catch (error) {
    await running.kill();
    throw error;
  }
}

/** A TCP port of loopback that was free a moment ago. */
export async function freeTcpPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise<void>((closed) => void server.close(() => closed()));
  if (address === null || typeof address === 'string') throw new Error('the system gave no port');
  return address.port;
}
