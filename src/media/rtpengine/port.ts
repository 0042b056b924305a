import { Failure } from '../../shared/errors.ts';
import type { Media, MediaParts } from '../contract.ts';
import { EnginePool, type PoolSettings } from './pool.ts';
import { RtpengineSession } from './session.ts';

/** Media through a pool of rtpengines; see createMedia. */
export async function createRtpengineMedia(settings: PoolSettings, parts: MediaParts): Promise<Media> {
  const log = parts.log.child({ part: 'media' });
  const pool = await EnginePool.open(settings, { clock: parts.clock, log });
  return {
    mode: 'rtpengine',
    open: (callId, attempt) =>
      new Promise((resolve) => {
        const engine = pool.next();
        if (!engine) throw new Failure('no-media', 'no media engine answers; see whether rtpengine runs');
        resolve(
          new RtpengineSession(`${callId}.${attempt}`, engine, pool, {
            clock: parts.clock,
            log: log.child({ callId }),
          }),
        );
      }),
    release: async ({ session, engine: name }) => {
      const engine = pool.find(name);
      if (engine) await engine.remove(session, settings.timeoutMs);
      else log.warn({ session, engine: name }, 'media session not removed: its engine is no longer in the settings');
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
