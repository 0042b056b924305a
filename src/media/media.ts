import type { Media, MediaParts, MediaSettings } from './contract.ts';
import { createDirectMedia } from './direct.ts';
import { createRtpengineMedia } from './rtpengine/port.ts';

export type {
  DigitCounts,
  EngineHealth,
  EngineSettings,
  Media,
  MediaCounts,
  MediaHealth,
  MediaParts,
  MediaSettings,
  RtpengineSettings,
} from './contract.ts';

/**
 * The media of the service. With rtpengine, each engine is asked once for its health before the promise resolves;
 * one that does not answer is no error: it is asked again every few seconds.
 * @throws Failure `bad-setting` when an engine's address cannot be used
 */
export async function createMedia(settings: MediaSettings, parts: MediaParts): Promise<Media> {
  return settings.mode === 'direct' ? createDirectMedia() : await createRtpengineMedia(settings, parts);
}
