import type { CallRecord, RecordChange } from '../call/record.ts';

/**
 * What of a change may still enter a record that is closed: values that were missing, and the lists of
 * notifications, attempts and media, which go on to be filled. Nothing that stood there is altered.
 */
export function lateChange(record: CallRecord, change: RecordChange): RecordChange {
  const present = new Map<string, unknown>(Object.entries(record));
  const entries = Object.entries(change).filter(
    ([key, value]) => Array.isArray(value) || (present.get(key) ?? null) === null,
  );
  return Object.fromEntries(entries);
}
