import type { Clock } from '../shared/clock.ts';
import { withDeadline } from '../shared/deadline.ts';
import { messageOf } from '../shared/errors.ts';

/** Fulfilled when the thing is ready; rejects, or throws, with the reason when it is not. */
export type ReadyCheck = () => Promise<void> | void;

export interface Readiness {
  ready: boolean;
  checks: Record<string, { ok: true; milliseconds: number } | { ok: false; reason: string }>;
}

/** How long one check may take; milliseconds. */
const checkWithin = 2_000;

/** Carries out all checks at once; who asks while they run gets their outcome, so that asking costs little. */
export function readiness(checks: Readonly<Record<string, ReadyCheck>>, clock: Clock): () => Promise<Readiness> {
  let running: Promise<Readiness> | undefined;
  return () => {
    running ??= carryOut(checks, clock).finally(() => (running = undefined));
    return running;
  };
}

async function carryOut(checks: Readonly<Record<string, ReadyCheck>>, clock: Clock): Promise<Readiness> {
  const outcome: Readiness = { ready: true, checks: {} };
  await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      const begun = clock.monotonic();
      try {
        await withDeadline(clock, checkWithin, name, (async () => check())());
        outcome.checks[name] = { ok: true, milliseconds: Math.round(clock.monotonic() - begun) };
      } catch (error) {
        outcome.ready = false;
        outcome.checks[name] = { ok: false, reason: messageOf(error) };
      }
    }),
  );
  return outcome;
}
