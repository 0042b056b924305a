/** `scripts/bench calls`: measures the whole main job and prints tables. */
import { measureHeld, type HeldResult } from './calls/held.ts';
import { measureLoad, medianLoad, type LoadPlan, type LoadResult } from './calls/load.ts';
import { help, readOptions, type CallsOptions } from './calls/options.ts';
import { heldTable, loadTable, targetTable } from './calls/tables.ts';
import { command, inTurn } from './command.ts';
import { load, machine, printed, say, tell } from './machine.ts';
import { summarise } from './profile.ts';
import { format, profileTable, type Table } from './tables.ts';

function plans({ setUps, rates, passwordRate, seconds, accounts, terminals }: CallsOptions): LoadPlan[] {
  const common = { seconds, accounts, terminals };
  return setUps.flatMap((setUp) =>
    (setUp === 'password' ? [passwordRate] : rates).map((rate) => ({ setUp, rate, ...common })),
  );
}

async function loads(options: CallsOptions): Promise<LoadResult[]> {
  const results = await inTurn(plans(options), options.runs, measureLoad);
  return results.map(medianLoad).filter((one) => one !== undefined);
}

async function profile({ rates, seconds, accounts, terminals }: CallsOptions): Promise<Table> {
  const rate = Math.max(...rates);
  tell(`profile: ${rate} calls/s, direct (load average ${load()})`);
  const { profile } = await measureLoad({ setUp: 'direct', rate, seconds, accounts, terminals, profiled: true });
  const { title, ...table } = profileTable(summarise([profile], 30), rate);
  return { ...table, title: title.replace('in-process', 'direct, main thread, warm-up included') };
}

async function bench(options: CallsOptions): Promise<void> {
  const { parts, markdown, held: calls, accounts, terminals } = options;
  say(`${machine()}\n`);
  let measured: LoadResult[] = [];
  let held: HeldResult | undefined;
  if (parts.has('load')) {
    await printed(async () => {
      measured = await loads(options);
      return loadTable(measured, options.seconds, options.runs);
    }, markdown);
  }
  if (options.profile) await printed(() => profile(options), markdown);
  if (parts.has('held')) {
    await printed(async () => {
      tell(`held: ${calls} calls (load average ${load()})`);
      held = await measureHeld(calls, accounts, terminals);
      return heldTable(held);
    }, markdown);
  }
  const targets = targetTable(measured, held);
  if (targets.rows.length > 0) say(format(targets, markdown));
}

await command(readOptions, help, bench);
