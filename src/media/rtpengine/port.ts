import { Failure } from '../../shared/errors.ts';
import type { Media, MediaCounts, MediaParts, RtpengineSettings } from '../contract.ts';
import { DigitReceiver } from './digit-receiver.ts';
import { EnginePool } from './pool.ts';
import { RtpengineSession } from './session.ts';

/** Media through a pool of rtpengines; see createMedia. */
export async function createRtpengineMedia(settings: RtpengineSettings, parts: MediaParts): Promise<Media> {
  const { node, silentAfterMs, timeoutMs } = settings;
  const log = parts.log.child({ part: 'media' });
  const counts: MediaCounts = { lost: 0, relocated: 0, silent: 0, leftBehind: 0 };
  const pool = await EnginePool.open(settings, { clock: parts.clock, log, mark: markOf(node), counts });
  const digits = await openReceiver(settings, pool, { clock: parts.clock, log });
  const policyOf = (trunk: string | undefined) => (trunk === undefined ? undefined : settings.trunks?.[trunk]) ?? {};
  const nameOf = (callId: string, session: number) => `${markOf(node)}${callId}.${session}`;
  return {
    mode: 'rtpengine',
    open: ({ callId, session, trunks }, events) =>
      new Promise((resolve) => {
        const engine = pool.next();
        if (!engine) throw new Failure('no-media', 'no media engine answers; see whether rtpengine runs');
        const policies = { caller: policyOf(trunks.caller), target: policyOf(trunks.target) };
        const tools = { clock: parts.clock, log: log.child({ callId }), counts };
        const name = nameOf(callId, session);
        const wishes = { policies, eventsToInfo: digits !== undefined };
        resolve(new RtpengineSession(name, { pool, engine, wishes, events, silentAfterMs, ...tools }));
      }),
    release: async ({ callId, sessions: count, noted }) => {
      for (const { session, engine } of noted) {
        if (pool.find(engine)) continue;
        log.warn({ session, engine }, 'media session not removed: its engine is no longer in the settings');
      }
      const named = Array.from({ length: count }, (_, index) => nameOf(callId, index + 1));
      const sessions = [...new Set([...named, ...noted.map(({ session }) => session)])];
      await Promise.all(pool.engines.flatMap((engine) => sessions.map((session) => engine.remove(session, timeoutMs))));
    },
    useEngines: (engines) => pool.use(engines),
    close: async () => {
      pool.close();
      await digits?.close();
    },
    health: () => {
      const engines = pool.engines.map((engine) => engine.health);
      const ok = engines.some(({ up, draining }) => up && !draining);
      return { mode: 'rtpengine', ok, engines, counts, ...(digits && { digits: digits.counts }) };
    },
  };
}

/** @throws Failure `address-in-use`, `bad-setting`, with the pool closed */
async function openReceiver(
  { digitEvents }: RtpengineSettings,
  pool: EnginePool,
  parts: MediaParts,
): Promise<DigitReceiver | undefined> {
  if (digitEvents === undefined) return undefined;
  try {
    return await DigitReceiver.open(digitEvents, { ...parts, engines: () => pool.engines });
  } catch (error) {
    pool.close();
    throw error;
  }
}

/** Beginning of the names of a node's sessions; names of nodes hold no colon. */
function markOf(node: string): string {
  return `${node}:`;
}
