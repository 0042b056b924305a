// The key that an INFO tells of, in the spellings that phones and gateways use.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { infoOf, keyIn } from '../../../src/call/connect/keys.ts';

const relay = (body: string) => keyIn({ method: 'INFO', contentType: 'application/dtmf-relay', body });
const plain = (body: string) => keyIn({ method: 'INFO', contentType: 'application/dtmf', body });

describe('an INFO that tells of a key', () => {
  test('what we write is read', () => {
    for (const key of '0123456789*#ABCD') assert.equal(keyIn(infoOf(key, 160)), key);
  });

  test('other spellings', () => {
    for (const body of ['Signal=5', 'Signal= 5\r\nDuration= 250\r\n', 'Duration=100\nsignal = 5\n', ' Signal=5 \r\n']) {
      assert.equal(relay(body), '5', JSON.stringify(body));
    }
    assert.equal(relay('Signal=d\r\n'), 'D');
    for (const body of ['#', '#\r\n', ' # ']) assert.equal(plain(body), '#');
    assert.equal(keyIn({ method: 'INFO', contentType: 'Application/DTMF-Relay; x=y', body: 'Signal=1' }), '1');
  });

  test('all else is none', () => {
    for (const body of ['', 'Signal=', 'Signal=11', 'Signal=flash', 'Signal=5x', 'XSignal=5', 'Signal 5', '5']) {
      assert.equal(relay(body), undefined, body);
    }
    for (const body of ['', '55', 'E', 'Signal=5']) assert.equal(plain(body), undefined, body);
    assert.equal(keyIn({ method: 'MESSAGE', contentType: 'application/dtmf-relay', body: 'Signal=5' }), undefined);
    assert.equal(keyIn({ method: 'INFO', contentType: 'application/media_control+xml', body: 'Signal=5' }), undefined);
    assert.equal(keyIn({ method: 'INFO' }), undefined);
  });

  test('property: a key or nothing, whatever the body holds', () => {
    const pieces = fc.constantFrom('Signal', '=', ' ', '\r\n', '\n', '5', '#', 'Duration', '160', '\t', '\0');
    const body = fc.oneof(
      fc.string(),
      fc.array(pieces, { maxLength: 50 }).map((all) => all.join('')),
    );
    fc.assert(fc.property(body, (text) => [relay(text), plain(text)].every((key) => /^[0-9*#A-D]$/.test(key ?? '0'))));
  });
});
