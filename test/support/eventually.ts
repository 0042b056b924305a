import { setTimeout as pause } from 'node:timers/promises';

/** Looks again and again until `holds` does; for what can be seen but tells nobody. @throws after `milliseconds` */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  milliseconds = 10_000,
): Promise<void> {
  const until = performance.now() + milliseconds;
  while (performance.now() < until) {
    if (await holds()) return;
    await pause(10);
  }
  throw new Error(`not seen within ${milliseconds} ms: ${what}`);
}
