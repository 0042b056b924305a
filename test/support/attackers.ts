// Who attacks in the tests: the programs that scan and flood SIP servers, and connections that come to no end.
import { spawn, spawnSync } from 'node:child_process';
import { connect, type Socket } from 'node:net';

/** Why one of the programs cannot be run here; undefined when it can. For `{ skip: toolMissing('svmap', 'sipvicious') ?? false }`. */
export function toolMissing(command: string, debianPackage: string): string | undefined {
  const { error } = spawnSync(command, ['--version']);
  return error && `NOT TESTED: ${command} is not installed (Debian and Ubuntu: apt install ${debianPackage})`;
}

/** Runs a program until it ends, or for so many milliseconds at most; what it wrote, both outputs together. */
export async function run(command: string, args: readonly string[], milliseconds: number): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const end = () => void child.kill('SIGKILL');
  process.once('exit', end);
  const timer = setTimeout(end, milliseconds);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += String(chunk)));
  await new Promise<void>((resolve) => child.once('close', () => resolve()));
  clearTimeout(timer);
  process.off('exit', end);
  return text;
}

/** Many connections of one address that do the same. */
export class Connections {
  readonly sockets: Socket[];

  /** @param opening octets that each begins with; may be none */
  constructor(count: number, from: string, port: number, opening: string | Buffer = '') {
    this.sockets = Array.from({ length: count }, () => {
      const socket = connect({ host: '127.0.0.1', port, localAddress: from });
      socket.on('error', () => undefined);
      socket.resume();
      if (opening.length > 0) socket.write(opening);
      return socket;
    });
  }

  /** How many of them the other end has not ended. */
  get open(): number {
    return this.sockets.filter(({ closed }) => !closed).length;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}
