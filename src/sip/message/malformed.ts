/** Raw values out of a message that could not be parsed, as far as they could be found; '' for what is missing. */
export interface Salvage {
  /** All Via values in order, joined to one list value; never ''. */
  via: string;
  from: string;
  to: string;
  callId: string;
  cseq: string;
}

/** What is known of a malformed message beside its fault. */
export interface MalformedDetails {
  method?: string;
  salvage?: Salvage;
}

/** A message that cannot be used. A stack trace says nothing here and costs time that a flood would take: there is none. */
export class MalformedMessage extends Error {
  /** The answer to give: 400, 414, 501, 505 or 513; 0 = drop silently (a response, or nothing to route an answer by). */
  readonly status: number;
  /** What is wrong, for a reason phrase or a log; holds nothing that came from outside. */
  readonly reason: string;
  readonly method?: string;
  readonly salvage?: Salvage;

  constructor(status: number, reason: string, details: MalformedDetails = {}) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(reason);
    Error.stackTraceLimit = limit;
    this.name = 'MalformedMessage';
    this.status = status;
    this.reason = reason;
    if (details.method !== undefined) this.method = details.method;
    if (details.salvage) this.salvage = details.salvage;
  }
}
