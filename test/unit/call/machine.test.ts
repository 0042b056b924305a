import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { transition } from '../../../src/call/machine.ts';
import { rules } from './model.ts';
import {
  answered,
  assertIllegal,
  busy,
  completed,
  connected,
  done,
  early,
  endOf,
  handedBack,
  hungUp,
  instructed,
  introduced,
  joined,
  left,
  located,
  parked,
  play,
  rings,
} from './play.ts';

describe('the machine of a call', () => {
  test('a call that goes well is connected and completed', () => {
    const { state, commands } = play([located, instructed(), rings(1), answered(1), joined(1), hungUp]);
    assert.deepEqual(state, { at: 'ended', reason: 'completed' });
    assert.deepEqual(endOf(commands), { reason: 'completed', by: 'caller', at: 6_000, status: 200, q850: 16 });
    assert.deepEqual(done(commands), [
      ...['start-attempt', 'ring-caller', 'ring-caller', 'join-caller'],
      ...['stop-attempt', 'end'], // the caller has left by themselves
    ]);
  });

  test('CANCEL with SIP;cause=200 is answered elsewhere, with 487 or Q.850 16 the caller gave up, else it is withdrawn', () => {
    const reasonOf = (cause: { sip?: number; q850?: number }) =>
      endOf(play([located, { is: 'caller-cancelled', cause }]).commands).reason;
    assert.equal(reasonOf({ sip: 200 }), 'answered-elsewhere');
    assert.equal(reasonOf({ sip: 200, q850: 16 }), 'answered-elsewhere');
    assert.equal(reasonOf({ sip: 487 }), 'caller-hung-up');
    assert.equal(reasonOf({ q850: 16 }), 'caller-hung-up');
    assert.equal(reasonOf({ sip: 408 }), 'withdrawn');
    assert.equal(reasonOf({}), 'withdrawn');
  });

  test('a busy target brings the caller back to waiting, and another number may be instructed', () => {
    const { state, commands } = play([
      located,
      instructed(),
      busy(1),
      instructed({ by: 'phone' }),
      answered(2),
      joined(2),
    ]);
    assert.equal(state.at, 'connected');
    assert.deepEqual(done(commands), [
      ...['start-attempt', 'ring-caller', 'note-failure', 'stop-attempt'],
      ...['start-attempt', 'join-caller'], // 181 was sent once
    ]);
  });

  test('after a failure the deadline is renewed, but never past the longest hold', () => {
    const calling = play([located, instructed(), rings(1)]).state;
    const failedAt = (now: number) => transition(calling, { ...busy(1), now }, rules).state;
    const [soon, late] = [failedAt(50_000), failedAt(100_000)];
    assert.ok(soon.at === 'waiting' && soon.decideBefore === 110_000);
    assert.ok(late.at === 'waiting' && late.decideBefore === 120_000);
    assert.deepEqual(failedAt(120_000), { at: 'ended', reason: 'target-busy' });
  });

  test('nobody instructs: the caller gets the configured status, and why', () => {
    const { commands } = play([located, { is: 'undecided' }]);
    assert.deepEqual(
      commands.find((command) => command.do === 'reject-caller'),
      { do: 'reject-caller', status: 480, cause: { q850: 19 } },
    );
    assert.equal(endOf(commands).reason, 'not-instructed');
  });

  test('a caller who is answered early is parked, joined, and taken out of the music', () => {
    const { commands } = play([located, parked, instructed(), rings(1), answered(1), joined(1)], early);
    assert.deepEqual(done(commands), ['park-caller', 'start-attempt', 'join-caller', 'unpark-caller']);
  });

  test('a parked caller to whom nothing comes is hung up, not rejected', () => {
    const { commands } = play([located, parked, { is: 'undecided' }], early);
    assert.deepEqual(done(commands), ['park-caller', 'unpark-caller', 'hang-up-caller', 'end']);
    assert.equal(endOf(commands).status, 200);
  });

  test('refer parks the caller first; a refusal is bridged as a new attempt, success ends the call', () => {
    const refer = instructed({ mode: 'refer' });
    assert.deepEqual(done(play([located, refer, parked, handedBack(1)]).commands), [
      ...['park-caller', 'start-attempt'],
      ...['note-failure', 'stop-attempt', 'start-attempt'],
    ]);
    const { commands } = play([located, refer, parked, rings(1), { is: 'transferred', attempt: 1 }]);
    assert.deepEqual(done(commands).slice(2), ['stop-attempt', 'unpark-caller', 'hang-up-caller', 'end']);
    assert.deepEqual([endOf(commands).reason, endOf(commands).status], ['transferred', 200]);
  });

  test('302 is the one final response', () => {
    const { commands } = play([located, instructed({ mode: 'redirect' }), { is: 'transferred', attempt: 1 }]);
    assert.deepEqual(done(commands), ['start-attempt', 'stop-attempt', 'end']);
    assert.deepEqual([endOf(commands).reason, endOf(commands).status], ['transferred', 302]);
  });

  test('a blind move touches nobody until the new party answers', () => {
    const { state, commands } = play([...connected, instructed(), rings(2), answered(2), joined(2)]);
    assert.ok(state.at === 'connected' && state.party === 2);
    assert.deepEqual(done(commands).slice(3), ['start-attempt', 'join-caller', 'stop-attempt']);
    const failed = play([...connected, instructed(), busy(2)]);
    assert.ok(failed.state.at === 'connected' && failed.state.party === 1);
    assert.deepEqual(done(failed.commands).slice(3), ['start-attempt', 'note-failure', 'stop-attempt']);
  });

  test('an attended move: music, introduction, completion', () => {
    const { state, commands } = play([
      ...[...connected, instructed({ attended: true }), answered(2)],
      ...[introduced(2), completed, joined(2)],
    ]);
    assert.ok(state.at === 'connected' && state.party === 2);
    assert.deepEqual(done(commands).slice(3), [
      ...['start-attempt', 'play-music', 'play-music'], // to both who are left alone
      ...['introduce', 'stop-music', 'join-caller', 'stop-attempt'],
    ]);
  });

  test('a party that moves a call and hangs up leaves the caller to the music', () => {
    const { state, commands } = play([...connected, instructed(), left(1), busy(2)]);
    assert.ok(state.at === 'waiting' && state.caller === 'parked' && state.talked);
    assert.deepEqual(done(commands).slice(4), ['keep-caller', 'note-failure', 'stop-attempt', 'announce-busy']);
    const again = play([...connected, instructed(), left(1), busy(2), hungUp]);
    assert.equal(endOf(again.commands).reason, 'completed', 'they were connected once');
  });

  test('what comes late from an earlier attempt changes nothing', () => {
    const before = play([located, instructed(), busy(1), instructed()]);
    for (const late of [rings(1), answered(1), busy(1), joined(1)]) {
      const { state, commands } = transition(before.state, { ...late, now: 9_000 }, rules);
      assert.equal(state, before.state);
      assert.deepEqual(commands, []);
    }
  });

  test('an order that our own parts must never produce throws', () => {
    assertIllegal([], instructed());
    assertIllegal([], answered(1));
    assertIllegal([located], located);
    assertIllegal([located], rings(2));
    assertIllegal([located, instructed()], instructed());
    assertIllegal([located, instructed()], joined(1));
    assertIllegal(connected, answered(1));
    assertIllegal(connected, { is: 'declined', by: 'pc' });
    assertIllegal([...connected, instructed()], instructed());
  });
});
