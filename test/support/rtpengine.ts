// A real rtpengine for tests, and a bad network between it and us.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

/** Why no rtpengine can be started here; undefined when one can. For `{ skip: rtpengineMissing() ?? false }`. */
export function rtpengineMissing(): string | undefined {
  const { error, status } = spawnSync('rtpengine', ['--version'], { stdio: 'ignore' });
  if (!error && status === 0) return undefined;
  return 'NOT TESTED: rtpengine is not installed (Debian and Ubuntu: apt install rtpengine-daemon)';
}

export interface RunningRtpengine {
  /** As in the settings: `udp://127.0.0.1:port`. */
  readonly engine: string;
  readonly port: number;
  readonly pid: number;
  /** Sessions that it has now. */
  sessions(): Promise<number>;
  /** Streams that it decodes and encodes, each direction for itself; it counts them once a second, so it is waited for. */
  transcodedSoon(): Promise<number>;
  /** Ends it without a chance to say goodbye; resolves when it is gone. */
  kill(): Promise<void>;
  /** Freezes it: it stays there and answers nothing, until it is thawed. */
  freeze(): Promise<void>;
  thaw(): void;
  /** Starts it anew at the same port, without its sessions. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts an rtpengine on loopback, in user space, on a free ng port. End it with `stop`. */
export async function startRtpengine(options: { port?: number; arguments?: string[] } = {}): Promise<RunningRtpengine> {
  const port = options.port ?? (await freeUdpPort());
  let child = await launch(port, options.arguments ?? []);
  const kill = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  };
  return {
    engine: `udp://127.0.0.1:${port}`,
    port,
    get pid() {
      return child.pid ?? 0;
    },
    sessions: () => countOf(port, 'sessionstotal'),
    transcodedSoon: async () => {
      // Counted once a second, from the voice that passes.
      await pause(2_100);
      return await countOf(port, 'transcodedmedia');
    },
    kill: () => kill('SIGKILL'),
    freeze: async () => {
      child.kill('SIGSTOP');
      // The signal is sent at once, but not obeyed at once.
      while (!/^State:\s+T/m.test(await readFile(`/proc/${child.pid}/status`, 'utf8'))) await pause(1);
    },
    thaw: () => void child.kill('SIGCONT'),
    restart: async () => {
      await kill('SIGKILL');
      child = await launch(port, options.arguments ?? []);
    },
    // SIGKILL also ends one that is frozen; there is nothing that it would have to write.
    stop: () => kill('SIGKILL'),
  };
}

async function launch(port: number, more: string[]): Promise<ChildProcess> {
  // Below the range out of which the system takes ephemeral ports; a port that is busy is passed over by rtpengine.
  const first = 16_000 + 2 * Math.floor(Math.random() * 4_000);
  const child = spawn(
    'rtpengine',
    [
      // Without this it reads the machine's own settings, ports included.
      '--config-file=none',
      ...['--foreground', '--log-stderr', '--log-level=4', '--table=-1', '--interface=127.0.0.1'],
      ...[`--listen-ng=127.0.0.1:${port}`, `--port-min=${first}`, `--port-max=${first + 7_999}`, '--num-threads=2'],
      ...more,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2_000)));
  const end = () => void child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => void process.off('exit', end));
  for (let attempt = 0; attempt < 100 && child.exitCode === null; attempt++) {
    if ((await ask(port, 'd7:command4:pinge', 50))?.includes('4:pong')) return child;
  }
  child.kill('SIGKILL');
  throw new Error(`rtpengine did not start: ${said}`);
}

async function countOf(port: number, name: string): Promise<number> {
  const answer = await ask(port, 'd7:command10:statisticse', 2_000);
  const count = new RegExp(`${name.length}:${name}i(\\d+)e`).exec(answer ?? '')?.[1];
  if (count === undefined) throw new Error(`rtpengine at port ${port} told no ${name}: ${answer ?? 'silence'}`);
  return Number(count);
}

/** One ng request without any care for loss; undefined when nothing came in time. */
async function ask(port: number, request: string, milliseconds: number): Promise<string | undefined> {
  const socket = createSocket('udp4');
  // Nobody listens there yet.
  socket.on('error', () => undefined);
  const answer = once(socket, 'message').then(([datagram]: unknown[]) => String(datagram));
  socket.send(`${crypto.randomUUID()} ${request}`, port, '127.0.0.1');
  const late = new AbortController();
  try {
    return await Promise.race([answer, pause(milliseconds, undefined, { signal: late.signal })]);
  } finally {
    late.abort();
    socket.close();
  }
}

/** A UDP port of loopback that was free a moment ago. */
export async function freeUdpPort(): Promise<number> {
  const socket = await boundSocket();
  const { port } = socket.address();
  await new Promise<void>((closed) => void socket.close(() => closed()));
  return port;
}

async function boundSocket(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

export type Direction = 'to-engine' | 'from-engine';

/** What becomes of one datagram: the datagrams that leave the relay for it, each after `delay` milliseconds. */
export type Fate = readonly { datagram: Buffer; delay?: number }[];
export const pass = (datagram: Buffer): Fate => [{ datagram }];
export const drop: Fate = [];

export interface Relay {
  /** As in the settings: `udp://127.0.0.1:port`. */
  readonly engine: string;
  /** Datagrams so far that came in, each way. */
  readonly seen: Record<Direction, number>;
  /** Decides on each datagram; may be changed at any time. */
  decide: (datagram: Buffer, direction: Direction) => Fate;
  /** Sends to whoever asked last, from the engine's address or from a foreign one. */
  inject(datagram: Buffer, from: 'engine' | 'foreigner'): void;
  close(): void;
}

/** A relay for ng datagrams that does to them what `decide` says. One client at a time. */
export async function startRelay(enginePort: number): Promise<Relay> {
  const [front, back, foreign] = await Promise.all([boundSocket(), boundSocket(), boundSocket()]);
  let client: RemoteInfo | undefined;
  let closed = false;
  const timers = new Set<NodeJS.Timeout>();
  const toClient = (datagram: Buffer, socket: Socket) => {
    if (client && !closed) socket.send(datagram, client.port, client.address);
  };
  const carry = (datagram: Buffer, direction: Direction) => {
    relay.seen[direction] += 1;
    for (const one of relay.decide(datagram, direction)) {
      const send = () => {
        if (direction === 'from-engine') toClient(one.datagram, front);
        else if (!closed) back.send(one.datagram, enginePort, '127.0.0.1');
      };
      if (one.delay === undefined) send();
      else timers.add(setTimeout(send, one.delay));
    }
  };
  const relay: Relay = {
    engine: `udp://127.0.0.1:${front.address().port}`,
    seen: { 'to-engine': 0, 'from-engine': 0 },
    decide: pass,
    inject: (datagram, from) => toClient(datagram, from === 'engine' ? front : foreign),
    close: () => {
      closed = true;
      for (const timer of timers) clearTimeout(timer);
      for (const socket of [front, back, foreign]) socket.close();
    },
  };
  front.on('message', (datagram, from) => {
    client = from;
    carry(datagram, 'to-engine');
  });
  back.on('message', (datagram) => carry(datagram, 'from-engine'));
  for (const socket of [front, back, foreign]) socket.on('error', () => undefined);
  return relay;
}

/** Loses `share` (0 to 1) of the datagrams each way, the same ones in every run with the same seed. */
export function lossy(share: number, seed: number): Relay['decide'] {
  const random = mulberry32(seed);
  return (datagram) => (random() < share ? drop : pass(datagram));
}

/** A small generator of numbers from 0 to 1 that repeats itself for the same seed. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
