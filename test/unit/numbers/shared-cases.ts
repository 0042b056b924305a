import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = new URL('../../../../shared/cases/', import.meta.url);

/** A file of the acceptance cases, which stand beside the checkout. */
export function sharedCases(name: string): string {
  const file = fileURLToPath(new URL(name, folder));
  if (!existsSync(file))
    throw new Error(`The acceptance cases are missing: ${file} (../shared/cases beside the checkout)`);
  return readFileSync(file, 'utf8');
}
