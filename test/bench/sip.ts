/** `scripts/bench sip`: measures the SIP server and prints tables. */
import { command, inTurn } from './command.ts';
import { measureLoad, medianLoad } from './load.ts';
import { load, machine, printed, say, tell } from './machine.ts';
import { invite, measureMessages } from './messages.ts';
import { help, readOptions, type BenchOptions } from './options.ts';
import type { SetUp } from './parties.ts';
import { summarise } from './profile.ts';
import { measureSoak } from './soak.ts';
import { measureStanding } from './standing.ts';
import { loadTable, messagesTable, profileTable, soakTable, standingTable, type Table } from './tables.ts';
import { targetsTable, type Measured } from './targets.ts';

function setUps({ drachtio }: BenchOptions): SetUp[] {
  return ['in-process', 'separate', ...(drachtio ? (['drachtio'] as const) : [])];
}

async function loads(options: BenchOptions, measured: Measured): Promise<Table> {
  const { rates, seconds, runs, drachtio } = options;
  const plans = rates.flatMap((rate) => setUps(options).map((setUp) => ({ setUp, rate, seconds, drachtio })));
  const results = await inTurn(plans, runs, measureLoad);
  measured.loads = results.map(medianLoad).filter((one) => one !== undefined);
  return loadTable(measured.loads, seconds, runs);
}

async function standing(options: BenchOptions, measured: Measured): Promise<Table> {
  tell(`standing: ${options.standing} calls in each of ${setUps(options).join(', ')} (load average ${load()})`);
  measured.standings = await Promise.all(
    setUps(options).map((setUp) => measureStanding(setUp, options.standing, options.drachtio)),
  );
  return standingTable(measured.standings);
}

async function soak(options: BenchOptions, measured: Measured): Promise<Table> {
  tell(`soak: ${options.soak} calls, in-process (load average ${load()})`);
  measured.soak = await measureSoak(options.soak);
  return soakTable(measured.soak);
}

function messages({ runs }: BenchOptions, measured: Measured): Table {
  tell(`messages: ${runs} runs (load average ${load()})`);
  measured.messages = measureMessages(runs);
  return messagesTable(measured.messages, invite.length);
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
  const measured: Measured = { loads: [], standings: [], messages: [], soak: undefined };
  if (options.parts.has('messages')) parts.push(() => messages(options, measured));
  if (options.parts.has('load')) parts.push(() => loads(options, measured));
  if (options.profile) parts.push(() => profile(options));
  if (options.parts.has('standing')) parts.push(() => standing(options, measured));
  if (options.parts.has('soak')) parts.push(() => soak(options, measured));
  parts.push(() => targetsTable(measured));
  for (const part of parts) await printed(part, options.markdown);
}

await command(readOptions, help, bench);
