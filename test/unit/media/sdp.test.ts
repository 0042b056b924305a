import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readSdp } from '../../../src/media/sdp.ts';
import { Failure } from '../../../src/shared/errors.ts';

const head = 'v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\n';
const connection = 'c=IN IP4 192.0.2.7\r\n';

describe('descriptions that are taken', () => {
  const good: Record<string, [text: string, protocol: string | undefined]> = {
    'one audio stream': [`${head}${connection}t=0 0\r\nm=audio 4000 RTP/AVP 8 0 101\r\n`, 'RTP/AVP'],
    IPv6: [
      'v=0\r\no=- 1 1 IN IP6 2001:db8::7\r\ns=-\r\nc=IN IP6 2001:db8::7\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n',
      'RTP/AVP',
    ],
    'an address of the stream only': [`${head}t=0 0\r\nm=audio 4000 RTP/SAVP 8\r\n${connection}`, 'RTP/SAVP'],
    'a refused stream without any address': [`${head}t=0 0\r\nm=audio 0 RTP/AVP 8\r\n`, 'RTP/AVP'],
    'line ends of LF alone': [
      `${head}${connection}t=0 0\r\nm=audio 4000 RTP/AVP 8\r\n`.replaceAll('\r', ''),
      'RTP/AVP',
    ],
    'fax beside audio': [
      `${head}${connection}t=0 0\r\nm=image 4002 udptl t38\r\nm=audio 4000 RTP/AVP 8\r\n`,
      'RTP/AVP',
    ],
    'video alone, and voice that is no RTP': [
      `${head}${connection}m=audio 4000 TCP x\r\nm=video 4002 RTP/AVP 8\r\n`,
      'RTP/AVP',
    ],
    'fax alone': [`${head}${connection}t=0 0\r\nm=image 4002 udptl t38\r\n`, undefined],
    'a browser': [`${head}${connection}t=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n`, 'UDP/TLS/RTP/SAVPF'],
    'no time line, as some gateways write': [`${head}${connection}m=audio 4000 RTP/AVP 8\r\n`, 'RTP/AVP'],
  };
  for (const [name, [text, protocol]] of Object.entries(good)) {
    test(name, () => {
      const read = readSdp(text);
      assert.equal(read.text, text);
      assert.equal(read.protocol, protocol);
      assert.equal(read.audio !== undefined, /^m=audio [1-9]\d* \S*RTP/m.test(text));
    });
  }
});

describe('texts that are refused', () => {
  const bad: Record<string, [text: string, why: RegExp]> = {
    nothing: ['', /v=0/],
    words: ['hello', /v=0/],
    'another line first': [`s=-\r\n${head}${connection}m=audio 4000 RTP/AVP 8\r\n`, /v=0/],
    'another version': [`v=1${head.slice(3)}${connection}m=audio 4000 RTP/AVP 8\r\n`, /v=0/],
    'no origin': [`v=0\r\ns=-\r\n${connection}m=audio 4000 RTP/AVP 8\r\n`, /origin/],
    'no stream': [`${head}${connection}t=0 0\r\n`, /media/],
    'no address': [`${head}t=0 0\r\nm=audio 4000 RTP/AVP 8\r\n`, /c= line/],
    'one address for two streams': [
      `${head}m=audio 4000 RTP/AVP 8\r\n${connection}m=audio 4002 RTP/AVP 8\r\n`,
      /c= line/,
    ],
    'a port too high': [`${head}${connection}m=audio 70000 RTP/AVP 8\r\n`, /media\.0\.port/],
    'a stream without port': [`${head}${connection}m=audio RTP/AVP 8\r\n`, /media/],
    'too long': [`${head}${connection}m=audio 4000 RTP/AVP 8\r\n${'a=x\r\n'.repeat(8_000)}`, /longer/],
  };
  for (const [name, [text, why]] of Object.entries(bad)) {
    test(name, () => {
      assert.throws(
        () => readSdp(text),
        (error) => error instanceof Failure && error.code === 'media-refused' && why.test(error.message),
      );
    });
  }

  test('whatever text comes: it is read, or refused as a Failure, and nothing else is thrown', () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom(
        'v=0',
        'o=- 1 1 IN IP4 192.0.2.7',
        's=-',
        'c=IN IP4 1.2.3.4',
        'm=audio 1 RTP/AVP 8',
        'm=',
        'o=',
        'a=rtpmap:',
      ),
      fc
        .tuple(fc.constantFrom('a', 'b', 'c', 'i', 'k', 'm', 'o', 'r', 's', 't', 'v', 'z'), fc.string())
        .map(([type, value]) => `${type}=${value}`),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        try {
          readSdp(lines.join('\r\n'));
        } catch (error) {
          assert.ok(error instanceof Failure && error.code === 'media-refused');
        }
      }),
    );
  });
});
