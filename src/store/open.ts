import type { Store } from '../call/ports.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/log.ts';

/** Which store, and where it is. */
export type StoreChoice = { kind: 'embedded'; path: string } | { kind: 'mongodb'; uri: string };

/**
 * Opens the store of the settings; only the code of that one is loaded.
 * @throws Failure `bad-setting`, `store-unavailable`
 */
export async function openStore(choice: StoreChoice, tools: { log: Logger; clock: Clock }): Promise<Store> {
  if (choice.kind === 'embedded') {
    const { openEmbeddedStore } = await import('./embedded/open.ts');
    return openEmbeddedStore({ path: choice.path, ...tools });
  }
  const { openMongoStore } = await import('./mongodb/open.ts');
  return openMongoStore({ uri: choice.uri, ...tools });
}
