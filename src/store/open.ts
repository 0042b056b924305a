import type { Store } from '../call/ports.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/log.ts';
import { openEmbeddedStore } from './embedded/open.ts';

/** Which store a site has: a folder on this machine, or a MongoDB that several nodes share. */
export type StoreSettings = { kind: 'embedded'; path: string } | { kind: 'mongodb'; uri: string };

/**
 * Opens the store of the settings.
 * @throws Failure `bad-setting`, `store-unavailable`
 */
export async function openStore(settings: StoreSettings, parts: { log: Logger; clock: Clock }): Promise<Store> {
  if (settings.kind === 'embedded') return openEmbeddedStore({ path: settings.path, ...parts });
  // Loaded only where it is used: the driver takes longer to load than most commands take to run.
  const { openMongoStore } = await import('./mongodb/open.ts');
  return openMongoStore({ uri: settings.uri, ...parts });
}
