import fc from 'fast-check';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatReason, parseReason, reasonHeaders } from '../../../src/trunk/reason.ts';

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
    ['SIP;text="a\\",b";cause=200;texts', { sip: 200, text: 'a",b' }],
    ['SIP;cause=200;textx', { sip: 200 }],
    ['SIP;text="say \\"no\\"";cause=603', { sip: 603, text: 'say "no"' }],
    ['Preemption;cause=1;text="UA Preemption"', {}],
    ['Q.850;cause=0, Q.850;cause=128, Q.850;cause=abc, Q.850', {}],
    ['SIP;cause=99, SIP;cause=700, SIP', {}],
    ['SIP;cause=1200, SIP;cause=x200, SIP;cause=200x', {}],
    ['SIP;cause=100, Q.850;cause=1', { sip: 100, q850: 1 }],
    ['SIP;cause=699, Q.850;cause=127', { sip: 699, q850: 127 }],
    ['Q.850;cause=16, Q.850;cause=17', { q850: 16 }],
    [' , SIP ; cause = 200 ; text = hi ; cause=480', { sip: 200, text: 'hi' }],
    ['SIP;text=";cause=200', {}],
    ['SIP;=1;cause=200;text="', { sip: 200, text: '"' }],
    ['SIP;text=a"b;c";cause=200', { sip: 200, text: 'a"b;c"' }],
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

  test('writes the SIP cause first, and the text once', () => {
    assert.equal(formatReason({ q850: 16, sip: 200, text: 'a' }), 'SIP;cause=200;text="a", Q.850;cause=16');
    assert.equal(formatReason({ q850: 16, text: 'say "no" \\\r\n' }), 'Q.850;cause=16;text="say \\"no\\" \\\\  "');
    assert.deepEqual(reasonHeaders({ q850: 16 }), { Reason: 'Q.850;cause=16' });
    assert.deepEqual([reasonHeaders({}), reasonHeaders(undefined)], [{}, {}]);
  });

  test('writes nothing without a cause', () => {
    assert.equal(formatReason(undefined), undefined);
    assert.equal(formatReason({ text: 'only words' }), undefined);
  });
});
