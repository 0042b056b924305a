import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type CallEvent,
  type CallRules,
  type CallState,
  type Command,
  IllegalEvent,
  transition,
} from '../../../src/call/machine.ts';

const rules: CallRules = { decideWithin: 60_000, maxHold: 120_000, maxDuration: 14_400_000, whenNotInstructed: 480 };

/** Plays events from the arrival on; the clock moves a second at each. */
function play(...events: ((now: number) => CallEvent)[]): { state: CallState; commands: Command[] } {
  let state: CallState = { at: 'arriving', arrivedAt: 0 };
  const commands: Command[] = [];
  let now = 0;
  for (const event of events) {
    const next = transition(state, event((now += 1_000)), rules);
    state = next.state;
    commands.push(...next.commands);
  }
  return { state, commands };
}

const located = (now: number): CallEvent => ({ is: 'located', now });
const instructed =
  (by = 'pc', to = '+8613800138000') =>
  (now: number): CallEvent => ({ is: 'instructed', instruction: { by, to, mode: 'bridge' }, now });
const rings =
  (attempt: number) =>
  (now: number): CallEvent => ({ is: 'target-rings', attempt, status: 180, now });
const answered =
  (attempt: number) =>
  (now: number): CallEvent => ({ is: 'target-answered', attempt, sdp: 'v=0', now });
const busy =
  (attempt: number) =>
  (now: number): CallEvent => ({
    is: 'target-failed',
    attempt,
    failure: { reason: 'target-busy', status: 486, q850: 17 },
    now,
  });
const connected =
  (attempt: number) =>
  (now: number): CallEvent => ({ is: 'caller-connected', attempt, now });

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
    const { state, commands } = play(located, instructed(), rings(1), answered(1), connected(1), (now) => ({
      is: 'caller-hung-up',
      cause: { q850: 16 },
      lost: false,
      now,
    }));
    assert.deepEqual(state, { at: 'ended', reason: 'completed' });
    assert.deepEqual(endOf(commands), { reason: 'completed', by: 'caller', at: 6_000, status: 200, q850: 16 });
    assert.ok(commands.some((command) => command.do === 'stop-attempt' && command.cause.q850 === 16));
    assert.ok(!commands.some((command) => command.do === 'hang-up-caller'), 'the caller has left by itself');
  });

  test('CANCEL with SIP;cause=200 is answered elsewhere, with 487 or Q.850 16 the caller gave up, else it is withdrawn', () => {
    const reasonOf = (cause: { sip?: number; q850?: number }) =>
      endOf(play(located, (now) => ({ is: 'caller-cancelled', cause, now })).commands).reason;
    assert.equal(reasonOf({ sip: 200 }), 'answered-elsewhere');
    assert.equal(reasonOf({ sip: 200, q850: 16 }), 'answered-elsewhere');
    assert.equal(reasonOf({ sip: 487 }), 'caller-hung-up');
    assert.equal(reasonOf({ q850: 16 }), 'caller-hung-up');
    assert.equal(reasonOf({ sip: 408 }), 'withdrawn');
    assert.equal(reasonOf({}), 'withdrawn');
  });

  test('a busy target brings the caller back to waiting, and another number may be instructed', () => {
    const { state, commands } = play(
      located,
      instructed(),
      busy(1),
      instructed('phone', '+8675520000001'),
      answered(2),
      connected(2),
    );
    assert.equal(state.at, 'connected');
    assert.deepEqual(
      commands.filter((command) => command.do === 'start-attempt').map((command) => command.attempt),
      [1, 2],
    );
    assert.ok(!commands.some((command) => command.do === 'reject-caller'));
  });

  test('after a failure the deadline is renewed, but never past the longest hold', () => {
    const early = transition({ at: 'ringing', arrivedAt: 0, attempt: 1, by: 'pc' }, busy(1)(50_000), rules);
    assert.ok(early.state.at === 'waiting' && early.state.decideBefore === 110_000);
    const late = transition({ at: 'ringing', arrivedAt: 0, attempt: 1, by: 'pc' }, busy(1)(100_000), rules);
    assert.ok(late.state.at === 'waiting' && late.state.decideBefore === 120_000);
    const over = transition({ at: 'ringing', arrivedAt: 0, attempt: 1, by: 'pc' }, busy(1)(120_000), rules);
    assert.deepEqual(over.state, { at: 'ended', reason: 'target-busy' });
  });

  test('nobody instructs: the caller gets the configured status', () => {
    const { commands } = play(located, (now) => ({ is: 'undecided', now }));
    assert.deepEqual(
      commands.find((command) => command.do === 'reject-caller'),
      {
        do: 'reject-caller',
        status: 480,
        cause: {},
      },
    );
    assert.equal(endOf(commands).reason, 'not-instructed');
  });

  test('a target that hangs up before it answered has refused; of its cause the record keeps Q.850 only', () => {
    const gone = (now: number): CallEvent => ({
      is: 'target-hung-up',
      attempt: 1,
      cause: { sip: 480, q850: 21, text: 'no' },
      lost: false,
      now,
    });
    const { state, commands } = play(located, instructed(), rings(1), gone);
    assert.equal(state.at, 'waiting');
    const noted = commands.find((command) => command.do === 'note-failure');
    assert.deepEqual(noted?.failure, { reason: 'target-refused', q850: 21 });
  });

  test('what comes late from an earlier attempt changes nothing', () => {
    const before = play(located, instructed(), busy(1), instructed());
    for (const late of [rings(1), answered(1), busy(1), connected(1)]) {
      const { state, commands } = transition(before.state, late(9_000), rules);
      assert.equal(state, before.state);
      assert.deepEqual(commands, []);
    }
  });

  test('an order that our own parts must never produce throws', () => {
    const arriving: CallState = { at: 'arriving', arrivedAt: 0 };
    assert.throws(() => transition(arriving, instructed()(1), rules), IllegalEvent);
    assert.throws(() => transition(arriving, answered(1)(1), rules), IllegalEvent);
    const waiting: CallState = { at: 'waiting', arrivedAt: 0, attempt: 1, decideBefore: 9 };
    assert.throws(() => transition(waiting, located(1), rules), IllegalEvent);
    assert.throws(() => transition(waiting, rings(2)(1), rules), IllegalEvent);
  });
});

