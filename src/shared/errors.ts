/**
 * The catalogue of failures that a person or a program may meet. `code` is stable; `message` says what happened
 * and what to do; `sip` is what a caller gets, `exit` what the CLI ends with; `again` says whether the same
 * request may succeed later.
 */
const catalogue = {
  'account-exists': { sip: 500, exit: 2, again: false },
  'number-taken': { sip: 500, exit: 2, again: false },
  'unknown-account': { sip: 404, exit: 2, again: false },
  'unknown-number': { sip: 404, exit: 2, again: false },
  'unknown-call': { sip: 481, exit: 2, again: false },
  'last-number': { sip: 500, exit: 2, again: false },
  'bad-input': { sip: 400, exit: 2, again: false },
  'bad-setting': { sip: 500, exit: 2, again: false },
  'store-unavailable': { sip: 500, exit: 1, again: true },
  'no-media': { sip: 503, exit: 1, again: true },
  'media-refused': { sip: 488, exit: 1, again: false },
  'address-in-use': { sip: 500, exit: 1, again: true },
  'login-refused': { sip: 403, exit: 2, again: false },
  'service-unreachable': { sip: 503, exit: 1, again: true },
} as const satisfies Record<string, { sip: number; exit: number; again: boolean }>;

export type FailureCode = keyof typeof catalogue;

/** A failure with a code of the catalogue. */
export class Failure extends Error {
  readonly code: FailureCode;
  readonly sip: number;
  readonly exit: number;
  readonly again: boolean;

  constructor(code: FailureCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'Failure';
    this.code = code;
    const verdict = catalogue[code];
    this.sip = verdict.sip;
    this.exit = verdict.exit;
    this.again = verdict.again;
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
