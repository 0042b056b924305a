// As many calls as a site has in an hour, and what is left of them.
import { setTimeout as passed } from 'node:timers/promises';
import { Parties, type Memory } from './parties.ts';
import { answers, callsAndHangsUp } from './scenarios.ts';
import { LoadSipp } from './sipp.ts';

/** Calls a second: an hour of 10 a second passes in two minutes. */
const rate = 300;
const rounds = 4;
const warmUpCalls = 3_000;
/** After which no transaction of a call is left: 64 * T1 of RFC 3261 and some more. Milliseconds. */
const settled = 35_000;
const patience = 40_000;

export interface SoakResult {
  /** All that went through after the warm-up. */
  readonly calls: number;
  readonly failed: number;
  /** After the warm-up, and after each round when its transactions had ended; octets after garbage collection. */
  readonly memory: readonly Memory[];
}

/** Server and application in one process. @throws when a process does not start or ends */
export async function measureSoak(calls: number): Promise<SoakResult> {
  const called = await LoadSipp.called(answers);
  try {
    const parties = await Parties.start('in-process', called.address);
    try {
      await callThrough(parties, warmUpCalls);
      const memory = [await settledMemory(parties)];
      let successful = 0;
      for (let round = 0; round < rounds; round++) {
        successful += await callThrough(parties, Math.ceil(calls / rounds));
        memory.push(await settledMemory(parties));
      }
      const all = rounds * Math.ceil(calls / rounds);
      return { calls: all, failed: all - successful, memory };
    } finally {
      await parties.close();
    }
  } finally {
    await called.close();
  }
}

async function callThrough(parties: Parties, calls: number): Promise<number> {
  const caller = await LoadSipp.calling(callsAndHangsUp, parties.sip, rate, calls);
  await caller.ended(Math.ceil((calls / rate) * 1_000) + patience);
  const { successful } = await caller.close();
  return successful;
}

async function settledMemory(parties: Parties): Promise<Memory> {
  await passed(settled);
  const { server } = await parties.memory();
  if (!server) throw new Error('the memory of the process under measurement is unknown');
  return server;
}
