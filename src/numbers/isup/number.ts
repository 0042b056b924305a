import type { NatureOfAddress } from '../phone-number.ts';

/** The octets are no ISUP message as ITU-T Q.763 writes it. */
export class MalformedIsup extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'MalformedIsup';
  }
}

/** A number parameter of ISUP. */
export interface IsupNumber {
  /** Decimal digits; '' when the address is not available or of another numbering plan. */
  readonly digits: string;
  readonly nai: NatureOfAddress;
  readonly presentationRestricted: boolean;
}

const natures: ReadonlyMap<number, NatureOfAddress> = new Map([
  [1, 'subscriber'],
  [2, 'unknown'],
  [3, 'national'],
  [4, 'international'],
]);

/** Q.763 3.9 d): ISDN (telephony) numbering plan. */
const telephony = 1;
/** Q.763 3.10 e): presentation restricted; 3 is "reserved for restriction by the network". */
const restricted: ReadonlySet<number> = new Set([1, 3]);
/** Q.763 3.9 e): end of pulsing (ST). */
const endOfPulsing = 15;

/**
 * Called party number (Q.763 3.9): nature of address, numbering plan, digits. It has no presentation indicator.
 * @throws MalformedIsup
 */
export function readCalledPartyNumber(octets: Buffer): IsupNumber {
  return readNumberParameter(octets, false);
}

/**
 * Calling party (3.10), original called (3.39) and redirecting number (3.45).
 * @throws MalformedIsup
 */
export function readCallingPartyNumber(octets: Buffer): IsupNumber {
  return readNumberParameter(octets, true);
}

function readNumberParameter(octets: Buffer, withPresentation: boolean): IsupNumber {
  const first = octets[0];
  const second = octets[1];
  if (first === undefined || second === undefined) throw new MalformedIsup('a number without its two indicator octets');
  const nai = natures.get(first & 0x7f);
  const plan = (second >> 4) & 7;
  const digits = readDigits(octets.subarray(2), (first & 0x80) !== 0);
  return {
    digits: nai !== undefined && plan === telephony ? digits : '',
    nai: nai ?? 'unknown',
    presentationRestricted: withPresentation && restricted.has((second >> 2) & 3),
  };
}

/** Two digits an octet, the first in the low half; the last half octet is a filler when their count is odd. */
function readDigits(octets: Buffer, odd: boolean): string {
  const codes = [...octets].flatMap((octet) => [octet & 15, octet >> 4]);
  if (odd) codes.pop();
  if (codes.at(-1) === endOfPulsing) codes.pop();
  if (codes.some((code) => code > 9)) throw new MalformedIsup('a digit code above 9');
  return codes.join('');
}
