import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OwnLegs, sessionToken, type Dialled } from '../../../src/trunk/own-legs.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { read } from '../numbers/invite.ts';

const caller = '+8613800138000';
const subscriber = '+8675520000001';
const to = '+8675520000009';
const callId = '0b7a5a3c-1d2e-4f60-8a9b-c0d1e2f30415';
const token = '0b7a5a3c1d2e4f608a9bc0d1e2f30415';

function dialling(change: Partial<Dialled> = {}) {
  const clock = new FakeClock();
  const legs = new OwnLegs(clock);
  const leg = legs.add({ callId, to, callers: new Set([caller]), subscriber, ...change });
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
  test('is known by the Session-ID that we wrote, whatever else was changed, and by our own icid', () => {
    const { legs } = dialling();
    const unrelated = from('+8613700000000', '+8675520000077');
    assert.equal(legs.recognise({ sessionId: `${token};remote=${'0'.repeat(32)}` }, unrelated), 'token');
    assert.equal(legs.recognise({ sessionId: `${'1'.repeat(32)};remote=${token.toUpperCase()}` }, undefined), 'token');
    assert.equal(legs.recognise({ chargingVector: `icid-value="${token}";orig-ioi=x` }, unrelated), 'token');
    const other = { sessionId: '2'.repeat(32), chargingVector: 'icid-value=abc' };
    assert.equal(legs.recognise(other, unrelated), undefined);
    assert.equal(legs.recognise({ sessionId: '0'.repeat(32) }, unrelated), undefined);
    assert.equal(legs.recognise({}, undefined), undefined);
  });

  test('is known without it by the same caller, called where we call', () => {
    const { legs } = dialling();
    assert.equal(legs.recognise({}, from(caller, to)), 'numbers');
    assert.equal(legs.recognise({}, read({ to })), 'numbers');
    assert.equal(legs.recognise({}, from('+8613700000000', to)), undefined, 'another caller');
    assert.equal(legs.recognise({}, from(caller, subscriber)), undefined, 'to another number');
  });

  test('is known by the chain from the subscriber straight to the final number, whoever seems to call', () => {
    const { legs } = dialling();
    assert.equal(legs.recognise({}, from(anonymous, subscriber, to)), 'numbers');
    assert.equal(legs.recognise({}, from(anonymous, subscriber, '+8675520000077', to)), undefined);
    assert.equal(legs.recognise({}, from(anonymous, to, subscriber)), undefined);
  });

  test('is known when the subscriber called the first called number itself', () => {
    const { legs } = dialling({ to: subscriber });
    assert.equal(legs.recognise({}, from(caller, subscriber)), 'numbers');
    assert.equal(legs.recognise({}, from(anonymous, subscriber, subscriber)), 'numbers');
  });

  test('a withheld caller is the same as another one for a moment only', async () => {
    const { legs, clock } = dialling({ callers: new Set([null]) });
    assert.equal(legs.recognise({}, from(anonymous, to)), 'numbers');
    await clock.advance(5_001);
    assert.equal(legs.recognise({}, from(anonymous, to)), undefined);
  });

  test('by numbers while it rings and 5 s longer; by its token while it stands and 32 s longer; then nothing is kept', async () => {
    const { legs, leg, clock } = dialling();
    await clock.advance(60_000);
    assert.equal(legs.recognise({}, from(caller, to)), 'numbers');
    leg.answered();
    await clock.advance(5_000);
    assert.equal(legs.recognise({}, from(caller, to)), 'numbers');
    await clock.advance(1);
    assert.equal(legs.recognise({}, from(caller, to)), undefined);
    await clock.advance(3_600_000);
    assert.equal(legs.recognise({ sessionId: token }, undefined), 'token');
    leg.over();
    leg.over();
    await clock.advance(31_999);
    assert.equal(legs.recognise({ sessionId: token }, undefined), 'token');
    await clock.advance(1);
    assert.equal(legs.recognise({ sessionId: token }, undefined), undefined);
    assert.equal(legs.size, 0);
    assert.equal(clock.pendingTimers, 0);
  });

  test('the token is 32 hexadecimal digits of whatever names the call', () => {
    assert.equal(sessionToken(callId), token);
    assert.match(sessionToken('c-1'), /^[0-9a-f]{32}$/);
    assert.notEqual(sessionToken('c-1'), sessionToken('c-2'));
  });
});
