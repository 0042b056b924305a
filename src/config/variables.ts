import { parse } from 'yaml';
import { z } from 'zod';
import type { VariableValue } from './source.ts';
import { nearest } from './suggest.ts';
import { walk, type Section } from './walk.ts';

const prefix = 'RINGAWAY_';
/** Names the settings file, where --config does not. */
export const fileVariable = `${prefix}CONFIG`;

/**
 * What Kubernetes and Docker links put into the environment of each container beside a service that is called
 * ringaway: not meant as settings.
 */
const setByOthers = /^RINGAWAY_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/** `calls.decideWithin` is set by `RINGAWAY_CALLS_DECIDE_WITHIN`. */
export function variableName(path: readonly string[]): string {
  return prefix + path.map((key) => key.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()).join('_');
}

export interface Variables {
  values: VariableValue[];
  /** Variables that look like settings and are none, a line each. */
  unknown: string[];
}

/**
 * The settings among the variables of the environment. A value is read as YAML (so lists and mappings can be
 * given in flow style), or as bare text where only that fits. An empty variable counts as not set.
 */
export function readVariables(schema: Section, environment: Record<string, string | undefined>): Variables {
  const known = new Map(
    [...walk(schema)].filter(({ path }) => !path.includes('[]')).map((facts) => [variableName(facts.path), facts]),
  );
  const found: Variables = { values: [], unknown: [] };
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith(prefix) || !text || variable === fileVariable || setByOthers.test(variable)) continue;
    const setting = known.get(variable);
    if (setting) {
      found.values.push({ variable, path: setting.path, value: valueOf(setting.schema, text) });
    } else {
      const meant = nearest(variable, [...known.keys()]);
      found.unknown.push(
        `${variable}: no setting has this variable${meant ? `; did you mean ${meant}?` : ''} (environment)`,
      );
    }
  }
  return found;
}

function valueOf(schema: z.core.$ZodType, text: string): unknown {
  let read: unknown;
  try {
    read = parse(text, { logLevel: 'error' });
  } catch {
    return text;
  }
  if (z.safeParse(schema, read).success || !z.safeParse(schema, text).success) return read;
  return text;
}
