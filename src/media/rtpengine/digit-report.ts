// What an engine tells of a key that was pressed (rtpengine 10.5, --dtmf-log-dest): a JSON object in a datagram, once an event has ended.
import { z } from 'zod';
import type { Side } from '../../call/ports.ts';

/** A key that was pressed: an RFC 4733 event that has ended. */
export interface Pressed {
  from: Side;
  /** `0-9 * # A-D`. */
  digit: string;
  milliseconds: number;
}

export interface DigitReport {
  /** The ng call-id. */
  session: string;
  pressed: Pressed;
}

/** Octets; a report of ours has some 300. */
const largest = 2_048;

/** RFC 4733, table 3; the other events are no keys. */
const keys = '0123456789*#ABCD';

/** Of the rest (the time in whole seconds, the phone's address, the volume) nothing is needed. */
const schema = z.object({
  callid: z.string().min(1),
  source_tag: z.enum(['caller', 'target']),
  type: z.literal('DTMF'),
  event: z
    .int()
    .min(0)
    .max(keys.length - 1),
  duration: z.int().min(0).max(60_000),
});

/** Undefined for whatever is no report of a key. */
export function readDigitReport(datagram: Buffer): DigitReport | undefined {
  if (datagram.length > largest) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(datagram.toString());
  } catch {
    return undefined;
  }
  const { data } = schema.safeParse(json);
  if (!data) return undefined;
  const { callid, source_tag: from, event, duration } = data;
  return { session: callid, pressed: { from, digit: keys.charAt(event), milliseconds: duration } };
}
