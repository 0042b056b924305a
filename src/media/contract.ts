// What the service asks of its media beyond the call's port: settings, health, an end.
import type { MediaPort } from '../call/ports.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/log.ts';
import type { MediaPolicy } from './policy.ts';

export type MediaSettings = { mode: 'direct' } | RtpengineSettings;

export interface RtpengineSettings {
  mode: 'rtpengine';
  /** Marks our sessions at the engines: those of a node that stand in no call of it are removed. */
  node: string;
  /** At least one, each with an address of its own. */
  engines: readonly EngineSettings[];
  /** Milliseconds that an offer, an answer or a removal may take, over all engines; 100 to 30,000. */
  timeoutMs: number;
  /** Milliseconds without a packet from a side after which it is told to be silent; 0: never. */
  silentAfterMs: number;
  /**
   * `udp://address:port` where the engines tell which keys were pressed (rtpengine `--dtmf-log-dest`), so that they go on as INFO to
   * a side that takes digits so; without it they do not.
   */
  digitEvents?: string;
  /** By the name of the trunk; one that is not here has none. */
  trunks?: Readonly<Record<string, MediaPolicy>>;
}

export interface EngineSettings {
  /** `udp://host:port` of its ng port; an IPv4 address or a name that leads to one. */
  address: string;
  /** Its share of new sessions, compared with the others: 1 to 1,000. */
  weight: number;
  /** Whether it gets no new sessions; those that stand go on. */
  drain: boolean;
}

/** How one engine does. Times in milliseconds. */
export interface EngineHealth {
  /** Its address, as it stands in the settings. */
  engine: string;
  up: boolean;
  /** Gets no new sessions; also when it is in the settings no more, and still has some. */
  draining: boolean;
  /** Sessions of ours that stand there. */
  sessions: number;
  /** Of its last answered ping. */
  roundTripMs?: number;
  /** Why it is down. */
  problem?: string;
  /** Datagrams sent again since the start, because no answer came. */
  resent: number;
  /** Datagrams thrown away since the start: late replies, garbage, foreign senders. */
  strays: number;
  /** Sessions that are to be removed there as soon as it answers again. */
  toRemove: number;
}

/** What has happened since the start. */
export interface MediaCounts {
  /** Sessions that were lost with their engine, or that an engine did not know any more. */
  lost: number;
  /** Of those, brought back at an engine. */
  relocated: number;
  /** Sides that were told to be silent. */
  silent: number;
  /** Sessions of ours that belonged to no call, and were removed. */
  leftBehind: number;
}

/** What became of the datagrams that came to `digitEvents`. */
export interface DigitCounts {
  /** Keys that went on as INFO. */
  taken: number;
  /** Keys that were for nobody: the other side takes events, hears something else, or is gone; or there is no such session. */
  unwanted: number;
  /** The same key told twice. */
  repeated: number;
  /** No report of a key. */
  unreadable: number;
  /** Not from the address of an engine. */
  stranger: number;
  /** More than are read in a second. */
  excess: number;
}

export interface MediaHealth {
  mode: 'direct' | 'rtpengine';
  /** Whether a new call would find media. */
  ok: boolean;
  engines: EngineHealth[];
  counts: MediaCounts;
  /** Where keys are reported. */
  digits?: DigitCounts;
}

export interface Media extends MediaPort {
  /**
   * Other engines, weights and drains from now on; engines that are not named any more drain, and are let go when they have
   * no session left. In direct mode it does nothing.
   * @throws Failure `bad-setting` with nothing changed
   */
  useEngines(engines: readonly EngineSettings[]): Promise<void>;
  /** Ends health checks and fails what is still under way; idempotent, never rejects. */
  close(): Promise<void>;
  health(): MediaHealth;
}

export interface MediaParts {
  clock: Clock;
  log: Logger;
}
