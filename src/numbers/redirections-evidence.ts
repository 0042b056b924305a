import type { DivertingSource, DivertingUser } from './diverting.ts';
import type { Evidence } from './explanation.ts';
import type { History } from './history-info.ts';

/** Longer lists are hostile or broken; the rest of them is only counted. */
const mostNoted = 10;

const places: Readonly<Record<DivertingSource, readonly [where: string, rule: string]>> = {
  'history-info': ['History-Info', '5.5 (RFC 7544 6)'],
  diversion: ['Diversion', '5.1, 5.3 (RFC 5806 4, RFC 7544 5)'],
  'isup-ocn': ['IAM original called number', '5.14 (Q.763 3.39)'],
  'isup-rdn': ['IAM redirecting number', '5.14 (Q.763 3.45)'],
  'target-param': ['target of the Request-URI', '5 order 4 (RFC 4458 2)'],
  'p-served-user': ['P-Served-User', '5.15 (RFC 8498)'],
};

/** Which rule made an entry of History-Info a diverting user. */
const historyRules = {
  cause: '5.5 (RFC 7544 6)',
  mp: '5.8 (RFC 7044 11)',
  reason: '5.9 (RFC 7544 4.1)',
  untagged: '5.10 (RFC 7044 11)',
} as const;

/** Notes each entry: who diverted, what was translated, and what the rest is. */
export function noteHistory(history: History, evidence: Evidence): void {
  const { entries, chain, target, serviceNumber } = history;
  for (const entry of entries.slice(0, mostNoted)) {
    const where = entry.index === '' ? 'History-Info' : `History-Info ${entry.index}`;
    const user = chain.find(({ index, uri }) => (index === undefined ? uri === entry.uri : index === entry.index));
    if (user) {
      evidence.used('diversion', where, user.number, historyRules[history.readBy ?? 'cause'], diverted(user));
    } else if (entry.number !== null && entry.number === serviceNumber) {
      evidence.used('service-number', where, entry.number, '5.7 (RFC 8119)', 'translated, not diverted: cause 380');
    } else {
      const why = entry === target ? 'where the call was diverted to' : 'nobody diverted the call here';
      evidence.ignored('diversion', where, entry.number, '5.5, 5.8 (RFC 7544 6, RFC 7044 10.4)', why);
    }
  }
  noteRest('History-Info', entries.length, evidence);
}

/** Notes diverting users of one place; `fate` is "used", or why they are ignored. */
export function noteUsers(users: readonly DivertingUser[], fate: string, evidence: Evidence): void {
  const [first] = users;
  if (!first) return;
  for (const user of users.slice(0, mostNoted)) {
    const [where, rule] = places[user.source];
    if (fate === 'used') evidence.used('diversion', where, user.number, rule, diverted(user));
    else evidence.ignored('diversion', where, user.number, rule, fate);
  }
  noteRest(places[first.source][0], users.length, evidence);
}

/** Notes why the call reached us, and how often it had been diverted. */
export function noteCount(reason: string | null, counter: number, evidence: Evidence): void {
  if (reason === null && counter === 0) return;
  evidence.used('reason', 'the latest diversion', reason, '5.13, 7', 'why the call reached us');
  const why = 'the greatest of: users in the chain, sum of the Diversion counters, counter of the IAM';
  evidence.used('counter', 'all diversions', String(counter), '5.13 (RFC 7544 6)', why);
}

function noteRest(where: string, count: number, evidence: Evidence): void {
  if (count <= mostNoted) return;
  evidence.used('diversion', where, String(count - mostNoted), '1.9', 'so many more entries were read');
}

function diverted({ number, reason, private: hidden }: DivertingUser): string {
  const who = number === null ? 'diverted, withheld or no number' : hidden ? 'diverted, not to be shown' : 'diverted';
  return `${who}: ${reason}`;
}
