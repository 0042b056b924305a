// Where the CPU time goes: V8's own CPU profile, summed up by file.
import { z } from 'zod';

const root = new URL('../../', import.meta.url).href;

const cpuProfile = z.object({
  nodes: z.array(z.object({ id: z.number(), callFrame: z.object({ functionName: z.string(), url: z.string() }) })),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
});

export interface Place {
  /** A file of the project, a package, a part of Node.js, or what the machine does itself. */
  readonly place: string;
  /** Of the time that the process worked, 0 to 1. */
  readonly share: number;
}

/** The places that took most, of all profiles together. @throws for what is no Profiler.Profile */
export function summarise(profiles: readonly unknown[], most: number): Place[] {
  const times = new Map<string, number>();
  for (const profile of profiles) {
    const { nodes, samples, timeDeltas } = cpuProfile.parse(profile);
    const places = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
    samples.forEach((id, at) => {
      const place = places.get(id) ?? '(unknown)';
      times.set(place, (times.get(place) ?? 0) + (timeDeltas[at] ?? 0));
    });
  }
  times.delete('(idle)');
  const all = [...times.values()].reduce((sum, time) => sum + time, 0);
  const sorted = [...times].sort(([, a], [, b]) => b - a).slice(0, most);
  return sorted.map(([place, time]) => ({ place, share: time / all }));
}

function placeOf({ functionName, url }: { readonly functionName: string; readonly url: string }): string {
  // Functions of Node.js and V8 in C++ have no file but a name; V8's own ones are in brackets.
  if (url === '') return functionName.startsWith('(') ? functionName : `native: ${functionName || 'unnamed'}`;
  const file = url.startsWith(root) ? url.slice(root.length) : url;
  return /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? file;
}
