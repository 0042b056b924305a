import { MalformedIsup, readCalledPartyNumber, readCallingPartyNumber, type IsupNumber } from './number.ts';
import { readRedirection, type Redirection } from './redirection.ts';

/** What an initial address message says about numbers (ITU-T Q.763 table 32). */
export interface InitialAddress {
  readonly called: IsupNumber;
  readonly calling: IsupNumber | undefined;
  /** Generic number with qualifier 6, additional calling party number: the presentation number. */
  readonly presentation: IsupNumber | undefined;
  readonly originalCalled: IsupNumber | undefined;
  readonly redirecting: IsupNumber | undefined;
  readonly redirection: Redirection | undefined;
}

/** Octets by their place in an IAM: type, nature of connection, forward call (2), category, medium, two pointers. */
const messageType = 0x01;
const calledPointerAt = 6;
const optionalPointerAt = 7;

/** Parameter names, Q.763 table 5. */
const callingPartyNumber = 0x0a;
const redirectingNumber = 0x0b;
const redirectionInformation = 0x13;
const originalCalledNumber = 0x28;
const genericNumber = 0xc0;
const additionalCallingParty = 6;

/**
 * Reads an IAM. One malformed parameter that is needed here spoils the whole, as nothing says then where the next begins.
 * @throws MalformedIsup for anything else than a whole IAM
 */
export function readInitialAddress(octets: Buffer): InitialAddress {
  if (octets[0] !== messageType) throw new MalformedIsup('not an initial address message');
  const parameters = readOptionalParameters(octets, optionalPointerAt);
  const number = (code: number) => {
    const value = parameters.get(code)?.[0];
    return value && readCallingPartyNumber(value);
  };
  const redirection = parameters.get(redirectionInformation)?.[0];
  const presentation = parameters.get(genericNumber)?.find((value) => value[0] === additionalCallingParty);
  return {
    called: readCalledPartyNumber(readVariable(octets, calledPointerAt)),
    calling: number(callingPartyNumber),
    presentation: presentation && readCallingPartyNumber(presentation.subarray(1)),
    originalCalled: number(originalCalledNumber),
    redirecting: number(redirectingNumber),
    redirection: redirection && readRedirection(redirection),
  };
}

/** A pointer counts octets from itself to what it points to (Q.763 1.4); 0: there is nothing. */
function pointer(octets: Buffer, at: number): number | undefined {
  const distance = octets[at];
  if (distance === undefined) throw new MalformedIsup('the message ends before its pointers');
  return distance === 0 ? undefined : at + distance;
}

function readVariable(octets: Buffer, pointerAt: number): Buffer {
  const at = pointer(octets, pointerAt);
  if (at === undefined) throw new MalformedIsup('a mandatory parameter is missing');
  return readLengthAndValue(octets, at);
}

function readLengthAndValue(octets: Buffer, at: number): Buffer {
  const length = octets[at];
  if (length === undefined || at + 1 + length > octets.length) throw new MalformedIsup('a parameter past the end');
  return octets.subarray(at + 1, at + 1 + length);
}

/** The optional part: name, length, value, until the name 0. */
function readOptionalParameters(octets: Buffer, pointerAt: number): ReadonlyMap<number, Buffer[]> {
  const parameters = new Map<number, Buffer[]>();
  let at = pointer(octets, pointerAt);
  if (at !== undefined && at >= octets.length) throw new MalformedIsup('a pointer past the end');
  while (at !== undefined && at < octets.length) {
    const name = octets[at] ?? 0;
    if (name === 0) break;
    const value = readLengthAndValue(octets, at + 1);
    const sameName = parameters.get(name);
    if (sameName) sameName.push(value);
    else parameters.set(name, [value]);
    at += 2 + value.length;
  }
  return parameters;
}
