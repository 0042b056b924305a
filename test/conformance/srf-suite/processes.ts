import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { eventually } from '../../support/eventually.ts';
import type { SuitePeer } from './copy.ts';

const program = fileURLToPath(new URL('../../../src/cli/ringaway.ts', import.meta.url));

/** A process of ours that the runner ends. */
export interface Running {
  end(): Promise<void>;
}

function running(child: ChildProcess): Running {
  const exited = once(child, 'exit');
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  return {
    async end() {
      process.off('exit', kill);
      kill();
      await exited;
    },
  };
}

export interface RunningServer extends Running {
  /** `address:port` on UDP. */
  readonly sip: string;
  readonly control: { readonly host: string; readonly port: number; readonly secret: string };
}

/** Starts `ringaway sip-server` on ports that the system chooses. */
export async function startServer(): Promise<RunningServer> {
  const secret = 'cymru';
  const flags = ['--contact', 'sip:127.0.0.1:0;transport=udp', '--port', '0', '--secret', secret];
  const child = spawn(process.execPath, [program, 'sip-server', ...flags], { stdio: ['ignore', 'pipe', 'ignore'] });
  const life = running(child);
  for await (const line of createInterface({ input: child.stdout })) {
    const sip = /udp:\/\/(127\.0\.0\.1:\d+)/.exec(line)?.[1];
    const port = /"control":\{[^}]*"port":(\d+)/.exec(line)?.[1];
    if (sip === undefined || port === undefined) continue;
    child.stdout.resume();
    return { ...life, sip, control: { host: '127.0.0.1', port: Number(port), secret } };
  }
  await life.end();
  throw new Error('the SIP server did not start');
}

/** Starts a SIPp that answers calls until it is ended; it listens when the promise is fulfilled. */
export async function startPeer(peer: SuitePeer, scenarios: string, folder: string): Promise<Running> {
  const own = ['-i', '127.0.0.1', '-p', `${peer.port}`, '-nostdin'];
  const child = spawn('sipp', ['-sf', `${scenarios}/${peer.scenario}`, ...own], { cwd: folder, stdio: 'ignore' });
  const life = running(child);
  const hex = peer.port.toString(16).toUpperCase().padStart(4, '0');
  const listening = new RegExp(`: [0-9A-F]{8}:${hex} `);
  await eventually(`${peer.name} listens`, () => {
    if (child.exitCode !== null) throw new Error(`SIPp with ${peer.scenario} ended with ${child.exitCode}`);
    return listening.test(readFileSync('/proc/net/udp', 'latin1'));
  });
  return life;
}

/** Runs a file to its end. @returns what it wrote */
export async function runFile(
  options: readonly string[],
  cwd: string,
  variables: Readonly<Record<string, string>>,
  milliseconds: number,
): Promise<string> {
  const env: NodeJS.ProcessEnv = { ...process.env, NODE_ENV: 'test', ...variables };
  delete env['NODE_TEST_CONTEXT']; // it would report to our own runner
  const child = spawn(process.execPath, options, {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: milliseconds,
    killSignal: 'SIGKILL',
  });
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (output += text.toString()));
  await once(child, 'close');
  return output;
}
