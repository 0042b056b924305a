// A real SIPp for tests: plays one scenario, and what it sent and got can be read while it plays.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually } from './eventually.ts';

/** Why no SIPp can be started here; undefined when one can. For `{ skip: sippMissing() ?? false }`. */
export function sippMissing(): string | undefined {
  const { error, stdout } = spawnSync('sipp', ['-v'], { encoding: 'utf8' });
  // It ends with 99 after telling its version.
  if (!error && /SIPp v\d/.test(stdout)) return undefined;
  return 'NOT TESTED: SIPp is not installed (Debian and Ubuntu: apt install sip-tester)';
}

export interface SippOptions {
  /** XML; see sipp-scenarios.ts. */
  scenario: string;
  /** `address:port` that its requests go to; of a scenario that is called, nothing. */
  remote?: string;
  /** Own address, of 127.0.0.0/8; 127.0.0.1 unless given. */
  from?: string;
  /** Own port; a free one unless given. */
  port?: number;
  transport?: 'udp' | 'tcp';
  /** Values of `[name]` in the scenario. */
  keys?: Readonly<Record<string, string | number>>;
  /** Calls in all; 1 unless given. */
  calls?: number;
  /** New calls a second. */
  rate?: number;
  /** Lines of values for `[field0]` and so on, a line for each call, in turn. */
  fields?: readonly (readonly string[])[];
  /** Seconds after which it gives up, and has failed; 40 unless given. */
  patience?: number;
  /** Whether its messages can be read; for few calls. True unless given. */
  traced?: boolean;
}

/** A message as SIPp wrote it down. */
export interface SippMessage {
  direction: 'sent' | 'received';
  startLine: string;
  /** Header lines as they stand, in order. */
  headers: readonly string[];
  body: string;
  text: string;
}

const address = '127.0.0.1';

/** One running SIPp. */
export class Sipp {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #exit: Promise<number | null>;
  readonly #remote: string | undefined;

