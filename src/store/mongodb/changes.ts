import type { SubscriberCollection } from './subscribers.ts';

/**
 * Milliseconds that each look goes back behind the newest change seen: a change may become visible after one with
 * a later time, and after a fail-over the times are those of another machine's clock.
 */
const overlap = 5000;

/**
 * What changed since the last look. Change streams would need a replica set; this works on any server.
 * Returns the function that looks.
 */
export async function followChanges(subscribers: SubscriberCollection): Promise<() => Promise<string[]>> {
  let newest = (await subscribers.lastChange()) ?? new Date(0);
  /** The tokens of the changes within the overlap, by account. */
  let seen = new Map<string, string>();

  const look = async (): Promise<string[]> => {
    const changes = await subscribers.changesSince(new Date(newest.getTime() - overlap));
    const accounts = changes.filter(({ account, token }) => seen.get(account) !== token).map(({ account }) => account);
    seen = new Map(changes.map(({ account, token }) => [account, token]));
    for (const { at } of changes) if (at > newest) newest = at;
    const oldest = newest.getTime() - overlap;
    for (const { account, at } of changes) if (at.getTime() < oldest) seen.delete(account);
    return accounts;
  };
  await look();
  return look;
}
