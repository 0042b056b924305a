import type { InDialogAnswer, InDialogRequest } from '../call/ports.ts';
import type { Clock, Timer } from '../shared/clock.ts';
import type { SipMessageView } from './srf.ts';

/** The shortest session interval (RFC 4028 4). Seconds. */
export const shortestInterval = 90;

/** The longest that is believed: a day. Seconds. */
const longestInterval = 86_400;

/** What the timer does to its dialog. */
interface Dialog {
  /** No refresh came in time: it is to be ended with BYE (RFC 4028 10). */
  expired(): void;
  /** Sends a refresh of ours. */
  send(request: InDialogRequest): Promise<InDialogAnswer>;
}

interface Agreed {
  seconds: number;
  /** Who refreshes: the one who sent the request that agreed it, or the one who answered it. */
  refresher: 'uac' | 'uas';
}

/**
 * The session timer of a dialog that the far side began (RFC 4028): agreed in the 2xx to its INVITE where that asked for
 * one, and anew in each 2xx to its re-INVITE or UPDATE. Normally the far side refreshes; where it wants us to, we do so
 * by UPDATE, which needs no description.
 */
export class SessionTimer {
  readonly #clock: Clock;
  readonly #dialog: Dialog;
  #timer: Timer | undefined;

  constructor(clock: Clock, dialog: Dialog) {
    this.#clock = clock;
    this.#dialog = dialog;
  }

  /** A request that is answered with 2xx now: starts the time anew, and returns what its 2xx says of it. */
  agree(request: SipMessageView): Record<string, string> {
    this.stop();
    const agreed = wanted(request);
    if (!agreed) return {};
    this.#start(agreed);
    const { seconds, refresher } = agreed;
    const headers = { 'Session-Expires': `${seconds};refresher=${refresher}` };
    return refresher === 'uac' ? { ...headers, Require: 'timer' } : headers; // RFC 4028 9, table 2
  }

  stop(): void {
    this.#timer?.clear();
    this.#timer = undefined;
  }

  #start({ seconds, refresher }: Agreed): void {
    if (refresher === 'uas') {
      this.#timer = this.#clock.after(seconds * 500, () => void this.#refresh(seconds)); // RFC 4028 7.2: half-way
      return;
    }
    // RFC 4028 10: a little before the far side's own timer, at most 32 s.
    const early = Math.min(32, seconds / 3);
    this.#timer = this.#clock.after((seconds - early) * 1_000, () => this.#dialog.expired());
  }

  async #refresh(seconds: number): Promise<void> {
    const headers = { Supported: 'timer', 'Session-Expires': `${seconds};refresher=uac` };
    // What was refused or lost is told by the dialog itself (408, 481); after anything else the next turn tries again.
    const started = this.#timer;
    await this.#dialog.send({ method: 'UPDATE', headers });
    if (this.#timer === started && started) this.#start({ seconds, refresher: 'uas' });
  }
}

/** Whether a request asks for a shorter interval than may be (RFC 4028 9): to be answered 422 with Min-SE. */
export function intervalTooShort(request: SipMessageView): boolean {
  const seconds = secondsOf(request.get('session-expires'));
  return seconds !== undefined && seconds < shortestInterval && knowsTimers(request);
}

/** A far side that does not know timers could neither refresh nor answer an UPDATE for sure: it gets none. */
function wanted(request: SipMessageView): Agreed | undefined {
  const header = request.get('session-expires');
  const seconds = secondsOf(header);
  if (seconds === undefined || seconds < shortestInterval || !knowsTimers(request)) return undefined;
  const refresher = /;\s*refresher\s*=\s*(uac|uas)\s*(?:;|$)/i.exec(header ?? '')?.[1]?.toLowerCase();
  return { seconds: Math.min(seconds, longestInterval), refresher: refresher === 'uas' ? 'uas' : 'uac' };
}

function secondsOf(header: string | undefined): number | undefined {
  const digits = /^\s*(\d{1,9})\s*(?:;|$)/.exec(header ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function knowsTimers(request: SipMessageView): boolean {
  return hasTag(request, 'supported', 'timer') || hasTag(request, 'require', 'timer');
}

/** Whether Supported or Require names an option tag. */
export function hasTag(message: SipMessageView, header: 'supported' | 'require', tag: string): boolean {
  return (message.get(header) ?? '').split(',').some((named) => named.trim().toLowerCase() === tag);
}
