import { detached } from '../message/detached.ts';
import type { Request } from '../message/message.ts';

/** What the registry needs to know of a dialog's entry. */
export interface Registered {
  /** Unique; as the application knows it. */
  readonly id: string;
  readonly callId: string;
  readonly localTag: string;
}

/**
 * The id that drachtio gives a dialog on both sides: Call-ID and the From tag of the request that began it.
 * @param taken whether an id is in use: a call that comes back to the same server would have both of its ends named the same
 */
export function dialogId(callId: string, fromTag: string, taken: (id: string) => boolean): string {
  const id = detached(`${callId};from-tag=${fromTag}`);
  if (!taken(id)) return id;
  for (let n = 2; ; n++) {
    const other = detached(`${id};leg=${n}`);
    if (!taken(other)) return other;
  }
}

/** The dialogs that live, found by the application's id and by what the peer's requests carry. */
export class Dialogs<Entry extends Registered> {
  readonly #byId = new Map<string, Entry>();
  readonly #byTag = new Map<string, Entry>();

  get size(): number {
    return this.#byId.size;
  }

  add(entry: Entry): void {
    this.#byId.set(entry.id, entry);
    this.#byTag.set(detached(tagKey(entry.callId, entry.localTag)), entry);
  }

  remove(entry: Entry): void {
    if (this.#byId.get(entry.id) === entry) this.#byId.delete(entry.id);
    const key = tagKey(entry.callId, entry.localTag);
    if (this.#byTag.get(key) === entry) this.#byTag.delete(key);
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  get(id: string): Entry | undefined {
    return this.#byId.get(id);
  }

  /** The dialog of a request of the peer: Call-ID and the To tag, which is ours (RFC 3261 12.2.2). */
  of(request: Request): Entry | undefined {
    const tag = request.to.parameters.get('tag');
    return tag === undefined ? undefined : this.find(request.callId, tag);
  }

  /** By Call-ID and our tag. */
  find(callId: string, localTag: string): Entry | undefined {
    return this.#byTag.get(tagKey(callId, localTag));
  }

  [Symbol.iterator](): IterableIterator<Entry> {
    return this.#byId.values();
  }
}

function tagKey(callId: string, localTag: string): string {
  return `${localTag} ${callId}`;
}
