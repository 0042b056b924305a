import type { Clock, Timer } from '../../shared/clock.ts';
import type { Message } from '../message/message.ts';

/** RFC 4028 4: the shortest session interval that anybody may ask for. Seconds. */
export const shortestInterval = 90;

/** Longer ones are taken for this. Seconds. */
const longestInterval = 86_400;

export type Refresher = 'uac' | 'uas';

/** A Session-Expires: the interval in seconds, and who refreshes, as seen from the request that it belongs to. */
export interface SessionExpires {
  readonly seconds: number;
  readonly refresher: Refresher | undefined;
}

/** Reads a Session-Expires; undefined when there is none, or one that says nothing. */
export function readSessionExpires(value: string | undefined): SessionExpires | undefined {
  const seconds = Number.parseInt(value ?? '', 10);
  if (!(seconds > 0)) return undefined;
  const refresher = /;\s*refresher\s*=\s*(uac|uas)\b/i.exec(value ?? '')?.[1]?.toLowerCase();
  return {
    seconds: Math.min(seconds, longestInterval),
    refresher: refresher === 'uac' || refresher === 'uas' ? refresher : undefined,
  };
}

/** Whether the peer knows session timers, and so understands a 422. */
export function knowsTimers(message: Message): boolean {
  return [...message.list('Supported'), ...message.list('Require')].some((tag) => tag.toLowerCase() === 'timer');
}

interface Actions {
  /** Half of the interval is over, and we are to refresh (RFC 4028 7.2). */
  refresh(): void;
  /** Nobody refreshed in time: the dialog is to be ended (RFC 4028 10). */
  expired(): void;
}

/** What an application that refreshes by itself is given beyond half of the interval, as a part of that; milliseconds. */
function leave(seconds: number): number {
  return (seconds * 1000) / 12;
}

/** The session timer of one dialog, as it was agreed last. */
export class SessionTimer {
  readonly seconds: number;
  readonly weRefresh: boolean;
  readonly #clock: Clock;
  readonly #actions: Actions;
  #refresh: Timer | undefined;
  readonly #expiry: Timer;

  /** @param yields the application refreshes by itself, at half of the interval: we do so a little later, where it did not */
  constructor(seconds: number, weRefresh: boolean, yields: boolean, clock: Clock, actions: Actions) {
    this.seconds = seconds;
    this.weRefresh = weRefresh;
    this.#clock = clock;
    this.#actions = actions;
    if (weRefresh) this.refreshAfter(seconds * 500 + (yields ? leave(seconds) : 0)); // RFC 4028 7.2: half-way
    // RFC 4028 10: a little before the peer's own end of it
    const early = Math.min(32, seconds / 3);
    this.#expiry = clock.after((seconds - early) * 1000, () => {
      this.stop();
      actions.expired();
    });
  }

  /** Sets the next refresh; one before the interval's end, as one that crossed another is tried again. */
  refreshAfter(milliseconds: number): void {
    this.#refresh?.clear();
    this.#refresh = this.#clock.after(milliseconds, () => this.#actions.refresh());
  }

  /** The application refreshes now: ours waits for what becomes of that. */
  yield(): void {
    if (this.weRefresh) this.refreshAfter(leave(this.seconds));
  }

  stop(): void {
    this.#refresh?.clear();
    this.#expiry.clear();
  }
}
