import { abridge } from '../numbers/explanation.ts';
import { explanationOf } from '../numbers/read.ts';
import type { CallTools } from './call.ts';
import type { IncomingCall } from './ports.ts';
import type { CallRecord } from './record.ts';

/** The record as the INVITE alone tells it: who calls, which number was dialled first, and how that is known. */
export function identify(id: string, incoming: IncomingCall, tools: Pick<CallTools, 'node' | 'clock'>): CallRecord {
  const { reading } = incoming;
  const read = reading.ok ? reading.reading : undefined;
  return {
    id,
    node: tools.node,
    trunk: incoming.trunk,
    sipCallId: incoming.sipCallId,
    caller: read?.caller ?? null,
    callerWithheld: read?.callerPrivate ?? false,
    firstCalled: read?.firstCalled ?? null,
    firstCalledSource: read?.firstCalledSource ?? null,
    secondCalled: read?.secondCalled ?? null,
    explanation: abridge(explanationOf(reading)),
    notified: [],
    attempts: [],
    media: [],
    arrivedAt: tools.clock.now(),
  };
}
