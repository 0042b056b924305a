import type { Reading } from '../../src/numbers/read.ts';

/** A plain reading of an INVITE: this caller, this first called number, nothing else. */
export function readingOf(facts: { caller: string; firstCalled: string }): Reading {
  return {
    caller: facts.caller,
    callerPrivate: false,
    firstCalled: facts.firstCalled,
    firstCalledSource: 'to',
    firstCalledPrivate: false,
    secondCalled: '+8675529990000',
    reason: null,
    counter: 0,
    lastDiverting: null,
    chain: [],
    loop: [],
    serviceNumber: null,
    subscriberCandidates: [facts.firstCalled],
    subscriber: null,
    warnings: [],
    privacy: [],
    history: [],
  };
}
