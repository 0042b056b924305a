// What the bench prints.
import type { LoadResult } from './load.ts';
import type { MessagesResult } from './messages.ts';
import type { Memory, Shares } from './parties.ts';
import type { Place } from './profile.ts';
import type { SoakResult } from './soak.ts';
import type { StandingResult } from './standing.ts';

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const unknown = '?';

export function loadTable(results: readonly LoadResult[], seconds: number, runs: number): Table {
  return {
    title: `Load: calls through a drachtio-srf B2BUA, ${seconds} s each, ${runs === 1 ? 'one run' : `medians of ${runs} runs`}`,
    columns: [
      'calls/s',
      'set-up',
      'CPU a call, server',
      'application',
      'in all',
      'failed',
      'retrans.',
      'setup p50',
      'p99',
      'RSS server',
      'application',
    ],
    rows: results.map((one) => [
      `${one.rate}`,
      one.setUp,
      ...shares(one.setUp, one.cpu, (value) => `${value.toFixed(2)} ms`),
      inAll(one),
      `${one.failed}`,
      `${one.retransmissions}`,
      `${one.setup.p50} ms`,
      `${one.setup.p99} ms`,
      ...memoryColumns(one),
    ]),
  };
}

function inAll({ setUp, cpu }: LoadResult): string {
  const wanted = setUp === 'in-process' ? [cpu.server] : [cpu.server, cpu.application];
  const known = wanted.filter((one) => one !== undefined);
  return known.length < wanted.length ? unknown : `${known.reduce((sum, one) => sum + one, 0).toFixed(2)} ms`;
}

function memoryColumns({ setUp, before, after }: LoadResult): string[] {
  const text = (start: number | undefined, end: number | undefined): string =>
    start === undefined || end === undefined ? unknown : `${megabytes(start)} to ${megabytes(end)} MB`;
  const application = setUp === 'in-process' ? 'the same' : text(before.application, after.application);
  return [text(before.server, after.server), application];
}

export function standingTable(results: readonly StandingResult[]): Table {
  const text = ({ rss, heap }: Memory): string =>
    `${kilobytes(rss)} (${heap === undefined ? unknown : kilobytes(heap)}) KB`;
  return {
    title: 'Standing calls: for a call, RSS (heap with buffers)',
    columns: ['calls', 'set-up', 'server', 'application'],
    rows: results.map((one) => [`${one.calls}`, one.setUp, ...shares(one.setUp, one.perCall, text)]),
  };
}

export function soakTable({ calls, failed, memory }: SoakResult): Table {
  return {
    title: `Soak: ${calls} calls through one process, ${failed} failed; after garbage collection, no transaction left`,
    columns: ['calls before', 'heap with buffers', 'RSS'],
    rows: memory.map(({ heap = Number.NaN, rss }, round) => [
      round === 0 ? 'warm-up' : `${(calls * round) / (memory.length - 1)}`,
      `${(heap / 1e6).toFixed(2)} MB`,
      `${megabytes(rss)} MB`,
    ]),
  };
}

export function messagesTable(results: readonly MessagesResult[], octets: number): Table {
  return {
    title: `Messages: an INVITE of ${octets} octets`,
    columns: ['what', 'a second of CPU'],
    rows: results.map(({ what, perSecond }) => [what, Math.round(perSecond).toLocaleString('en')]),
  };
}

export function profileTable(places: readonly Place[], rate: number): Table {
  return {
    title: `Where the time goes: in-process, ${rate} calls a second, self time by file`,
    columns: ['where', 'share'],
    rows: places.map(({ place, share }) => [place, `${(100 * share).toFixed(1)} %`]),
  };
}

/** Server and application; of one process the whole stands under the server. */
function shares<T>(
  setUp: LoadResult['setUp'],
  { server, application }: Shares<T>,
  text: (value: T) => string,
): string[] {
  const cell = (value: T | undefined): string => (value === undefined ? unknown : text(value));
  return setUp === 'in-process' ? [`${cell(server)} (both)`, 'the same'] : [cell(server), cell(application)];
}

const megabytes = (octets: number): string => (octets / 1e6).toFixed(0);
const kilobytes = (octets: number): string => (octets / 1e3).toFixed(1);

/** For people, or as Markdown. */
export function format({ title, columns, rows }: Table, markdown: boolean): string {
  if (markdown) {
    const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
    return [`${title}:`, '', line(columns), line(columns.map(() => '---')), ...rows.map(line), ''].join('\n');
  }
  const widths = columns.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `  ${cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd()}`;
  return [title, line(columns), ...rows.map(line), ''].join('\n');
}
