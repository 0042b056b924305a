import { withDeadline } from '../shared/deadline.ts';
import type { Call, Refused } from './call.ts';

/** How long the store may take to say whose number it is, in milliseconds: the caller hears ringing meanwhile. */
const lookUpWithin = 3_000;

/**
 * Finds the subscriber whose number was called, and whether any of their terminals is logged in.
 * An unknown number and an absent subscriber are refused at once, so that the first phone rings on undisturbed.
 */
export async function locate(call: Call): Promise<Refused | undefined> {
  const { settings, subscribers, terminals, clock } = call.tools;
  const { reading } = call.incoming;
  if (!reading.ok) return undefined; // refused by admit
  const candidates = candidatesOf(reading.reading);
  const found = await withDeadline(clock, lookUpWithin, 'the store', subscribers.findByNumber(candidates));
  if (!found) {
    const why = `none of ${candidates.join(', ') || 'its numbers'} belongs to a subscriber`;
    return { reason: 'rejected', status: settings.whenUnknown, why };
  }
  const { subscriber, number } = found;
  call.record.account = subscriber.account;
  const { music, connect } = subscriber;
  if (music !== undefined || connect)
    call.wishes = { ...(music !== undefined && { music }), ...(connect && { connect }) };
  if (call.record.firstCalled === null) {
    call.record.firstCalled = number.number;
    call.record.firstCalledSource = 'mapping';
  }
  if (terminals.present(subscriber.account).length === 0) {
    const why = `no terminal of ${subscriber.account} is logged in`;
    return { reason: 'no-terminal', status: settings.whenNoTerminal, why };
  }
  return undefined;
}

function candidatesOf(reading: { subscriberCandidates: readonly string[]; secondCalled: string | null }): string[] {
  const all = new Set(reading.subscriberCandidates);
  if (reading.secondCalled !== null) all.add(reading.secondCalled);
  return [...all];
}
