// The settings of the service: one YAML file, overridden by the environment, validated whole. The only place
// that reads files of settings and the environment (design, law 2).
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { crossCheck } from './config/checks.ts';
import { describeValues } from './config/describe.ts';
import { faultLine, faultLines, pathText } from './config/faults.ts';
import { soundFaults, soundsFrom } from './config/sounds.ts';
import { settingsSchema, type ParsedSettings } from './config/schema.ts';
import { layVariablesOver, parseYamlLayer, type Layer } from './config/source.ts';
import { applyProfile, loadProfile, readingOf, unreadableNumbers, type TrunkSettings } from './config/trunks.ts';
import { fileVariable, readVariables } from './config/variables.ts';
import type { TrunkReadingSettings } from './numbers/settings.ts';
import type { Clock } from './shared/clock.ts';
import { Failure, messageOf } from './shared/errors.ts';
import { loadCertificates, type CertificateFault } from './sip/transport/certificates.ts';

export type { TrunkSettings } from './config/trunks.ts';
export { pathText } from './config/faults.ts';
export type { Address, SipServer } from './config/kinds.ts';

/** Everything that can be set; durations in milliseconds, addresses parsed, profiles applied. */
export interface Settings extends Omit<ParsedSettings, 'trunks' | 'media' | 'store'> {
  /** The file they come from. */
  readonly file: string;
  trunks: TrunkSettings[];
  media: { mode: 'direct' } | ({ mode: 'rtpengine' } & Omit<ParsedSettings['media'], 'mode'>);
  /** `path` is absolute. */
  store: { kind: 'embedded'; path: string } | { kind: 'mongodb'; uri: string };
}

export interface SettingsSource {
  /** As given with --config. Otherwise RINGAWAY_CONFIG, ./ringaway.yaml, or config/default.yaml of the package. */
  file?: string | undefined;
  /** The process's own unless given. */
  environment?: Record<string, string | undefined>;
}

/** The folder of default settings and profiles that comes with the program. */
const packageFolder = fileURLToPath(new URL('../config/', import.meta.url));
const siteFile = 'ringaway.yaml';

/**
 * Reads, overrides and checks the settings.
 * @throws Failure `bad-setting` whose message has a line for each wrong key
 */
export function loadSettings(source: SettingsSource = {}): Settings {
  const { file, layer, faults } = readLayers(source);
  const parsed = settingsSchema.safeParse(layer.tree);
  if (!parsed.success) faults.push(...faultLines(settingsSchema, layer, parsed.error.issues));
  else faults.push(...crossCheck(parsed.data).map((fault) => faultLine(layer, fault.path, fault.says)));
  const trunks = parsed.success ? applyProfiles(parsed.data, file, layer, faults) : [];
  if (!parsed.success || faults.length > 0) throw new Failure('bad-setting', faults.join('\n'));

  const { media, store, sip, calls, ...rest } = parsed.data;
  return {
    ...rest,
    sip: { ...sip, tls: fromFolder(sip.tls, siteFolder(file)) },
    calls: soundsFrom(siteFolder(file), calls),
    file,
    trunks,
    media: media.mode === 'rtpengine' ? { ...media, mode: 'rtpengine' } : { mode: 'direct' },
    store:
      store.kind === 'mongodb'
        ? { kind: 'mongodb', uri: store.uri ?? '' }
        : { kind: 'embedded', path: path.resolve(siteFolder(file), store.path) },
  };
}

/**
 * How INVITEs are read under a trunk profile alone, with the numbering of the settings; for tools.
 * @throws Failure `bad-setting` when there is no such profile
 */
export function readingOfProfile(name: string, { file, numbering }: Settings): TrunkReadingSettings {
  return readingOf(loadProfile(name, profileFolders(file)), numbering);
}

/**
 * Reads the settings and looks at the files that they name: what a start would stumble over.
 * @returns the settings, and a line for each thing that is right today and will not stay so
 * @throws Failure `bad-setting` whose message has a line for each wrong key or file
 */
