import type { CallRecord } from '../call/record.ts';
import type { Call } from '../terminals/events.ts';
import { type Cast, numbers, voices } from './cast.ts';
import type { Check } from './report.ts';

/** What was seen of the scene. */
export interface Seen {
  phones: Cast;
  ended: Call;
  record: CallRecord;
  stopped: string | undefined;
  callerHears: string;
  finalHears: string;
}

/** Everything that had to be seen, and whether it was. */
export function judge({ phones, ended, record, stopped, callerHears, finalHears }: Seen): Check[] {
  const right = {
    caller: numbers.caller,
    firstCalled: numbers.first,
    secondCalled: numbers.second,
    account: 'shop1',
    instructedBy: 'demo-terminal',
    mode: 'bridge',
    reason: 'completed',
  };
  const { caller, firstCalled, secondCalled, instructedBy, mode } = record;
  const read = {
    caller,
    firstCalled,
    secondCalled,
    account: record.account,
    instructedBy,
    mode,
    reason: record.end?.reason,
  };
  const times = [
    record.arrivedAt,
    record.notifiedAt,
    record.instructedAt,
    record.ringingAt,
    record.answeredAt,
    record.end?.at,
  ];
  const inOrder = times.every(
    (time, index) => time !== undefined && (index === 0 || time >= (times[index - 1] ?? Infinity)),
  );
  return [
    {
      what: 'the call was connected and completed',
      ok: ended.end?.reason === 'completed',
      seen: ended.end?.reason ?? 'no end',
    },
    { what: 'the caller hears the final phone', ok: callerHears.startsWith(`${voices.final} Hz`), seen: callerHears },
    { what: 'the final phone hears the caller', ok: finalHears.startsWith(`${voices.caller} Hz`), seen: finalHears },
    {
      what: "the final phone shows the caller's number",
      ok: phones['final phone'].shows === numbers.caller,
      seen: phones['final phone'].shows,
    },
    {
      what: 'the first phone stopped ringing, answered elsewhere',
      ok: /SIP\s*;\s*cause=200/i.test(stopped ?? ''),
      seen: stopped ?? 'no Reason',
    },
    {
      what: 'the record has the right facts',
      ok: JSON.stringify(read) === JSON.stringify(right),
      seen: JSON.stringify(read),
    },
    {
      what: 'the record has all times, in order',
      ok: inOrder,
      seen: inOrder ? 'arrival to end' : JSON.stringify(times),
    },
  ];
}
