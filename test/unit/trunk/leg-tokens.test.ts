import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LegTokens, tokensIn } from '../../../src/trunk/leg-tokens.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const callId = '0b7a5a3c-1d2e-4f60-8a9b-c0d1e2f30415';
const minutes = 60_000;

describe('the token of a leg', () => {
  test('is a UUID that begins like the id of the call, and another one for another call or site', () => {
    const clock = new FakeClock();
    const tokens = new LegTokens('secret', clock);
    const token = tokens.of(callId);
    assert.match(token, /^0b7a5a3c[0-9a-f]{4}8[0-9a-f]{3}8[0-9a-f]{15}$/);
    assert.equal(tokens.of(callId), token);
    assert.notEqual(new LegTokens('other', clock).of(callId), token);
    assert.match(tokens.of('c-1'), /^[0-9a-f]{32}$/);
    assert.notEqual(tokens.of('c-1'), tokens.of('c-2'));
  });

  test('is known on every node that has the secret, and on no other', () => {
    const clock = new FakeClock();
    const token = new LegTokens('secret', clock).of(callId);
    assert.ok(new LegTokens('secret', clock).isOurs(token));
    assert.ok(!new LegTokens('other', clock).isOurs(token));
    const tokens = new LegTokens('secret', clock);
    for (let at = 0; at < token.length; at++) {
      const forged = `${token.slice(0, at)}${token[at] === '0' ? '1' : '0'}${token.slice(at + 1)}`;
      assert.ok(!tokens.isOurs(forged), forged);
    }
    for (const text of ['', '0'.repeat(32), token.slice(1), `${token}0`, token.toUpperCase()])
      assert.ok(!tokens.isOurs(text), text);
  });

  test('lives 5 minutes, and 10 at most', async () => {
    const clock = new FakeClock();
    const tokens = new LegTokens('secret', clock);
    const token = tokens.of(callId);
    await clock.advance(5 * minutes);
    assert.ok(tokens.isOurs(token));
    await clock.advance(5 * minutes);
    assert.ok(!tokens.isOurs(token));
  });

  test('may come from a node whose clock goes before ours', async () => {
    const [ahead, behind] = [new FakeClock(), new FakeClock()];
    await ahead.advance(4 * minutes + 59_000);
    assert.ok(new LegTokens('secret', behind).isOurs(new LegTokens('secret', ahead).of(callId)));
  });
});

describe('where a token may stand in an INVITE', () => {
  const token = '0b7a5a3c1d2e4f608a9bc0d1e2f30415';
  const found = (...lines: [name: string, value: string][]) =>
    tokensIn({
      get: (name) => lines.find((line) => line[0] === name)?.[1],
      all: (name) => lines.filter((line) => line[0] === name).map((line) => line[1]),
    });

  test('Session-ID, on either side, in any case', () => {
    const nil = '0'.repeat(32);
    assert.deepEqual(found(['Session-ID', `${token};remote=${nil}`]), [token, nil]);
    assert.deepEqual(found(['Session-ID', `${'1'.repeat(32)} ;remote=${token.toUpperCase()}`]).at(-1), token);
  });

  test('the icid, with and without quotes', () => {
    for (const value of [`icid-value=${token}`, `icid-value="${token}";orig-ioi=x`, `a=b;ICID-value = "${token}"`])
      assert.deepEqual(found(['P-Charging-Vector', value]), [token], value);
    assert.deepEqual(found(['P-Charging-Vector', `icid-value=${token}0`]), []);
  });

  test('entries of Diversion and History-Info, whoever stands before and behind', () => {
    assert.deepEqual(
      found(
        ['Diversion', `<sip:1@x>;reason=away, <sip:2@x>;counter=1;leg-token=${token}`],
        ['History-Info', '<sip:1@x>;index=1'],
        ['History-Info', `<sip:2@x>;index=1.1;Leg-Token="${token}";mp=1,<sip:3@x>;index=1.2`],
      ),
      [token, token],
    );
    assert.deepEqual(found(['Diversion', `<sip:1@x>;leg-token=${token}ff`]), []);
  });

  test('nothing, and never too many', () => {
    assert.deepEqual(found(), []);
    assert.equal(
      found(['Session-ID', `${token};`.repeat(1_000)], ['Diversion', `;leg-token=${token}`.repeat(1_000)]).length,
      16,
    );
  });
});
