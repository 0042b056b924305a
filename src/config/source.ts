// Where settings come from: a YAML file, whose lines are remembered, and variables laid over it.
import { isMap, isNode, isPair, LineCounter, parseDocument, type Document } from 'yaml';
import { Failure } from '../shared/errors.ts';

export type Path = readonly PropertyKey[];

/** Where a value was written: `ringaway.yaml:12`, or the name of a variable. */
export type Where = (path: Path) => string;

export interface Layer {
  /** What stands there, as plain values. */
  tree: Record<string, unknown>;
  where: Where;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Parses the text of a YAML file whose top is a mapping; an empty file is an empty mapping.
 * @param name how the file is called in messages
 * @throws Failure `bad-setting` with a line for each fault of the syntax
 */
export function parseYamlLayer(text: string, name: string): Layer {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    const faults = document.errors.map((error) => `${name}:${lines.linePos(error.pos[0]).line}: ${error.message}`);
    throw new Failure('bad-setting', faults.join('\n'));
  }
  const tree: unknown = document.toJS() ?? {};
  if (!isRecord(tree))
    throw new Failure('bad-setting', `${name}: expected keys and values, such as "log: { level: info }"`);
  return {
    tree,
    where: (path) => {
      const offset = offsetOf(document, path);
      return offset === undefined ? name : `${name}:${lines.linePos(offset).line}`;
    },
  };
}

/** Where the value at `path` begins, or the nearest thing around it that stands in the file. */
function offsetOf(document: Document.Parsed, path: Path): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true);
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isPair(item) && String(item.key) === String(path[length - 1]));
      if (isNode(pair?.key) && pair.key.range) return pair.key.range[0];
    }
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return undefined;
}

/** A value that a variable sets. */
export interface VariableValue {
  variable: string;
  path: Path;
  value: unknown;
}

/** The layer with the variables' values in the place of its own. */
export function layVariablesOver(layer: Layer, variables: readonly VariableValue[]): Layer {
  const tree = structuredClone(layer.tree);
  const laid: VariableValue[] = [];
  // Sections before the keys inside them, so that both can be given.
  for (const entry of [...variables].sort((a, b) => a.path.length - b.path.length)) {
    if (put(tree, entry.path, entry.value)) laid.push(entry);
  }
  return {
    tree,
    where: (path) => {
      const setBy = laid.findLast((entry) => entry.path.every((key, index) => path[index] === key));
      return setBy?.variable ?? layer.where(path);
    },
  };
}

/** Whether it could be put: not where a value stands that should be a mapping (that is reported by itself). */
function put(tree: Record<string, unknown>, path: Path, value: unknown): boolean {
  let parent = tree;
  for (const key of path.slice(0, -1)) {
    const child = (parent[String(key)] ??= {});
    if (!isRecord(child)) return false;
    parent = child;
  }
  parent[String(path.at(-1))] = value;
  return true;
}
