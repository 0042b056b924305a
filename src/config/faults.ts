// What is said of wrong settings: a line each, with the key, its value, what was expected, and where it stands.
import { z } from 'zod';
import { maskUriSecrets, masked } from './mask.ts';
import { isRecord, type Layer, type Path } from './source.ts';
import { nearest } from './suggest.ts';
import { isSection, unwrap, walk, type Section } from './walk.ts';

/** What is wrong with the setting at `path`, though it has the right kind. */
export interface SettingFault {
  path: Path;
  says: string;
}

/** `trunks[0].peers[1]`. */
export function pathText(path: Path): string {
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index ? '.' : ''}${String(key)}`))
    .join('');
}

/** A line about the setting at `path`. */
export function faultLine(layer: Layer, path: Path, says: string): string {
  return `${pathText(path)}: ${says} (${layer.where(path)})`;
}

/** A line for each of zod's issues. */
export function faultLines(schema: Section, layer: Layer, issues: readonly z.core.$ZodIssue[]): string[] {
  return issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => faultLine(layer, [...issue.path, key], unknownKey(schema, issue.path, key)));
    }
    const value = valueAt(layer.tree, issue.path);
    if (value === undefined) return faultLine(layer, issue.path, `is missing; expected ${expectedOf(issue)}`);
    const shown = isSecret(schema, issue.path) ? masked : show(value);
    return faultLine(layer, issue.path, `${shown} is not valid; expected ${expectedOf(issue)}`);
  });
}

function expectedOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'custom') return issue.message;
  if (issue.code === 'too_small') return `at least ${issue.minimum} entry`;
  if (issue.code !== 'invalid_type') return issue.message;
  if (issue.expected === 'array') return 'a list such as [a, b]';
  return issue.expected === 'object' || issue.expected === 'record' ? 'keys and values' : issue.expected;
}

function unknownKey(schema: Section, parent: Path, key: string): string {
  const shape = schemaAt(schema, parent);
  const siblings = isSection(shape) ? Object.keys(shape.shape) : [];
  const meant = nearest(key, siblings);
  if (meant) return `there is no such setting; did you mean ${pathText([...parent, meant])}?`;
  const elsewhere = [...walk(schema)].find((facts) => facts.path.at(-1) === key);
  if (elsewhere) return `there is no such setting; did you mean ${elsewhere.path.join('.').replaceAll('.[]', '[]')}?`;
  return `there is no such setting; known here: ${siblings.join(', ')}`;
}

function schemaAt(schema: z.core.$ZodType, path: Path): z.core.$ZodType | undefined {
  let here: z.core.$ZodType | undefined = unwrap(schema).schema;
  for (const key of path) {
    if (isSection(here)) here = here.shape[String(key)];
    else if (here instanceof z.ZodArray) here = here.element;
    else return undefined;
    if (here) here = unwrap(here).schema;
  }
  return here;
}

/** Whether a secret stands there, or somewhere below. */
function isSecret(schema: Section, path: Path): boolean {
  const [parent, key] = [schemaAt(schema, path.slice(0, -1)), path.at(-1)];
  const child = isSection(parent) ? parent.shape[String(key)] : undefined;
  if (!child) return false;
  return unwrap(child).facts?.secret === true || [...walk(child)].some((below) => below.facts?.secret === true);
}

function valueAt(tree: unknown, path: Path): unknown {
  let here: unknown = tree;
  for (const key of path) {
    if (Array.isArray(here)) here = (here as unknown[])[Number(key)];
    else if (isRecord(here) && Object.hasOwn(here, String(key))) here = here[String(key)];
    else return undefined;
  }
  return here;
}

function show(value: unknown): string {
  const text = JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'string' ? maskUriSecrets(inner) : inner,
  );
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
