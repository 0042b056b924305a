// A SIPp that plays many calls, and what it counted.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { keptUdpPort } from '../support/sipp.ts';

const address = '127.0.0.1';

export interface Counts {
  /** Calls that ended as the scenario says. */
  readonly successful: number;
  /** Calls of the calling side that were answered. */
  readonly answered: number;
  /** Messages that this SIPp sent or got once more. */
  readonly retransmissions: number;
  /** Milliseconds from INVITE to 200, in ascending order; of the caller only. */
  readonly setups: readonly number[];
}

/** What a SIPp is to do besides. */
export interface Extras {
  /** Lines of values for `[field0]` and so on, a line for each call, in turn. */
  readonly fields?: readonly (readonly string[])[];
  /** Whether each message is written down in a line, with its time; and what the scenario's `<log>` says. */
  readonly logged?: boolean;
}

/** One SIPp of this bench. */
export class LoadSipp {
  readonly address: string;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #exit: Promise<unknown>;
  #closed: Promise<Counts> | undefined;
  /** After it was closed, of one that logs: a line for each message, as SIPp's -trace_shortmsg writes them. */
  messages: readonly string[] = [];
  /** After it was closed, of one that logs: what its scenario logged. */
  log: readonly string[] = [];

  private constructor(child: ChildProcess, folder: string, port: number) {
    this.#child = child;
    this.#folder = folder;
    this.address = `${address}:${port}`;
    process.once('exit', this.#abandon);
    this.#exit = once(child, 'exit');
  }

  /** A side that is called; listens a moment later: SIPp tells nobody when, so the caller's first calls warm up only. */
  static called(scenario: string, extras: Extras = {}): Promise<LoadSipp> {
    return LoadSipp.#start(scenario, [], extras);
  }

  /**
   * A side that calls.
   * @param remote `address:port`
   * @param rate new calls a second
   */
  static calling(
    scenario: string,
    remote: string,
    rate: number,
    calls: number,
    extras: Extras = {},
  ): Promise<LoadSipp> {
    const load = ['-r', `${rate}`, '-m', `${calls}`, '-l', `${calls}`];
    return LoadSipp.#start(scenario, [remote, ...load, '-trace_rtt', '-rtt_freq', '50'], extras);
  }

  static async #start(
    scenario: string,
    more: readonly string[],
    { fields, logged = false }: Extras,
  ): Promise<LoadSipp> {
    const folder = await mkdtemp(path.join(tmpdir(), 'ringaway-bench-'));
    const port = await keptUdpPort();
    await writeFile(path.join(folder, 'scenario.xml'), scenario);
    if (fields) {
      await writeFile(
        path.join(folder, 'fields.csv'),
        `SEQUENTIAL\n${fields.map((line) => line.join(';')).join('\n')}\n`,
      );
    }
    const child = spawn(
      'sipp',
      [
        ...more,
        ...(fields ? ['-inf', 'fields.csv'] : []),
        ...(logged
          ? ['-trace_shortmsg', '-shortmessage_file', 'messages.log', '-trace_logs', '-log_file', 'log.log']
          : []),
        ...['-sf', 'scenario.xml', '-i', address, '-p', `${port}`, '-t', 'u1', '-nostdin', '-buff_size', '1048576'],
        ...[
          '-trace_stat',
          '-stf',
          'statistics.csv',
          '-trace_counts',
          '-fd',
          '1',
          '-cid_str',
          `%u-${crypto.randomUUID()}`,
        ],
      ],
      { cwd: folder, stdio: 'ignore', env: { ...process.env, TERM: 'dumb' } },
    );
    await once(child, 'spawn');
    return new LoadSipp(child, folder, port);
  }

  /** Until its last call ended, or so many milliseconds: true when it ended by itself. */
  async ended(within: number): Promise<boolean> {
    const given = new AbortController();
    const { signal } = given;
    const timeOut = once(AbortSignal.timeout(within), 'abort', { signal }).then(() => false);
    const inTime = await Promise.race([this.#exit.then(() => true), timeOut]);
    given.abort();
    timeOut.catch(() => undefined);
    return inTime;
  }

  readonly #abandon = (): void => {
    this.#child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  };

  /** So far; the file is a second old while it runs. */
  counts(): Counts {
    const counted = lastRow(this.#read('statistics.csv'));
    const messages = lastRow(this.#read('_counts.csv'));
    return {
      successful: counted.get('SuccessfulCall(C)') ?? 0,
      answered: messages.get('4_ACK_Sent') ?? 0,
      retransmissions: [...messages].reduce((sum, [name, value]) => (name.endsWith('_Retrans') ? sum + value : sum), 0),
      setups: setupTimes(this.#read('_rtt.csv')),
    };
  }

  /** Ends it in order, so that its last counts are written; or else by force. */
  close(): Promise<Counts> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<Counts> {
    if (this.#child.exitCode === null) this.#child.kill('SIGUSR1');
    if (!(await this.ended(3_000))) {
      this.#child.kill('SIGKILL');
      await this.#exit;
    }
    const counts = this.counts();
    this.messages = this.#read('messages.log').split('\n');
    this.log = this.#read('log.log').split('\n');
    process.off('exit', this.#abandon);
    this.#abandon();
    return counts;
  }

  /** SIPp puts its process id into the names of some. */
  #read(ending: string): string {
    const name = readdirSync(this.#folder).find((one) => one.endsWith(ending));
    return name === undefined ? '' : readFileSync(path.join(this.#folder, name), 'latin1');
  }
}

function lastRow(csv: string): Map<string, number> {
  const [names = '', ...rows] = csv.trimEnd().split('\n');
  const values = rows.at(-1)?.split(';') ?? [];
  return new Map(names.split(';').map((name, at) => [name.trim(), Number(values[at] ?? 0)]));
}

/** Rows of date; milliseconds; name. */
function setupTimes(csv: string): number[] {
  const rows = csv.trimEnd().split('\n').slice(1);
  return rows
    .map((row) => Number(row.split(';')[1]))
    .filter((time) => !Number.isNaN(time))
    .sort((a, b) => a - b);
}
