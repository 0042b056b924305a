import type { MediaSession } from '../call/ports.ts';
import type { Media } from './contract.ts';
import { Failure } from '../shared/errors.ts';
import { readSdp } from './sdp.ts';

/** Both sides send their media to each other; descriptions pass unchanged once they were seen to be such. */
export function createDirectMedia(): Media {
  const pass = (sdp: string) => new Promise<string>((resolve) => resolve(readSdp(sdp).text));
  const none = () => Promise.reject(new Failure('no-media', 'there is no media server for this: media.mode is direct'));
  const session: MediaSession = {
    offer: (_from, sdp) => pass(sdp),
    answer: (_from, sdp) => pass(sdp),
    park: none,
    parked: none,
    play: none,
    stop: () => Promise.resolve(),
    mute: () => Promise.resolve(),
    digits: none,
    key: none,
    relocate: none,
    close: () => Promise.resolve(),
  };
  return {
    mode: 'direct',
    open: () => Promise.resolve(session),
    release: () => Promise.resolve(),
    close: () => Promise.resolve(),
    useEngines: () => Promise.resolve(),
    health: () => ({
      mode: 'direct',
      ok: true,
      engines: [],
      counts: { lost: 0, relocated: 0, silent: 0, leftBehind: 0 },
    }),
  };
}
