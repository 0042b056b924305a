import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { StreamFramer, type Frame } from '../../../../src/sip/transport/framing.ts';
import { invite } from '../../../support/sip-messages.ts';

/** Pushes a stream in chunks that end at the given positions. */
function cut(stream: Buffer, ends: readonly number[]): { frames: Frame[]; framer: StreamFramer } {
  const framer = new StreamFramer();
  const frames: Frame[] = [];
  let start = 0;
  for (const end of [...ends].sort((a, b) => a - b).concat(stream.length)) {
    frames.push(...framer.push(stream.subarray(start, end)));
    start = end;
  }
  return { frames, framer };
}

const CRLF = Buffer.from('\r\n');

test('however a stream is cut into chunks, the same messages and pings come out', () => {
  const part = fc.oneof(
    fc.constant({ kind: 'ping', octets: Buffer.from('\r\n\r\n') } as const),
    fc
      .uint8Array({ maxLength: 600 })
      .map((body) => ({ kind: 'message', octets: invite({ body: Buffer.from(body) }) }) as const),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), fc.array(fc.nat(4_000), { maxLength: 40 }), (parts, ends) => {
      const stream = Buffer.concat(parts.map(({ octets }) => octets));
      const { frames, framer } = cut(
        stream,
        ends.filter((end) => end < stream.length),
      );
      assert.deepEqual(
        frames,
        parts.map(({ kind, octets }) => (kind === 'ping' ? { kind } : { kind, octets })),
      );
      assert.equal(framer.withinMessage, false);
    }),
    { numRuns: 500 },
  );
});

test('octet by octet', () => {
  const stream = Buffer.concat([CRLF, CRLF, invite(), CRLF, invite({ body: 'abc\r\n\r\nINVITE' }), CRLF, CRLF]);
  const { frames } = cut(
    stream,
    Array.from({ length: stream.length }, (_, at) => at),
  );
  assert.deepEqual(
    frames.map(({ kind }) => kind),
    ['ping', 'message', 'message', 'ping'],
  );
});

test('a large message is whole, and the next one too', () => {
  const large = invite({ body: Buffer.alloc(60_000, 'x') });
  const { frames } = cut(Buffer.concat([large, invite(), large]), [1, 100, 5_000, 60_001, 60_400]);
  assert.deepEqual(frames, [
    { kind: 'message', octets: large },
    { kind: 'message', octets: invite() },
    { kind: 'message', octets: large },
  ]);
});

describe('a stream that cannot be followed', () => {
  const broken: readonly (readonly [string, number, Buffer])[] = [
    ['no Content-Length', 400, invite({ contentLength: undefined })],
    ['two lengths', 400, invite({ headers: ['l: 4'] })],
    ['negative length', 400, invite({ contentLength: '-5' })],
    ['a length beyond the limit', 513, invite({ contentLength: '65536' })],
    ['a head beyond the limit', 513, Buffer.concat([invite().subarray(0, 200), Buffer.alloc(70_000, 'a')])],
    ['a head with NUL', 400, invite({ headers: ['X: \0'] })],
    ['no Via: no answer', 0, invite({ via: undefined, contentLength: 'x' })],
  ];
  for (const [title, status, octets] of broken) {
    test(title, () => {
      const { frames } = cut(Buffer.concat([invite(), octets, invite()]), [10, 350, 800]);
      assert.deepEqual(
        frames.map((frame) => (frame.kind === 'broken' ? frame.error.status : frame.kind)),
        ['message', status],
      );
    });
  }
});

test('random octets are framed or refused and nothing else', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (chunks) => {
      const framer = new StreamFramer();
      for (const chunk of chunks) framer.push(Buffer.from(chunk));
    }),
    { numRuns: 300 },
  );
});

test('a message in single octets costs no more than its length', () => {
  const framer = new StreamFramer();
  const started = performance.now();
  for (let i = 0; i < 65_000; i++) framer.push(Buffer.from('a'));
  const took = performance.now() - started;
  assert.ok(took < 2_000, `took ${took} ms`);
});
