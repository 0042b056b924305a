import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type AcceptedInstruction,
  type CallEvent,
  type CallState,
  type Command,
  IllegalEvent,
  transition,
  type WithoutTime,
} from '../../../src/call/machine.ts';
import { rules } from './model.ts';

const early = { ...rules, answerEarly: true };
type Happening = WithoutTime<CallEvent>;

/** Plays events from the arrival on; the clock moves a second at each. */
function play(events: readonly Happening[], by = rules): { state: CallState; commands: Command[] } {
  let state: CallState = { at: 'arriving', since: 0 };
  const commands: Command[] = [];
  let now = 0;
  for (const event of events) {
    const next = transition(state, { ...event, now: (now += 1_000) }, by);
    state = next.state;
    commands.push(...next.commands);
  }
  return { state, commands };
}

const located: Happening = { is: 'located' };
const instructed = (more: Partial<AcceptedInstruction> = {}): Happening => ({
  is: 'instructed',
  instruction: { by: 'pc', to: ['+8613800138000'], order: 'together', mode: 'bridge', attended: false, ...more },
});
const rings = (attempt: number): Happening => ({ is: 'target-rings', attempt, status: 180 });
const answered = (attempt: number): Happening => ({ is: 'target-answered', attempt, to: '+8613800138000' });
const busy = (attempt: number): Happening => ({
  is: 'target-failed',
  attempt,
  failure: { reason: 'target-busy', status: 486, q850: 17 },
});
const joined = (attempt: number): Happening => ({ is: 'joined', attempt });
const hungUp: Happening = { is: 'caller-hung-up', cause: { q850: 16 }, lost: false };
const parked: Happening = { is: 'caller-parked' };

/** What is done, without the timers and what the terminals are told. */
function done(commands: Command[]): string[] {
  const followed = ['set-timer', 'clear-timer', 'tell-terminals', 'notify-terminals'];
  return commands.map((command) => command.do).filter((name) => !followed.includes(name));
}

/** The end among the commands; fails when there is not exactly one. */
function endOf(commands: Command[]) {
  const ends = commands.filter((command) => command.do === 'end');
  assert.equal(ends.length, 1);
  const [end] = ends;
  assert.ok(end);
  return end.end;
}

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
    const refused: Happening = { is: 'handed-back', attempt: 1, failure: { reason: 'failed', status: 405 } };
    assert.deepEqual(done(play([located, refer, parked, refused]).commands), [
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

  const connected = [located, instructed(), answered(1), joined(1)];

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
      ...([{ is: 'introduced', attempt: 2 }, { is: 'move-completed', by: 'pc' }, joined(2)] as const),
    ]);
    assert.ok(state.at === 'connected' && state.party === 2);
    assert.deepEqual(done(commands).slice(3), [
      ...['start-attempt', 'play-music', 'play-music'], // to both who are left alone
      ...['introduce', 'stop-music', 'join-caller', 'stop-attempt'],
    ]);
  });

  test('a party that moves a call and hangs up leaves the caller to the music', () => {
    const left: Happening = { is: 'target-hung-up', attempt: 1, cause: {}, lost: false };
    const { state, commands } = play([...connected, instructed(), left, busy(2)]);
    assert.ok(state.at === 'waiting' && state.caller === 'parked' && state.talked);
    assert.deepEqual(done(commands).slice(4), ['keep-caller', 'note-failure', 'stop-attempt', 'announce-busy']);
    const again = play([...connected, instructed(), left, busy(2), hungUp]);
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
    const illegal = (before: Happening[], event: Happening) => {
      const { state } = play(before);
      assert.throws(() => transition(state, { ...event, now: 9_000 }, rules), IllegalEvent);
    };
    illegal([], instructed());
    illegal([], answered(1));
    illegal([located], located);
    illegal([located], rings(2));
    illegal([located, instructed()], instructed());
    illegal([located, instructed()], joined(1));
    illegal([...connected], answered(1));
    illegal([...connected], { is: 'declined', by: 'pc' });
    illegal([...connected, instructed()], instructed());
  });
});
