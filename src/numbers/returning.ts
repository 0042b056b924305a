import type { PhoneNumber } from './phone-number.ts';
import type { Reading } from './read.ts';

/** A call that the service makes, as it would come back: the final called number has simultaneous ringing, too. */
export interface Dialled {
  /** The final called number. */
  readonly to: PhoneNumber;
  /** Whose number the far side may see as the caller's; null: none. */
  readonly callers: ReadonlySet<PhoneNumber | null>;
  /** For whom the call is made: shown as the one who diverts. */
  readonly subscriber: PhoneNumber;
}

/** INVITEs that may be on their way when the ringing is over; and how long two withheld callers are the same. Milliseconds. */
export const crossing = 5_000;

/**
 * Whether an INVITE that was read so is that call, `age` milliseconds after it was dialled, by its numbers: a chain of
 * diversions from our subscriber straight to the final called number, which only our own call can have now; or the same
 * caller, called where we are calling.
 */
export function isReturning(reading: Reading, { to, callers, subscriber }: Dialled, age: number): boolean {
  const numbers = reading.chain.map((user) => user.number);
  if (numbers.some((number, at) => number === subscriber && numbers[at + 1] === to)) return true;
  if (!calledNumbers(reading).includes(to) || !callers.has(reading.caller)) return false;
  // Who withholds the number is like all others who do: for a moment only.
  return reading.caller !== null || age <= crossing;
}

/** The numbers at which an INVITE may have called somebody before us. */
export function calledNumbers({ chain, firstCalled, subscriber, lastDiverting }: Reading): PhoneNumber[] {
  const numbers = [firstCalled, subscriber, lastDiverting, ...chain.map((user) => user.number)];
  return [...new Set(numbers.filter((number) => number !== null))];
}
