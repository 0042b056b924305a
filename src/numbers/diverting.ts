import type { PhoneNumber } from './phone-number.ts';
import type { RedirectReason } from './redirect-reason.ts';

/** Where a fact of the chain was read. */
export type DivertingSource = 'history-info' | 'diversion' | 'isup-ocn' | 'isup-rdn' | 'target-param' | 'p-served-user';

/** One user who diverted the call. A chain of them stands oldest first. */
export interface DivertingUser {
  /** Null when it was withheld or is no number. */
  readonly number: PhoneNumber | null;
  readonly reason: RedirectReason;
  /** Its number must not be shown. */
  readonly private: boolean;
  /** Diversions that this entry stands for, 1 to 99 (RFC 5806 4). */
  readonly counter: number;
  readonly source: DivertingSource;
  /** The URI as received, when it is safe to be written again. */
  readonly uri?: string;
  /** The parameters of its Diversion entry as received, those that are safe to be written again. */
  readonly parameters?: ReadonlyMap<string, string | undefined>;
  /** RFC 5806 4: how many diversions are allowed. */
  readonly limit?: number;
  /** Its index in History-Info. */
  readonly index?: string;
}
