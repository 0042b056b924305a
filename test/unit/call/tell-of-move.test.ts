// What a phone that moves its call is told of how it goes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CallState } from '../../../src/call/machine.ts';
import type { PhoneReferral } from '../../../src/call/ports.ts';
import { tellOfMove } from '../../../src/call/tell-of-move.ts';
import {
  abandoned,
  answered,
  busy,
  connected,
  type Happening,
  hungUp,
  instructed,
  joined,
  left,
  mediaFailed,
  play,
  rings,
} from './play.ts';

/** What it is told when this has happened, and this is the state then. */
function tell(event: Happening, state: CallState): { told: string[]; over: boolean } {
  const told: string[] = [];
  const no = () => assert.fail('it was answered already');
  const referral: PhoneReferral = {
    ...{ to: 'sip:a@b', here: false, accept: no, refuse: no },
    progress: (status) => void told.push(`${status}`),
    done: (status) => void told.push(`done ${status}`),
  };
  const over = tellOfMove(referral, { ...event, now: 1 }, state);
  return { told, over };
}

const moving = play([...connected, instructed()]).state;
const back = play(connected).state;

describe('a phone that moves its call', () => {
  test('hears each time that the new one rings, and nothing else until the end', () => {
    assert.deepEqual(tell(rings(2), moving), { told: ['180'], over: false });
    assert.deepEqual(tell(answered(2), moving), { told: [], over: false });
  });

  test('hears the end as soon as it is being taken back', () => {
    const { state } = play([...connected, instructed({ attended: true }), answered(2), abandoned]);
    assert.ok(state.at === 'moving' && state.stage === 'returning');
    assert.deepEqual(tell(abandoned, state), { told: ['done 487'], over: true });
  });

  const failed = (status?: number): Happening => ({
    ...{ is: 'join-failed', attempt: 2 },
    failure: { reason: 'target-refused', ...(status !== undefined && { status }) },
  });
  for (const [what, event, status] of [
    ['it is joined', joined(2), 200],
    ['the network transfers', { is: 'transferred', attempt: 2 }, 200],
    ['the number is busy', busy(2), 486],
    ['a join fails with a status', failed(488), 488],
    ['a join fails with the least status that is one of a failure', failed(300), 300],
    ['a join fails with another', failed(299), 603],
    ['a join fails without one', failed(), 603],
    ['the new party has gone', left(2), 503],
    ['the media have gone', mediaFailed(2), 503],
    ['the service stops', { is: 'interrupted' }, 503],
    ['it is taken back', abandoned, 487],
    ['the caller hangs up', hungUp, 487],
  ] as const) {
    test(`hears ${status} when ${what}`, () => {
      assert.deepEqual(tell(event, back), { told: [`done ${status}`], over: true });
    });
  }
});
