// What follows from a state alone: the timers that run, who hears music, and when the terminals are told.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Command } from '../../../src/call/machine.ts';
import {
  abandoned,
  answered,
  busy,
  completed,
  connected,
  early,
  handedBack,
  type Happening,
  instructed,
  introduced,
  joined,
  located,
  mediaFailed,
  parked,
  play,
  rings,
} from './play.ts';

const held = (by: 'caller' | 'target' | 'terminal'): Happening => ({ is: 'held', attempt: 1, by });
const resumed = (by: 'caller' | 'target' | 'terminal'): Happening => ({ is: 'resumed', attempt: 1, by });

/** What the last of the events makes be done, of these. */
function following(names: readonly Command['do'][], events: readonly Happening[]): string[] {
  return play(events).last.flatMap((command) => {
    if (!names.includes(command.do)) return [];
    const { do: name, ...rest } = command;
    return [[name, ...Object.values<unknown>({ ...rest })].join(' ')];
  });
}
const timers = (events: readonly Happening[]) => following(['set-timer', 'clear-timer'], events);
const music = (events: readonly Happening[]) => following(['play-music', 'stop-music'], events);

test('the decision is awaited anew each time that the caller waits; the longest call begins with its first answer', () => {
  assert.deepEqual(timers([located]), ['set-timer decision 60000']);
  assert.deepEqual(timers([located, instructed()]), ['clear-timer decision']);
  assert.deepEqual(timers([located, instructed(), busy(1)]), ['set-timer decision 60000']);
  assert.deepEqual(play([located, parked], early).last, [], 'the music changes nothing of it');
  assert.deepEqual(timers(connected), ['set-timer duration 14400000']);
  const moved = [...connected, instructed(), answered(2), joined(2)];
  assert.deepEqual(
    [...moved.keys()].slice(connected.length).flatMap((at) => timers(moved.slice(0, at + 1))),
    [],
  );
});

test('a hold is timed from its first holder to its last, and so is an attended move', () => {
  assert.deepEqual(timers([...connected, held('caller')]), ['set-timer hold 120000']);
  assert.deepEqual(timers([...connected, held('caller'), held('terminal')]), []);
  assert.deepEqual(timers([...connected, held('caller'), held('terminal'), resumed('caller')]), []);
  assert.deepEqual(timers([...connected, held('caller'), resumed('caller')]), ['clear-timer hold']);
  const moving = [...connected, held('caller'), instructed({ attended: true })];
  assert.deepEqual(timers(moving), ['set-timer hold 120000'], 'the time of the move begins');
  assert.deepEqual(timers([...moving, abandoned]), ['set-timer hold 120000'], 'and that of the hold again');
  assert.deepEqual(timers([...connected, held('caller'), instructed()]), [], 'a blind one keeps nobody waiting itself');
});

test('whoever is held hears music, and both do while a new party is called for', () => {
  assert.deepEqual(music([...connected, held('caller')]), ['play-music 1 target']);
  assert.deepEqual(music([...connected, held('target')]), ['play-music 1 caller']);
  assert.deepEqual(music([...connected, held('target'), held('terminal')]), [], 'it plays already');
  assert.deepEqual(music([...connected, held('target'), held('terminal'), resumed('target')]), []);
  assert.deepEqual(music([...connected, held('caller'), resumed('caller')]), ['stop-music 1 target']);
  const attended = [...connected, instructed({ attended: true })];
  assert.deepEqual(music(attended), ['play-music 1 caller', 'play-music 1 target']);
  assert.deepEqual(music([...attended, rings(2)]), []);
  assert.deepEqual(music([...attended, rings(2), answered(2)]), []);
  assert.deepEqual(music([...attended, rings(2), answered(2), introduced(2)]), ['stop-music 1 target']);
  assert.deepEqual(music([...attended, abandoned]), ['stop-music 1 caller', 'stop-music 1 target']);
  assert.deepEqual(music([...connected, instructed()]), [], 'a blind move touches nobody');
});

describe('the terminals are told', () => {
  const told = (events: readonly Happening[]) => following(['notify-terminals', 'tell-terminals'], events);

  test('of the call once, and then of each change that they see', () => {
    assert.deepEqual(told([located]), ['notify-terminals']);
    const all = [
      ...[located, instructed(), rings(1), busy(1), instructed(), rings(2), answered(2), joined(2)],
      ...[
        { is: 'held', attempt: 2, by: 'caller' },
        { is: 'resumed', attempt: 2, by: 'caller' },
      ],
      ...[instructed({ attended: true }), rings(3), answered(3), introduced(3), completed, joined(3)],
    ] as const;
    for (const at of [...all.keys()].slice(1)) {
      assert.deepEqual(told(all.slice(0, at + 1)), ['tell-terminals'], `${at}: ${all[at]?.is}`);
    }
  });

  test('that another attempt has taken the place of one that the network did not carry out', () => {
    assert.deepEqual(told([located, instructed({ mode: 'refer' }), parked, handedBack(1)]), ['tell-terminals']);
    assert.deepEqual(told([...connected, instructed({ mode: 'refer' }), handedBack(2)]), ['tell-terminals']);
  });

  test('of nothing that they do not see', () => {
    assert.deepEqual(told([located, instructed(), rings(1), rings(1)]), []);
    assert.deepEqual(told([...connected, held('caller'), held('target')]), []);
    assert.deepEqual(told([...connected, instructed(), held('caller')]), []);
    assert.deepEqual(told([...connected, mediaFailed(1)]), [], 'the end is told otherwise');
  });
});
