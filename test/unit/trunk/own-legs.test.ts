import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Dialled } from '../../../src/numbers/returning.ts';
import { OwnLegs } from '../../../src/trunk/own-legs.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { read } from '../numbers/invite.ts';

const caller = '+8613800138000';
const subscriber = '+8675520000001';
const to = '+8675520000009';
const token = 'made by us';

function dialling(change: Partial<Dialled> = {}) {
  const clock = new FakeClock();
  const legs = new OwnLegs({ isOurs: (text) => text.startsWith('made by us') }, clock);
  const leg = legs.add({ to, callers: new Set([caller]), subscriber, ...change }, token);
  return { clock, legs, leg };
}

/** A call that the network diverted by these numbers, newest last. */
const from = (from: string, ...chain: string[]) =>
  read({
    from: `<sip:${from}@ims.example.net>`,
    headers: chain.toReversed().map((number) => `Diversion: <sip:${number}@x>;reason=unconditional`),
  });
const anonymous = 'anonymous';

describe('our own call that comes back', () => {
  test('is known by its token, also by one that another node made, whatever else was changed', () => {
    const { legs } = dialling();
    const unrelated = from('+8613700000000', '+8675520000077');
    assert.equal(legs.recognise(['another', token], unrelated), 'token');
    assert.equal(legs.recognise(['made by us, elsewhere'], undefined), 'token');
    assert.equal(legs.recognise(['another'], unrelated), undefined);
    assert.equal(legs.recognise([], undefined), undefined);
  });

  test('is known without it by the same caller, called where we call', () => {
    const { legs } = dialling();
    assert.equal(legs.recognise([], from(caller, to)), 'numbers');
    assert.equal(legs.recognise([], read({ to })), 'numbers');
    assert.equal(legs.recognise([], from('+8613700000000', to)), undefined, 'another caller');
    assert.equal(legs.recognise([], from(caller, subscriber)), undefined, 'to another number');
  });

  test('is known by the chain from the subscriber straight to the final number, whoever seems to call', () => {
    const { legs } = dialling();
    assert.equal(legs.recognise([], from(anonymous, subscriber, to)), 'numbers');
    assert.equal(legs.recognise([], from(anonymous, subscriber, '+8675520000077', to)), undefined);
    assert.equal(legs.recognise([], from(anonymous, to, subscriber)), undefined);
  });

  test('is known when the subscriber called the first called number itself', () => {
    const { legs } = dialling({ to: subscriber });
    assert.equal(legs.recognise([], from(caller, subscriber)), 'numbers');
    assert.equal(legs.recognise([], from(anonymous, subscriber, subscriber)), 'numbers');
  });

  test('a withheld caller is the same as another one for a moment only', async () => {
    const { legs, clock } = dialling({ callers: new Set([null]) });
    assert.equal(legs.recognise([], from(anonymous, to)), 'numbers');
    await clock.advance(5_001);
    assert.equal(legs.recognise([], from(anonymous, to)), undefined);
  });

  test('while it rings and 5 s longer; then nothing is kept', async () => {
    const { legs, leg, clock } = dialling();
    await clock.advance(60_000);
    assert.equal(legs.recognise([], from(caller, to)), 'numbers');
    leg.answered();
    await clock.advance(5_000);
    assert.equal(legs.recognise([], from(caller, to)), 'numbers');
    assert.equal(legs.recognise([token], undefined), 'token');
    await clock.advance(1);
    assert.equal(legs.recognise([], from(caller, to)), undefined);
    assert.equal(legs.recognise([token], undefined), undefined, 'whoever took it may have transferred it on');
    await clock.advance(3_600_000);
    leg.over();
    leg.over();
    assert.equal(legs.size, 1);
    await clock.advance(5_000);
    assert.equal(legs.size, 0);
    assert.equal(clock.pendingTimers, 0);
  });
});
