import { parseArgs } from 'node:util';
import { BadOption, wholeNumber } from '../options.ts';
import type { SetUp } from './site.ts';

export const help = `usage: scripts/bench calls [options]

Measures the whole main job, all on loopback: SIPp calls as the operator's network does (INVITE with Diversion), terminals
on Socket.IO are told and instruct at once, the service calls the final number (a second SIPp), connects the two, and the
caller hangs up 0.2 s later. The service is \`ringaway serve\` as a process of its own, with its embedded store and its log
(level info, to /dev/null); terminals and both SIPp are three other processes on the same machine.

  load      calls/s done: whole calls a second, from the first INVITE to the last BYE.
            CPU a call: user and system time of the service (all its threads; /proc), from the first call to half a second
            after the last, for each call; rtpengine's apart. Not in it: SIPp, terminals, transactions that linger for 32 s.
            told: from the caller's INVITE (as SIPp sends it) to the notification at each terminal.
            called: from the instruction (as the terminal gives it) to the INVITE at the final phone.
            ack: from the instruction to its acknowledgement, which waits until the instruction is safe in the store.
            failed: calls that did not end as the scenario says. retrans.: messages that either SIPp sent or got again.
            Each measurement has processes of its own, warmed up with 1,000 calls; the table has medians of the runs.
  held      so many callers wait at once, their terminals told and nobody instructing; then what each takes: heap with
            buffers of the service's main thread after garbage collection, and resident memory (RSS), minus the same before.

Set-ups of the load:
  direct     both sides send to each other
  rtpengine  an rtpengine in user space between them (no voice is sent: what the signalling costs)
  password   direct, and each instruction carries the account's password, which is compared by argon2id; at --password-rate

Targets: 150 whole calls a second on two cores that are shared with the load, none failing; told and called under 10 ms
(p99) at half of it; 10,000 held calls under 20 KB each. Whether they are met is said below the tables.

Options:
  --only PART          load or held; may be repeated (default: both)
  --set-ups S,S,...    of direct, rtpengine, password (default all)
  --rates N,N,...      calls a second (default 75,150)
  --password-rate N    calls a second of the set-up password (default 15)
  --seconds N          how long each rate is kept up (default 20)
  --runs N             runs of load (default 3)
  --held N             calls that wait (default 10000)
  --accounts N         subscribers (default 100)
  --terminals N        terminals of each (default 2)
  --profile            one more load run at the highest rate, direct: where its CPU time goes, by file
  --markdown           the tables as Markdown
  --help

Takes about runs x (set-ups with rtpengine and direct) x rates x (seconds + 60) seconds for load, held / 100 + 150 seconds
for held: 25 minutes as it stands. Two cores are shared with the load. Run it on a quiet machine: the load average before
each part is printed with the table. Exit 1: something could not be measured; 2: wrong options.

Examples:
  scripts/bench calls
  scripts/bench calls --only load --set-ups direct --rates 75,150,200 --runs 1
  scripts/bench calls --only held --held 2000
  scripts/bench calls --only load --set-ups direct --runs 1 --profile`;

const parts = ['load', 'held'] as const;
export type Part = (typeof parts)[number];
const setUps = ['direct', 'rtpengine', 'password'] as const satisfies SetUp[];

export interface CallsOptions {
  readonly parts: ReadonlySet<Part>;
  readonly setUps: readonly SetUp[];
  /** Calls a second. */
  readonly rates: readonly number[];
  readonly passwordRate: number;
  readonly seconds: number;
  readonly runs: number;
  /** Calls. */
  readonly held: number;
  readonly accounts: number;
  readonly terminals: number;
  readonly profile: boolean;
  readonly markdown: boolean;
}

/** The options of the command line; undefined when help is asked for. @throws BadOption */
export function readOptions(args: readonly string[]): CallsOptions | undefined {
  const values = parsed(args);
  if (values.help) return undefined;
  return {
    parts: new Set(values.only?.map((text) => oneOf('--only', parts, text)) ?? parts),
    setUps: values['set-ups'].split(',').map((text) => oneOf('--set-ups', setUps, text)),
    rates: values.rates.split(',').map((text) => wholeNumber('--rates', text, 2_000)),
    passwordRate: wholeNumber('--password-rate', values['password-rate'], 2_000),
    seconds: wholeNumber('--seconds', values.seconds, 3_600),
    runs: wholeNumber('--runs', values.runs, 100),
    held: wholeNumber('--held', values.held, 50_000),
    accounts: wholeNumber('--accounts', values.accounts, 10_000),
    terminals: wholeNumber('--terminals', values.terminals, 20),
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
        'set-ups': { type: 'string', default: setUps.join(',') },
        rates: { type: 'string', default: '75,150' },
        'password-rate': { type: 'string', default: '15' },
        seconds: { type: 'string', default: '20' },
        runs: { type: 'string', default: '3' },
        held: { type: 'string', default: '10000' },
        accounts: { type: 'string', default: '100' },
        terminals: { type: 'string', default: '2' },
        profile: { type: 'boolean', default: false },
        markdown: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new BadOption(error instanceof Error ? error.message : String(error));
  }
}

function oneOf<Word extends string>(name: string, words: readonly Word[], text: string): Word {
  const word = words.find((one) => one === text);
  if (!word) throw new BadOption(`${name} must be of ${words.join(', ')}, not "${text}"`);
  return word;
}
