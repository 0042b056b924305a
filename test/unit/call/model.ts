// A world around the machine in which each part keeps its own promises, and nothing else is promised. It knows at each
// moment what may happen next, carries out what the machine says, and holds the call to its invariants.
import assert from 'node:assert/strict';
import {
  type AcceptedInstruction,
  type CallEvent,
  type CallRules,
  type CallState,
  type Command,
  type Holder,
  transition as theTransition,
  type WithoutTime,
} from '../../../src/call/machine.ts';
import type { Side } from '../../../src/call/ports.ts';
import { viewState } from '../../../src/call/view-state.ts';

export const rules: CallRules = {
  decideWithin: 60_000,
  maxHold: 120_000,
  maxDuration: 14_400_000,
  whenNotInstructed: 480,
  answerEarly: false,
};

/** Something that may happen now. `late`: after the caller has waited as long as they may. */
export type Happening = WithoutTime<CallEvent> & { late?: true };

type Bridging = { kind: 'bridge'; target: 'dialling' | 'standing' | 'gone' };
type Attempt = (Bridging | { kind: 'refer' } | { kind: 'redirect' }) & {
  rang: boolean;
  instruction: AcceptedInstruction;
};
/** What our own parts are about, and will tell the outcome of. */
type Task = 'join' | 'introduce' | 'return' | 'hand-over';

const failure = { reason: 'target-busy', status: 486, q850: 17 } as const;
const broken = { reason: 'failed', q850: 41 } as const;
/** Attempts of one call that the model plays at most. */
const mostAttempts = 4;

export class Model {
  state: CallState = { at: 'arriving', since: 0 };
  readonly log: string[] = [];
  #now = 0;
  readonly #rules: CallRules;
  readonly #transition: typeof theTransition;
  /** `connecting`: our 200 has left for a join, and its ACK has not come. */
  #caller: 'ringing' | 'redirecting' | 'connecting' | 'standing' | 'gone' = 'ringing';
  #finals = 0;
  #parking: 'answering' | 'standing' | undefined;
  readonly #attempts = new Map<number, Attempt>();
  readonly #tasks = new Map<number, Task>();
  readonly #timers = new Set<string>();
  readonly #music = new Set<string>();
  readonly #noted = new Set<number>();
  #started = 0;
  #ends = 0;
  #told: string | undefined;
  /** The party whose voice is in another pair than the caller's. */
  #away: number | undefined;
  #talked = false;

  constructor(options: Partial<CallRules> = {}, transition: typeof theTransition = theTransition) {
    this.#rules = { ...rules, ...options };
    this.#transition = transition;
  }

  get over(): boolean {
    return this.state.at === 'ended';
  }

  /** All that may happen now, always in the same order. */
  possible(): Happening[] {
    const { state } = this;
    if (state.at === 'ended') return this.#fromTheDead();
    return [
      ...this.#fromArrival(),
      ...this.#fromTerminals(),
      ...[...this.#timers].map((timer) => ({ is: timer }) as Happening),
      ...this.#fromCaller(),
      ...this.#fromParking(),
      ...[...this.#attempts].flatMap(([attempt, what]) => this.#fromAttempt(attempt, what)),
      ...[...this.#tasks].flatMap(([attempt, task]) => this.#fromTask(attempt, task)),
      ...this.#fromTheDead(),
      { is: 'interrupted' },
    ];
  }

  #fromArrival(): Happening[] {
    if (this.state.at !== 'arriving') return [];
    return [{ is: 'located' }, { is: 'refused', reason: 'no-terminal', status: 480 }];
  }

  #fromTerminals(): Happening[] {
    const { state } = this;
    if (state.at === 'arriving' || state.at === 'ended') return [];
    const happenings: Happening[] = [{ is: 'hung-up-by-terminal', by: 'pc' }];
    if (!('party' in state)) happenings.push({ is: 'declined', by: 'pc' });
    if (state.at === 'moving') happenings.push({ is: 'move-abandoned', by: 'pc' });
    if (state.at === 'moving' && state.stage === 'talking') happenings.push({ is: 'move-completed', by: 'pc' });
    if (state.at === 'connected') {
      happenings.push({ is: 'held', attempt: state.party, by: 'terminal' });
      happenings.push({ is: 'resumed', attempt: state.party, by: 'terminal' });
    }
    if ((state.at === 'waiting' || state.at === 'connected') && this.#started < mostAttempts) {
      const order = 'together' as const;
      const to = (mode: AcceptedInstruction['mode'], attended = false): Happening => ({
        is: 'instructed',
        instruction: { to: ['+8613800138000'], order, mode, attended, by: 'pc' },
      });
      happenings.push(to('bridge'), to('refer'));
      if (state.at === 'waiting' && state.caller === 'ringing') happenings.push(to('redirect'));
      if (state.at === 'connected') happenings.push(to('bridge', true), to('refer', true));
    }
    return happenings;
  }

  #fromCaller(): Happening[] {
    switch (this.#caller) {
      case 'ringing':
      case 'redirecting':
      case 'connecting':
        return [
          { is: 'caller-cancelled', cause: { sip: 200 } },
          { is: 'caller-cancelled', cause: {} },
        ];
      case 'standing':
        return [
          { is: 'caller-hung-up', cause: { q850: 16 }, lost: false },
          { is: 'caller-hung-up', cause: {}, lost: true },
          { is: 'caller-cancelled', cause: {} }, // it crossed our 200
        ];
      case 'gone':
        return [];
    }
  }

