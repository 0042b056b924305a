// What is read of the datagrams in which an engine tells of keys.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readDigitReport } from '../../../src/media/rtpengine/digit-report.ts';
import { fields, real, report } from './digit-report.ts';

describe('a report of a key', () => {
  test('as rtpengine writes it', () => {
    const pressed = { from: 'caller', digit: '5', milliseconds: 160 };
    assert.deepEqual(readDigitReport(Buffer.from(real)), { session: 'node:call.1', pressed });
  });

  test('all sixteen keys of both sides; no other event is a key', () => {
    for (const from of ['caller', 'target']) {
      const read = Array.from({ length: 18 }, (_, event) => readDigitReport(report({ source_tag: from, event })));
      assert.equal(read.map((one) => one?.pressed.digit ?? '-').join(''), '0123456789*#ABCD--');
      assert.ok(read.slice(0, 16).every((one) => one?.pressed.from === from));
    }
  });

  test('whatever else is none, and nothing throws', () => {
    const wrong: Record<string, unknown>[] = [
      { callid: undefined },
      { callid: 7 },
      { callid: '' },
      { source_tag: '__proto__' },
      { source_tag: ['caller'] },
      { type: 'dtmf' },
      { event: -1 },
      { event: 1.5 },
      { event: '5' },
      { event: null },
      { duration: -1 },
      { duration: 60_001 },
      { duration: 1e300 },
      { callid: 'x'.repeat(2_048) },
    ];
    for (const more of wrong) assert.equal(readDigitReport(report(more)), undefined, JSON.stringify(more));
    const noJson = ['', '5', 'null', '[]', '{', real.slice(0, -1), `${real}x`, `[${real}]`, '['.repeat(2_000), '\0'];
    for (const text of noJson) assert.equal(readDigitReport(Buffer.from(text)), undefined, text);
  });

  test('property: any octets, any JSON, any damage to a report', () => {
    const isKey = (read: ReturnType<typeof readDigitReport>) =>
      read === undefined ||
      (/^[0-9*#A-D]$/.test(read.pressed.digit) &&
        /^(caller|target)$/.test(read.pressed.from) &&
        read.session.length > 0 &&
        read.pressed.milliseconds >= 0 &&
        read.pressed.milliseconds <= 60_000);
    const octets = fc.uint8Array({ maxLength: 3_000 }).map((array) => Buffer.from(array));
    const json = fc.json().map((text) => Buffer.from(text));
    const damaged = fc
      .tuple(fc.nat(real.length - 1), fc.nat(255))
      .map(([at, octet]) => Buffer.from(real).fill(octet, at, at + 1));
    const changed = fc.dictionary(fc.constantFrom(...Object.keys(fields), '__proto__'), fc.jsonValue()).map(report);
    fc.assert(fc.property(fc.oneof(octets, json, damaged, changed), (datagram) => isKey(readDigitReport(datagram))));
  });
});
