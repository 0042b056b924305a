import type { Request } from '../../sip/message/message.ts';
import type { Evidence } from '../explanation.ts';
import { readInitialAddress, type InitialAddress } from './iam.ts';
import { readMediaType, type MediaType } from './media-type.ts';
import { readMultipart } from './multipart.ts';
import { MalformedIsup } from './number.ts';

/** A body that must be understood and is not (RFC 3204, RFC 5621); `message` says why. */
export class UnreadableBody extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'UnreadableBody';
  }
}

/**
 * The initial address message that a SIP-I request carries (RFC 3204, ITU-T Q.1912.5), if any. One that cannot be read
 * is dropped with a warning unless its handling is required.
 * @throws UnreadableBody
 */
export function readIsupBody(request: Request, evidence: Evidence): InitialAddress | undefined {
  const type = readMediaType(request.get('Content-Type') ?? '');
  if (type.name === 'application/isup') {
    return readPart(request.body, type, request.get('Content-Disposition') ?? '', evidence);
  }
  if (!type.name.startsWith('multipart/')) return undefined;
  const parts = readMultipart(request.body, type);
  if ('malformed' in parts) throw new UnreadableBody(parts.malformed);
  const isup = parts.find((part) => part.type.name === 'application/isup');
  return isup && readPart(isup.body, isup.type, isup.disposition, evidence);
}

/** RFC 3204 3.1: versions that lay an IAM out otherwise than ITU-T Q.763 does. */
const foreignVersion = /^(?:ansi|gr)/i;

function readPart(
  octets: Buffer,
  { parameters }: MediaType,
  disposition: string,
  evidence: Evidence,
): InitialAddress | undefined {
  try {
    if (foreignVersion.test(parameters.get('base') ?? parameters.get('version') ?? ''))
      throw new MalformedIsup('not the ISUP of ITU-T');
    return readInitialAddress(octets);
  } catch (error) {
    if (!(error instanceof MalformedIsup)) throw error;
    if (isRequired(disposition)) throw new UnreadableBody(`ISUP body: ${error.message}`);
    evidence.warn('body', 'ISUP body', '1.8, 5.14 (RFC 3204 4)', `ignored: ${error.message}`);
    return undefined;
  }
}

/** RFC 3204 4: without the header an ISUP body is `signal;handling=optional`. */
function isRequired(disposition: string): boolean {
  return readMediaType(disposition).parameters.get('handling')?.toLowerCase() === 'required';
}
