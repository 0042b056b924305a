// A trunk is its profile with the trunk's own keys over it.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ConnectMode } from '../call/record.ts';
import { normalise } from '../numbers/number.ts';
import type { IdentityPolicy } from '../numbers/present.ts';
import type { TrunkReadingSettings } from '../numbers/settings.ts';
import { Failure } from '../shared/errors.ts';
import { faultLines } from './faults.ts';
import type { ParsedSettings } from './schema.ts';
import { profileSchema, type TrunkProfile } from './trunk-schema.ts';
import { parseYamlLayer } from './source.ts';

type ParsedTrunk = ParsedSettings['trunks'][number];

/** A trunk with its profile applied. */
export interface TrunkSettings {
  name: string;
  profile: string;
  /** `address/length` each. */
  peers: string[];
  /** `sip:` URIs in the order of trying. */
  gateways: string[];
  /** How its INVITEs are read: what profile and trunk say, with country and area at least those of `numbering`. */
  reading: TrunkReadingSettings;
  /** How the caller and the diversion are shown on calls from us. */
  identity: IdentityPolicy;
  /** Which headers of the network's own go on to its gateways. */
  network: NonNullable<TrunkProfile['network']>;
  credentials?: { username: string; password: string };
  /** How its calls may be connected, the preferred way first. */
  connect: readonly [ConnectMode, ...ConnectMode[]];
  /** Whether callers are told by 181 that their call is forwarded. */
  announceForwarding: boolean;
  /** Whose provisional responses are reliable. */
  reliableProvisionals: 'required' | 'supported' | 'never';
  /** Milliseconds; 0 asks for no session timer. */
  sessionInterval: number;
  /** Milliseconds; 0 never asks. */
  optionsInterval: number;
  /** Milliseconds. */
  gatewayTimeout: number;
  /** Milliseconds. */
  ringTimeout: number;
  /** What its voice is to be like. */
  media: NonNullable<TrunkProfile['media']>;
}

export function applyProfile(trunk: ParsedTrunk, profile: TrunkProfile, settings: ParsedSettings): TrunkSettings {
  const { name, profile: profileName, peers, gateways, credentials, ...own } = trunk;
  const { reading, signalling } = split({ ...settings.numbering, ...profile, ...own });
  return {
    name,
    profile: profileName,
    peers,
    gateways,
    ...(credentials && { credentials }),
    reading,
    identity: { country: reading.defaultCountry, ...profile.identity, ...own.identity },
    network: { ...profile.network, ...own.network },
    connect: signalling.connect ?? ['bridge'],
    announceForwarding: signalling.announceForwarding ?? false,
    reliableProvisionals: signalling.reliableProvisionals ?? 'required',
    sessionInterval: signalling.sessionInterval ?? 1_800_000,
    optionsInterval: signalling.optionsInterval ?? 30_000,
    gatewayTimeout: signalling.gatewayTimeout ?? 4_000,
    ringTimeout: signalling.ringTimeout ?? settings.calls.ringTimeout,
    media: { ...profile.media, ...own.media },
  };
}

/** How INVITEs are read under a profile alone. */
export function readingOf(profile: TrunkProfile, numbering: ParsedSettings['numbering']): TrunkReadingSettings {
  return split({ ...numbering, ...profile }).reading;
}

/** What concerns the reading of INVITEs, and what does not. */
function split<Keys extends TrunkProfile>(keys: Keys) {
  const { media: _, identity, network, connect, announceForwarding, reliableProvisionals, ...others } = keys;
  const { sessionInterval, optionsInterval, gatewayTimeout, ringTimeout, ...reading } = others;
  const timers = { sessionInterval, optionsInterval, gatewayTimeout, ringTimeout };
  return { reading, signalling: { identity, network, connect, announceForwarding, reliableProvisionals, ...timers } };
}

/** The numbers among the settings of a trunk that its own numbering cannot read, with the key they stand under. */
export function unreadableNumbers({ reading }: TrunkSettings): { key: string; number: string }[] {
  const { serviceNumbers = [], map = {}, accounts = {} } = reading;
  const numbers: [string, string][] = [
    ...serviceNumbers.map((number): [string, string] => ['serviceNumbers', number]),
    ...[...Object.keys(map), ...Object.values(map)].map((number): [string, string] => ['map', number]),
    ...Object.values(accounts).map((number): [string, string] => ['accounts', number]),
  ];
  return numbers
    .filter(([, number]) => normalise(number, reading) === undefined)
    .map(([key, number]) => ({ key, number }));
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
