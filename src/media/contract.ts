// What the service asks of its media beyond the call's port: settings, health, an end.
import type { MediaPort } from '../call/ports.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/log.ts';
import type { MediaPolicy } from './policy.ts';

export type MediaSettings = { mode: 'direct' } | RtpengineSettings;

export interface RtpengineSettings {
  mode: 'rtpengine';
  /** `udp://host:port` of each engine's ng port; IPv4 addresses or names that lead to one. At least one. */
  engines: readonly string[];
  /** Milliseconds that an offer, an answer or a removal may take, over all engines; 100 to 30,000. */
  timeoutMs: number;
  /** By the name of the trunk; one that is not here has none. */
  trunks?: Readonly<Record<string, MediaPolicy>>;
}

/** How one engine does. Times in milliseconds. */
export interface EngineHealth {
  /** As it stands in the settings. */
  engine: string;
  up: boolean;
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

export interface MediaHealth {
  mode: 'direct' | 'rtpengine';
  /** Whether a new call would find media. */
  ok: boolean;
  engines: EngineHealth[];
}

export interface Media extends MediaPort {
  /** Ends health checks and fails what is still under way; idempotent, never rejects. */
  close(): Promise<void>;
  health(): MediaHealth;
}

export interface MediaParts {
  clock: Clock;
  log: Logger;
}
