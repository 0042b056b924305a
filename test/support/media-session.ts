import type { MediaPort, MediaSession } from '../../src/call/ports.ts';

/** A media session of a call, for tests that need no more of it than its name. */
export function openSession(media: MediaPort, callId: string, session = 1): Promise<MediaSession> {
  return media.open({ callId, session, trunks: {} }, { silent: () => undefined, lost: () => undefined });
}
