// What the bench of calls prints.
import type { Table } from '../tables.ts';
import type { HeldResult } from './held.ts';
import type { LoadResult, Times } from './load.ts';

/** What the service is to reach. */
const targets = { rate: 150, milliseconds: 10, held: 10_000, octets: 20_000 };

export function loadTable(results: readonly LoadResult[], seconds: number, runs: number): Table {
  return {
    title: `Load: whole calls, ${seconds} s each, ${runs === 1 ? 'one run' : `medians of ${runs} runs`}`,
    columns: [
      'calls/s',
      'set-up',
      'calls/s done',
      'CPU a call',
      'rtpengine',
      'failed',
      'retrans.',
      'told p50',
      'p99',
      'called p50',
      'p99',
      'ack p50',
      'p99',
      'RSS',
    ],
    rows: results.map(({ rate, setUp, throughput, cpu, failed, retransmissions, told, called, acknowledged, rss }) => [
      `${rate}`,
      setUp,
      throughput.toFixed(1),
      `${cpu.service.toFixed(2)} ms`,
      cpu.engine === undefined ? '' : `${cpu.engine.toFixed(2)} ms`,
      `${failed}`,
      `${retransmissions}`,
      ...[told, called, acknowledged].flatMap(({ p50, p99 }) => [milliseconds(p50), milliseconds(p99)]),
      `${megabytes(rss.before)} to ${megabytes(rss.after)} MB`,
    ]),
  };
}

export function heldTable({ calls, perCall, cpu, failed }: HeldResult): Table {
  return {
    title: 'Held calls: caller waiting, terminals told; for a call',
    columns: ['calls', 'heap with buffers', 'RSS', 'CPU', 'failed when declined'],
    rows: [[`${calls}`, kilobytes(perCall.heap), kilobytes(perCall.rss), `${cpu.toFixed(2)} ms`, `${failed}`]],
  };
}

/** What was to be reached, what was, and by how much it was missed; only of what was measured. */
export function targetTable(loads: readonly LoadResult[], held: HeldResult | undefined): Table {
  const free = loads.filter(({ setUp }) => setUp !== 'password');
  return {
    title: 'Targets',
    columns: ['target', 'set-up', 'measured', 'verdict'],
    rows: [
      ...free.filter(({ rate }) => rate === targets.rate).map(rateRow),
      ...free.filter(({ rate }) => rate === targets.rate / 2).flatMap(timeRows),
      ...(held ? [heldRow(held)] : []),
    ],
  };
}

function rateRow({ setUp, rate, throughput, failed }: LoadResult): string[] {
  const verdict = failed === 0 ? 'met' : `missed: ${failed} calls failed`;
  return [`${rate} whole calls a second`, setUp, `${throughput.toFixed(1)} done, ${failed} failed`, verdict];
}

function timeRows({ setUp, rate, told, called }: LoadResult): string[][] {
  const row = (what: string, { p99 }: Times): string[] => [
    `${what} under ${targets.milliseconds} ms (p99, ${rate} calls/s)`,
    setUp,
    milliseconds(p99),
    verdict(p99, targets.milliseconds, milliseconds),
  ];
  return [row('INVITE to notification', told), row('instruction to INVITE', called)];
}

function heldRow({ calls, perCall }: HeldResult): string[] {
  const { heap, rss } = perCall;
  const worse = Math.max(heap, rss);
  return [
    `${targets.held} held calls under ${targets.octets / 1_000} KB each`,
    'direct',
    `${calls} at ${kilobytes(rss)} RSS (heap ${kilobytes(heap)})`,
    calls < targets.held ? `not measured: ${calls} calls` : verdict(worse, targets.octets, kilobytes),
  ];
}

function verdict(value: number, limit: number, text: (value: number) => string): string {
  return value < limit ? 'met' : `missed by ${text(value - limit)}`;
}

const milliseconds = (time: number): string => `${time.toFixed(1)} ms`;
const megabytes = (octets: number): string => (octets / 1e6).toFixed(0);
const kilobytes = (octets: number): string => `${(octets / 1e3).toFixed(1)} KB`;
