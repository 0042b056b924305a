import fc from 'fast-check';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatReason, parseReason } from '../../../src/trunk/reason.ts';

describe('Reason headers (RFC 3326)', () => {
  for (const [header, cause] of [
    [undefined, {}],
    ['', {}],
    ['SIP;cause=200;text="Call completed elsewhere"', { sip: 200, text: 'Call completed elsewhere' }],
    ['Q.850 ;cause=16 ;text="Terminated"', { q850: 16, text: 'Terminated' }],
    ['SIP ;cause=600 ;text="Busy Everywhere", Q.850;cause=17', { sip: 600, q850: 17, text: 'Busy Everywhere' }],
    ['q.850;CAUSE=17,sip;Cause=486', { sip: 486, q850: 17 }],
    ['SIP;cause=200,SIP;cause=480', { sip: 200 }],
    ['SIP;text="a, b; cause=16";cause=487', { sip: 487, text: 'a, b; cause=16' }],
    ['SIP;text="say \\"no\\"";cause=603', { sip: 603, text: 'say "no"' }],
    ['Preemption;cause=1;text="UA Preemption"', {}],
    ['Q.850;cause=0, Q.850;cause=128, Q.850;cause=abc, Q.850', {}],
    ['SIP;cause=99', {}],
    ['SIP;cause=200;text="unclosed', { sip: 200, text: '"unclosed' }],
  ] as const) {
    test(`reads ${header ?? 'nothing'}`, () => assert.deepEqual(parseReason(header), cause));
  }

  test('writes what it reads, whatever the text holds, on one line', () => {
    fc.assert(
      fc.property(
        fc.record(
          {
            sip: fc.integer({ min: 100, max: 699 }),
            q850: fc.integer({ min: 1, max: 127 }),
            text: fc.string({ unit: 'grapheme' }),
          },
          { requiredKeys: ['sip'] },
        ),
        (cause) => {
          const header = formatReason(cause) ?? '';
          assert.doesNotMatch(header, /[\r\n]/);
          const read = parseReason(header);
          assert.equal(read.sip, cause.sip);
          assert.equal(read.q850, cause.q850);
          assert.equal(read.text, cause.text?.replace(/\p{Cc}/gu, ' '));
        },
      ),
    );
  });

  test('writes nothing without a cause', () => {
    assert.equal(formatReason(undefined), undefined);
    assert.equal(formatReason({ text: 'only words' }), undefined);
  });
});
