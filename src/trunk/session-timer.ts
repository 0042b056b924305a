// Session timers (RFC 4028), on both legs. Here it is agreed who refreshes and how often; the SIP server, built-in or
// drachtio-server, reads that in the messages that pass through it, refreshes by itself and ends what nobody refreshed.
// One of the three parts has to, and only the server sees every request of a dialog.
import type { SipMessageView } from './srf.ts';

/** The shortest session interval (RFC 4028 4). Seconds. */
const shortestInterval = 90;

/** The longest that is believed: a day. Seconds. */
const longestInterval = 86_400;

/**
 * What the 2xx to an INVITE or UPDATE says of the session timer: what was asked for; or, where the far side knows timers
 * and asked for nothing, `interval` milliseconds (0: nothing) with us as the refresher. A far side that does not know
 * timers could neither refresh nor answer an UPDATE for sure: it gets none.
 */
export function sessionAnswer(request: SipMessageView, interval: number): Record<string, string> {
  if (!knowsTimers(request)) return {};
  const asked = request.get('session-expires');
  const seconds = secondsOf(asked);
  if (seconds === undefined) {
    if (interval === 0) return {};
    const least = secondsOf(request.get('min-se')) ?? 0;
    return { 'Session-Expires': `${Math.min(longestInterval, Math.max(least, interval / 1_000))};refresher=uas` };
  }
  if (seconds < shortestInterval) return {};
  const refresher = /;\s*refresher\s*=\s*(uac|uas)\s*(?:;|$)/i.exec(asked ?? '')?.[1]?.toLowerCase() ?? 'uac';
  const agreed = { 'Session-Expires': `${Math.min(seconds, longestInterval)};refresher=${refresher}` };
  return refresher === 'uac' ? { ...agreed, Require: 'timer' } : agreed; // RFC 4028 9, table 2
}

/**
 * What an INVITE of ours says of it (RFC 4028 7.1); who refreshes is the far side's choice. `least` is what a 422 has wanted at
 * least: nobody on the way may then make it shorter.
 */
export function sessionOffer(seconds: number, least = shortestInterval): Record<string, string> {
  return seconds === 0 ? {} : { 'Session-Expires': String(seconds), 'Min-SE': String(least) };
}

/** The interval that a 422 wants at least, in seconds; undefined when it wants none longer than `asked` (RFC 4028 7.3). */
export function longerInterval(refusal: SipMessageView, asked: number): number | undefined {
  const least = secondsOf(refusal.get('min-se'));
  return least !== undefined && least > asked && least <= longestInterval ? least : undefined;
}

/** The Min-SE of the 422 that a request gets when its interval is too short (RFC 4028 9); undefined when it is not. */
export function intervalTooShort(request: SipMessageView): string | undefined {
  const seconds = secondsOf(request.get('session-expires'));
  return seconds !== undefined && seconds < shortestInterval && knowsTimers(request)
    ? String(shortestInterval)
    : undefined;
}

function secondsOf(header: string | undefined): number | undefined {
  const digits = /^\s*(\d{1,9})\s*(?:;|$)/.exec(header ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function knowsTimers(message: SipMessageView): boolean {
  return hasTag(message, 'supported', 'timer') || hasTag(message, 'require', 'timer');
}

/** Whether a header that is a list of tokens (Supported, Require, Allow) names one. */
export function hasTag(message: SipMessageView, header: 'supported' | 'require' | 'allow', tag: string): boolean {
  return (message.get(header) ?? '').split(',').some((named) => named.trim().toLowerCase() === tag);
}