export function checkSettings(source: SettingsSource, clock: Clock): { settings: Settings; warnings: string[] } {
  const settings = loadSettings(source);
  const { layer } = readLayers(source);
  const faults = soundFaults(settings.calls).map(({ path: at, says }) => faultLine(layer, at, says));
  const warnings: string[] = [];
  if (settings.sip.server.kind === 'builtin') {
    const found = loadCertificates(settings.sip.tls, clock.now());
    const line = ({ path: at, says }: CertificateFault): string => faultLine(layer, ['sip', 'tls', ...at], says);
    faults.push(...found.faults.map(line));
    warnings.push(...found.warnings.map(line));
  }
  if (faults.length > 0) throw new Failure('bad-setting', faults.join('\n'));
  return { settings, warnings };
}

/**
 * Looks at the sound files that the settings name, as a start must before a caller is to hear them.
 * @throws Failure `bad-setting` whose message has a line for each that is not there or is no sound
 */
export function refuseBadSounds({ calls }: Settings): void {
  const lines = soundFaults(calls).map(({ path: at, says }) => `${pathText(at)}: ${says}`);
  if (lines.length > 0) throw new Failure('bad-setting', lines.join('\n'));
}

/**
 * The settings in force as they would be written, with defaults filled in and secrets masked; for people.
 * @throws Failure `bad-setting` as `loadSettings` does
 */
export function showSettings(source: SettingsSource = {}): Record<string, unknown> {
  loadSettings(source);
  return describeValues(settingsSchema, readLayers(source).layer.tree);
}

interface Layers {
  file: string;
  layer: Layer;
  faults: string[];
}

function readLayers({ file: given, environment = process.env }: SettingsSource): Layers {
  const named = given ?? environment[fileVariable];
  const file = path.resolve(named ?? (existsSync(siteFile) ? siteFile : path.join(packageFolder, 'default.yaml')));
  const variables = readVariables(settingsSchema, environment);
  const layer = layVariablesOver(parseYamlLayer(readSettingsFile(file), label(file)), variables.values);
  return { file, layer, faults: variables.unknown };
}

function readSettingsFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (!existsSync(file)) throw new Failure('bad-setting', `There is no settings file ${file}`, { cause: error });
    throw new Failure('bad-setting', `The settings file ${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function applyProfiles(parsed: ParsedSettings, file: string, layer: Layer, faults: string[]): TrunkSettings[] {
  const folders = profileFolders(file);
  return parsed.trunks.flatMap((trunk, index) => {
    try {
      const applied = applyProfile(trunk, loadProfile(trunk.profile, folders), parsed);
      for (const { key, number } of unreadableNumbers(applied)) {
        faults.push(faultLine(layer, ['trunks', index, key], `"${number}" is no number in the plan of this trunk`));
      }
      return [applied];
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      faults.push(faultLine(layer, ['trunks', index, 'profile'], error.message));
      return [];
    }
  });
}

/** Where trunk profiles stand: the site's own go before those of the program. */
function profileFolders(file: string): string[] {
  const folders = new Set([siteFolder(file), packageFolder]);
  return [...folders].map((folder) => path.join(folder, 'trunk-profiles'));
}

/** The folder that relative paths start from: that of the site's own file, not that of the program. */
function siteFolder(file: string): string {
  const folder = path.dirname(file);
  return folder === path.resolve(packageFolder) ? process.cwd() : folder;
}

function fromFolder(tls: ParsedSettings['sip']['tls'], folder: string): ParsedSettings['sip']['tls'] {
  const at = (file: string): string => path.resolve(folder, file);
  const certificates = tls.certificates.map((files) => ({ ...files, cert: at(files.cert), key: at(files.key) }));
  return { ...tls, certificates, ...(tls.ca === undefined ? {} : { ca: at(tls.ca) }) };
}

/** A file as messages name it: short when it is near. */
function label(file: string): string {
  const near = path.relative('.', file);
  return near.startsWith('..') ? file : near;
}

/**
 * Holds the environment as it stands, for the rest of the process's life. Node asks the system for a variable each time it is read,
 * and drachtio-srf reads one of its own (`DRACHTIO_PRESERVE_HEADER_NAMES`) at each header of each message that it gets or makes:
 * of the CPU time of a call that is a seventh. Processes that are started inherit the variables as before.
 */
export function holdEnvironment(): void {
  process.env = { ...process.env };
}
