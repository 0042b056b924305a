// A real Kamailio for tests: an operator's network with simultaneous ringing.
import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, globSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** Debian keeps daemons where the path of a user need not lead. */
const program = () => ['/usr/sbin/kamailio', '/usr/local/sbin/kamailio'].find((file) => existsSync(file)) ?? 'kamailio';

/** Where the distribution puts the modules. */
function modules(): string | undefined {
  const [tm] = globSync([
    '/usr/lib/*/kamailio/modules/tm.so',
    '/usr/lib{,64}/kamailio/modules/tm.so',
    '/usr/local/lib{,64}/kamailio/modules/tm.so',
  ]);
  return tm === undefined ? undefined : path.dirname(tm);
}

/** Why no Kamailio can be started here; undefined when one can. For `{ skip: kamailioMissing() ?? false }`. */
export function kamailioMissing(): string | undefined {
  const { error, status } = spawnSync(program(), ['-v'], { stdio: 'ignore' });
  if (error || status !== 0) return 'NOT TESTED: Kamailio is not installed (Debian and Ubuntu: apt install kamailio)';
  return modules() === undefined ? 'NOT TESTED: the modules of Kamailio were not found' : undefined;
}

/** Addresses are `host:port`. */
export interface KamailioNetwork {
  /** Where it listens. */
  address: string;
  /** The number with simultaneous ringing, and its phone. */
  firstCalled: string;
  firstPhone: string;
  /** The service that rings beside it, and by which number. */
  secondCalled: string;
  service: string;
  /** The other phones, by number. */
  phones: Readonly<Record<string, string>>;
  /** How long a phone may stay silent; then the call to it has failed with 408. */
  silenceMs: number;
}

export interface RunningKamailio {
  stop(): Promise<void>;
}

/** Starts it and waits until it answers OPTIONS. */
export async function startKamailio(network: KamailioNetwork): Promise<RunningKamailio> {
  const folder = await mkdtemp(path.join(tmpdir(), 'ringaway-kamailio-'));
  const config = path.join(folder, 'kamailio.cfg');
  await writeFile(config, await configOf(network));
  const child = spawn(
    program(),
    ['-f', config, '-L', modules() ?? '', '-DD', '-E', '-Y', folder, '-P', path.join(folder, 'pid'), '-m', '32'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2_000)));
  const end = () => void child.kill('SIGTERM');
  process.once('exit', end);
  const gone = once(child, 'exit').then(() => void process.off('exit', end));
  const stop = async () => {
    end(); // it ends its own children
    const late = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await gone;
    clearTimeout(late);
    await rm(folder, { recursive: true, force: true });
  };
  for (let attempt = 0; attempt < 100 && child.exitCode === null; attempt++) {
    if (await answersOptions(network.address)) return { stop };
  }
  await stop();
  throw new Error(`Kamailio did not start: ${said}`);
}

async function configOf({ phones, ...network }: KamailioNetwork): Promise<string> {
  const branches = Object.entries(phones).map(
    ([number, address]) => `  } else if ($rU == "${number}") {\n    $ru = "sip:${number}@${address};user=phone";`,
  );
  const values: Record<string, string | number> = { ...network, phones: branches.join('\n') };
  const template = await readFile(new URL('./kamailio.cfg', import.meta.url), 'utf8');
  return template.replaceAll(/\{\{(\w+)\}\}/g, (_all, name: string) => String(values[name] ?? ''));
}

async function answersOptions(address: string): Promise<boolean> {
  const socket = createSocket('udp4');
  socket.on('error', () => undefined); // nobody listens there yet
  const [host = '', port] = address.split(':');
  socket.bind(0, host);
  await once(socket, 'listening');
  const own = `${host}:${socket.address().port}`;
  const id = crypto.randomUUID();
  const answer = once(socket, 'message').then(([datagram]: unknown[]) => String(datagram).startsWith('SIP/2.0 200'));
  socket.send(
    `OPTIONS sip:${address} SIP/2.0\r\nVia: SIP/2.0/UDP ${own};branch=z9hG4bK${id}\r\nFrom: <sip:${own}>;tag=${id}\r\n` +
      `To: <sip:${address}>\r\nCall-ID: ${id}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 1\r\nContent-Length: 0\r\n\r\n`,
    Number(port),
    host,
  );
  const late = new AbortController();
  try {
    return await Promise.race([answer, pause(100, false, { signal: late.signal })]);
  } finally {
    late.abort();
    socket.close();
  }
}
