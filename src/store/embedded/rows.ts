import type { SQLOutputValue } from 'node:sqlite';

export type Row = Record<string, SQLOutputValue>;

/** The text of a column that is NOT NULL. */
export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new TypeError(`column ${column} holds no text`);
  return value;
}

/** The whole number of a column that is NOT NULL. */
export function integer(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw new TypeError(`column ${column} holds no whole number`);
  return value;
}

/** `{ [key]: text }`, or nothing where the column is NULL: to be spread into an object. */
export function maybeText<Key extends string>(row: Row, column: string, key: Key): Partial<Record<Key, string>> {
  return row[column] === null ? {} : pair(key, text(row, column));
}

/** `{ [key]: number }`, or nothing where the column is NULL: to be spread into an object. */
export function maybeInteger<Key extends string>(row: Row, column: string, key: Key): Partial<Record<Key, number>> {
  return row[column] === null ? {} : pair(key, integer(row, column));
}

function pair<Key extends string, Value>(key: Key, value: Value): Partial<Record<Key, Value>> {
  const object: Partial<Record<Key, Value>> = {};
  object[key] = value;
  return object;
}