  private constructor(child: ChildProcess, folder: string, port: number, remote: string | undefined) {
    this.#child = child;
    this.#folder = folder;
    this.#remote = remote;
    this.port = port;
    const end = () => void child.kill('SIGKILL');
    process.once('exit', end);
    this.#exit = once(child, 'exit').then(() => {
      process.off('exit', end);
      return child.exitCode;
    });
  }

  /** Starts one; when it is to be called, it listens when the promise is fulfilled. */
  static async start(options: SippOptions): Promise<Sipp> {
    const { calls = 1, rate = 10, patience = 40, keys = {}, transport = 'udp', traced = true } = options;
    const folder = await mkdtemp(path.join(tmpdir(), 'ringaway-sipp-'));
    const port = options.port ?? (await keptUdpPort());
    await writeFile(path.join(folder, 'scenario.xml'), options.scenario);
    const fields = options.fields?.map((line) => line.join(';')) ?? [];
    await writeFile(path.join(folder, 'fields.csv'), ['SEQUENTIAL', ...fields, ''].join('\n'));
    const child = spawn(
      'sipp',
      [
        ...(options.remote === undefined ? [] : [options.remote]),
        ...[
          '-sf',
          'scenario.xml',
          '-i',
          options.from ?? address,
          '-p',
          `${port}`,
          '-t',
          transport === 'udp' ? 'u1' : 't1',
        ],
        ...['-m', `${calls}`, '-r', `${rate}`, '-nostdin', '-timeout', `${patience}`, '-timeout_error'],
        ...['-trace_err', '-error_file', 'errors.log', '-cid_str', `%u-${crypto.randomUUID()}`],
        ...(traced ? ['-trace_msg', '-message_file', 'messages.log'] : []),
        ...(options.fields ? ['-inf', 'fields.csv'] : []),
        ...Object.entries(keys).flatMap(([name, value]) => ['-key', name, `${value}`]),
      ],
      { cwd: folder, stdio: 'ignore', env: { ...process.env, TERM: 'dumb' } },
    );
    const sipp = new Sipp(child, folder, port, options.remote);
    if (transport === 'udp') await eventually('SIPp listens', () => child.exitCode !== null || listens(port), 20_000);
    return sipp;
  }

  get address(): string {
    return `${address}:${this.port}`;
  }

  /** What it sent and got so far, in order. */
  get messages(): SippMessage[] {
    return readMessages(this.#read('messages.log'));
  }

  /**
   * The first (or another) message of a kind, in the past or to come; a message and its retransmissions are one.
   * @param startsWith beginning of its start line
   * @param cseq as in its CSeq header, where the start line does not tell which
   */
  async received(startsWith: string, { nth = 1, cseq = '' } = {}): Promise<SippMessage> {
    return this.#message('received', startsWith, nth, cseq);
  }

  async sent(startsWith: string): Promise<SippMessage> {
    return this.#message('sent', startsWith, 1, '');
  }

  async #message(direction: SippMessage['direction'], startsWith: string, nth: number, cseq: string) {
    const fits = (message: SippMessage) =>
      message.direction === direction &&
      message.startLine.startsWith(startsWith) &&
      (valuesOf(message, 'CSeq')[0] ?? '').startsWith(cseq);
    let found: SippMessage | undefined;
    const what = `SIPp ${direction} ${startsWith} (${cseq}) for the ${nth}. time`;
    await eventually(what, () => {
      const distinct = new Map(this.messages.filter(fits).map((message) => [message.text, message]));
      return (found = [...distinct.values()][nth - 1]) !== undefined;
    });
    if (!found) throw new Error(what);
    return found;
  }

  /**
   * Lets a scenario that waits in `awaitCue` go on. The cue is a MESSAGE, which nobody else sends; all else in it is
   * as in the last request or response of the call, so that the `[last_…]` of what follows are right.
   */
  async cue(): Promise<void> {
    const last = this.messages.findLast(({ direction, text }) => direction === 'received' && !text.startsWith('ACK'));
    if (!last) throw new Error('a cue before the call');
    const uri = `MESSAGE sip:${this.address} SIP/2.0`;
    const socket = createSocket('udp4');
    await new Promise<void>((sent) => {
      socket.send(last.text.replace(/^[^\r\n]*/, uri), this.port, address, () => sent());
    });
    socket.close();
  }

  /** Resolves when all its calls ended as the scenario says. @throws with what went wrong */
  async succeeded(): Promise<void> {
    const code = await this.#exit;
    if (code !== 0) throw new Error(`SIPp ended with ${code}: ${this.story}`);
  }

  /** Ends it when it still runs. */
  async close(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit;
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** What passed, and what SIPp said against it; for people. */
  get story(): string {
    const lines = this.messages.map(({ direction, startLine }) => `${direction} ${startLine}`);
    return `${this.#remote ?? 'called'}: ${lines.join(' | ')} ${this.#read('errors.log').slice(0, 2_000)}`;
  }

  #read(file: string): string {
    try {
      return readFileSync(path.join(this.#folder, file), 'latin1');
    } catch {
      return ''; // not yet written, or gone with the folder
    }
  }
}

/** Below the range out of which the system takes ephemeral ports, and that of startRtpengine. */
const ports = { first: 10_000, count: 6_000 };
let nextPort = Math.floor(Math.random() * ports.count);

/**
 * A free UDP port of loopback for a peer that starts later, or stops and starts again: meanwhile nobody gets it who
 * asks the system for any port, and nobody in this process.
 */
export async function keptUdpPort(): Promise<number> {
  for (let attempt = 0; attempt < ports.count; attempt++) {
    const port = ports.first + (nextPort++ % ports.count);
    const socket = createSocket('udp4').bind(port, address);
    const free = await once(socket, 'listening').then(
      () => true,
      () => false,
    );
    await new Promise<void>((closed) => void socket.close(() => closed()));
    if (free) return port;
  }
  throw new Error(`no UDP port is free from ${ports.first} on`);
}

/** Whether somebody listens on that UDP port of loopback (Linux): asking by binding it would take it from SIPp. */
function listens(port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return new RegExp(`: [0-9A-F]{8}:${hex} `).test(readFileSync('/proc/net/udp', 'latin1'));
}

function readMessages(log: string): SippMessage[] {
  const messages: SippMessage[] = [];
  const heading = /^(?:UDP|TCP) message (sent|received) [([](\d+)[)\]]? ?bytes\)?\s*:\r?\n\r?\n/gm;
  for (let match = heading.exec(log); match; match = heading.exec(log)) {
    const text = log.slice(heading.lastIndex, heading.lastIndex + Number(match[2]));
    if (text.length < Number(match[2])) break; // it is still being written
    const end = text.indexOf('\r\n\r\n');
    const [startLine = '', ...headers] = text.slice(0, end < 0 ? undefined : end).split('\r\n');
    const body = end < 0 ? '' : text.slice(end + 4);
    messages.push({ direction: match[1] === 'sent' ? 'sent' : 'received', startLine, headers, body, text });
  }
  return messages;
}

/** The values of a header, one for each line of it. */
export function valuesOf({ headers }: SippMessage, name: string): string[] {
  const start = `${name.toLowerCase()}:`;
  return headers.filter((line) => line.toLowerCase().startsWith(start)).map((line) => line.slice(start.length).trim());
}
