// What Prometheus is told. Calls are measured as they go; what other parts count by themselves is read from them
// when a scrape comes.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { endReasons } from '../call/end.ts';
import type { CallMetrics } from '../call/ports.ts';
import type { CallViewState } from '../call/view.ts';
import { observeMedia, type MediaFacts } from './media-metrics.ts';

type Counts = Readonly<Record<string, number>>;

/** Where the numbers come from that others count; each is asked at each scrape. */
export interface MetricSources {
  terminals?: () => {
    readonly terminals: number;
    readonly accounts: number;
    /** By outcome. */
    readonly logins: Counts;
    readonly notified: number;
    readonly received: number;
  };
  /** Of the built-in SIP server; keys of `received` and `sent` are methods and statuses. */
  sip?: () => {
    readonly received: Counts;
    readonly sent: Counts;
    readonly malformed: number;
    readonly stray: number;
    readonly refused: number;
    readonly scanners: number;
    readonly retransmissionsIn: number;
    readonly retransmissionsOut: number;
    readonly dialogs: number;
    readonly connections: { readonly standing: number; readonly givenUp: Counts };
    readonly transactions: { readonly clients: number; readonly servers: number };
  };
  /** By what happened: `refusedPeers` are requests from strangers that were answered 403. */
  trunks?: () => Readonly<Record<'refusedPeers', number>> & Counts;
  /** Legs of calls that are not over. */
  legs?: () => number;
  /** Calls whose record cannot be written now. */
  unwritten?: () => number;
  media?: () => MediaFacts;
  unhandledRejections?: () => number;
}

export interface Metrics {
  /** For the call side. */
  readonly calls: CallMetrics;
  /** Adds sources; one that is given again replaces the earlier one. */
  observe(sources: MetricSources): void;
  readonly contentType: string;
  /** All metrics in Prometheus' text format. */
  text(): Promise<string>;
}

const states = ['arriving', 'waiting', 'connecting', 'ringing', 'connected', 'held', 'moving'] as const satisfies (
  CallViewState | 'arriving'
)[];

/** Seconds: from a message within the machine to the longest time that a caller is held. */
const stepBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120];

