import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeFrame, FrameReader, FramingError, type Frame } from '../../../../src/sip/control/framing.ts';

const field = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !/[|\r\n]/.test(text));
const frames = fc.array(
  fc.record({
    fields: fc.array(field, { minLength: 1, maxLength: 6 }),
    message: fc.option(fc.uint8Array({ maxLength: 300 })),
  }),
  { minLength: 1, maxLength: 5 },
);

test('whatever is framed is read again, in whatever pieces it comes', () => {
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (sent, sizes) => {
      const octets = Buffer.concat(
        sent.map(({ fields, message }) => encodeFrame(fields, message ? Buffer.from(message) : undefined)),
      );
      const reader = new FrameReader();
      const read: Frame[] = [];
      for (let at = 0, n = 0; at < octets.length; n++) {
        const size = sizes[n % sizes.length] ?? 1;
        read.push(...reader.push(octets.subarray(at, at + size)));
        at += size;
      }
      assert.deepEqual(
        read.map((frame) => ({ fields: frame.fields, message: frame.message.toString('hex') })),
        sent.map((frame) => ({ fields: frame.fields, message: Buffer.from(frame.message ?? []).toString('hex') })),
      );
    }),
  );
});

for (const octets of ['abc#x', '#x', '123456#x', '12345678', '-1#x', '1 #x']) {
  test(`${octets} is no frame`, () => {
    assert.throws(() => new FrameReader().push(Buffer.from(octets)), FramingError);
  });
}
