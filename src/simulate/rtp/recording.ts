import { Failure } from '../../shared/errors.ts';
import { decodeG711, sampleRate } from './g711.ts';

/**
 * Samples of a WAV file (RIFF) at 8 kHz with one channel: 16-bit PCM, A-law or µ-law. Anything that does not begin
 * as RIFF is taken for raw A-law, which is what SIPp plays.
 * @throws Failure `bad-input` when the file is a WAV of another kind
 */
export function readRecording(file: Buffer): Int16Array {
  if (file.toString('latin1', 0, 4) !== 'RIFF') return decodeG711('PCMA', file);
  const format = chunk(file, 'fmt ');
  const data = chunk(file, 'data');
  if (!format || format.length < 16 || !data) throw new Failure('bad-input', 'the WAV file is damaged');
  const [encoding, channels, rate, bits] = [
    format.readUInt16LE(0),
    format.readUInt16LE(2),
    format.readUInt32LE(4),
    format.readUInt16LE(14),
  ];
  if (channels === 1 && rate === sampleRate) {
    if (encoding === 1 && bits === 16) {
      return Int16Array.from({ length: Math.floor(data.length / 2) }, (_, n) => data.readInt16LE(n * 2));
    }
    if (encoding === 6) return decodeG711('PCMA', data);
    if (encoding === 7) return decodeG711('PCMU', data);
  }
  throw new Failure(
    'bad-input',
    `the WAV file has ${channels} channel(s), ${rate} Hz, encoding ${encoding} with ${bits} bits; ` +
      'needed: 1 channel, 8000 Hz, 16-bit PCM or G.711',
  );
}

/** Content of the first chunk of that name; a length beyond the file's end is cut. */
function chunk(file: Buffer, name: string): Buffer | undefined {
  let at = 12;
  while (at + 8 <= file.length) {
    const length = file.readUInt32LE(at + 4);
    if (file.toString('latin1', at, at + 4) === name) return file.subarray(at + 8, at + 8 + length);
    // RIFF: chunks begin at even places.
    at += 8 + length + (length % 2);
  }
  return undefined;
}