/** A set of metrics of its own; several may stand beside each other in a process. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const sources: MetricSources = {};
  collectDefaultMetrics({ register: registry });

  const standing = new Gauge({ name: 'ringaway_calls', help: 'Calls by state', labelNames: ['state'], registers });
  for (const state of states) standing.set({ state }, 0);
  const ended = new Counter({
    name: 'ringaway_calls_ended_total',
    help: 'Calls that ended, by the reason of the end',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of endReasons) ended.inc({ reason }, 0);
  const steps = new Histogram({
    name: 'ringaway_call_step_seconds',
    help: 'Time of each step: notify, from the INVITE; decide, from there; dial, ring and answer, from the instruction',
    labelNames: ['step'],
    buckets: stepBuckets,
    registers,
  });

  observeTerminals(sources, registers);
  observeSip(sources, registers);
  observeTrunks(sources, registers);
  observeMedia(() => sources.media?.(), registers);
  counterOf(
    'ringaway_unhandled_rejections_total',
    'Promises that failed without an owner: faults of ours',
    registers,
    () => (sources.unhandledRejections ? { '': sources.unhandledRejections() } : {}),
  );

  return {
    calls: {
      callState(from, to) {
        if (from !== undefined && from !== 'ended') standing.dec({ state: from });
        if (to !== 'ended') standing.inc({ state: to });
      },
      callEnded: (reason) => ended.inc({ reason }),
      step: (step, milliseconds) => steps.observe({ step }, milliseconds / 1000),
    },
    observe: (added) => void Object.assign(sources, added),
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}

function observeTerminals(sources: MetricSources, registers: Registry[]): void {
  const read = () => sources.terminals?.();
  gaugeOf('ringaway_terminals_connected', 'Terminals that are connected', registers, () => read()?.terminals);
  gaugeOf(
    'ringaway_accounts_connected',
    'Accounts with a terminal that is connected',
    registers,
    () => read()?.accounts,
  );
  counterOf(
    'ringaway_terminal_logins_total',
    'Log-ins of terminals by outcome',
    registers,
    () => read()?.logins ?? {},
    'outcome',
  );
  counterOf(
    'ringaway_notifications_total',
    'Notifications of calls that were sent to terminals, and that they acknowledged',
    registers,
    () => {
      const counted = read();
      return counted ? { sent: counted.notified, acknowledged: counted.received } : {};
    },
    'event',
  );
}

function observeSip(sources: MetricSources, registers: Registry[]): void {
  const read = () => sources.sip?.();
  for (const [direction, key] of [
    ['received', 'received'],
    ['sent', 'sent'],
  ] as const) {
    counterOf(
      `ringaway_sip_messages_${direction}_total`,
      `SIP messages ${direction}, by method or class of status`,
      registers,
      () => byMethodOrClass(read()?.[key] ?? {}),
      'kind',
    );
  }
  counterOf(
    'ringaway_sip_faults_total',
    'SIP messages that were malformed, belonged to nothing, were too many, came from scanners, or came or went again',
    registers,
    () => {
      const counted = read();
      if (!counted) return {};
      const { malformed, stray, refused, scanners, retransmissionsIn, retransmissionsOut } = counted;
      return {
        malformed,
        stray,
        refused,
        scanner: scanners,
        'retransmission-in': retransmissionsIn,
        'retransmission-out': retransmissionsOut,
      };
    },
    'fault',
  );
  gaugeOf('ringaway_sip_connections', 'SIP connections that stand', registers, () => read()?.connections.standing);
  counterOf(
    'ringaway_sip_connections_given_up_total',
    'SIP connections that were refused or ended: too many, handshakes not finished, silent, too slow, not reading',
    registers,
    () => read()?.connections.givenUp ?? {},
    'why',
  );
  gaugeOf('ringaway_sip_dialogs', 'SIP dialogs that stand', registers, () => read()?.dialogs);
  gaugeOf(
    'ringaway_sip_transactions',
    'SIP transactions that are alive, those that only absorb repetitions too',
    registers,
    () => {
      const alive = read()?.transactions;
      return alive && alive.clients + alive.servers;
    },
  );
}

function observeTrunks(sources: MetricSources, registers: Registry[]): void {
  counterOf(
    'ringaway_trunk_events_total',
    'What happened on the trunks; refusedPeers: requests of strangers, answered 403',
    registers,
    () => sources.trunks?.() ?? {},
    'event',
  );
  gaugeOf('ringaway_records_unwritten', 'Calls whose record cannot be written now, and is tried again', registers, () =>
    sources.unwritten?.(),
  );
  gaugeOf('ringaway_trunk_legs', 'Legs of calls that are not over', registers, () => sources.legs?.());
}

/** `200` and `204` are `2xx`; methods stay as they are. */
function byMethodOrClass(counts: Counts): Counts {
  const sums: Record<string, number> = {};
  for (const [kind, count] of Object.entries(counts)) {
    const label = /^\d{3}$/.test(kind) ? `${kind.charAt(0)}xx` : kind;
    sums[label] = (sums[label] ?? 0) + count;
  }
  return sums;
}

function gaugeOf(name: string, help: string, registers: Registry[], read: () => number | undefined): void {
  new Gauge({
    name,
    help,
    registers,
    collect() {
      this.set(read() ?? 0);
    },
  });
}

/** A counter whose values are counted elsewhere, by the value of one label (or none: the key ''). */
function counterOf(name: string, help: string, registers: Registry[], read: () => Counts, label?: string): void {
  new Counter({
    name,
    help,
    labelNames: label === undefined ? [] : [label],
    registers,
    collect() {
      this.reset();
      for (const [value, count] of Object.entries(read())) {
        if (label === undefined) this.inc(count);
        else this.inc({ [label]: value }, count);
      }
    },
  });
}
