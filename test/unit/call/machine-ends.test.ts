// How a call ends in each state: why, by whom, and what each side is told of it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CallEvent } from '../../../src/call/machine.ts';
import { rules } from './model.ts';
import {
  answered,
  answering,
  assertIllegal,
  assertNothing,
  busy,
  byTerminal,
  connected,
  doing,
  done,
  early,
  endOf,
  type Happening,
  handedBack,
  hungUp,
  instructed,
  joined,
  left,
  located,
  mediaFailed,
  parked,
  play,
  rings,
  talking,
} from './play.ts';

const declined: Happening = { is: 'declined', by: 'pc' };
const interrupted: Happening = { is: 'interrupted' };
const lost: Happening = { is: 'caller-hung-up', cause: {}, lost: true };
const cancelled = (cause: Extract<CallEvent, { is: 'caller-cancelled' }>['cause'] = {}): Happening => ({
  ...{ is: 'caller-cancelled', cause },
});
const failed = (attempt: number, failure: Extract<CallEvent, { is: 'target-failed' }>['failure']): Happening => ({
  ...{ is: 'target-failed', attempt, failure },
});

/** The end without its time. */
function ending(events: readonly Happening[], by = rules) {
  const { at, ...end } = endOf(play(events, by).last);
  assert.equal(at, events.length * 1_000);
  return end;
}

/** Our 200 has not left yet. */
const joining = [located, instructed(), answered(1)];
/** And has now. */
const awaitingAck = [...joining, answering(1)];
const calling = [located, instructed(), rings(1)];
const waitingParked = [located, parked];
/** Their party has moved the call on, and left: they are called for, and then wait, with music. */
const leftAlone = [...connected, instructed(), left(1)];

