import type { DivertingUser } from './diverting.ts';
import type { Evidence } from './explanation.ts';
import type { InitialAddress } from './isup/iam.ts';
import type { IsupNumber } from './isup/number.ts';
import { normalise } from './number.ts';
import type { NumberingSettings, PhoneNumber } from './phone-number.ts';

/**
 * One chain, oldest first, out of History-Info and Diversion (RFC 7544 3.4, 3.5). What History-Info lacks is taken for
 * more recent. But To keeps what was dialled: when it equals the oldest Diversion entry, that entry is the older one.
 */
export function joinChains(
  history: readonly DivertingUser[],
  diversions: readonly DivertingUser[],
  to: PhoneNumber | null,
  evidence: Evidence,
): DivertingUser[] {
  if (history.length === 0 || diversions.length === 0) return [...history, ...diversions];
  const joined = history.map((user, i) => combine(user, twin(user, i, history, diversions)));
  const known = new Set(joined.map((user) => user.number));
  // A withheld entry beside History-Info tells of nobody new.
  const others = diversions.filter((user) => user.number !== null && !known.has(user.number));
  if (others.length === 0) return joined;
  const rule = '5.12 (RFC 7544 3.4, 3.5)';
  evidence.warn('diversion', 'Diversion', rule, 'it differs from History-Info: the order of the users is uncertain');
  const [oldest, ...newer] = others;
  if (oldest && oldest === diversions[0] && oldest.number === to) {
    evidence.used('diversion', 'Diversion', oldest.number, rule, 'To names it too: older than all of History-Info');
    return [oldest, ...joined, ...newer];
  }
  return [...joined, ...others];
}

/** The Diversion entry of the same user: of the same number, or at the same place where History-Info withholds it. */
function twin(
  user: DivertingUser,
  at: number,
  history: readonly DivertingUser[],
  diversions: readonly DivertingUser[],
): DivertingUser | undefined {
  if (user.number !== null) return diversions.find((other) => other.number === user.number);
  const other = history.length === diversions.length ? diversions[at] : undefined;
  const elsewhere = typeof other?.number === 'string' && history.some((entry) => entry.number === other.number);
  return elsewhere ? undefined : other;
}

function combine(user: DivertingUser, other: DivertingUser | undefined): DivertingUser {
  if (!other) return user;
  const hidden = user.private || other.private;
  const reason = user.reason === 'unknown' ? other.reason : user.reason;
  const limit = other.limit === undefined ? {} : { limit: other.limit };
  const base = user.number === null && other.number !== null ? { ...other, ...indexOf(user) } : user;
  return { ...base, ...limit, reason, private: hidden, counter: Math.max(user.counter, other.counter) };
}

function indexOf(user: DivertingUser): { index?: string } {
  return user.index === undefined ? {} : { index: user.index };
}

/** The chain that an IAM tells: the original called number, then the redirecting number when it is another. */
export function isupChain(iam: InitialAddress, settings: NumberingSettings): DivertingUser[] {
  const { originalCalled, redirecting, redirection } = iam;
  // Without its second octet it tells the original reason alone: of one diversion that is the last one, too.
  const last = redirection?.reason ?? redirection?.originalReason ?? 'unknown';
  const hidden = redirection?.restricted ?? false;
  const user = (number: IsupNumber, source: 'isup-ocn' | 'isup-rdn', reason = last): DivertingUser => ({
    number: normalise(number.digits, settings, { nai: number.nai })?.number ?? null,
    reason,
    private: hidden || number.presentationRestricted,
    counter: 1,
    source,
  });
  const first = originalCalled && user(originalCalled, 'isup-ocn');
  const latest = redirecting && user(redirecting, 'isup-rdn');
  if (!latest) return first ? [first] : [];
  // An original called number that is not available tells of nobody: the redirecting number is next.
  if (!first || first.number === null) return [latest];
  if (first.number === latest.number) return [{ ...first, private: first.private || latest.private }];
  return [
    user(originalCalled, 'isup-ocn', redirection?.originalReason ?? 'unknown'),
    { ...latest, reason: redirection?.reason ?? 'unknown' },
  ];
}
