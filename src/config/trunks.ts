// A trunk is its profile with the trunk's own keys over it.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../shared/errors.ts';
import { faultLines } from './faults.ts';
import { profileSchema, type ParsedSettings, type readingShape, type TrunkProfile } from './schema.ts';
import { parseYamlLayer } from './source.ts';

type ParsedTrunk = ParsedSettings['trunks'][number];
type ReadingKey = keyof typeof readingShape;

/** How INVITEs of a trunk are read: what profile and trunk set; country and area at least those of `numbering`. */
export type TrunkReading = Pick<TrunkProfile, Exclude<ReadingKey, 'defaultCountry' | 'areaCode'>> &
  ParsedSettings['numbering'];

/** A trunk with its profile applied. */
export interface TrunkSettings {
  name: string;
  profile: string;
  /** `address/length` each. */
  peers: string[];
  /** `sip:` URIs in the order of trying. */
  gateways: string[];
  reading: TrunkReading;
  /** Milliseconds; 0 never asks. */
  optionsInterval: number;
  /** Milliseconds. */
  gatewayTimeout: number;
  /** Milliseconds. */
  ringTimeout: number;
}

export function applyProfile(trunk: ParsedTrunk, profile: TrunkProfile, settings: ParsedSettings): TrunkSettings {
  const { name, profile: profileName, peers, gateways, ...own } = trunk;
  const { optionsInterval, gatewayTimeout, ringTimeout, ...reading } = { ...settings.numbering, ...profile, ...own };
  return {
    name,
    profile: profileName,
    peers,
    gateways,
    reading,
    optionsInterval: optionsInterval ?? 30_000,
    gatewayTimeout: gatewayTimeout ?? 4_000,
    ringTimeout: ringTimeout ?? settings.calls.ringTimeout,
  };
}

/**
 * The profile of this name from the first of the folders that has it.
 * @throws Failure `bad-setting` when there is none, or its keys are wrong
 */
export function loadProfile(name: string, folders: readonly string[]): TrunkProfile {
  for (const folder of folders) {
    const file = path.join(folder, `${name}.yaml`);
    const text = readIfThere(file);
    if (text === undefined) continue;
    const layer = parseYamlLayer(text, file);
    const parsed = profileSchema.safeParse(layer.tree);
    if (parsed.success) return parsed.data;
    throw new Failure('bad-setting', faultLines(profileSchema, layer, parsed.error.issues).join('\n'));
  }
  const known = [...new Set(folders.flatMap(profilesIn))].sort();
  throw new Failure(
    'bad-setting',
    `"${name}" is not valid; expected one of the trunk profiles ${known.join(', ') || '(there are none)'}, in ${folders.join(' or ')}`,
  );
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new Failure('bad-setting', `${file} cannot be read: ${String(error)}`, { cause: error });
  }
}

function profilesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith('.yaml'))
      .map((file) => file.slice(0, -'.yaml'.length));
  } catch {
    return [];
  }
}