describe('a call ends', () => {
  for (const [what, events, end] of [
    [
      'refused as it arrives',
      [{ is: 'refused', reason: 'rejected', status: 404 }],
      { reason: 'rejected', by: 'service', status: 404 },
    ],
    [
      'without an instruction',
      [located, { is: 'undecided' }],
      { reason: 'not-instructed', by: 'service', status: 603, q850: 19 },
    ],
    ['declined', [located, declined], { reason: 'declined', by: 'terminal', status: 603, q850: 21 }],
    [
      'hung up while a number rings',
      [...calling, byTerminal],
      { reason: 'declined', by: 'terminal', status: 603, q850: 21 },
    ],
    [
      'hung up as the caller is answered',
      [...awaitingAck, byTerminal],
      { reason: 'completed', by: 'terminal', status: 200, q850: 16 },
    ],
    [
      'declined as the caller is answered',
      [...awaitingAck, declined],
      { reason: 'completed', by: 'terminal', status: 200, q850: 16 },
    ],
    [
      'hung up by a terminal',
      [...connected, byTerminal],
      { reason: 'completed', by: 'terminal', status: 200, q850: 16 },
    ],
    [
      'hung up by a terminal while it is moved',
      [...talking, byTerminal],
      { reason: 'completed', by: 'terminal', status: 200, q850: 16 },
    ],
    [
      'declined when the caller is left alone',
      [...leftAlone, busy(2), declined],
      { reason: 'completed', by: 'terminal', status: 200, q850: 16 },
    ],
    ['cancelled', [located, cancelled()], { reason: 'withdrawn', by: 'caller', status: 487 }],
    [
      'cancelled before the 302 has left',
      [located, instructed({ mode: 'redirect' }), cancelled()],
      { reason: 'withdrawn', by: 'caller', status: 487 },
    ],
    [
      'hung up by a parked caller',
      [...waitingParked, hungUp],
      { reason: 'caller-hung-up', by: 'caller', status: 200, q850: 16 },
    ],
    ['lost with a parked caller', [...waitingParked, lost], { reason: 'failed', by: 'caller', status: 200 }],
    ['lost with the caller', [...connected, lost], { reason: 'failed', by: 'caller', status: 200, q850: 16 }],
    ['hung up by the target', [...connected, left(1)], { reason: 'completed', by: 'target', status: 200, q850: 31 }],
    ['lost with the target', [...connected, left(1, true)], { reason: 'failed', by: 'target', status: 200, q850: 31 }],
    [
      'hung up by a caller whose ACK was followed by BYE at once',
      [...awaitingAck, hungUp],
      { reason: 'caller-hung-up', by: 'caller', status: 200, q850: 16 },
    ],
    ['lost with a caller who is being answered', [...awaitingAck, lost], { reason: 'failed', by: 'caller' }],
    [
      'hung up by the target before the ACK',
      [...awaitingAck, left(1)],
      { reason: 'completed', by: 'target', status: 200, q850: 31 },
    ],
    [
      'lost with the target before the ACK',
      [...awaitingAck, left(1, true)],
      { reason: 'failed', by: 'target', status: 200, q850: 31 },
    ],
    [
      'interrupted before the ACK',
      [...awaitingAck, interrupted],
      { reason: 'interrupted', by: 'service', status: 200, q850: 41 },
    ],
    ['cancelled as our 200 leaves', [...awaitingAck, cancelled()], { reason: 'withdrawn', by: 'caller', status: 487 }],
    [
      'hung up before our 200 has left',
      [...joining, byTerminal],
      { reason: 'declined', by: 'terminal', status: 603, q850: 21 },
    ],
    [
      'without the ACK of the caller',
      [...awaitingAck, { is: 'caller-unanswerable' }],
      { reason: 'failed', by: 'service', q850: 41 },
    ],
    [
      'with the media of a parked caller',
      [...waitingParked, mediaFailed(0)],
      { reason: 'failed', by: 'service', status: 200, q850: 41 },
    ],
    [
      'with the media that the caller is to be joined with',
      [...awaitingAck, mediaFailed(1)],
      { reason: 'failed', by: 'service', status: 200, q850: 41 },
    ],
    [
      'with the media of the two',
      [...connected, mediaFailed(1)],
      { reason: 'failed', by: 'service', status: 200, q850: 41 },
    ],
    ['interrupted', [...connected, interrupted], { reason: 'interrupted', by: 'service', status: 200, q850: 41 }],
    [
      'interrupted while the caller waits',
      [located, interrupted],
      { reason: 'interrupted', by: 'service', status: 503, q850: 41 },
    ],
    ['too long', [...connected, { is: 'too-long' }], { reason: 'limit-reached', by: 'service', status: 200, q850: 31 }],
    [
      'held too long',
      [...connected, { is: 'held-too-long' }],
      { reason: 'limit-reached', by: 'service', status: 200, q850: 31 },
    ],
    [
      'transferred',
      [located, instructed({ mode: 'refer' }), parked, { is: 'transferred', attempt: 1 }],
      { reason: 'transferred', by: 'service', status: 200, q850: 16 },
    ],
  ] as const) {
    test(what, () => {
      const byRules = { ...(what.includes('parked caller') ? early : rules), whenNotInstructed: 603 };
      assert.deepEqual(ending(events, byRules), end);
    });
  }

  test('a BYE of a caller who waits with music is theirs, whatever it says', () => {
    assert.equal(
      ending([...waitingParked, { is: 'caller-hung-up', cause: {}, lost: false }], early).reason,
      'caller-hung-up',
    );
  });

  test('a CANCEL that names another SIP cause is withdrawn, whatever its Q.850 cause', () => {
    assert.equal(ending([located, cancelled({ sip: 408, q850: 16 })]).reason, 'withdrawn');
  });

  test('with the failure of a number that comes when the caller has waited as long as they may', () => {
    const by = { ...rules, maxHold: 3_000, whenNotInstructed: 603 };
    const after = (failure: Parameters<typeof failed>[1]) => doing(play([...calling, failed(1, failure)], by).last);
    assert.deepEqual(after({ reason: 'target-unreachable', status: 404, q850: 1 }), [
      { do: 'note-failure', attempt: 1, failure: { reason: 'target-unreachable', status: 404, q850: 1 } },
      { do: 'stop-attempt', attempt: 1, cause: { q850: 1 } },
      { do: 'reject-caller', status: 603, cause: { q850: 1 } },
      { do: 'end', end: { reason: 'target-unreachable', by: 'target', at: 4_000, status: 603, q850: 1 } },
    ]);
    assert.deepEqual(after({ reason: 'target-unreachable' }).slice(1), [
      { do: 'stop-attempt', attempt: 1, cause: { q850: 16 } },
      { do: 'reject-caller', status: 603, cause: {} },
      { do: 'end', end: { reason: 'target-unreachable', by: 'target', at: 4_000, status: 603 } },
    ]);
  });

  test('a fault is told to the target as one, everything else as an end', () => {
    const told = (event: Happening) => {
      const stop = play([...connected, event]).last.find((command) => command.do === 'stop-attempt');
      return stop?.cause;
    };
    assert.deepEqual(told(interrupted), { q850: 41 });
    assert.deepEqual(told(mediaFailed(1)), { q850: 41 });
    assert.deepEqual(told(byTerminal), { q850: 16 });
    assert.deepEqual(told(hungUp), { q850: 16 });
  });
});