/** What the outside may throw at a call in any order: nothing of it may ever be illegal in a standing state. */
const outside = (attempts: number): fc.Arbitrary<(now: number) => CallEvent> => {
  const attempt = fc.integer({ min: 1, max: Math.max(1, attempts) });
  const cause = fc.constantFrom({}, { sip: 200 }, { q850: 16 }, { sip: 487 });
  return fc.oneof(
    cause.map((cause) => (now: number): CallEvent => ({ is: 'caller-cancelled', cause, now })),
    cause.map((cause) => (now: number): CallEvent => ({ is: 'caller-hung-up', cause, lost: false, now })),
    fc.constant((now: number): CallEvent => ({ is: 'hung-up-by-terminal', by: 'pc', now })),
    fc.constant((now: number): CallEvent => ({ is: 'interrupted', now })),
    attempt.map((n) => rings(n)),
    attempt.map((n) => answered(n)),
    attempt.map((n) => busy(n)),
    attempt.map((n) => (now: number): CallEvent => ({ is: 'target-hung-up', attempt: n, cause: {}, lost: false, now })),
    fc.constantFrom(instructed('pc'), instructed('phone')),
    fc.constant((now: number): CallEvent => ({ is: 'declined', by: 'pc', now })),
    fc.constant((now: number): CallEvent => ({ is: 'undecided', now })),
    fc.constant((now: number): CallEvent => ({ is: 'too-long', now })),
    attempt.map((n) => connected(n)),
    attempt.map((n) => (now: number): CallEvent => ({ is: 'caller-unanswerable', attempt: n, now })),
    attempt.map((n) => (now: number): CallEvent => ({ is: 'held', attempt: n, now })),
    attempt.map((n) => (now: number): CallEvent => ({ is: 'resumed', attempt: n, now })),
  );
};

