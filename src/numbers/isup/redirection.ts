import { reasonOfIsup, type RedirectReason } from '../redirect-reason.ts';
import { MalformedIsup } from './number.ts';

/** Redirection information, Q.763 3.44. */
export interface Redirection {
  /** Why the last diverting user diverted; undefined when only the first octet was sent. */
  readonly reason: RedirectReason | undefined;
  readonly originalReason: RedirectReason;
  /** 1 to 5 (7 on some nets); 0 when it was not sent. */
  readonly counter: number;
  /** "All redirection information presentation restricted". */
  readonly restricted: boolean;
}

/** @throws MalformedIsup */
export function readRedirection(octets: Buffer): Redirection {
  const first = octets[0];
  if (first === undefined) throw new MalformedIsup('redirection information without content');
  const second = octets[1];
  const indicator = first & 7;
  return {
    reason: second === undefined ? undefined : reasonOfIsup(second >> 4),
    originalReason: reasonOfIsup(first >> 4),
    counter: second === undefined ? 0 : second & 7,
    restricted: indicator === 2 || indicator === 4,
  };
}
