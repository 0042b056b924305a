// A call played through the machine, event by event, and what is said of what it then does.
import assert from 'node:assert/strict';
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

export const early = { ...rules, answerEarly: true };
export type Happening = WithoutTime<CallEvent>;

/** Plays events from the arrival on; the clock moves a second at each. `last`: what the last one made be done. */
export function play(
  events: readonly Happening[],
  by = rules,
): { state: CallState; commands: Command[]; last: Command[] } {
  let state: CallState = { at: 'arriving', since: 0 };
  const commands: Command[] = [];
  let last: Command[] = [];
  let now = 0;
  for (const event of events) {
    const next = transition(state, { ...event, now: (now += 1_000) }, by);
    state = next.state;
    last = next.commands;
    commands.push(...last);
  }
  return { state, commands, last };
}

export const located: Happening = { is: 'located' };
export const parked: Happening = { is: 'caller-parked' };
export const instructed = (more: Partial<AcceptedInstruction> = {}): Happening => ({
  is: 'instructed',
  instruction: { by: 'pc', to: ['+8613800138000'], order: 'together', mode: 'bridge', attended: false, ...more },
});
export const rings = (attempt: number): Happening => ({ is: 'target-rings', attempt, status: 180 });
export const answered = (attempt: number): Happening => ({ is: 'target-answered', attempt, to: '+8613800138000' });
export const answering = (attempt: number): Happening => ({ is: 'caller-answering', attempt });
export const joined = (attempt: number): Happening => ({ is: 'joined', attempt });
export const introduced = (attempt: number): Happening => ({ is: 'introduced', attempt });
export const handedBack = (attempt: number): Happening => ({
  ...{ is: 'handed-back', attempt, failure: { reason: 'failed', status: 405 } },
});
export const busy = (attempt: number): Happening => ({
  ...{ is: 'target-failed', attempt, failure: { reason: 'target-busy', status: 486, q850: 17 } },
});
export const left = (attempt: number, lost = false): Happening => ({
  ...{ is: 'target-hung-up', attempt, cause: { q850: 31 }, lost },
});
export const mediaFailed = (attempt: number): Happening => ({ is: 'media-failed', attempt });
export const hungUp: Happening = { is: 'caller-hung-up', cause: { q850: 16 }, lost: false };
export const byTerminal: Happening = { is: 'hung-up-by-terminal', by: 'pc' };
export const completed: Happening = { is: 'move-completed', by: 'pc' };
export const abandoned: Happening = { is: 'move-abandoned', by: 'pc' };

/** With whom the caller talks. */
export const connected = [located, instructed(), answered(1), answering(1), joined(1)];
/** And the party at the first number talks to the one at the second. */
export const talking = [...connected, instructed({ attended: true }), answered(2), introduced(2)];

const followed = ['set-timer', 'clear-timer', 'tell-terminals', 'notify-terminals'];

/** What is done, without the timers and what the terminals are told. */
export function done(commands: readonly Command[]): string[] {
  return commands.map((command) => command.do).filter((name) => !followed.includes(name));
}

/** The same, with all that is said of each. */
export function doing(commands: readonly Command[]): Command[] {
  return commands.filter((command) => !followed.includes(command.do));
}

/** The end among the commands; fails when there is not exactly one. */
export function endOf(commands: readonly Command[]) {
  const ends = commands.filter((command) => command.do === 'end');
  assert.equal(ends.length, 1);
  const [end] = ends;
  assert.ok(end);
  return end.end;
}

/** An order that our own parts must never produce. */
export function assertIllegal(before: readonly Happening[], event: Happening, by = rules, says?: string): void {
  const { state } = play(before, by);
  assert.throws(
    () => transition(state, { ...event, now: 99_000 }, by),
    (error) => error instanceof IllegalEvent && error.name === 'IllegalEvent' && (!says || error.message === says),
  );
}

/** Nothing changes, and nothing is done. */
export function assertNothing(before: readonly Happening[], event: Happening, by = rules): void {
  const { state } = play(before, by);
  assert.deepEqual(transition(state, { ...event, now: 99_000 }, by), { state, commands: [] });
}
