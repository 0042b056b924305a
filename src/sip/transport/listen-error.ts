import { formatListenAddress, type ListenAddress } from './addresses.ts';

/** An address that cannot be listened on; the message says which, why and what to do. */
export class ListenError extends Error {
  readonly listen: ListenAddress;

  constructor(listen: ListenAddress, why: string, cause: unknown) {
    super(`cannot listen on ${formatListenAddress(listen)}: ${why}`, { cause });
    this.name = 'ListenError';
    this.listen = listen;
  }
}

const reasons = new Map([
  ['EADDRINUSE', 'the address is in use; stop the process that holds it or choose another port'],
  ['EADDRNOTAVAIL', 'this machine has no such address; choose one of its own, or 0.0.0.0 for all'],
  ['EACCES', 'not permitted; a port below 1024 needs the right to bind it'],
  ['EAFNOSUPPORT', 'this machine does not speak that version of IP'],
]);

/** Says in one line why an address could not be bound. */
export function bindError(listen: ListenAddress, cause: unknown): ListenError {
  const why = cause instanceof Error ? (reasons.get(codeOf(cause)) ?? cause.message) : String(cause);
  return new ListenError(listen, why, cause);
}

export function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && codeOf(error) === 'EADDRINUSE';
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}
