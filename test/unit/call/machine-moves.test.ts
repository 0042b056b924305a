// A connected call that is moved, in each stage: who may leave, what may fail, and what is then left.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Command } from '../../../src/call/machine.ts';
import { rules } from './model.ts';
import {
  abandoned,
  answered,
  assertIllegal,
  assertNothing,
  busy,
  completed,
  connected,
  doing,
  done,
  endOf,
  handedBack,
  type Happening,
  instructed,
  introduced,
  joined,
  left,
  mediaFailed,
  play,
  rings,
  talking,
} from './play.ts';

const heldTooLong: Happening = { is: 'held-too-long' };
const held = (attempt: number, by: 'caller' | 'target'): Happening => ({ is: 'held', attempt, by });
const resumed = (attempt: number, by: 'caller' | 'target'): Happening => ({ is: 'resumed', attempt, by });

const calling = [...connected, instructed({ attended: true })];
const ringing = [...calling, rings(2)];
const introducing = [...ringing, answered(2)];
const joining = [...talking, completed];
const handingOver = [
  ...connected,
  instructed({ attended: true, mode: 'refer' }),
  answered(2),
  introduced(2),
  completed,
];
const returning = [...introducing, abandoned];
const blind = [...connected, instructed()];
const blindJoining = [...blind, answered(2)];

/** The state, with its stage. */
function stageOf(events: readonly Happening[]): string {
  const { state } = play(events);
  return state.at === 'moving' ? state.stage : state.at;
}

const stopped: Command = { do: 'stop-attempt', attempt: 2, cause: { q850: 16 } };

describe('a move is given up', () => {
  for (const [how, event] of [
    ['taken back', abandoned],
    ['held too long', heldTooLong],
  ] as const) {
    test(`${how} while the new party is called or rings: the call stands as it did`, () => {
      for (const stage of [calling, ringing]) {
        const { state, last } = play([...stage, event]);
        assert.deepEqual(state, { at: 'connected', attempt: 2, party: 1, holds: [] });
        assert.deepEqual(
          doing(last).filter((command) => command.do !== 'stop-music'),
          [stopped],
        );
      }
    });

    test(`${how} once the two talk, or are about to: the caller and their party are joined again`, () => {
      for (const stage of [introducing, talking]) {
        const { state, last } = play([...stage, event]);
        assert.ok(state.at === 'moving' && state.stage === 'returning');
        assert.deepEqual(
          doing(last).filter((command) => command.do !== 'stop-music'),
          [stopped, { do: 'return', party: 1 }],
        );
      }
    });

    test(`${how} when it is too late for that: nothing`, () => {
      for (const stage of [joining, handingOver, returning]) assertNothing(stage, event);
    });
  }

  test('a blind move that keeps somebody on hold for too long ends the call', () => {
    const { state, last } = play([...connected, held(1, 'target'), instructed(), heldTooLong]);
    assert.deepEqual(state, { at: 'ended', reason: 'limit-reached' });
    assert.equal(endOf(last).by, 'service');
  });

  test('by what became of the new party, which is noted', () => {
    const noted = (event: Happening) => play([...talking, event]).last[0];
    const failure = (of: object) => ({ do: 'note-failure', attempt: 2, failure: of });
    assert.deepEqual(noted(left(2)), failure({ reason: 'target-refused', q850: 31 }));
    const unexplained: Happening = { is: 'target-hung-up', attempt: 2, cause: {}, lost: false };
    assert.deepEqual(noted(unexplained), failure({ reason: 'target-refused' }));
    assert.deepEqual(noted(mediaFailed(2)), failure({ reason: 'failed', q850: 41 }));
    assert.equal(stageOf([...talking, mediaFailed(2)]), 'returning');
  });

  test('the two who are joined again are connected as before; where that fails, the call has failed', () => {
    const back = play([...returning, { is: 'returned', attempt: 1 }]);
    assert.deepEqual(back.state, { at: 'connected', attempt: 2, party: 1, holds: [] });
    for (const event of [{ is: 'return-failed', attempt: 1 }, mediaFailed(1)] as const) {
      const { last } = play([...returning, event]);
      const { reason, by } = endOf(last);
      assert.deepEqual([reason, by], ['failed', 'service']);
    }
    const stops = play([...returning, { is: 'interrupted' }]).last.filter(({ do: what }) => what === 'stop-attempt');
    assert.deepEqual(stops, [{ do: 'stop-attempt', attempt: 1, cause: { q850: 41 } }], 'the new party is gone already');
  });
});

