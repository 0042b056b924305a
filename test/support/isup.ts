// SIP-I as a switch writes it (ITU-T Q.763, Q.1912.5, RFC 3204): for tests only, the product writes no ISUP.

/** What an IAM of the tests tells; numbers are +86…, written in national form. */
export interface IamFacts {
  called: string;
  calling?: string;
  originalCalled?: string;
  /** Q.763 3.44: 1 busy, 2 no reply, 3 unconditional. */
  reason?: number;
}

/**
 * An initial address message. Its user-to-user information (0x20) holds every octet from 0x80 to 0xFF, none of which
 * is UTF-8 where it stands.
 */
export function initialAddress({ called, calling, originalCalled, reason = 3 }: IamFacts): Buffer {
  const calledNumber = number(called, 0x10);
  const optional: [name: number, value: number[]][] = [
    [0x20, [0x00, ...Array.from({ length: 128 }, (_, index) => 0x80 + index)]],
    ...(calling === undefined ? [] : [[0x0a, number(calling, 0x13)] satisfies [number, number[]]]),
    ...(originalCalled === undefined
      ? []
      : ([
          [0x28, number(originalCalled, 0x10)],
          [0x13, [0x03 | (reason << 4), 0x01 | (reason << 4)]],
        ] satisfies [number, number[]][])),
  ];
  const parameters = optional.flatMap(([name, value]) => [name, value.length, ...value]);
  const head = [0x01, 0x00, 0x20, 0x01, 0x0a, 0x00, 2, 2 + calledNumber.length];
  return Buffer.from([...head, calledNumber.length, ...calledNumber, ...parameters, 0x00]);
}

/** A multipart/mixed body of a session description and an IAM, with the value of its Content-Type. */
export function sipI(sdp: string, iam: Buffer): { contentType: string; body: Buffer } {
  const boundary = 'ssf-1';
  const body = Buffer.concat([
    Buffer.from(`--${boundary}\r\nContent-Type: application/sdp\r\n\r\n${sdp}\r\n`),
    Buffer.from(`--${boundary}\r\nContent-Type: application/isup;version=itu-t92+;base=itu-t92+\r\n`),
    Buffer.from('Content-Disposition: signal;handling=optional\r\n\r\n'),
    iam,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  return { contentType: `multipart/mixed;boundary=${boundary}`, body };
}

/** Nature of address national (3), telephony numbering plan, two digits an octet. */
function number(e164: string, indicators: number): number[] {
  const digits = e164.replace(/^\+86/, '');
  const even = digits.length % 2 === 0 ? digits : `${digits}0`;
  const octets = [...even.matchAll(/(.)(.)/g)].map(([, low = '0', high = '0']) => Number.parseInt(high + low, 16));
  return [((digits.length % 2) << 7) | 3, indicators, ...octets];
}
