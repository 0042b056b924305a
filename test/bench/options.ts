import { parseArgs } from 'node:util';

export const help = `usage: scripts/bench sip [options]

Measures the built-in SIP server with SIPp as caller and as called, all on loopback.

  load      a plain drachtio-srf B2BUA (createB2BUA) between two SIPp; a call is INVITE, 180, 200, ACK, BYE.
            CPU: user and system time of our processes (/proc), not SIPp's, from the first call to half a second after
            the last, for each call. What transactions that linger for 32 s cost later is not in it.
            setup: from the caller's INVITE to its 200. retrans.: messages that either SIPp sent or got again.
            Each measurement has processes of its own, warmed up with 1,000 calls; the table has medians of the runs.
  standing  so many calls that stand at once, then what each takes: resident memory (RSS), and heap with buffers after
            garbage collection, both after the transactions ended (35 s), minus the same before the calls.
  messages  parser and serialiser alone, without network: INVITEs of 1 KB in a second of CPU time.
  soak      (only when it is asked for) as many calls as an hour may bring, in one process: what the heap holds after
            garbage collection when their transactions have ended, after a warm-up and after each quarter of them.

A last table says which targets of the project are met, and by how much the others are missed.

How the server and the application stand to each other:
  in-process  one process, connected in memory: how the product runs
  separate    two processes, connected by TCP on loopback: how drachtio-server is used
  drachtio    the application against a drachtio-server that runs already (--drachtio)

Options:
  --only PART            load, standing, messages or soak; may be repeated (default: all but soak)
  --targets              what the targets speak of: 400 and 800 calls a second for 45 s, 10,000 standing calls, and the
                         soak of an hour; options given beside it count
  --rates N,N,...        calls a second (default 100,400,800)
  --seconds N            how long each rate is kept up (default 15)
  --runs N               runs of load and messages (default 3)
  --standing N           standing calls (default 2000)
  --soak N               calls of the soak (default 36000: an hour of 10 a second, passing at 300 a second)
  --drachtio HOST:PORT/SECRET
                         the same against this drachtio-server, side by side in the same run. CPU and memory of the
                         server are told when it listens on this machine and its process may be seen; it takes SIP
                         over UDP, and standing calls are ended by BYE
  --profile              one more load run at the middle rate, in-process: where its CPU time goes, by file
  --markdown             the tables as Markdown
  --help

Takes about runs x rates x set-ups x (seconds + 10) for load, standing / 100 + 100 seconds for standing (all set-ups at
once), 6 x runs seconds for messages: 12 minutes as it stands. Two cores are shared with SIPp. Run it on a quiet machine: the load
average before each part is printed with the table. Exit 1: something could not be measured; 2: wrong options.

Examples:
  scripts/bench sip
  scripts/bench sip --only load --rates 800 --seconds 45 --runs 1
  scripts/bench sip --only standing --standing 10000
  scripts/bench sip --targets --profile
  scripts/bench sip --drachtio 127.0.0.1:9022/cymru --markdown`;

const parts = ['load', 'standing', 'messages', 'soak'] as const;
export type Part = (typeof parts)[number];

/** Where a drachtio-server takes applications. */
export interface ControlAddress {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
}

export interface BenchOptions {
  readonly parts: ReadonlySet<Part>;
  /** Calls a second. */
  readonly rates: readonly number[];
  readonly seconds: number;
  readonly runs: number;
  /** Calls. */
  readonly standing: number;
  /** Calls. */
  readonly soak: number;
  readonly drachtio: ControlAddress | undefined;
  readonly profile: boolean;
  readonly markdown: boolean;
}

/** What was given cannot be read; the message says what was expected. */
export class BadOption extends Error {
  override name = 'BadOption';
}

const usualRuns = { rates: '100,400,800', seconds: '15', standing: '2000' };
const targetRuns = { rates: '400,800', seconds: '45', standing: '10000' };

/** The options of the command line; undefined when help is asked for. @throws BadOption */
export function readOptions(args: readonly string[]): BenchOptions | undefined {
  const values = parsed(args);
  if (values.help) return undefined;
  const usual = values.targets ? targetRuns : usualRuns;
  return {
    parts: new Set(values.only?.map(readPart) ?? parts.filter((part) => values.targets || part !== 'soak')),
    rates: (values.rates ?? usual.rates).split(',').map((text) => wholeNumber('--rates', text, 5_000)),
    seconds: wholeNumber('--seconds', values.seconds ?? usual.seconds, 3_600),
    runs: wholeNumber('--runs', values.runs, 100),
    standing: wholeNumber('--standing', values.standing ?? usual.standing, 50_000),
    soak: wholeNumber('--soak', values.soak, 1_000_000),
    drachtio: values.drachtio === undefined ? undefined : readControl(values.drachtio),
    profile: values.profile,
    markdown: values.markdown,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', multiple: true },
        targets: { type: 'boolean', default: false },
        rates: { type: 'string' },
        seconds: { type: 'string' },
        runs: { type: 'string', default: '3' },
        standing: { type: 'string' },
        soak: { type: 'string', default: '36000' },
        drachtio: { type: 'string' },
        profile: { type: 'boolean', default: false },
        markdown: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new BadOption(error instanceof Error ? error.message : String(error));
  }
}

function readPart(text: string): Part {
  const part = parts.find((one) => one === text);
  if (!part) throw new BadOption(`--only must be one of ${parts.join(', ')}, not "${text}"`);
  return part;
}

/** @throws BadOption */
export function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > most) {
    throw new BadOption(`${name} must be a whole number from 1 to ${most}, not "${text}"`);
  }
  return value;
}

function readControl(text: string): ControlAddress {
  const [, host, port, secret] = /^([^:/]+):(\d{1,5})\/(.+)$/.exec(text) ?? [];
  if (host === undefined || port === undefined || secret === undefined) {
    throw new BadOption(`--drachtio must be HOST:PORT/SECRET, not "${text}"`);
  }
  return { host, port: Number(port), secret };
}
