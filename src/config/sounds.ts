// The sound files that the settings name.
import path from 'node:path';
import { faultOfSoundFile } from '../media/sound-file.ts';
import type { SettingFault } from './faults.ts';
import type { ParsedSettings } from './schema.ts';
import type { Path } from './source.ts';

type CallsSettings = ParsedSettings['calls'];

/** Each sound file that is set, and where. */
export function soundsOf({ music, announcements }: CallsSettings): { path: Path; file: string }[] {
  const { wait, busy } = announcements;
  return [
    { path: ['calls', 'music'], file: music },
    { path: ['calls', 'announcements', 'wait'], file: wait },
    { path: ['calls', 'announcements', 'busy'], file: busy },
  ].flatMap(({ path: at, file }) => (file === undefined ? [] : [{ path: at, file }]));
}

/** The same settings with absolute paths. */
export function soundsFrom(folder: string, calls: CallsSettings): CallsSettings {
  const at = (file: string): string => path.resolve(folder, file);
  const { wait, busy } = calls.announcements;
  return {
    ...calls,
    ...(calls.music !== undefined && { music: at(calls.music) }),
    announcements: { ...(wait !== undefined && { wait: at(wait) }), ...(busy !== undefined && { busy: at(busy) }) },
  };
}

/** What is wrong with the files: not there, not readable, not sound. Reads the first octets of each. */
export function soundFaults(calls: CallsSettings): SettingFault[] {
  return soundsOf(calls).flatMap(({ path: at, file }) => {
    const says = faultOfSoundFile(file);
    return says === undefined ? [] : [{ path: at, says }];
  });
}
