import { readingOfProfile } from '../../../config.ts';
import type { TrunkReadingSettings } from '../../../numbers/read.ts';
import { Failure } from '../../../shared/errors.ts';
import type { Context } from '../../context.ts';

/** The options of all commands that read numbers. */
export interface ReadingOptions {
  profile?: string;
  trunk?: string;
  country?: string;
  area?: string;
}

/** The settings to read under, and what they are called. */
export interface ReadingChoice {
  readonly name: string;
  readonly reading: TrunkReadingSettings;
}

/**
 * A trunk of the settings file by its name, or the only one that is there; else a profile, with the numbering of the file.
 * @throws Failure `bad-input`, `bad-setting`
 */
export function chooseReading(context: Context, options: ReadingOptions): ReadingChoice {
  const { name, reading } = base(context, options);
  const own = {
    ...(options.country !== undefined && { defaultCountry: options.country }),
    ...(options.area !== undefined && { areaCode: options.area }),
  };
  return { name, reading: { ...reading, ...own } };
}

function base(context: Context, { profile, trunk }: ReadingOptions): ReadingChoice {
  const settings = context.settings();
  const { trunks } = settings;
  if (profile !== undefined) {
    if (trunk !== undefined) throw new Failure('bad-input', 'give either --profile or --trunk');
    return { name: `profile ${profile}`, reading: readingOfProfile(profile, settings) };
  }
  const names = trunks.map(({ name }) => name).join(', ') || '(there are none)';
  if (trunk !== undefined) {
    const found = trunks.find(({ name }) => name === trunk);
    if (!found) throw new Failure('bad-input', `there is no trunk "${trunk}" in ${settings.file}; there are ${names}`);
    return { name: `trunk ${trunk}`, reading: found.reading };
  }
  const [only, ...more] = trunks;
  if (more.length > 0)
    throw new Failure('bad-input', `${settings.file} has several trunks: give --trunk with one of ${names}`);
  if (only) return { name: `trunk ${only.name}`, reading: only.reading };
  return { name: 'profile generic', reading: readingOfProfile('generic', settings) };
}
