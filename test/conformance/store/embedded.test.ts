import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'node:test';
import { openAt } from './place.ts';
import { storeConforms } from './suite.ts';

describe('the embedded store', () => {
  storeConforms(async () => {
    const parent = await mkdtemp(join(tmpdir(), 'ringaway-store-'));
    const location = join(parent, 'data');
    return {
      kind: 'embedded',
      location,
      open: () => openAt('embedded', location),
      remove: () => rm(parent, { recursive: true }),
    };
  });
});