/** A world in which each part keeps its own promises, and nothing else is promised. */
class World {
  state: CallState = { at: 'arriving', arrivedAt: 0 };
  finals = 0;
  ends = 0;
  winners = 0;
  alive = new Set<number>();
  timers = new Set<string>();
  answering = false;
  callerUp: 'ringing' | 'answered' | 'gone' = 'ringing';

  /** Whether the part that would produce the event can produce it now. */
  possible(event: CallEvent): boolean {
    const target = 'attempt' in event && this.alive.has(event.attempt);
    switch (event.is) {
      case 'caller-cancelled':
        return this.callerUp === 'ringing';
      case 'caller-hung-up':
        return this.callerUp === 'answered';
      case 'target-rings':
      case 'target-answered':
      case 'target-failed':
        return target && (this.state.at === 'connecting' || this.state.at === 'ringing');
      case 'target-hung-up':
        return target && (this.state.at === 'answering' || this.state.at === 'connected');
      case 'caller-connected':
      case 'caller-unanswerable':
        return target && this.answering && this.callerUp !== 'gone';
      case 'held':
      case 'resumed':
        return target && this.state.at === 'connected';
      case 'instructed':
        return this.state.at === 'waiting'; // calls.ts looks before, in the same tick
      case 'declined':
        return this.state.at !== 'connected' && this.state.at !== 'arriving';
      case 'hung-up-by-terminal':
        return this.state.at !== 'arriving';
      case 'undecided':
        return this.timers.has('decision');
      case 'too-long':
        return this.timers.has('duration');
      default:
        return true;
    }
  }

  apply(event: CallEvent): void {
    if (event.is === 'caller-cancelled' || event.is === 'caller-hung-up' || event.is === 'caller-unanswerable') {
      this.callerUp = 'gone';
    }
    if (event.is === 'caller-connected') {
      this.callerUp = 'answered';
      this.answering = false;
    }
    if (event.is === 'target-failed' || event.is === 'target-hung-up') this.alive.delete(event.attempt);
    if (event.is === 'undecided') this.timers.delete('decision');
    if (event.is === 'too-long') this.timers.delete('duration');
    const { state, commands } = transition(this.state, event, rules);
    this.state = state;
    for (const command of commands) this.#carryOut(command);
  }

  #carryOut(command: Command): void {
    switch (command.do) {
      case 'start-attempt':
        this.winners++;
        assert.equal(this.alive.size, 0, 'one target at a time');
        this.alive.add(command.attempt);
        break;
      case 'stop-attempt':
        this.alive.delete(command.attempt);
        this.answering = false;
        break;
      case 'answer-caller':
        this.answering = true;
        break;
      case 'reject-caller':
        assert.equal(this.callerUp, 'ringing', 'a final response only to an INVITE that waits for one');
        this.finals++;
        this.callerUp = 'gone';
        break;
      case 'hang-up-caller':
        assert.notEqual(this.callerUp, 'gone');
        this.callerUp = 'gone';
        break;
      case 'set-timer':
        this.timers.add(command.timer);
        break;
      case 'clear-timer':
        this.timers.delete(command.timer);
        break;
      case 'end':
        this.ends++;
        break;
      default:
        break;
    }
  }
}

describe('the machine in any order of events', () => {
  test('one end, at most one final refusal, no leg and no timer alive after it', () => {
    fc.assert(
      fc.property(fc.array(outside(4), { minLength: 1, maxLength: 40 }), fc.boolean(), (events, locatedFirst) => {
        const world = new World();
        let now = 0;
        if (locatedFirst) world.apply(located(now));
        for (const make of events) {
          const event = make((now += 1_000));
          if (world.possible(event)) world.apply(event);
        }
        if (world.state.at !== 'ended') world.apply({ is: 'interrupted', now: now + 1 });
        assert.equal(world.state.at, 'ended');
        assert.equal(world.ends, 1);
        assert.ok(world.finals <= 1);
        assert.equal(world.callerUp, 'gone', 'the caller leg is over');
        assert.equal(world.alive.size, 0, 'no target leg is alive');
        assert.equal(world.timers.size, 0, 'no timer outlives the call');
      }),
      { numRuns: 20_000 },
    );
  });
});
