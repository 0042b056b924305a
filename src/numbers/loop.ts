import type { PhoneNumber } from './phone-number.ts';
import type { Redirections } from './redirections.ts';

/** Signs that a call goes round in circles; none of them refuses it. */
export type LoopHint = 'number-repeated' | 'second-in-chain' | 'limit-exceeded' | 'too-many-diversions';

/** What common networks allow before they stop diverting (Ericsson MTAS). */
export const usualDiversions = 5;

/** `maxDiversions`: how many there may be without a hint. */
export function loopHints(redirections: Redirections, second: PhoneNumber, maxDiversions: number): LoopHint[] {
  const numbers = redirections.chain.map((user) => user.number).filter((number) => number !== null);
  const hints: LoopHint[] = [];
  if (new Set(numbers).size < numbers.length) hints.push('number-repeated');
  if (numbers.includes(second)) hints.push('second-in-chain');
  if (redirections.limitExceeded) hints.push('limit-exceeded');
  if (redirections.counter > maxDiversions) hints.push('too-many-diversions');
  return hints;
}
