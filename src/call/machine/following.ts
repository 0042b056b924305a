// What follows from a state alone, however it was reached: which timers run, who hears music, what the terminals know.
import type { Side } from '../ports.ts';
import type { CallRules, CallState, Command, In, Live, TimerName } from '../states.ts';
import { viewState } from '../view-state.ts';
import { hasTalked } from './live.ts';

/** What is to be done because `after` is not `before`. */
export function followingFrom(before: Live, after: CallState, now: number, rules: CallRules): Command[] {
  if (after.at === 'ended') return [];
  return [
    ...timerChanges(before, after, now, rules),
    ...musicChanges(before, after),
    ...newsForTerminals(before, after),
  ];
}

function timerChanges(before: Live, after: Live, now: number, rules: CallRules): Command[] {
  const had = timersOf(before, now, rules);
  const has = timersOf(after, now, rules);
  const changes: Command[] = [];
  for (const timer of ['decision', 'hold', 'duration'] as const) {
    if (had[timer]?.since === has[timer]?.since) continue;
    const set = has[timer];
    changes.push(set ? { do: 'set-timer', timer, milliseconds: set.lasts } : { do: 'clear-timer', timer });
  }
  return changes;
}

/** The timers that run in a state. `since` names what each limits: it is set anew when that changes. */
function timersOf(
  state: Live,
  now: number,
  rules: CallRules,
): Partial<Record<TimerName, { since: string; lasts: number }>> {
  const held = holdOf(state);
  return {
    ...(state.at === 'waiting' && {
      decision: { since: 'waiting', lasts: Math.max(0, state.decideBefore - now) },
    }),
    ...(held !== undefined && { hold: { since: held, lasts: rules.maxHold } }),
    ...(hasTalked(state) && { duration: { since: 'connected', lasts: rules.maxDuration } }),
  };
}

/** Why somebody who was connected is on hold. */
function holdOf(state: Live): string | undefined {
  if (state.at === 'moving' && state.instruction.attended) return 'move';
  return 'holds' in state && state.holds.length > 0 ? 'hold' : undefined;
}

function musicChanges(before: Live, after: Live): Command[] {
  if (!('party' in after)) return [];
  const { party } = after;
  const heard = 'party' in before && before.party === party ? hearsMusic(before) : [];
  const hears = hearsMusic(after);
  return [
    ...heard.filter((to) => !hears.includes(to)).map((to): Command => ({ do: 'stop-music', party, to })),
    ...hears.filter((to) => !heard.includes(to)).map((to): Command => ({ do: 'play-music', party, to })),
  ];
}

/** Who is left alone in a call that stands: nobody hears silence that nothing explains. */
function hearsMusic(state: In<'connected' | 'moving'>): Side[] {
  const consulting = state.at === 'moving' && state.instruction.attended;
  const sides: Side[] = [];
  if (consulting || state.holds.includes('target') || state.holds.includes('terminal')) sides.push('caller');
  // Whoever moves the call hears nothing of a new party until the two are joined.
  const alone = consulting && ['calling', 'ringing', 'introducing'].includes(state.stage);
  if (alone || state.holds.includes('caller')) sides.push('target');
  return sides;
}

function newsForTerminals(before: Live, after: Live): Command[] {
  if (seen(before) === seen(after)) return [];
  return [{ do: before.at === 'arriving' ? 'notify-terminals' : 'tell-terminals' }];
}

/** All of a state that shows in the view of a call (view-of.ts), as far as it changes within what the terminals call a state. */
function seen(state: Live): string {
  const attempt = 'attempt' in state ? state.attempt : 0;
  return [state.at, viewState(state), attempt, state.at === 'moving' && state.stage].join(' ');
}
