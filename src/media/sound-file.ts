// Sound files that an engine is to play: looked at before a caller has to hear that they are none.
import { closeSync, openSync, readSync } from 'node:fs';

/** The beginning that is looked at: enough for the head of a WAV file, or the first frame of an MP3 file without tags. */
const headLength = 64;

/**
 * What is wrong with a file that should be wav or mp3: not there, not readable, or something else by its first octets;
 * undefined when nothing is. The rest of the file is not read.
 */
export function faultOfSoundFile(file: string): string | undefined {
  let head: Buffer;
  try {
    head = headOf(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return `the file ${file} does not exist`;
    if (code === 'EACCES') return `the file ${file} may not be read by this user`;
    if (code === 'EISDIR') return `${file} is a folder; expected a wav or mp3 file`;
    return `the file ${file} cannot be read: ${String(error)}`;
  }
  return isWav(head) || isMp3(head) ? undefined : `the file ${file} is neither wav nor mp3`;
}

function headOf(file: string): Buffer {
  const descriptor = openSync(file, 'r');
  try {
    const head = Buffer.alloc(headLength);
    return head.subarray(0, readSync(descriptor, head, 0, headLength, 0));
  } finally {
    closeSync(descriptor);
  }
}

/** RIFF with the form WAVE; RF64 is its form for long files (EBU Tech 3306). */
function isWav(head: Buffer): boolean {
  const form = head.toString('latin1', 0, 4);
  return (form === 'RIFF' || form === 'RF64') && head.toString('latin1', 8, 12) === 'WAVE';
}

/** An ID3v2 tag, or a frame of layer III (ISO/IEC 11172-3, 2.4.1.3): sync word, a version, a bit rate, a sampling rate. */
function isMp3(head: Buffer): boolean {
  if (head.toString('latin1', 0, 3) === 'ID3') return true;
  const [sync = 0, kind = 0, rates = 0] = head;
  const layer3 = (kind & 0b110) === 0b010;
  const version = (kind & 0b11000) !== 0b01000;
  return (
    sync === 0xff &&
    (kind & 0xe0) === 0xe0 &&
    version &&
    layer3 &&
    (rates & 0xf0) !== 0xf0 &&
    (rates & 0b1100) !== 0b1100
  );
}
