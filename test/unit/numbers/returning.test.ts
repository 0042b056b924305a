import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calledNumbers, crossing, isReturning, type Dialled } from '../../../src/numbers/returning.ts';
import { caller, first, other, read } from './invite.ts';

const third = '+8613900000008';
/** The service calls `other` for `first`, whom `caller` dialled. */
const dialled: Dialled = { to: other, callers: new Set([caller]), subscriber: first };
const chain = (from: string, ...numbers: string[]) =>
  read({
    from: `<sip:${from}@x>`,
    headers: numbers.toReversed().map((number) => `Diversion: <sip:${number}@x>;reason=away`),
  });

test('a call of ours that comes back: the same caller where we call, or our subscriber straight before that number', () => {
  const rows: [title: string, returns: boolean, reading: ReturnType<typeof read>, age?: number][] = [
    ['the same caller, diverted by whom we call', true, chain(caller, other)],
    ['the same caller, to whom we call', true, read({ to: other })],
    ['long after', true, chain(caller, other), crossing + 1],
    ['another caller', false, chain(third, other)],
    ['the same caller, elsewhere', false, chain(caller, third)],
    ['another caller, through our subscriber', true, chain(third, first, other)],
    ['with somebody between', false, chain(third, first, third, other)],
    ['the other way round', false, chain(third, other, first)],
    ['our subscriber last', false, chain(third, first)],
  ];
  for (const [title, returns, reading, age = 0] of rows)
    assert.equal(isReturning(reading, dialled, age), returns, title);
  const withheld: Dialled = { ...dialled, callers: new Set([null]) };
  assert.equal(isReturning(chain('anonymous', other), withheld, crossing), true);
  assert.equal(isReturning(chain('anonymous', other), withheld, crossing + 1), false);
  assert.equal(isReturning(chain('anonymous', other), dialled, 0), false);
});

test('the numbers at which somebody may have been called before us, each once', () => {
  assert.deepEqual(calledNumbers(chain(caller, first, other)), [first, other]);
  assert.deepEqual(calledNumbers(read({})), []);
});
