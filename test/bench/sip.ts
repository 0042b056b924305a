/** `scripts/bench sip`: measures the SIP server and prints tables. */
import { measureLoad, medianLoad, type LoadResult } from './load.ts';
import { load, machine, printed, say, tell } from './machine.ts';
import { invite, measureMessages } from './messages.ts';
import { BadOption, help, readOptions, type BenchOptions } from './options.ts';
import type { SetUp } from './parties.ts';
import { summarise } from './profile.ts';
import { measureStanding, type StandingResult } from './standing.ts';
import { loadTable, messagesTable, profileTable, standingTable, type Table } from './tables.ts';

function setUps({ drachtio }: BenchOptions): SetUp[] {
  return ['in-process', 'separate', ...(drachtio ? (['drachtio'] as const) : [])];
}

async function loads(options: BenchOptions): Promise<Table> {
  const { rates, seconds, runs, drachtio } = options;
  const plans = rates.flatMap((rate) => setUps(options).map((setUp) => ({ setUp, rate, seconds, drachtio })));
  const results = plans.map((): LoadResult[] => []);
  for (let run = 1; run <= runs; run++) {
    // All set-ups in turn, so that what else the machine does meets each of them.
    for (const [at, plan] of plans.entries()) {
      tell(`load: run ${run} of ${runs}, ${plan.rate} calls/s, ${plan.setUp} (load average ${load()})`);
      results[at]?.push(await measureLoad(plan));
    }
  }
  return loadTable(
    results.map(medianLoad).filter((one) => one !== undefined),
    seconds,
    runs,
  );
}

async function standing(options: BenchOptions): Promise<Table> {
  tell(`standing: ${options.standing} calls in each of ${setUps(options).join(', ')} (load average ${load()})`);
  const results: StandingResult[] = await Promise.all(
    setUps(options).map((setUp) => measureStanding(setUp, options.standing, options.drachtio)),
  );
  return standingTable(results);
}

function messages({ runs }: BenchOptions): Table {
  tell(`messages: ${runs} runs (load average ${load()})`);
  return messagesTable(measureMessages(runs), invite.length);
}

async function profile({ rates, seconds }: BenchOptions): Promise<Table> {
  const rate = rates[Math.floor((rates.length - 1) / 2)] ?? 100;
  tell(`profile: ${rate} calls/s, in-process (load average ${load()})`);
  const plan = { setUp: 'in-process', rate, seconds, drachtio: undefined, profiled: true } as const;
  const { profiles } = await measureLoad(plan);
  return profileTable(summarise(profiles, 20), rate);
}

async function bench(options: BenchOptions): Promise<void> {
  say(`${machine()}\n`);
  const parts: (() => Table | Promise<Table>)[] = [];
  if (options.parts.has('messages')) parts.push(() => messages(options));
  if (options.parts.has('load')) parts.push(() => loads(options));
  if (options.profile) parts.push(() => profile(options));
  if (options.parts.has('standing')) parts.push(() => standing(options));
  for (const part of parts) await printed(part, options.markdown);
}

// What was started ends with this process: SIPp by its exit handler, the measured processes when they lose their parent.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
try {
  const options = readOptions(process.argv.slice(2));
  if (options) await bench(options);
  else say(help);
} catch (error) {
  tell(error instanceof Error ? error.message : String(error));
  process.exit(error instanceof BadOption ? 2 : 1); // whatever else is being measured ends as well
}
