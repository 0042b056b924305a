import { calledNumbers, crossing, isReturning } from '../numbers/returning.ts';
import type { Reading } from '../numbers/read.ts';
import { withDeadline } from '../shared/deadline.ts';
import { messageOf } from '../shared/errors.ts';
import type { Call, Refused } from './call.ts';
import type { AttemptRecord, CallRecord } from './record.ts';

/** How long the store may take, in milliseconds. A sick one holds nobody up: the trunk knows what this node dials. */
const within = 1_000;
/** Calls that arrived earlier than this dial no number any more. Milliseconds. */
const lookBack = 3_600_000;
/** No final called number rings longer (the setting's limit). Milliseconds. */
const longestRinging = 600_000;
/** RFC 3261 16.6: so long an INVITE rings on in the network that nobody withdraws, as its node died. Milliseconds. */
const timerC = 180_000;

/**
 * Refuses a call that another node of the site is making at this moment, or that this one made before it was started
 * again, and that came back without its token: known by its numbers and the time. The phone that is called rings on.
 */
export async function recall(call: Call): Promise<Refused | undefined> {
  const { records, clock, settings } = call.tools;
  const { reading } = call.incoming;
  if (!reading.ok) return undefined; // refused by admit
  const numbers = calledNumbers(reading.reading);
  if (numbers.length === 0) return undefined;
  const now = clock.now();
  let dialling: CallRecord[];
  try {
    dialling = await withDeadline(clock, within, 'the records', records.calling(numbers, now - lookBack));
  } catch (error) {
    call.log.warn(`whether the call is one of ours that comes back is not known: ${messageOf(error)}`);
    return undefined;
  }
  const own = dialling.find(
    (record) =>
      record.id !== call.id &&
      record.attempts.some(
        (attempt) => isRinging(record, attempt, now) && isReturningOf(reading.reading, record, attempt, now),
      ),
  );
  if (!own) return undefined;
  const why = `this service is making that call itself (${own.id}, known by its numbers)`;
  return { reason: 'rejected', status: settings.whenNoTerminal, why };
}

function isRinging({ end }: CallRecord, { mode, startedAt, answeredAt, endedAt }: AttemptRecord, now: number): boolean {
  // What the network was asked to dial is its own call.
  if (mode !== 'bridge') return false;
  if (answeredAt !== undefined) return now - answeredAt <= crossing;
  if (end?.reason === 'interrupted') return now - startedAt <= timerC;
  const over = endedAt ?? end?.at;
  return over === undefined ? now - startedAt <= longestRinging : now - over <= crossing;
}

function isReturningOf(
  reading: Reading,
  { caller, callerWithheld, firstCalled }: CallRecord,
  { to, among, startedAt }: AttemptRecord,
  now: number,
): boolean {
  const callers = new Set([caller, ...(callerWithheld ? [null] : [])]);
  const subscriber = firstCalled ?? '';
  return (among ?? [to]).some((number) => isReturning(reading, { to: number, callers, subscriber }, now - startedAt));
}