describe('a caller who is connected with nobody', () => {
  test('and is parked already is not parked again to be referred', () => {
    assert.deepEqual(done(play([...waitingParked, instructed({ mode: 'refer' })], early).last), ['start-attempt']);
  });

  test('whose media refuse the music goes on ringing; what needs an answered caller is bridged', () => {
    const refused: Happening = { is: 'parking-failed' };
    const waits = play([located, refused], early);
    assert.ok(waits.state.at === 'waiting' && waits.state.caller === 'ringing');
    const bridging = play([located, instructed(), refused], early);
    assert.ok(bridging.state.at === 'calling' && bridging.state.caller === 'ringing' && bridging.state.attempt === 1);
    assert.deepEqual(bridging.last, []);
    const joining = play([located, instructed(), answered(1), refused], early);
    assert.ok(joining.state.at === 'joining' && joining.state.caller === 'ringing');
    assert.deepEqual(joining.last, []);
    assert.deepEqual(done(play([located, instructed(), answered(1), refused, joined(1)], early).last), []);
    const referring = play([located, instructed({ mode: 'refer' }), refused]);
    assert.ok(referring.state.at === 'calling' && referring.state.instruction.mode === 'bridge');
    assert.deepEqual(referring.last[0], { do: 'note-failure', attempt: 1, failure: { reason: 'failed' } });
  });

  test('is parked while a number is called, or as they are being joined', () => {
    const calls = play([located, instructed(), parked], early);
    assert.ok(calls.state.at === 'calling' && calls.state.caller === 'parked');
    const joins = play([located, instructed(), answered(1), parked], early);
    assert.ok(joins.state.at === 'joining' && joins.state.caller === 'parked');
  });

  test('waits again where who answered is gone before our 200 has left', () => {
    for (const event of [left(1), mediaFailed(1)]) {
      const { state, last } = play([...joining, event]);
      assert.ok(state.at === 'waiting' && state.caller === 'ringing');
      assert.deepEqual(done(last), ['note-failure', 'stop-attempt']);
    }
  });

  test('rings on where a 302 could not be sent, and is bridged', () => {
    const { state } = play([located, instructed({ mode: 'redirect' }), handedBack(1)]);
    assert.ok(state.at === 'calling' && state.caller === 'ringing' && state.instruction.mode === 'bridge');
  });

  test('cannot be taken back from a 302 that leaves', () => {
    const leaving = [located, instructed({ mode: 'redirect' })];
    assertNothing(leaving, byTerminal);
    assertNothing(leaving, declined);
  });

  test('hears that a number is busy, and of no other failure', () => {
    const heard = (failure: Parameters<typeof failed>[1]) =>
      done(play([...waitingParked, instructed(), failed(1, failure)], early).last);
    assert.deepEqual(heard({ reason: 'target-busy', status: 486 }), ['note-failure', 'stop-attempt', 'announce-busy']);
    assert.deepEqual(heard({ reason: 'target-no-answer', status: 480 }), ['note-failure', 'stop-attempt']);
  });

  test('what was faster than the ACK changes nothing', () => {
    assertNothing(awaitingAck, rings(1));
    assertNothing(awaitingAck, { is: 'held', attempt: 1, by: 'target' });
    assertNothing(awaitingAck, { is: 'resumed', attempt: 1, by: 'target' });
    assertNothing(connected, rings(1));
  });

  test('what cannot happen to them throws', () => {
    assertIllegal([located], parked, rules, 'a call that is waiting cannot be caller-parked');
    assertIllegal(calling, parked);
    assertIllegal(awaitingAck, located);
    assertIllegal(awaitingAck, parked);
    assertIllegal([...waitingParked, instructed()], mediaFailed(1), early);
    assertIllegal([...waitingParked, instructed(), answered(1)], located, early);
  });
});
