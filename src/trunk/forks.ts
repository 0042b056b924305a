import { sdpOf } from './bodies.ts';
import { contactOf, tagOf } from './dialog-headers.ts';
import { hasTag } from './session-timer.ts';
import type { SrfReceivedResponse } from './srf.ts';

/** One early dialog of an INVITE that was forked behind the gateway, or the only one of it (RFC 3261 12.1.2). */
interface Fork {
  tag: string;
  /** How the target is described there. */
  sdp: string | undefined;
  /** Offer and answer are exchanged: the description came in a reliable response (RFC 3262 5). */
  agreed: boolean;
  /** It takes UPDATE (RFC 3311 4). */
  updates: boolean;
  contact: string | undefined;
}

/** What a provisional response tells. */
export interface Early {
  fork: string;
  /** Early media: not, where the network says that there is none to be heard (RFC 5009). */
  sdp?: string;
}

/** The early dialogs of one INVITE of ours, told apart by their To tags. */
export class Forks {
  readonly #forks = new Map<string, Fork>();
  /** The fork that was heard of last: the one that a request of ours reaches. */
  #last: string | undefined;
  /** The fork whose early media came last. */
  #audible: string | undefined;
  /** Whether the INVITE had an offer; otherwise a description is one, if anything. */
  readonly #offered: boolean;

  constructor(offered: boolean) {
    this.#offered = offered;
  }

  /** A provisional response over 100. Undefined when it tells nothing but the end of an early dialog (199, RFC 6228). */
  heard(response: SrfReceivedResponse): Early | undefined {
    const tag = tagOf(response.get('to'));
    if (response.status === 199) {
      this.#forks.delete(tag);
      this.#last = [...this.#forks.keys()].at(-1);
      return undefined;
    }
    const before = this.#forks.get(tag);
    const described = this.#offered ? sdpOf(response) : undefined;
    const reliable = response.has('rseq');
    if (tag !== '') {
      this.#last = tag;
      this.#forks.set(tag, {
        tag,
        // RFC 3261 13.2.1: the first description of a dialog is the answer where it came reliably
        sdp: before?.agreed === true ? before.sdp : (described ?? before?.sdp),
        agreed: before?.agreed === true || (reliable && described !== undefined),
        updates: before?.updates === true || hasTag(response, 'allow', 'update'),
        contact: contactOf(response) ?? before?.contact,
      });
    }
    const heard = /\binactive\b/i.test(response.get('p-early-media') ?? '') ? undefined : described;
    if (heard !== undefined) this.#audible = tag;
    return { fork: tag, ...(heard !== undefined && { sdp: heard }) };
  }

  /** The description of a fork whose 2xx has none: one in a reliable response need not be repeated (RFC 6337 3.1.1). */
  described(tag: string): string | undefined {
    return this.#forks.get(tag)?.sdp;
  }

  get several(): boolean {
    return this.#forks.size > 1;
  }

  /**
   * The early dialog that can be changed before the answer, with offer and answer exchanged: the only one there is, or the
   * one that is heard, where a request of ours reaches it. If another one answers, it is told of the change then.
   */
  get changeable(): Readonly<Fork> | undefined {
    const fork = this.#forks.get(this.#last ?? '');
    return fork?.agreed === true && (!this.several || fork.tag === this.#audible) ? fork : undefined;
  }
}
