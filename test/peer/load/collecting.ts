import { fileURLToPath } from 'node:url';

/** The service from its sources, able to collect its garbage when it is asked to (collect.ts). */
export const collecting = [
  process.execPath,
  '--expose-gc',
  `--import=${fileURLToPath(new URL('./collect.ts', import.meta.url))}`,
  fileURLToPath(new URL('../../../src/cli/ringaway.ts', import.meta.url)),
];
