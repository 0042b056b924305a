// What every bench does as a command: reads its options, runs, ends with one line when it cannot.
import { load, say, tell } from './machine.ts';
import { BadOption } from './options.ts';

/** @param readOptions returns undefined where only the help is asked for */
export async function command<Options>(
  readOptions: (args: readonly string[]) => Options | undefined,
  help: string,
  bench: (options: Options) => Promise<void>,
): Promise<void> {
  // What was started ends with this process: SIPp, service and rtpengine by their exit handlers, what is measured and the
  // terminals when they lose their parent.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  try {
    const options = readOptions(process.argv.slice(2));
    if (options) await bench(options);
    else say(help);
  } catch (error) {
    tell(error instanceof Error ? error.message : String(error));
    process.exit(error instanceof BadOption ? 2 : 1); // whatever else is being measured ends as well
  }
}

/** Measures each plan `runs` times, all in turn, so that what else the machine does meets each of them; the results by plan. */
export async function inTurn<Plan extends { setUp: string; rate: number }, Result>(
  plans: readonly Plan[],
  runs: number,
  measure: (plan: Plan) => Promise<Result>,
): Promise<Result[][]> {
  const results = plans.map((): Result[] => []);
  for (let run = 1; run <= runs; run++) {
    for (const [at, plan] of plans.entries()) {
      tell(`load: run ${run} of ${runs}, ${plan.rate} calls/s, ${plan.setUp} (load average ${load()})`);
      results[at]?.push(await measure(plan));
    }
  }
  return results;
}
