// Calls at a given rate through a B2BUA: CPU time, setup time, losses, memory.
import { setTimeout as passed } from 'node:timers/promises';
import type { ControlAddress } from './options.ts';
import { median, quantile } from './numbers.ts';
import { both, Parties, type SetUp, type Shares } from './parties.ts';
import { answers, callsAndHangsUp } from './scenarios.ts';
import { LoadSipp } from './sipp.ts';

/** So many that what is compiled while it runs is compiled before. */
const warmUp = { calls: 1_000, rate: 200 };
/** What calls are given to end after the last began, when some are lost: 64 * T1 of RFC 3261 and some more. Milliseconds. */
const patience = 40_000;

export interface LoadPlan {
  readonly setUp: SetUp;
  /** Calls a second. */
  readonly rate: number;
  readonly seconds: number;
  readonly drachtio: ControlAddress | undefined;
  /** Whether CPU profiles are made; they cost CPU time themselves. */
  readonly profiled?: boolean;
}

export interface LoadResult {
  readonly setUp: SetUp;
  readonly rate: number;
  /** Milliseconds of user and system time for a call. */
  readonly cpu: Shares<number>;
  readonly failed: number;
  readonly retransmissions: number;
  /** Milliseconds; SIPp's clock has steps of up to 4. */
  readonly setup: { readonly p50: number; readonly p99: number };
  /** Resident octets before the first and after the last call. */
  readonly before: Shares<number>;
  readonly after: Shares<number>;
  /** Resident octets of all our processes when transactions had begun to end as fast as they begin, and at the end; of long runs. */
  readonly late: { readonly start: number; readonly end: number; readonly seconds: number } | undefined;
  /** V8's Profiler.Profile, one a process. */
  readonly profiles: readonly unknown[];
}

/** @throws when a process does not start or ends */
export async function measureLoad({ setUp, rate, seconds, drachtio, profiled = false }: LoadPlan): Promise<LoadResult> {
  const called = await LoadSipp.called(answers);
  try {
    const parties = await Parties.start(setUp, called.address, drachtio);
    try {
      await callThrough(parties, warmUp.rate, warmUp.calls);
      await passed(1_500); // the called side's counts are written once a second
      const earlier = called.counts().retransmissions;
      if (profiled) await parties.profile();
      const [cpuBefore, before] = [parties.cpu(), parties.resident()];
      const calls = rate * seconds;
      const sampler = sampling(parties);
      const caller = await callThrough(parties, rate, calls);
      const late = sampler.late(seconds);
      await passed(500);
      const [cpuAfter, after] = [parties.cpu(), parties.resident()];
      const profiles = profiled ? await parties.profiled() : [];
      const { retransmissions } = await called.close();
      return {
        setUp,
        rate,
        cpu: both(cpuBefore, cpuAfter, (start, end) => (end - start) / calls),
        failed: calls - caller.successful,
        retransmissions: caller.retransmissions + retransmissions - earlier,
        setup: { p50: quantile(caller.setups, 0.5), p99: quantile(caller.setups, 0.99) },
        before,
        after,
        late,
        profiles,
      };
    } finally {
      await parties.close();
    }
  } finally {
    await called.close();
  }
}

/** Milliseconds after which the transactions of the first calls are over: 64 * T1 of RFC 3261 and some more. */
const plateau = 34_000;

/** Looks at the resident memory each second. */
function sampling(parties: Parties): { late(seconds: number): LoadResult['late'] } {
  const sample = (): number => {
    const { server = 0, application = 0 } = parties.resident();
    return server + application;
  };
  const begun = performance.now();
  let start: number | undefined;
  let end = 0;
  const timer = setInterval(() => {
    end = sample();
    if (performance.now() - begun >= plateau) start ??= end;
  }, 1_000);
  return {
    late(seconds) {
      clearInterval(timer);
      const length = seconds - plateau / 1_000;
      return start === undefined || length < 5 ? undefined : { start, end, seconds: Math.round(length) };
    },
  };
}

async function callThrough(parties: Parties, rate: number, calls: number) {
  const caller = await LoadSipp.calling(callsAndHangsUp, parties.sip, rate, calls);
  await caller.ended(Math.ceil((calls / rate) * 1_000) + patience);
  return caller.close();
}

/** Of every column the median. */
export function medianLoad(runs: readonly LoadResult[]): LoadResult | undefined {
  const [first] = runs;
  if (!first) return undefined;
  const of = (read: (run: LoadResult) => number): number => median(runs.map(read));
  const share = (read: (run: LoadResult) => Shares<number>): Shares<number> => ({
    server: read(first).server === undefined ? undefined : of((run) => read(run).server ?? 0),
    application: read(first).application === undefined ? undefined : of((run) => read(run).application ?? 0),
  });
  return {
    setUp: first.setUp,
    rate: first.rate,
    cpu: share(({ cpu }) => cpu),
    failed: of(({ failed }) => failed),
    retransmissions: of(({ retransmissions }) => retransmissions),
    setup: { p50: of(({ setup }) => setup.p50), p99: of(({ setup }) => setup.p99) },
    before: share(({ before }) => before),
    after: share(({ after }) => after),
    late: first.late && {
      start: of(({ late }) => late?.start ?? 0),
      end: of(({ late }) => late?.end ?? 0),
      seconds: first.late.seconds,
    },
    profiles: [],
  };
}
