import type { Reading, ReadingResult } from '../../../numbers/read.ts';

/** What was read, in the words of the acceptance cases. */
export interface Facts {
  caller: string | null;
  callerPrivate: boolean | null;
  firstCalled: string | null;
  firstCalledSource: string | null;
  secondCalled: string | null;
  reason: string | null;
  counter: number | null;
  error: { status: number; why: string } | null;
  firstCalledPrivate?: boolean;
  lastDiverting?: string | null;
  serviceNumber?: string | null;
  subscriber?: string | null;
  loop?: readonly string[];
}

const nothing = {
  caller: null,
  callerPrivate: null,
  firstCalled: null,
  firstCalledSource: null,
  secondCalled: null,
  reason: null,
  counter: null,
} as const;

export function factsOf(result: ReadingResult): Facts {
  if (result.ok) return { ...factsOfReading(result.reading), error: null };
  const { status, why } = result.error;
  return { ...nothing, error: { status, why } };
}

function factsOfReading(reading: Reading): Omit<Facts, 'error'> {
  const { caller, callerPrivate, firstCalled, firstCalledSource, secondCalled, reason, counter } = reading;
  const { firstCalledPrivate, lastDiverting, serviceNumber, subscriber, loop } = reading;
  return {
    ...{ caller, callerPrivate, firstCalled, firstCalledSource, secondCalled, reason, counter },
    ...{ firstCalledPrivate, lastDiverting, serviceNumber, subscriber, loop },
  };
}
