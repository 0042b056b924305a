// What a bench says of where it ran, and how it goes.
import { cpus, loadavg, totalmem } from 'node:os';
import { format, type Table } from './tables.ts';

export const say = (text: string): void => void process.stdout.write(`${text}\n`);
/** How it goes; not among the results. */
export const tell = (text: string): void => void process.stderr.write(`• ${text}\n`);
/** Processes that wanted to run, on average of the last minute. */
export const load = (): string => (loadavg()[0] ?? 0).toFixed(1);

export function machine(): string {
  const cores = cpus();
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  return `${cores.length} cores (${cores[0]?.model ?? 'unknown'}), ${memory} GiB, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}`;
}

/** Measures a part and prints its table, with the load average before and after it. */
export async function printed(part: () => Table | Promise<Table>, markdown: boolean): Promise<void> {
  const before = load();
  const table = await part();
  // Its own share is in the second: SIPp and the measured processes.
  const title = `${table.title} (load average ${before} before, ${load()} after)`;
  say(format({ ...table, title }, markdown));
}