  #fromParking(): Happening[] {
    if (this.#parking === 'answering') {
      return [{ is: 'caller-parked' }, { is: 'parking-failed' }, { is: 'caller-unanswerable' }];
    }
    return this.#parking === 'standing' ? [{ is: 'media-failed', attempt: 0 }] : [];
  }

  #fromAttempt(attempt: number, what: Attempt): Happening[] {
    if (what.kind === 'redirect')
      return [
        { is: 'transferred', attempt },
        { is: 'handed-back', attempt, failure: broken },
      ];
    if (what.kind === 'refer') {
      if (this.#caller !== 'standing') return []; // it waits for the parking
      const outcomes: Happening[] = [
        { is: 'transferred', attempt },
        { is: 'handed-back', attempt, failure: { ...broken, status: 403 } },
        ...this.#failures(attempt),
      ];
      return what.rang ? outcomes : [{ is: 'target-rings', attempt, status: 180 }, ...outcomes];
    }
    switch (what.target) {
      case 'dialling':
        return [
          { is: 'target-rings', attempt, status: 180 },
          { is: 'target-answered', attempt, to: '+8613800138000' },
          ...this.#failures(attempt),
        ];
      case 'standing': {
        const talks: Happening[] = [
          { is: 'target-hung-up', attempt, cause: { q850: 16 }, lost: false },
          { is: 'target-hung-up', attempt, cause: {}, lost: true },
          { is: 'media-failed', attempt },
        ];
        if (!('party' in this.state)) return talks;
        for (const by of ['caller', 'target'] as const) {
          talks.push({ is: 'held', attempt, by }, { is: 'resumed', attempt, by });
        }
        return talks;
      }
      case 'gone':
        return [{ is: 'media-failed', attempt }];
    }
  }

  #failures(attempt: number): Happening[] {
    const failed: Happening = { is: 'target-failed', attempt, failure };
    return 'since' in this.state ? [failed, { ...failed, late: true }] : [failed];
  }

  #fromTask(attempt: number, task: Task): Happening[] {
    switch (task) {
      case 'join': {
        if (this.#parking === 'answering') return []; // it waits for that
        const failed: Happening = { is: 'join-failed', attempt, failure: broken };
        if (this.#caller === 'standing') return [{ is: 'joined', attempt }, failed];
        if (this.#caller === 'ringing') return [{ is: 'caller-answering', attempt }, failed];
        return [{ is: 'joined', attempt }, { is: 'media-failed', attempt }, { is: 'caller-unanswerable' }];
      }
      case 'introduce':
        return [
          { is: 'introduced', attempt },
          { is: 'join-failed', attempt, failure: broken },
        ];
      case 'return':
        return [
          { is: 'returned', attempt },
          { is: 'return-failed', attempt },
        ];
      case 'hand-over':
        return [
          { is: 'transferred', attempt },
          { is: 'handed-back', attempt, failure: broken },
        ];
    }
  }

  /** What comes late of an attempt that is over changes nothing. */
  #fromTheDead(): Happening[] {
    const attempt = Array.from({ length: this.#started }, (_, index) => index + 1).find((n) => !this.#attempts.has(n));
    if (attempt === undefined) return [];
    return [
      { is: 'target-answered', attempt, to: 'x' },
      { is: 'joined', attempt },
      { is: 'target-hung-up', attempt, cause: {}, lost: false },
    ];
  }

  /** Lets it happen, carries out what the machine says, and looks whether all is right. */
  apply({ late, ...happening }: Happening): void {
    const { state: before } = this;
    this.#now = late && 'since' in before ? Math.max(this.#now, before.since + this.#rules.maxHold) : this.#now + 1_000;
    const event = { ...happening, now: this.#now };
    this.log.push(`${JSON.stringify(happening)} in ${before.at}${before.at === 'moving' ? ` ${before.stage}` : ''}`);
    const stale = 'attempt' in event && event.attempt > 0 && !this.#attempts.has(event.attempt);
    if (!stale) this.#outside(event);
    const { state, commands } = this.#transition(before, event, this.#rules);
    this.state = state;
    if (stale) {
      assert.deepEqual(state, before, 'what comes late changes nothing');
      assert.deepEqual(commands, []);
    }
    for (const command of commands) this.#carryOut(command);
    this.#check();
  }

  /** What the event means for the part that it comes from. */
  #outside(event: CallEvent): void {
    const attempt = 'attempt' in event ? this.#attempts.get(event.attempt) : undefined;
    switch (event.is) {
      case 'undecided':
      case 'held-too-long':
      case 'too-long':
        this.#timers.delete(event.is);
        return;
      case 'caller-cancelled':
        if (this.#caller !== 'standing') this.#callerGone();
        return;
      case 'caller-hung-up':
      case 'caller-unanswerable':
        if (event.is === 'caller-unanswerable') this.#finals++; // our 200, which nobody acknowledged
        {
          this.#callerGone();
          return;
        }
      case 'caller-parked':
        this.#parking = 'standing';
        {
          this.#answered();
          return;
        }
      case 'parking-failed':
        this.#parking = undefined;
        return;
      case 'target-rings':
        if (attempt) attempt.rang = true;
        return;
      case 'target-answered':
        assert.ok(attempt?.kind === 'bridge');
        attempt.target = 'standing';
        return;
      case 'target-failed':
        if (attempt?.kind === 'bridge') attempt.target = 'gone';
        return;
      case 'target-hung-up':
        assert.ok(attempt?.kind === 'bridge');
        attempt.target = 'gone';
        return;
      case 'transferred':
        if (attempt?.kind === 'redirect') {
          this.#finals++;
          this.#callerGone();
        }
        return;
      case 'handed-back':
        if (attempt?.kind === 'redirect') this.#caller = 'ringing';
        this.#tasks.delete(event.attempt);
        return;
      case 'caller-answering':
        assert.equal(this.#caller, 'ringing', 'one final response');
        this.#caller = 'connecting';
        return;
      case 'joined':
        this.#tasks.delete(event.attempt);
        if (this.#caller === 'connecting') this.#answered();
        this.#talked = true;
        return;
      case 'returned':
        this.#away = undefined;
        this.#tasks.delete(event.attempt);
        return;
      case 'join-failed':
      case 'introduced':
      case 'return-failed':
        this.#tasks.delete(event.attempt);
        return;
      default:
    }
  }

  #answered(): void {
    assert.ok(this.#caller === 'ringing' || this.#caller === 'connecting', 'one final response');
    this.#finals++;
    this.#caller = 'standing';
  }

  #callerGone(): void {
    this.#caller = 'gone';
  }

  #carryOut(command: Command): void {
    assert.equal(this.#ends, 0, `nothing is done after the end: ${command.do}`);
    switch (command.do) {
      case 'set-timer':
        this.#timers.add(timerEvent[command.timer]);
        return;
      case 'clear-timer':
        this.#timers.delete(timerEvent[command.timer]); // it may just have fired
        return;
      case 'park-caller':
        assert.equal(this.#parking, undefined, 'one parking');
        assert.equal(this.#caller, 'ringing');
        this.#parking = 'answering';
        return;
      case 'unpark-caller':
        assert.notEqual(this.#parking, undefined, 'there is a parking to be ended');
        this.#parking = undefined;
        return;
      case 'announce-busy':
        assert.equal(this.#parking, 'standing');
        return;
      case 'start-attempt': {
        this.#start(command.attempt, command.instruction);
        return;
      }
      case 'ring-caller':
        assert.equal(this.#caller, 'ringing', 'a provisional response before any final one');
        assert.ok(this.#attempts.has(command.attempt));
        return;
      case 'join-caller':
        assert.notEqual(this.#caller, 'gone', 'a caller who is gone is not bridged');
        {
          this.#begin(command.attempt, 'join');
          return;
        }
      case 'introduce':
        assert.equal(this.#bridge(command.party).target, 'standing');
        {
          this.#away = command.party;
          this.#begin(command.attempt, 'introduce');
          return;
        }
      case 'hand-over':
        assert.equal(this.#caller, 'standing');
        {
          this.#begin(command.attempt, 'hand-over');
          return;
        }
      case 'return':
        assert.equal(this.#bridge(command.party).target, 'standing', 'only a party that is there is gone back to');
        this.#tasks.set(command.party, 'return');
        return;
      case 'keep-caller':
        assert.equal(this.#bridge(command.party).target, 'gone');
        assert.equal(this.#parking, undefined);
        this.#forget(command.party);
        this.#parking = 'standing';
        return;
      case 'play-music':
        this.#bridge(command.party);
        assert.ok(!this.#music.has(`${command.party} ${command.to}`), 'music begins once');
        this.#music.add(`${command.party} ${command.to}`);
        return;
      case 'stop-music':
        assert.ok(this.#music.delete(`${command.party} ${command.to}`), 'music that plays ends');
        return;
      case 'stop-attempt':
        assert.ok(this.#attempts.has(command.attempt), 'what is stopped stands');
        {
          this.#forget(command.attempt);
          return;
        }
      case 'note-failure':
        assert.ok(!this.#noted.has(command.attempt), 'an attempt fails once');
        this.#noted.add(command.attempt);
        return;
      case 'reject-caller':
        assert.equal(this.#caller, 'ringing', 'a final response only to an INVITE that waits for one');
        assert.equal(this.#parking, undefined, 'our 200 is not on its way');
        this.#finals++;
        {
          this.#callerGone();
          return;
        }
      case 'hang-up-caller':
        assert.notEqual(this.#caller, 'gone', 'only a leg that stands is hung up');
        if (this.#caller !== 'standing') this.#finals++;
        {
          this.#callerGone();
          return;
        }
      case 'notify-terminals':
        assert.equal(this.#told, undefined, 'notified once');
        this.#told = this.#shown();
        return;
      case 'tell-terminals':
        assert.notEqual(this.#told, undefined, 'told only who were notified');
        this.#told = this.#shown();
        return;
      case 'end':
        this.#ends++;
        this.#timers.clear();
        assert.equal(command.end.at, this.#now);
        if (this.#talked) assert.equal(command.end.status, 200, 'a call that was connected');
        return;
    }
  }

  #start(attempt: number, instruction: AcceptedInstruction): void {
    assert.notEqual(this.#caller, 'gone', 'nobody is called for a caller who is gone');
    assert.equal(attempt, ++this.#started);
    const running = [...this.#attempts.keys()].filter(
      (number) => !('party' in this.state) || number !== this.state.party,
    );
    assert.deepEqual(running, [], 'one attempt at a time: one winner among instructions');
    const { mode, attended } = instruction;
    const consults = attended && this.state.at === 'moving';
    if (mode === 'redirect') {
      assert.equal(this.#caller, 'ringing', '302 only before any other final response');
      this.#caller = 'redirecting';
      this.#attempts.set(attempt, { kind: 'redirect', rang: false, instruction });
    } else if (mode === 'refer' && !consults) {
      assert.ok(this.#caller === 'standing' || this.#parking === 'answering', 'only who is answered can be referred');
      this.#attempts.set(attempt, { kind: 'refer', rang: false, instruction });
    } else this.#attempts.set(attempt, { kind: 'bridge', target: 'dialling', rang: false, instruction });
  }

  #begin(attempt: number, task: Task): void {
    assert.equal(this.#bridge(attempt).target, 'standing', `${task}: only with a target that answered`);
    this.#tasks.set(attempt, task);
  }

  #bridge(number: number): Bridging {
    const attempt = this.#attempts.get(number);
    assert.ok(attempt?.kind === 'bridge', `attempt ${number} has a leg of ours`);
    return attempt;
  }

  #forget(number: number): void {
    this.#attempts.delete(number);
    this.#tasks.delete(number);
    for (const side of ['caller', 'target']) this.#music.delete(`${number} ${side}`);
  }

  #check(): void {
    const { state } = this;
    assert.ok(this.#finals <= 1, 'one final response');
    if (state.at === 'ended') {
      assert.equal(this.#ends, 1, 'one end');
      assert.equal(this.#caller, 'gone', 'the caller leg is over');
      assert.equal(this.#parking, undefined, 'no media of a parked caller');
      assert.equal(this.#attempts.size, 0, 'no leg and no media of a target');
      assert.equal(this.#timers.size, 0, 'no timer outlives the call');
      return;
    }
    assert.notEqual(this.#caller, 'gone', 'a call without its caller is over');
    if ('party' in state) {
      assert.equal(this.#caller, 'standing', 'only an answered caller is connected');
      if (state.at === 'connected') assert.notEqual(state.party, this.#away, 'who is connected is there');
      assert.equal(this.#parking, undefined);
    }
    const alive = [...this.#attempts.keys()];
    const known = 'party' in state ? [state.party, state.attempt] : 'attempt' in state ? [state.attempt] : [];
    assert.ok(
      alive.every((number) => known.includes(number)),
      `attempts ${alive.join(' ')} stand, and are known`,
    );
    if (this.#told !== undefined) assert.equal(this.#told, this.#shown(), 'the terminals know the state of the call');
    this.#checkNobodyHearsSilence();
    assert.ok(this.#waitsForSomething(), 'something is awaited that will come by itself');
  }

  #checkNobodyHearsSilence(): void {
    const { state } = this;
    if ('caller' in state) {
      assert.equal(this.#parking === 'standing', state.caller === 'parked', 'a parked caller has media');
      assert.equal(this.#parking === 'answering', state.caller === 'answering');
      assert.equal(this.#caller === 'connecting', state.caller === 'connecting');
      return;
    }
    if (!('party' in state)) return;
    const plays = (to: Side) => this.#music.has(`${state.party} ${to}`);
    const consulting = state.at === 'moving' && state.instruction.attended;
    const held = (by: Holder) => state.holds.includes(by);
    assert.equal(plays('caller'), consulting || held('target') || held('terminal'), 'the caller is alone, or is not');
    if (!consulting) assert.equal(plays('target'), held('caller'), 'the target is alone, or is not');
  }

  /** A timer, a target that rings, a task of ours: each comes to an end though nobody does anything more. */
  #waitsForSomething(): boolean {
    const { state } = this;
    return (
      state.at === 'arriving' ||
      this.#timers.size > 0 ||
      this.#tasks.size > 0 ||
      this.#parking === 'answering' ||
      [...this.#attempts.values()].some((attempt) => attempt.kind !== 'bridge' || attempt.target === 'dialling')
    );
  }

  /** All of the state that shows to a terminal. */
  #shown(): string {
    const { state } = this;
    const target = 'attempt' in state ? state.attempt : 0;
    const party = 'party' in state ? state.party : 0;
    const until = state.at === 'waiting' ? state.decideBefore : 0;
    const stage = state.at === 'moving' ? state.stage : '';
    return [viewState(state), target, party, until, stage].join(' ');
  }

  /** The same for two worlds in which the same may follow: without times. */
  get key(): string {
    const { state } = this;
    return JSON.stringify([
      { ...state, since: 0, decideBefore: 0 },
      this.#caller,
      this.#parking,
      [...this.#attempts].map(([number, attempt]) => [number, attempt]),
      [...this.#tasks],
      [...this.#timers].toSorted(),
      [...this.#music].toSorted(),
      this.#started,
      this.#away,
      this.#talked,
    ]);
  }
}

const timerEvent = { decision: 'undecided', hold: 'held-too-long', duration: 'too-long' } as const;
