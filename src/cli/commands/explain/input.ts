import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { Failure, messageOf } from '../../../shared/errors.ts';
import { readCapture } from './capture.ts';
import { datagramsOf } from './datagrams.ts';

/** An INVITE to be explained. */
export interface Found {
  readonly octets: Buffer;
  /** Where it was found, for people. */
  readonly where: string;
}

export interface Findings {
  readonly found: readonly Found[];
  /** What was passed over or mended, for people. */
  readonly remarks: readonly string[];
}

/**
 * All of a file, or of standard input for `-`.
 * @throws Failure `bad-input`
 */
export async function readOctets(file: string): Promise<Buffer> {
  try {
    return file === '-' ? await buffer(process.stdin) : await readFile(file);
  } catch (error) {
    throw new Failure('bad-input', `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * The INVITEs in a capture, or the one message that a text file is.
 * @throws Failure `bad-input` when there is none
 */
export function findInvites(octets: Buffer, file: string): Findings {
  const frames = readCapture(octets);
  if (frames) return inCapture(datagramsOf(frames), file);
  const text = withLineEnds(octets);
  if (!/^[^\r\n]{0,16384}SIP\/\d/.test(text.toString('latin1', 0, 20_000).trimStart())) {
    throw new Failure('bad-input', `${file} is neither a SIP message nor a capture (pcap, pcapng)`);
  }
  const mended = text === octets ? [] : ['Its lines end in LF only: read as CRLF.'];
  return { found: [{ octets: text, where: file === '-' ? 'standard input' : file }], remarks: mended };
}

function inCapture({ datagrams, segments }: ReturnType<typeof datagramsOf>, file: string): Findings {
  const found: Found[] = [];
  const seen = new Set<string>();
  let repeated = 0;
  let within = 0;
  for (const { payload, frame, from, to } of datagrams) {
    const text = payload.toString('latin1');
    if (!/^(?:\r\n)*INVITE /.test(text)) continue;
    // A tag in To: a re-INVITE, which is about a call that stands (RFC 3261 14).
    if (/\r\n(?:To|t)[ \t]*:[^\r\n]*;[ \t]*tag[ \t]*=/i.test(text)) within += 1;
    else if (seen.has(text)) repeated += 1;
    else found.push({ octets: payload, where: `frame ${frame}, ${from} to ${to}` });
    seen.add(text);
  }
  const remarks = [
    ...(repeated > 0 ? [`${repeated} retransmissions were passed over.`] : []),
    ...(within > 0 ? [`${within} re-INVITEs were passed over.`] : []),
    ...(segments > 0 ? [`${segments} TCP segments were passed over: only UDP is read.`] : []),
  ];
  if (found.length > 0) return { found, remarks };
  throw new Failure('bad-input', [`${file} holds no INVITE over UDP that begins a call.`, ...remarks].join(' '));
}

/** A message copied from a log has lost its CRs, and maybe the empty line at its end. */
function withLineEnds(octets: Buffer): Buffer {
  if (octets.includes('\r\n') || !octets.includes('\n')) return octets;
  const text = octets.toString('latin1').replaceAll('\n', '\r\n');
  const ended = text.endsWith('\r\n') ? text : `${text}\r\n`;
  return Buffer.from(ended.includes('\r\n\r\n') ? ended : `${ended}\r\n`, 'latin1');
}
