import type { MediaPort, MediaSession } from '../../src/call/ports.ts';
import type { EngineSettings, RtpengineSettings } from '../../src/media/media.ts';

/** A media session of a call, for tests that need no more of it than its name. */
export function openSession(media: MediaPort, callId: string, session = 1): Promise<MediaSession> {
  return media.open(
    { callId, session, trunks: {} },
    { silent: () => undefined, lost: () => undefined, digit: () => undefined },
  );
}

/** Settings of rtpengines at these addresses (or more than their addresses), with what a test changes. */
export function relays(
  engines: readonly (string | EngineSettings)[],
  more: Partial<RtpengineSettings> = {},
): RtpengineSettings {
  const all = engines.map((engine) =>
    typeof engine === 'string' ? { address: engine, weight: 1, drain: false } : engine,
  );
  return { mode: 'rtpengine', node: 'node', engines: all, timeoutMs: 2_000, silentAfterMs: 0, ...more };
}
