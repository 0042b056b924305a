// What the bench and the processes that it measures say to each other.
import { z } from 'zod';

const role = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('server'), secret: z.string() }),
  z.object({
    kind: z.literal('application'),
    target: z.string(),
    control: z.object({ host: z.string(), port: z.number(), secret: z.string() }),
  }),
  z.object({ kind: z.literal('both'), target: z.string() }),
]);

/** What a process is; `target` is the SIP URI that its B2BUA calls. */
export type Role = z.infer<typeof role>;

const report = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready'), sip: z.string(), controlPort: z.number().optional() }),
  z.object({ kind: z.literal('memory'), heap: z.number(), rss: z.number() }),
  z.object({ kind: z.literal('hung up') }),
  z.object({ kind: z.literal('profiling') }),
  z.object({ kind: z.literal('profile'), profile: z.unknown() }),
]);

/** What it says: where SIP is taken (`address:port`), its memory after garbage collection in octets, all calls ended,
 * a CPU profile begun, and what it saw (V8's Profiler.Profile). */
export type Report = z.infer<typeof report>;

/** @throws for what is no role */
export function readRole(text: string): Role {
  return role.parse(JSON.parse(text));
}

/** @throws for what is no report */
export function readReport(message: unknown): Report {
  return report.parse(message);
}
