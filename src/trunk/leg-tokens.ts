// What our own calls carry, so that they are known when they come back: on every node of the site and after a restart.
//
// A node of the site makes a token out of the call's id, the time, and a secret that the store keeps for all nodes; so
// any of them can tell a token of the site from any other, without asking anybody. It is written where it has the best
// chance to come through other networks. A B2BUA writes Call-ID, tags and Via anew, and an SBC drops headers that it
// does not know, X-headers first. These go through:
//   - Session-ID (RFC 7989): names a session end to end; B2BUAs and SBCs hand it on (section 7), and IMS cores carry it
//     (3GPP TS 24.229). Each call that we make has one of its own, and not the caller's, which the other branches of the
//     caller's call share.
//   - icid-value of P-Charging-Vector (RFC 7315 4.6), where the trunk has us write our own: inside one operator's core it
//     stays with the call for its charging records.
//   - a parameter of our own entries of Diversion (diversion-extension, RFC 5806 4) and History-Info (hi-extension,
//     RFC 7044 5): where these headers come through we read the first called number, and whoever diverts on keeps the
//     entries before. Other senders put parameters of theirs there, too (Microsoft's ms-retarget-reason).
// A gateway into ISUP keeps none of them; then the numbers tell (numbers/returning.ts).
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { legTokenParameter } from '../numbers/writing-style.ts';
import type { Clock } from '../shared/clock.ts';
import type { Request } from '../sip/message/message.ts';

/** A token holds for the window in which it was made and for the next one: longer than a phone rings. Milliseconds. */
const windowLength = 300_000;

/** More of them in one INVITE are not looked at. */
const mostTokens = 16;

export class LegTokens {
  readonly #secret: string;
  readonly #clock: Clock;

  /** `secret`: the same on all nodes of the site. */
  constructor(secret: string, clock: Clock) {
    this.#secret = secret;
    this.#clock = clock;
  }

  /** The token of a call that is made now: a UUID without its hyphens that begins like our id of the call. */
  of(callId: string): string {
    const digits = callId.replaceAll('-', '').toLowerCase();
    const name = /^[0-9a-f]{8}/.exec(digits)?.[0] ?? createHash('sha256').update(callId).digest('hex').slice(0, 8);
    return this.#sign(name, this.#window());
  }

  /** Whether a node of this site made it, not longer ago than a phone rings. */
  isOurs(token: string): boolean {
    const window = this.#window();
    // The clock of the node that made it may go before ours.
    return [window, window - 1, window + 1].some((each) => {
      const expected = Buffer.from(this.#sign(token.slice(0, 8), each));
      const given = Buffer.from(token);
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
  }

  #window(): number {
    return Math.floor(this.#clock.now() / windowLength);
  }

  /** A UUID of version 8 (RFC 9562 5.8): eight digits of the call, and a MAC over them and the time. */
  #sign(name: string, window: number): string {
    const mac = createHmac('sha256', this.#secret).update(`${name} ${window}`).digest('hex');
    return `${name}${mac.slice(0, 4)}8${mac.slice(4, 7)}8${mac.slice(7, 22)}`;
  }
}

const inParameter = new RegExp(`;\\s*${legTokenParameter}\\s*=\\s*"?([0-9a-f]{32})\\b`, 'gi');

/** All that an INVITE carries where a token of ours may stand; in lower case. */
export function tokensIn(invite: Pick<Request, 'get' | 'all'>): string[] {
  const entries = [...invite.all('Diversion'), ...invite.all('History-Info')];
  const found = [
    ...(invite.get('Session-ID') ?? '').split(/[;=,\s]/, mostTokens),
    // Ours is written as the token; it may come back in quotes.
    /icid-value\s*=\s*"?([0-9a-f]{32})\b/i.exec(invite.get('P-Charging-Vector') ?? '')?.[1] ?? '',
    ...entries.flatMap((entry) => [...entry.matchAll(inParameter)].map(([, token = '']) => token)),
  ];
  return found
    .map((token) => token.toLowerCase())
    .filter((token) => /^[0-9a-f]{32}$/.test(token))
    .slice(0, mostTokens);
}
