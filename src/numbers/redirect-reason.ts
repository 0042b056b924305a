/** Why a call was diverted: the tokens of RFC 5806 4. */
export type RedirectReason =
  | 'unconditional'
  | 'user-busy'
  | 'no-answer'
  | 'deflection'
  | 'unavailable'
  | 'time-of-day'
  | 'do-not-disturb'
  | 'follow-me'
  | 'out-of-service'
  | 'away'
  | 'unknown';

const tokens: ReadonlySet<string> = new Set<RedirectReason>([
  'unconditional',
  'user-busy',
  'no-answer',
  'deflection',
  'unavailable',
  'time-of-day',
  'do-not-disturb',
  'follow-me',
  'out-of-service',
  'away',
  'unknown',
]);

/** A Diversion header's reason; tokens are case-insensitive, foreign ones mean unknown. */
export function reasonOfToken(token: string): RedirectReason {
  const lower = token.toLowerCase();
  return isReason(lower) ? lower : 'unknown';
}

function isReason(token: string): token is RedirectReason {
  return tokens.has(token);
}

/** RFC 8119: the number was translated, nobody diverted the call. */
export const translationCause = 380;

const byCause: ReadonlyMap<number, RedirectReason> = new Map([
  [302, 'unconditional'],
  [404, 'unknown'],
  [408, 'no-answer'],
  [480, 'deflection'],
  [486, 'user-busy'],
  [487, 'deflection'],
  [503, 'unavailable'],
]);

/** The diversion that a cause of RFC 4458 stands for; undefined when it stands for none. */
export function reasonOfCause(cause: number | undefined): RedirectReason | undefined {
  return cause === undefined ? undefined : byCause.get(cause);
}

/** The cause URI parameter to write for a reason (RFC 7544 5). */
export function causeOfReason(reason: RedirectReason): number {
  switch (reason) {
    case 'unconditional':
      return 302;
    case 'user-busy':
      return 486;
    case 'no-answer':
      return 408;
    case 'deflection':
      return 480;
    case 'unavailable':
      return 503;
    case 'time-of-day':
    case 'do-not-disturb':
    case 'follow-me':
    case 'out-of-service':
    case 'away':
    case 'unknown':
      return 404;
  }
}

const byIsup: readonly RedirectReason[] = [
  'unknown',
  'user-busy',
  'no-answer',
  'unconditional',
  'deflection',
  'deflection',
  'unavailable',
];

/** ITU-T Q.763 3.44, redirecting reason. */
export function reasonOfIsup(code: number): RedirectReason {
  return byIsup[code] ?? 'unknown';
}

/** Decimal cause as a parameter carries it; undefined when absent or no three-digit number. */
export function parseCause(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{3}$/.test(value) ? Number(value) : undefined;
}
