import { Failure } from '../../shared/errors.ts';
import type { Media, MediaParts, RtpengineSettings } from '../contract.ts';
import { EnginePool } from './pool.ts';
import { Seat } from './seat.ts';
import { RtpengineSession } from './session.ts';

/** Media through a pool of rtpengines; see createMedia. */
export async function createRtpengineMedia(settings: RtpengineSettings, parts: MediaParts): Promise<Media> {
  const log = parts.log.child({ part: 'media' });
  const pool = await EnginePool.open(settings, { clock: parts.clock, log });
  const policyOf = (trunk: string | undefined) => (trunk === undefined ? undefined : settings.trunks?.[trunk]) ?? {};
  return {
    mode: 'rtpengine',
    open: ({ callId, session, trunks }) =>
      new Promise((resolve) => {
        const engine = pool.next();
        if (!engine) throw new Failure('no-media', 'no media engine answers; see whether rtpengine runs');
        const policies = { caller: policyOf(trunks.caller), target: policyOf(trunks.target) };
        const tools = { clock: parts.clock, log: log.child({ callId }) };
        resolve(new RtpengineSession(new Seat(sessionName(callId, session), engine, pool, tools), policies, tools));
      }),
    release: async ({ callId, sessions: count, noted }) => {
      for (const { session, engine } of noted) {
        if (!pool.find(engine))
          log.warn({ session, engine }, 'media session not removed: its engine is no longer in the settings');
      }
      const sessions = Array.from({ length: count }, (_, index) => sessionName(callId, index + 1));
      await Promise.all(
        pool.engines.flatMap((engine) => sessions.map((session) => engine.remove(session, settings.timeoutMs))),
      );
    },
    close: () => {
      pool.close();
      return Promise.resolve();
    },
    health: () => {
      const engines = pool.engines.map((engine) => engine.health);
      return { mode: 'rtpengine', ok: engines.some((engine) => engine.up), engines };
    },
  };
}

/** The ng call-id of a session: a restart finds it again out of the record of the call. */
function sessionName(callId: string, session: number): string {
  return `${callId}.${session}`;
}
