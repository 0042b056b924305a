import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const folder = new URL('../../../../shared/cases/', import.meta.url);

/** A file of the acceptance cases, which stand beside the checkout; where they are missing, a skipped test says so. */
export function sharedCases(name: string): string | undefined {
  const file = fileURLToPath(new URL(name, folder));
  if (existsSync(file)) return readFileSync(file, 'utf8');
  test(`the acceptance cases of ${name}`, { skip: 'NOT TESTED: ../shared/cases is not beside the checkout' });
  return undefined;
}
