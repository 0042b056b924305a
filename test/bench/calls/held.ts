// Calls that wait for an instruction: what each of them takes.
import { setTimeout as passed } from 'node:timers/promises';
import { LoadSipp } from '../sipp.ts';
import { finalPhones, waitingCallers } from './scenarios.ts';
import { BenchSite, type Memory } from './site.ts';

const rate = 100;
const warmUpCalls = 500;
/** After which no transaction of an earlier call is left: 64 * T1 of RFC 3261 (Timers H, J) and some more. Milliseconds. */
const settled = 35_000;
/** Until all calls wait, after the last one began. Milliseconds. */
const patience = 30_000;

export interface HeldResult {
  /** How many of them did wait, with their terminals told. */
  readonly calls: number;
  /** Octets for a call. */
  readonly perCall: Memory;
  /** Milliseconds of CPU time for a call, from its INVITE to the end of what follows from it. */
  readonly cpu: number;
  /** Calls that did not end as they should when the terminals declined them. */
  readonly failed: number;
}

/** @throws when a process does not start or ends, or no call comes to wait */
export async function measureHeld(calls: number, accounts: number, terminals: number): Promise<HeldResult> {
  await using opened = new AsyncDisposableStack();
  const final = await LoadSipp.called(finalPhones);
  opened.defer(() => final.close().then(() => undefined));
  const site = await BenchSite.start({ setUp: 'direct', final: final.address, accounts, terminals });
  opened.defer(() => site.close());
  await site.terminals.hold();
  const warmUp = await call(site, warmUpCalls, 1);
  await waitUntilHeld(site, warmUpCalls);
  await site.terminals.decline();
  await warmUp.ended(patience);
  await warmUp.close();
  await passed(settled);
  const [before, cpuBefore] = [await site.memory(), site.cpu().service];
  const caller = await call(site, calls, 500_001);
  try {
    await passed((calls / rate) * 1_000);
    const held = await waitUntilHeld(site, calls);
    if (held === 0) throw new Error('no call waits');
    await passed(5_000); // receipts of the terminals, and what the store still has to write
    const [after, cpuAfter] = [await site.memory(), site.cpu().service];
    await site.terminals.decline();
    await caller.ended(patience);
    const { successful } = await caller.close();
    return {
      calls: held,
      perCall: { heap: (after.heap - before.heap) / held, rss: (after.rss - before.rss) / held },
      cpu: (cpuAfter - cpuBefore) / held,
      failed: calls - successful,
    };
  } finally {
    await caller.close();
  }
}

function call({ numbers, sip }: BenchSite, calls: number, first: number): Promise<LoadSipp> {
  const fields = Array.from({ length: calls }, (_, index) => [
    `+861380${String(first + index).padStart(7, '0')}`,
    numbers[index % numbers.length] ?? '',
  ]);
  return LoadSipp.calling(waitingCallers, sip, rate, calls, { fields });
}

/** How many wait when all do, or when no more come. */
async function waitUntilHeld({ terminals }: BenchSite, calls: number): Promise<number> {
  let held = await terminals.held();
  for (let waited = 0; held < calls && waited < patience; waited += 250) {
    await passed(250);
    held = await terminals.held();
  }
  return held;
}
