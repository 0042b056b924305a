import { parse } from 'sdp-transform';

/**
 * Whether an offer puts the other side on hold (RFC 3264 8.4): every stream that stands is sent only or inactive, or
 * has the old hold address 0.0.0.0 (RFC 2543). What is no description holds nothing.
 */
export function heldBy(offer: string): boolean {
  try {
    const session = parse(offer);
    const streams = session.media.filter((stream) => stream.port !== 0);
    return (
      streams.length > 0 &&
      streams.every((stream) => {
        const direction = stream.direction ?? session.direction ?? 'sendrecv';
        const address = stream.connection?.ip ?? session.connection?.ip;
        return direction === 'sendonly' || direction === 'inactive' || address === '0.0.0.0';
      })
    );
  } catch {
    return false;
  }
}
