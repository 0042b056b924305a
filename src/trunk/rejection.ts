import type { Cause } from '../call/ports.ts';
import { accepted } from './options.ts';
import { reasonHeaders } from './reason.ts';
import { retryLater } from './tools.ts';

/** What a final response of 300 to 699 to an INVITE says beside its status. `unsupported`: what its Require names and we lack. */
export function rejectionHeaders(
  status: number,
  cause: Cause | undefined,
  unsupported: readonly string[],
): Record<string, string> {
  return {
    ...reasonHeaders(cause),
    ...(status === 415 && accepted), // RFC 3261 8.2.3
    ...(status === 420 && { Unsupported: unsupported.join(', ') }), // 8.2.2.3
    ...(status === 503 && retryLater),
  };
}
