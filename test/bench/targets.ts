// What is aimed at, and by how much it is missed.
import type { LoadResult } from './load.ts';
import type { MessagesResult } from './messages.ts';
import type { SoakResult } from './soak.ts';
import type { StandingResult } from './standing.ts';
import type { Table } from './tables.ts';

/** All that one run of the bench has measured. */
export interface Measured {
  loads: readonly LoadResult[];
  standings: readonly StandingResult[];
  messages: readonly MessagesResult[];
  soak: SoakResult | undefined;
}

interface Target {
  readonly what: string;
  readonly measured: number;
  readonly unit: string;
  readonly most?: number;
  readonly least?: number;
  readonly digits?: number;
}

/** Octets of heap that garbage collection may leave more or less of, whatever passed. */
const noise = 1_000_000;

export function targetsTable(measured: Measured): Table {
  const targets = [...ofLoads(measured.loads), ...ofStandings(measured.standings), ...ofMessages(measured.messages)];
  if (measured.soak) targets.push(...ofSoak(measured.soak));
  return { title: 'Targets', columns: ['target', 'measured', 'met'], rows: targets.map(row) };
}

function ofLoads(loads: readonly LoadResult[]): Target[] {
  return loads
    .filter(({ setUp }) => setUp === 'in-process')
    .flatMap(({ rate, cpu, retransmissions, failed, setup, late }) => {
      const of: Target[] = [
        { what: `CPU of a call at ${rate}/s`, measured: cpu.server ?? Number.NaN, unit: 'ms', most: 1, digits: 2 },
      ];
      if (rate === 400) of.push({ what: 'setup p99 at 400/s', measured: setup.p99, unit: 'ms', most: 20 });
      if (rate >= 800) {
        const lost = retransmissions + failed;
        of.push({ what: `retransmissions and failed calls at ${rate}/s`, measured: lost, unit: '', most: 0 });
      }
      if (late !== undefined) {
        const share = 100 * (late.end / late.start - 1);
        of.push({
          what: `growth of RSS in the last ${late.seconds} s at ${rate}/s`,
          measured: share,
          unit: '%',
          most: 5,
        });
      }
      return of;
    });
}

function ofStandings(standings: readonly StandingResult[]): Target[] {
  return standings.flatMap(({ setUp, perCall, calls }): Target[] => {
    const server = (perCall.server?.rss ?? Number.NaN) / 1_000;
    if (setUp === 'separate') {
      return [
        {
          what: `RSS of a standing call in the server, of ${calls}`,
          measured: server,
          unit: 'KB',
          most: 10,
          digits: 1,
        },
      ];
    }
    if (setUp !== 'in-process') return [];
    return [{ what: `RSS of a standing call in all, of ${calls}`, measured: server, unit: 'KB', most: 30, digits: 1 }];
  });
}

function ofMessages([indexed]: readonly MessagesResult[]): Target[] {
  return indexed ? [{ what: indexed.what, measured: indexed.perSecond, unit: 'a second', least: 300_000 }] : [];
}

function ofSoak({ calls, memory }: SoakResult): Target[] {
  const [first, last] = [memory[1], memory.at(-1)];
  const grown = ((last?.heap ?? Number.NaN) - (first?.heap ?? Number.NaN)) / 1e6;
  return [
    {
      what: `growth of heap with buffers from a quarter to all of ${calls} calls`,
      measured: grown,
      unit: 'MB',
      most: noise / 1e6,
      digits: 2,
    },
  ];
}

function row({ what, measured, unit, most, least, digits = 0 }: Target): string[] {
  const text = (value: number): string =>
    `${value.toLocaleString('en', { maximumFractionDigits: digits })} ${unit}`.trim();
  const limit = most ?? least ?? 0;
  const met = most === undefined ? measured >= limit : measured <= limit;
  const aim = most === undefined ? `at least ${text(limit)}` : `at most ${text(limit)}`;
  return [`${what}: ${aim}`, text(measured), met ? 'yes' : `no, by ${text(Math.abs(measured - limit))}`];
}