describe('a party that moves its call and leaves', () => {
  const kept: Command = { do: 'keep-caller', party: 1 };
  test('while the new one is called or rings: the caller is called for as before', () => {
    for (const [stage, rang] of [
      [calling, false],
      [ringing, true],
    ] as const) {
      const { state, last } = play([...stage, left(1)]);
      assert.ok(state.at === 'calling' && state.rings === rang && state.caller === 'parked' && state.talked);
      assert.deepEqual(doing(last), [kept]);
    }
  });

  test('once the new one has answered: that completes the move', () => {
    for (const stage of [introducing, talking]) {
      const { state, last } = play([...stage, left(1)]);
      assert.ok(state.at === 'joining' && state.caller === 'parked');
      assert.deepEqual(doing(last), [kept, { do: 'join-caller', attempt: 2 }]);
    }
  });

  test('while the caller is being joined or handed over: that goes on', () => {
    for (const stage of [joining, handingOver]) {
      const { state, last } = play([...stage, left(1)]);
      assert.ok(state.at === 'joining' && state.caller === 'parked');
      assert.deepEqual(doing(last), [kept]);
    }
    const refused = play([...handingOver, left(1), handedBack(2)]);
    assert.deepEqual([refused.state.at, refused.last], ['joining', [{ do: 'join-caller', attempt: 2 }]]);
    const { reason, by } = endOf(play([...handingOver, left(1), { is: 'transferred', attempt: 2 }]).last);
    assert.deepEqual([reason, by], ['transferred', 'service']);
  });

  test('while it is being taken back: nobody is there any more', () => {
    for (const [lost, reason] of [
      [false, 'completed'],
      [true, 'failed'],
    ] as const) {
      const { at: _, ...end } = endOf(play([...returning, left(1, lost)]).last);
      assert.deepEqual(end, { reason, by: 'target', status: 200, q850: 31 });
    }
  });
});

describe('a move', () => {
  test('is completed only where the two talk', () => {
    for (const stage of [connected, calling, ringing, introducing, joining, returning]) assertNothing(stage, completed);
    assertNothing(connected, abandoned);
    assert.equal(stageOf(joining), 'joining');
    assert.equal(stageOf(handingOver), 'handing-over');
  });

  test('that the network does not carry out is carried out by us', () => {
    const { state, last } = play([...handingOver, handedBack(2)]);
    assert.ok(state.at === 'moving' && state.stage === 'joining' && state.instruction.mode === 'bridge');
    assert.deepEqual(doing(last), [{ do: 'join-caller', attempt: 2 }]);
    const referred = play([...connected, instructed({ mode: 'refer' }), rings(2), handedBack(2)]);
    assert.ok(referred.state.at === 'moving' && referred.state.stage === 'calling' && referred.state.attempt === 3);
    assert.deepEqual(done(referred.last), ['note-failure', 'stop-attempt', 'start-attempt']);
    const { reason, by } = endOf(play([...handingOver, { is: 'transferred', attempt: 2 }]).last);
    assert.deepEqual([reason, by], ['transferred', 'service']);
  });

  test('rings once, and not after its answer', () => {
    assertNothing(ringing, rings(2));
    for (const stage of [introducing, talking, blindJoining]) assertNothing(stage, rings(2));
  });

  test('a blind one whose new party has answered is not taken back any more', () => {
    assert.equal(stageOf(blindJoining), 'joining');
    assertNothing(blindJoining, abandoned);
    assert.equal(stageOf([...blindJoining, mediaFailed(2)]), 'returning');
  });

  test('leaves the holds of the standing call as they are; those of the other pair are none of them', () => {
    const holds = (events: readonly Happening[]) => {
      const { state } = play(events);
      return 'holds' in state ? state.holds : undefined;
    };
    const both = [...connected, held(1, 'target'), held(1, 'caller'), instructed()];
    assert.deepEqual(holds(both), ['target', 'caller']);
    assert.deepEqual(holds([...both, resumed(1, 'target'), busy(2)]), ['caller']);
    assert.deepEqual(holds([...blind, held(1, 'caller')]), ['caller']);
    assertNothing(talking, held(2, 'target'));
    assertNothing([...talking, held(1, 'target')], resumed(2, 'target'));
    assert.deepEqual(holds([...both, answered(2), joined(2)]), [], 'the new pair holds nobody');
  });

  test('what cannot happen in it throws', () => {
    assertIllegal(calling, instructed(), rules, 'a call that is moving (calling) cannot be instructed');
    assertIllegal(calling, { is: 'undecided' });
    assertIllegal(calling, answered(1));
    assertIllegal(calling, { is: 'returned', attempt: 2 });
  });
});
