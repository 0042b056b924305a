// Calls that stand: what each of them takes.
import { setTimeout as passed } from 'node:timers/promises';
import type { ControlAddress } from './options.ts';
import { both, Parties, type Memory, type SetUp, type Shares } from './parties.ts';
import { answers, callsAndHangsUp, callsAndStays } from './scenarios.ts';
import { LoadSipp } from './sipp.ts';

const rate = 100;
const warmUpCalls = 300;
/** After which no transaction of a call is left: 64 * T1 of RFC 3261 (Timers H, J, L, M) and some more. Milliseconds. */
const settled = 35_000;
/** Until all calls stand, after the last one began. Milliseconds. */
const patience = 20_000;

export interface StandingResult {
  readonly setUp: SetUp;
  /** How many of them did stand. */
  readonly calls: number;
  /** Octets for a call. */
  readonly perCall: Shares<Memory>;
}

/** @throws when a process does not start or ends, or calls do not come to stand */
export async function measureStanding(
  setUp: SetUp,
  calls: number,
  drachtio: ControlAddress | undefined,
): Promise<StandingResult> {
  const called = await LoadSipp.called(answers);
  try {
    const parties = await Parties.start(setUp, called.address, drachtio);
    try {
      const warmUp = await LoadSipp.calling(callsAndHangsUp, parties.sip, rate, warmUpCalls);
      await warmUp.ended((warmUpCalls / rate) * 1_000 + patience);
      await warmUp.close();
      await passed(settled);
      const before = await parties.memory();
      return await stand(parties, calls, before);
    } finally {
      await parties.close();
    }
  } finally {
    await called.close();
  }
}

async function stand(parties: Parties, calls: number, before: Shares<Memory>): Promise<StandingResult> {
  const caller = await LoadSipp.calling(callsAndStays, parties.sip, rate, calls);
  try {
    await passed((calls / rate) * 1_000 + settled);
    const { answered } = caller.counts();
    if (answered === 0) throw new Error(`${parties.setUp}: no call stands`);
    const after = await parties.memory();
    await parties.hangUp();
    await caller.ended(patience);
    const perCall = both(before, after, (start, end) => ({
      rss: (end.rss - start.rss) / answered,
      heap: start.heap === undefined || end.heap === undefined ? undefined : (end.heap - start.heap) / answered,
    }));
    return { setUp: parties.setUp, calls: answered, perCall };
  } finally {
    await caller.close();
  }
}
