import type { Store } from '../../../call/ports.ts';
import type { Subscriber } from '../../../call/subscriber.ts';

const page = 500;

/** All subscribers, in the order of account names. */
export async function allSubscribers(store: Store): Promise<Subscriber[]> {
  const all: Subscriber[] = [];
  for (;;) {
    const last = all.at(-1);
    const next = await store.subscribers.list({ ...(last && { after: last.account }), limit: page });
    all.push(...next);
    if (next.length < page) return all;
  }
}
