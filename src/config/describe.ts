// What people read about the settings, made from the schema: config/SETTINGS.md, config/default.yaml, and the
// values in force.
import { Document, isCollection, isMap, isScalar } from 'yaml';
import { z } from 'zod';
import { maskUriSecrets, masked } from './mask.ts';
import { isRecord } from './source.ts';
import { expectedOf, isSection, unwrap, walk, type Section, type SettingFacts } from './walk.ts';

/** The tree with the defaults of what it lacks, and secrets masked. */
export function describeValues(schema: Section, tree: Record<string, unknown>): Record<string, unknown> {
  const described: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(schema.shape)) {
    const { byDefault } = unwrap(child);
    const value = describe(child, Object.hasOwn(tree, key) ? tree[key] : byDefault);
    if (value !== undefined) described[key] = value;
  }
  return described;
}

function describe(schema: z.core.$ZodType, value: unknown): unknown {
  const { schema: inner, facts } = unwrap(schema);
  if (value === undefined) return undefined;
  if (isSection(inner)) return describeValues(inner, isRecord(value) ? value : {});
  if (inner instanceof z.ZodArray && Array.isArray(value)) {
    return value.map((entry: unknown) => describe(inner.element, entry));
  }
  if (facts?.secret) return masked;
  return typeof value === 'string' ? maskUriSecrets(value) : value;
}

const preface = `# Settings

Made by \`scripts/docs\` from src/config; do not edit.

The file is that of \`--config\`, else of the variable \`RINGAWAY_CONFIG\`, else \`./ringaway.yaml\`, else
\`config/default.yaml\`. Each setting can be set by a variable, which goes before the file: \`calls.decideWithin\` by
\`RINGAWAY_CALLS_DECIDE_WITHIN=30s\`, lists and entries in YAML's flow style (\`RINGAWAY_SIP_LISTEN='[udp://10.0.0.1:5060]'\`); an
empty variable counts as not set. Durations are written \`500ms\`, \`60s\`, \`5m\`, \`4h\`, \`30d\`. The keys of a trunk below
\`credentials\` may also stand in its profile: \`trunk-profiles/NAME.yaml\` beside the settings file, or in \`config/\`.`;

/** The Markdown page of the settings: how they are given, and a table of all. */
export function settingsPage(schema: Section): string {
  const rows = [...walk(schema)].filter(({ shape }) => shape !== 'section').map(tableRow);
  return [preface, '', '| setting | takes | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

function tableRow({ path, byDefault, facts, expected = '' }: SettingFacts): string {
  const shown = byDefault === undefined ? '' : `\`${flow(byDefault)}\``;
  const name = `\`${path.join('.').replaceAll('.[]', '[]')}\``;
  const cells = [name, expected, shown, facts?.description ?? ''];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function flow(value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : JSON.stringify(value).replaceAll(',', ', ');
}

const header = ` All settings of ringaway with their defaults: a settings file needs only what differs.
 Any of them can be set by a variable too: calls.decideWithin by RINGAWAY_CALLS_DECIDE_WITHIN.
 Made by \`ringaway config docs --yaml\`; do not edit.`;

/** All settings with their defaults, and their meaning as comments, as YAML. */
export function defaultsYaml(schema: Section): string {
  const document = new Document(describeValues(schema, {}));
  document.commentBefore = header;
  annotate(schema, document.contents);
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function annotate(schema: Section, map: unknown): void {
  if (!isMap(map)) return;
  const unset: string[] = [];
  for (const [key, child] of Object.entries(schema.shape)) {
    const { schema: inner, facts } = unwrap(child);
    const example = facts?.example?.split('\n').map((line) => `   ${line}`) ?? [];
    const expected = expectedOf(inner);
    const meaning = ` ${facts?.description ?? ''}${expected === undefined ? '' : ` Takes ${expected}.`}`;
    const comment = [meaning, ...example];
    const pair = map.items.find((item) => isScalar(item.key) && item.key.value === key);
    if (!pair || !isScalar(pair.key)) {
      unset.push(`${comment.join('\n')}${example.length > 0 ? '' : `\n   ${key}:`}`);
      continue;
    }
    pair.key.commentBefore = comment.join('\n');
    pair.key.spaceBefore = isMap(pair.value);
    if (isSection(inner)) annotate(inner, pair.value);
    else if (isCollection(pair.value)) pair.value.flow = true;
  }
  if (unset.length > 0) map.comment = ` Not set:\n${unset.join('\n')}`;
}
