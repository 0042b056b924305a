import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Happening, Model } from './model.ts';

/** How many sequences are played; the recorded long run has set it to millions. */
const sequences = Number(process.env['CALL_MODEL_SEQUENCES'] ?? 20_000);
/** How deep every order of events is played, states that are the same counted once; 0: none is. */
const depth = Number(process.env['CALL_MODEL_DEPTH'] ?? 10);

const stages = [
  ...['waiting', 'calling', 'joining', 'connected', 'ended'],
  ...['calling', 'ringing', 'introducing', 'talking', 'handing-over', 'joining', 'returning'],
];

/** What may end a call: drawn less often, so that calls grow old enough to be moved. */
const endings = new Set<Happening['is']>([
  ...(['interrupted', 'refused', 'declined', 'hung-up-by-terminal', 'undecided', 'too-long', 'transferred'] as const),
  ...(['caller-cancelled', 'caller-hung-up', 'caller-unanswerable', 'media-failed', 'held-too-long'] as const),
]);

/** One of what is possible, by chance. */
function draw(possible: readonly Happening[], choice: number): Happening | undefined {
  const going = possible.filter(({ is }) => !endings.has(is));
  const pool = choice % 12 === 0 || going.length === 0 ? possible : going;
  return pool[Math.floor(choice / 12) % pool.length];
}

/** Plays one sequence: each choice is one of what is possible then. */
function play(
  choices: readonly number[],
  answerEarly: boolean,
  take: (possible: readonly Happening[], choice: number) => Happening | undefined,
): Model {
  const model = new Model({ answerEarly });
  for (const choice of choices) {
    const happening = take(model.possible(), choice);
    if (!happening) break;
    model.apply(happening);
  }
  return model;
}

const exactly = (possible: readonly Happening[], choice: number) => possible[choice];

describe('the machine in any order of events', () => {
  test('random sequences keep every invariant', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { minLength: 1, maxLength: 60 }), fc.boolean(), (choices, answerEarly) => {
        play(choices, answerEarly, draw);
      }),
      { numRuns: sequences },
    );
  });

  for (const answerEarly of depth > 0 ? [false, true] : []) {
    test(`all sequences of ${depth} events, ${answerEarly ? 'answered early' : 'ringing'}, keep every invariant`, () => {
      const seen = new Set<string>();
      let frontier: number[][] = [[]];
      const reached = new Set<string>();
      let played = 0;
      for (let length = 0; length < depth; length++) {
        const next: number[][] = [];
        for (const choices of frontier) {
          const { length: options } = play(choices, answerEarly, exactly).possible();
          for (let choice = 0; choice < options; choice++) {
            const longer = [...choices, choice];
            const model = play(longer, answerEarly, exactly);
            played++;
            const { state } = model;
            reached.add(state.at === 'moving' ? state.stage : state.at);
            if (seen.has(model.key)) continue;
            seen.add(model.key);
            if (!model.over) next.push(longer);
          }
        }
        frontier = next;
      }
      assert.ok(played > 5_000, `${played} sequences`);
      for (const stage of stages) assert.ok(reached.has(stage), `some sequence comes to ${stage}`);
    });
  }
});
