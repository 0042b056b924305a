// What Prometheus is told of the media; each source is asked at each scrape.
import { Counter, Gauge, type Registry } from 'prom-client';

export interface MediaFacts {
  readonly engines: readonly {
    readonly engine: string;
    readonly up: boolean;
    readonly draining: boolean;
    readonly sessions: number;
    /** Milliseconds. */
    readonly roundTripMs?: number;
    readonly resent: number;
    readonly strays: number;
    readonly toRemove: number;
  }[];
  readonly counts: {
    readonly lost: number;
    readonly relocated: number;
    readonly silent: number;
    readonly leftBehind: number;
  };
  /** What became of the datagrams in which rtpengines tell of digits. */
  readonly digits?: {
    readonly taken: number;
    readonly unwanted: number;
    readonly repeated: number;
    readonly unreadable: number;
    readonly stranger: number;
    readonly excess: number;
  };
}
type EngineFacts = MediaFacts['engines'][number];

export function observeMedia(read: () => MediaFacts | undefined, registers: Registry[]): void {
  const gauge = (name: string, help: string, value: (facts: EngineFacts) => number | undefined) =>
    new Gauge({
      name,
      help,
      labelNames: ['engine'],
      registers,
      collect() {
        this.reset();
        for (const facts of read()?.engines ?? []) {
          const known = value(facts);
          if (known !== undefined) this.set({ engine: facts.engine }, known);
        }
      },
    });
  gauge('ringaway_media_engine_up', 'Whether an rtpengine answers', ({ up }) => Number(up));
  gauge('ringaway_media_engine_draining', 'Whether it gets no new calls', ({ draining }) => Number(draining));
  gauge('ringaway_media_sessions', 'Media sessions of ours at an rtpengine', ({ sessions }) => sessions);
  gauge('ringaway_media_removals_owed', 'Sessions that it has to remove when it answers again', (one) => one.toRemove);
  gauge(
    'ringaway_media_engine_round_trip_seconds',
    'Of the last ping that it answered',
    ({ roundTripMs }) => roundTripMs && roundTripMs / 1000,
  );
  new Counter({
    name: 'ringaway_media_datagrams_total',
    help: 'Datagrams that were sent to an rtpengine again, and those that were no answer to anything',
    labelNames: ['engine', 'kind'],
    registers,
    collect() {
      this.reset();
      for (const { engine, resent, strays } of read()?.engines ?? []) {
        this.inc({ engine, kind: 'resent' }, resent);
        this.inc({ engine, kind: 'stray' }, strays);
      }
    },
  });
  new Counter({
    name: 'ringaway_media_digit_reports_total',
    help: 'Reports of digits (media.digitEvents): taken on as INFO, unwanted there, repeated, unreadable, of strangers, or too many',
    labelNames: ['kind'],
    registers,
    collect() {
      this.reset();
      for (const [kind, count] of Object.entries(read()?.digits ?? {})) this.inc({ kind }, count);
    },
  });
  new Counter({
    name: 'ringaway_media_events_total',
    help: 'Sessions that were lost with their rtpengine, brought to another place, or belonged to no call; silent sides',
    labelNames: ['event'],
    registers,
    collect() {
      this.reset();
      const counts = read()?.counts;
      if (!counts) return;
      const { lost, relocated, silent, leftBehind } = counts;
      for (const [event, count] of Object.entries({ lost, relocated, silent, 'left-behind': leftBehind })) {
        this.inc({ event }, count);
      }
    },
  });
}
