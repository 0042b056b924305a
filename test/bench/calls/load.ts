// Whole calls at a given rate: CPU time, the two times that matter, losses, memory.
import { setTimeout as passed } from 'node:timers/promises';
import { median, quantile } from '../numbers.ts';
import { LoadSipp } from '../sipp.ts';
import type { Said } from './crowd.ts';
import { callers, finalPhones } from './scenarios.ts';
import { BenchSite, type SetUp } from './site.ts';

/** So many that what is compiled while it runs is compiled before. */
const warmUp = { calls: 1_000, rate: 50 };
/** What calls are given to end after the last began, when some are lost: 64 * T1 of RFC 3261 and some more. Milliseconds. */
const patience = 40_000;

export interface LoadPlan {
  readonly setUp: SetUp;
  /** Calls a second. */
  readonly rate: number;
  readonly seconds: number;
  readonly accounts: number;
  readonly terminals: number;
  readonly profiled?: boolean;
}

/** Milliseconds. */
export interface Times {
  readonly p50: number;
  readonly p99: number;
}

export interface LoadResult {
  readonly setUp: SetUp;
  readonly rate: number;
  /** Calls a second that ended as they should, from the first INVITE to the last BYE. */
  readonly throughput: number;
  /** Milliseconds of user and system time for a call. */
  readonly cpu: { readonly service: number; readonly engine: number | undefined };
  readonly failed: number;
  readonly retransmissions: number;
  /** From the caller's INVITE to the notification at each terminal. */
  readonly told: Times;
  /** From the instruction at the terminal to the INVITE at the final phone. */
  readonly called: Times;
  /** From the instruction to its acknowledgement at the terminal. */
  readonly acknowledged: Times;
  /** Resident octets before the first and after the last call. */
  readonly rss: { readonly before: number; readonly after: number };
  /** V8's Profiler.Profile of the main thread, where one was wanted. */
  readonly profile?: unknown;
}

/** @throws when a process does not start or ends, or the terminals were not asked at all */
export async function measureLoad({ rate, seconds, ...plan }: LoadPlan): Promise<LoadResult> {
  await using opened = new AsyncDisposableStack();
  const final = await LoadSipp.called(finalPhones, { logged: true });
  opened.defer(() => final.close().then(() => undefined));
  const site = await BenchSite.start({ ...plan, final: final.address });
  opened.defer(() => site.close());
  await callThrough(site, warmUp.rate, plan.setUp === 'password' ? warmUp.calls / 10 : warmUp.calls, 1);
  await passed(1_500); // the called side's counts are written once a second
  const earlier = final.counts().retransmissions;
  await site.terminals.begin();
  const calls = rate * seconds;
  const [cpuBefore, before, began] = [site.cpu(), site.resident(), performance.now()];
  const { caller, invited } = await callThrough(site, rate, calls, 500_001);
  const took = performance.now() - began;
  await passed(500);
  const [cpuAfter, after] = [site.cpu(), site.resident()];
  const said = await site.terminals.said();
  const refused = Object.entries(said.refused);
  if (refused.length > 0) {
    process.stderr.write(`• refused instructions: ${refused.map(([code, count]) => `${count} ${code}`).join(', ')}\n`);
  }
  const profile = plan.profiled ? await site.profile() : undefined;
  const { retransmissions } = await final.close();
  return {
    setUp: plan.setUp,
    rate,
    throughput: (caller.successful / took) * 1_000,
    cpu: {
      service: (cpuAfter.service - cpuBefore.service) / calls,
      engine:
        cpuAfter.engine === undefined || cpuBefore.engine === undefined
          ? undefined
          : (cpuAfter.engine - cpuBefore.engine) / calls,
    },
    failed: calls - caller.successful,
    retransmissions: caller.retransmissions + retransmissions - earlier,
    ...timesOf(invited, said, calledAt(final.log)),
    rss: { before, after },
    profile,
  };
}

/** @param first number of the first caller: each call of a site has a caller of its own */
async function callThrough(site: BenchSite, rate: number, calls: number, first: number) {
  const { numbers, sip } = site;
  const callerOf = (index: number): string => `+861380${String(first + index).padStart(7, '0')}`;
  const fields = Array.from({ length: calls }, (_, index) => [callerOf(index), numbers[index % numbers.length] ?? '']);
  const sipp = await LoadSipp.calling(callers, sip, rate, calls, { fields, logged: true });
  await sipp.ended((calls / rate) * 1_000 + patience);
  const caller = await sipp.close();
  return { caller, invited: invitedAt(sipp.messages, callerOf) };
}

/**
 * When the INVITE of each caller left, in milliseconds since 1970. Lines of SIPp: date, time, seconds since 1970, S or R,
 * Call-ID, CSeq, start line; our Call-IDs begin with the number of the call, from 1 on, and the fields are taken in order.
 */
function invitedAt(messages: readonly string[], callerOf: (index: number) => string): Map<string, number> {
  const times = new Map<string, number>();
  for (const line of messages) {
    const [, , time, direction, callId = '', , start = ''] = line.split('\t');
    if (direction !== 'S' || !start.startsWith('INVITE ')) continue;
    const caller = callerOf(Number.parseInt(callId, 10) - 1);
    // A retransmission is no new beginning.
    if (!times.has(caller)) times.set(caller, Number(time) * 1_000);
  }
  return times;
}

/** When the INVITE of each caller was at the final phone. Lines as the scenario logs them. */
function calledAt(log: readonly string[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const line of log) {
    const [, caller, time] = /^(\+\d+) \S+\t\S+\t([\d.]+)/.exec(line) ?? [];
    if (caller !== undefined && !times.has(caller)) times.set(caller, Number(time) * 1_000);
  }
  return times;
}

function timesOf(invited: Map<string, number>, said: Said, called: Map<string, number>) {
  const told = said.told.flatMap(([caller, at]) => at - (invited.get(caller) ?? Number.NaN));
  const toCalled = said.instructed.flatMap(([caller, at]) => (called.get(caller) ?? Number.NaN) - at);
  return { told: times(told), called: times(toCalled), acknowledged: times(said.acknowledged) };
}

/** Of calls that came through; what was lost is counted elsewhere. */
function times(all: readonly number[]): Times {
  const known = all.filter((time) => !Number.isNaN(time));
  return { p50: quantile(known, 0.5), p99: quantile(known, 0.99) };
}

/** Of every column the median. */
export function medianLoad(runs: readonly LoadResult[]): LoadResult | undefined {
  const [first] = runs;
  if (!first) return undefined;
  const of = (read: (run: LoadResult) => number): number => median(runs.map(read));
  const ofTimes = (read: (run: LoadResult) => Times): Times => ({
    p50: of((run) => read(run).p50),
    p99: of((run) => read(run).p99),
  });
  return {
    setUp: first.setUp,
    rate: first.rate,
    throughput: of(({ throughput }) => throughput),
    cpu: {
      service: of(({ cpu }) => cpu.service),
      engine: first.cpu.engine === undefined ? undefined : of(({ cpu }) => cpu.engine ?? 0),
    },
    failed: of(({ failed }) => failed),
    retransmissions: of(({ retransmissions }) => retransmissions),
    told: ofTimes(({ told }) => told),
    called: ofTimes(({ called }) => called),
    acknowledged: ofTimes(({ acknowledged }) => acknowledged),
    rss: { before: of(({ rss }) => rss.before), after: of(({ rss }) => rss.after) },
  };
}
