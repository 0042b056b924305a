import { z } from 'zod';
import { about, takes, type About } from './kinds.ts';

/** A mapping, with the schemas of its keys. */
export type Section = z.ZodObject<Readonly<Record<string, z.core.$ZodType>>>;

export function isSection(schema: z.core.$ZodType | undefined): schema is Section {
  return schema instanceof z.ZodObject;
}

/** What a schema stands for once its wrappers are taken off. */
export interface Unwrapped {
  schema: z.core.$ZodType;
  facts: About | undefined;
  /** As it would be written in YAML; undefined when there is none. */
  byDefault: unknown;
}

export function unwrap(schema: z.core.$ZodType): Unwrapped {
  let inner = schema;
  let facts = about.get(inner);
  let byDefault: unknown;
  while (inner instanceof z.ZodPrefault || inner instanceof z.ZodExactOptional) {
    if (inner instanceof z.ZodPrefault) byDefault ??= inner.def.defaultValue;
    inner = inner.unwrap();
    facts ??= about.get(inner);
  }
  return { schema: inner, facts, byDefault };
}

export interface SettingFacts extends Unwrapped {
  /** What it takes, in words; undefined where that stands with what is below it. */
  expected: string | undefined;
  /** Keys from the top; `[]` stands for any entry of a list. */
  path: string[];
  /** A section has settings below it; a list may have settings in its entries. */
  shape: 'section' | 'list' | 'value';
}

export function expectedOf(schema: z.core.$ZodType): string | undefined {
  if (!(schema instanceof z.ZodArray)) return takes.get(schema)?.expected;
  const entry = takes.get(unwrap(schema.element).schema)?.expected;
  return entry === undefined ? undefined : `a list; each ${entry}`;
}

/** All sections and settings of a schema, in the order they stand in, each before what is below it. */
export function* walk(schema: z.core.$ZodType, path: string[] = []): Generator<SettingFacts> {
  const unwrapped = unwrap(schema);
  const { schema: inner } = unwrapped;
  const shape = isSection(inner) ? 'section' : inner instanceof z.ZodArray ? 'list' : 'value';
  if (path.length > 0 && path.at(-1) !== '[]') yield { ...unwrapped, path, shape, expected: expectedOf(inner) };
  if (isSection(inner)) {
    for (const [key, child] of Object.entries(inner.shape)) yield* walk(child, [...path, key]);
  } else if (inner instanceof z.ZodArray && isSection(inner.element)) {
    yield* walk(inner.element, [...path, '[]']);
  }
}
